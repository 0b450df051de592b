//! Where a destination may go, over real sockets: what is refused is not sent, waits, and says why.

use serde_json::json;
use tagwerk::config;
use tagwerk::delivery::DeliveryId;
use tagwerk::destination::{Courier, Destination, Item, TransportError, load_all};
use tagwerk::outcome::Outcome;

use crate::support::stand_in::StandIn;

fn destination(settings: &str) -> Destination {
    let text = format!("[destinations.crm]\ntype = \"http\"\n{settings}\n");
    let nothing = std::collections::BTreeMap::<String, String>::new();
    let config = config::parse(&text, "tagwerk.toml".as_ref(), &nothing).unwrap();
    let (_, one) = load_all(&config).unwrap().pop_first().unwrap();
    Destination::clone(&one)
}

async fn send(courier: &Courier, destination: &Destination) -> Result<u16, TransportError> {
    let item = Item {
        id: DeliveryId([1; 16]),
        payload: &json!({ "body": 1 }).to_string().into_bytes(),
        received_at: 0,
        sent_at: 0,
    };
    let outgoing = destination.vendor.encode(&[item]).unwrap();
    let timeout = destination.options.timeout;
    let reply = courier.carry(destination, outgoing, timeout).await?;
    Ok(reply.status)
}

/// `localhost.` and this machine's other names lead to it: what is dialled decides, not the name.
#[tokio::test]
async fn a_name_that_leads_to_this_machine_is_refused_unless_it_is_named() {
    let crm = StandIn::of("http").await;
    let port = crm.address.port();
    let courier = Courier::new().unwrap();
    let named = destination(&format!("url = \"http://localhost:{port}/x\""));
    assert_eq!(send(&courier, &named).await.unwrap(), 200);
    let literal = destination(&format!("url = \"http://127.0.0.1:{port}/x\""));
    assert_eq!(send(&courier, &literal).await.unwrap(), 200);
    assert_eq!(crm.emulator.received().len(), 2);
    // Another loopback address than the one that is named.
    let mut other = literal.clone();
    other.policy = named.policy.clone();
    let refused = send(&courier, &other).await.unwrap_err();
    let Outcome::Paused { why } = refused.outcome() else {
        panic!("{refused}")
    };
    assert!(why.contains("127.0.0.1 is this machine itself"), "{why}");
    assert!(!refused.may_have_arrived());
    assert_eq!(crm.emulator.received().len(), 2, "nothing was dialled");
    crm.stop().await;
}

#[tokio::test]
async fn a_net_that_is_allowed_is_reached() {
    let crm = StandIn::of("http").await;
    let port = crm.address.port();
    let courier = Courier::new().unwrap();
    let allowed = format!("url = \"http://127.0.0.1:{port}/x\"\nallow_nets = [\"127.0.0.0/8\"]");
    assert_eq!(send(&courier, &destination(&allowed)).await.unwrap(), 200);
    crm.stop().await;
}

/// One destination's leave is none for another, not even over a connection that is open already.
#[tokio::test]
async fn connections_are_not_shared_between_policies() {
    let crm = StandIn::of("http").await;
    let url = format!("url = \"http://127.0.0.1:{}/x\"", crm.address.port());
    let courier = Courier::new().unwrap();
    let lax = destination(&url);
    assert_eq!(send(&courier, &lax).await.unwrap(), 200);
    let mut strict = lax.clone();
    strict.policy = destination("url = \"https://crm.example.com\"").policy;
    assert!(send(&courier, &strict).await.is_err());
    assert_eq!(crm.emulator.received().len(), 1);
    crm.stop().await;
}
