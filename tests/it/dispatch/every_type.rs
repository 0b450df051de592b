//! What becomes of the example of every type when its vendor fails, refuses, hangs or babbles. What a
//! type does otherwise is in its `tests/data/destinations/<type>/conformance.json`, by the case's
//! name.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tagwerk::delivery::State;
use tagwerk::destination::{TYPES, Type};
use tagwerk::emulator::Kind;
use tagwerk::telemetry::DestinationState;
use tokio::net::TcpListener;

use super::{Rig, soon};
use crate::destinations::{example_of, table};
use crate::support::json::data;
use crate::support::stand_in::StandIn;
use crate::support::vendor::Vendor;

/// What a status does that the vendor answers in its own words.
const STATUSES: [(u16, &str); 8] = [
    (200, "delivered"),
    (400, "dead"),
    (401, "paused"),
    (403, "paused"),
    (413, "dead"),
    (429, "throttled"),
    (500, "retried"),
    (503, "retried"),
];

#[tokio::test]
async fn a_vendors_answers_do_what_its_page_says() {
    for one in with_stand_ins() {
        for (status, usual) in STATUSES {
            let script = vec![status; 2]; // the first may be for a token
            let kind: Kind = one.name.parse().unwrap();
            let emulator = tagwerk::emulator::Emulator::new(kind).answering(script);
            let vendor = StandIn::start(emulator).await;
            let name = status.to_string();
            assert_eq!(
                attempt(one, vendor.address, "").await,
                expected(one, &name, usual),
                "{}: {name}",
                one.name
            );
        }
    }
}

/// The cases that no stand-in plays: whatever the vendor, they must end well.
#[tokio::test]
async fn a_vendor_that_babbles_does_no_harm() {
    let huge = "x".repeat(3 << 20);
    let babble = "<html><body>It works!</body></html>\u{0}\u{fffd}";
    let cases = [
        (
            "429 with Retry-After",
            json!({ "status": 429, "headers": { "retry-after": "7" }, "body": "slow" }),
            "throttled",
        ),
        (
            "429 without Retry-After",
            json!({ "status": 429, "body": "" }),
            "throttled",
        ),
        (
            "500 huge",
            json!({ "status": 500, "body": huge }),
            "retried",
        ),
        (
            "502 garbage",
            json!({ "status": 502, "body": babble }),
            "retried",
        ),
        (
            "200 garbage",
            json!({ "status": 200, "body": babble }),
            "delivered",
        ),
        (
            "301",
            json!({ "status": 301, "headers": { "location": "http://169.254.169.254/" } }),
            "dead",
        ),
    ];
    for one in speaking_http() {
        for (name, answer, usual) in &cases {
            let vendor = Vendor::answering(std::slice::from_ref(answer)).await;
            assert_eq!(
                attempt(one, vendor.address, "").await,
                expected(one, name, usual),
                "{}: {name}",
                one.name
            );
        }
    }
}

#[tokio::test]
async fn a_vendor_that_hangs_is_given_up_and_tried_again() {
    for one in with_stand_ins() {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = silent.local_addr().unwrap();
        let became = attempt(one, address, "timeout = \"100ms\"").await;
        assert_eq!(became, "retried", "{}", one.name);
    }
}

#[tokio::test]
async fn a_vendor_that_repeats_the_secret_gives_nothing_away() {
    for one in speaking_http() {
        for variable in one.example.variables {
            let body = format!("no such key: {}", variable.secret);
            let vendor = Vendor::answering(&[json!({ "status": 500, "body": body })]).await;
            let (_, note) = attempt_and_note(one, vendor.address, "").await;
            assert!(!note.contains(variable.secret), "{}: {note}", one.name);
            assert!(note.contains("***"), "{}: {note}", one.name);
        }
    }
}

fn with_stand_ins() -> impl Iterator<Item = &'static Type> {
    TYPES.iter().copied().filter(|one| one.stand_in.is_some())
}

/// What others say where nobody listens is in a file of their own, such as `destinations/nats.rs`.
fn speaking_http() -> impl Iterator<Item = &'static Type> {
    with_stand_ins().filter(|one| one.stand_in.is_some_and(|stand_in| stand_in.speaks_http()))
}

fn expected(one: &Type, case: &str, usual: &str) -> String {
    let file = format!("destinations/{}/conformance.json", one.name);
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(&file);
    let own = match path.try_exists().unwrap() {
        true => data(&file),
        false => Value::Null,
    };
    own[case].as_str().unwrap_or(usual).to_owned()
}

async fn attempt(one: &Type, vendor: SocketAddr, more: &str) -> String {
    attempt_and_note(one, vendor, more).await.0
}

/// Sends the example once; what became of it in a word, and what is said of it.
async fn attempt_and_note(one: &Type, vendor: SocketAddr, more: &str) -> (String, String) {
    let config = format!("{}retry = [\"1h\"]\n{more}\n", table(one, Some(vendor)));
    let rig = Rig::start(&config).await;
    let event = rig.send(one.name, &[example_of(one).payload]).await;
    let mut looks = 0;
    let became = soon(async {
        loop {
            rig.journal.flush().await.unwrap();
            let records = rig.journal.deliveries_of(event).await.unwrap();
            let (state, attempts) = (records[0].delivery.state, records[0].attempts);
            let standing = rig.standings.all().get(one.name).cloned();
            let standing = standing.map(|standing| (standing.state, standing.why));
            let note = records[0].note.clone().unwrap_or_default();
            match (state, standing) {
                (State::Delivered, _) => return ("delivered", note),
                (State::Dead, _) => return ("dead", note),
                (State::Pending, Some((DestinationState::Paused, why))) => {
                    return ("paused", why.unwrap_or_default());
                }
                (State::Pending, Some((DestinationState::Disabled, why))) => {
                    return ("disabled", why.unwrap_or_default());
                }
                (State::Pending, Some((DestinationState::Throttled, why))) => {
                    return ("throttled", why.unwrap_or_default());
                }
                (State::Pending, _) if attempts > 0 => return ("retried", note),
                // One event that is throttled holds up no other, so the destination is not.
                (State::Pending, _) if !note.is_empty() && looks > 500 => {
                    return ("throttled", note);
                }
                _ => {
                    looks += usize::from(!note.is_empty());
                    tokio::task::yield_now().await;
                }
            }
        }
    })
    .await;
    rig.stop.cancel();
    soon(rig.running).await.unwrap();
    (became.0.to_owned(), became.1)
}
