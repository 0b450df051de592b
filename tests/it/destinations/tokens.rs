//! Tokens of a service account, over real sockets: fetched once for many, renewed when the vendor no
//! longer takes one, and never shown.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tagwerk::config;
use tagwerk::delivery::DeliveryId;
use tagwerk::destination::{
    Courier, Destination, Item, Reply, TransportError, find_type, load_all,
};
use tagwerk::outcome::Outcome;

use super::table;
use crate::support::stand_in::StandIn;
use crate::support::vendor::Vendor;

fn google(vendor: std::net::SocketAddr) -> Destination {
    let text = table(find_type("google_ads").unwrap(), Some(vendor));
    let nothing = BTreeMap::<String, String>::new();
    let config = config::parse(&text, "tagwerk.toml".as_ref(), &nothing).unwrap();
    let (_, one) = load_all(&config).unwrap().pop_first().unwrap();
    Destination::clone(&one)
}

async fn send(courier: &Courier, destination: &Destination) -> Result<Reply, TransportError> {
    let payload = json!({ "adIdentifiers": { "gclid": "abc" } }).to_string();
    let item = Item {
        id: DeliveryId([1; 16]),
        payload: payload.as_bytes(),
        received_at: 1_720_602_000_123,
        sent_at: 1_720_602_000_123,
    };
    let outgoing = destination.vendor.encode(&[item]).unwrap();
    let timeout = destination.options.timeout;
    courier.carry(destination, outgoing, timeout).await
}

#[tokio::test]
async fn one_token_is_fetched_for_many_requests_at_once() {
    let vendor = StandIn::of("google_ads").await;
    let (courier, destination) = (Courier::new().unwrap(), google(vendor.address));
    let sends = (0..8).map(|_| {
        let (courier, destination) = (courier.clone(), destination.clone());
        tokio::spawn(async move { send(&courier, &destination).await.unwrap().status })
    });
    for sent in sends.collect::<Vec<_>>() {
        assert_eq!(sent.await.unwrap(), 200);
    }
    let received = vendor.emulator.received();
    let tokens = received.iter().filter(|one| one.path == "/token").count();
    assert_eq!((tokens, received.len()), (1, 9));
    assert!(received.iter().all(|one| one.refused.is_empty()));
    vendor.stop().await;
}

fn token(text: &str, seconds: u64) -> Value {
    json!({ "status": 200, "body": { "access_token": text, "expires_in": seconds } })
}

#[tokio::test]
async fn a_token_that_is_refused_is_replaced_once() {
    let answers = [
        token("t1", 3600),
        json!({ "status": 401, "body": "t1 is no good" }),
        token("t2", 3600),
        json!({ "status": 200 }),
        json!({ "status": 200 }),
        json!({ "status": 401, "body": "no" }),
        token("t3", 3600),
        json!({ "status": 401, "body": "t3 is no good either" }),
    ];
    let vendor = Vendor::answering(&answers).await;
    let (courier, destination) = (Courier::new().unwrap(), google(vendor.address));
    assert_eq!(send(&courier, &destination).await.unwrap().status, 200);
    assert_eq!(send(&courier, &destination).await.unwrap().status, 200);
    let reply = send(&courier, &destination).await.unwrap();
    assert_eq!(
        (reply.status, &reply.body[..]),
        (401, &b"*** is no good either"[..])
    );
    assert_eq!(vendor.received().len(), 8);
}

/// Five minutes before its end a token is renewed; while that fails, the old one does.
#[tokio::test]
async fn a_token_is_renewed_ahead_of_its_end() {
    let answers = [
        token("t1", 200),
        json!({ "status": 200 }),
        json!({ "status": 503 }),
        json!({ "status": 200 }),
        json!({ "status": 200 }),
    ];
    let vendor = Vendor::answering(&answers).await;
    let (courier, destination) = (Courier::new().unwrap(), google(vendor.address));
    for _ in 0..3 {
        // The second one tries to renew and fails; the third does not try again so soon.
        assert_eq!(send(&courier, &destination).await.unwrap().status, 200);
    }
    assert_eq!(vendor.received().len(), 5);
}

/// Whatever is said of a token's end, it is sent, and kept as long as is sensible.
#[tokio::test]
async fn a_token_may_claim_to_hold_for_ever_or_not_at_all() {
    for (seconds, tokens) in [(u64::MAX, 1), (0, 2)] {
        let (first, sent) = (token("t1", seconds), json!({ "status": 200 }));
        let answers = match tokens {
            1 => vec![first, sent.clone(), sent],
            _ => vec![first.clone(), sent.clone(), first, sent],
        };
        let vendor = Vendor::answering(&answers).await;
        let (courier, destination) = (Courier::new().unwrap(), google(vendor.address));
        for _ in 0..2 {
            assert_eq!(send(&courier, &destination).await.unwrap().status, 200);
        }
        assert_eq!(vendor.received().len(), 2 + tokens, "{seconds}");
    }
}

#[tokio::test]
async fn without_a_token_nothing_is_sent_and_it_is_said_why() {
    let refused =
        json!({ "error": "invalid_grant", "error_description": "Invalid JWT Signature." });
    for (answer, expected) in [
        (json!({ "status": 400, "body": refused }), "paused"),
        (
            json!({ "status": 429, "headers": { "retry-after": "9" } }),
            "throttled",
        ),
        (json!({ "status": 500, "body": "oops" }), "retry"),
        (json!({ "status": 200, "body": "<html>" }), "retry"),
    ] {
        let vendor = Vendor::answering(std::slice::from_ref(&answer)).await;
        let (courier, destination) = (Courier::new().unwrap(), google(vendor.address));
        let error = send(&courier, &destination).await.unwrap_err();
        let word = match error.outcome() {
            Outcome::Paused { .. } => "paused",
            Outcome::Throttled { .. } => "throttled",
            Outcome::Retry { .. } => "retry",
            _ => "another",
        };
        assert_eq!(word, expected, "{error}");
        assert!(
            error
                .to_string()
                .starts_with("no token from http://127.0.0.1"),
            "{error}"
        );
        assert!(!error.may_have_arrived());
        assert_eq!(vendor.received().len(), 1);
    }
}
