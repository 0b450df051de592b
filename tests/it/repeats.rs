//! Repeats: what a sender sends again is answered and not processed again, by whichever process,
//! unless the first was never acknowledged.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use tagwerk::emulator::Received;
use tokio::task::JoinSet;

use crate::support::raw::{Answer, Raw, request};
use crate::support::server::Server;
use crate::support::stand_in::StandIn;
use crate::support::working_set::{ORDER_CLIENT, WorkingSet};

const ORDERS: u64 = 200;

fn set(crm: &StandIn) -> WorkingSet {
    let client = format!("const DEDUPE = \"header:x-delivery\";\n{ORDER_CLIENT}");
    WorkingSet::of_orders(crm.address).with("clients/order.rhai", &client)
}

async fn deliver(raw: &mut Raw, order: u64, delivery: &str) -> Answer {
    let header = format!("X-Delivery: {delivery}");
    let body = format!("{{\"id\":{order}}}");
    let answer = raw.send(request("POST", "/order", &[&header], &body)).await;
    answer.answer().await.unwrap()
}

fn is_duplicate(answer: &Answer) -> bool {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let body = answer.json();
    let is_duplicate = body["duplicate"] == json!(true);
    assert_eq!(answer.header("x-duplicate").is_some(), is_duplicate);
    assert_eq!(body["events"].as_array().unwrap().is_empty(), is_duplicate);
    is_duplicate
}

fn header(received: &Received) -> String {
    received.headers["webhook-id"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn each_order_that_comes_three_times_is_delivered_once_also_after_a_restart() {
    let crm = StandIn::of("http").await;
    let set = set(&crm);
    let server = Server::start(&set).await;
    let mut raw = Raw::connect(server.address).await;
    for order in 0..ORDERS {
        let delivery = format!("d-{order}");
        assert!(!is_duplicate(&deliver(&mut raw, order, &delivery).await));
        assert!(is_duplicate(&deliver(&mut raw, order, &delivery).await));
    }
    server.kill().await;
    let server = Server::start(&set).await;
    let mut raw = Raw::connect(server.address).await;
    for order in 0..ORDERS {
        let delivery = format!("d-{order}");
        assert!(is_duplicate(&deliver(&mut raw, order, &delivery).await));
    }
    assert!(!is_duplicate(&deliver(&mut raw, ORDERS, "d-new").await));
    crm.wait_for(usize::try_from(ORDERS + 1).unwrap()).await;
    server.stop().await;
    // A kill may send a delivery twice, under the same id; an event is made once.
    let received = crm.emulator.received();
    let ids = received.iter().map(|one| {
        let body: serde_json::Value = serde_json::from_slice(&one.body).unwrap();
        (body["id"].as_u64().unwrap(), header(one))
    });
    let mut by_order: BTreeMap<u64, BTreeSet<String>> = BTreeMap::new();
    for (order, id) in ids {
        by_order.entry(order).or_default().insert(id);
    }
    assert_eq!(by_order.len() as u64, ORDERS + 1);
    assert!(by_order.values().all(|ids| ids.len() == 1), "{by_order:?}");
    crm.stop().await;
}

#[tokio::test]
async fn of_many_at_once_one_is_the_first() {
    let crm = StandIn::of("http").await;
    let server = Server::start(&set(&crm)).await;
    let address = server.address;
    for round in 0..20 {
        let mut senders: JoinSet<bool> = (0..8)
            .map(|_| async move {
                let mut raw = Raw::connect(address).await;
                is_duplicate(&deliver(&mut raw, round, &format!("d-{round}")).await)
            })
            .collect();
        let mut first = 0;
        while let Some(answered) = senders.join_next().await {
            first += usize::from(!answered.unwrap());
        }
        assert_eq!(first, 1, "of round {round}");
    }
    crm.wait_for(20).await;
    server.stop().await;
    assert_eq!(crm.emulator.received().len(), 20);
    crm.stop().await;
}

#[tokio::test]
async fn what_has_no_id_or_another_client_is_no_repeat() {
    let crm = StandIn::of("http").await;
    let other = "const PATH = \"/other\"; const DEDUPE = \"body:id\"; \
                 fn parse(request) { #{ event_name: \"order\", order_id: request.json.id } }";
    let set = set(&crm).with("clients/other.rhai", other);
    let server = Server::start(&set).await;
    for _ in 0..2 {
        assert!(!is_duplicate(&server.post("/order", "{\"id\":1}").await));
    }
    assert!(!is_duplicate(&server.post("/other", "{\"id\":7}").await));
    assert!(is_duplicate(&server.post("/other", "{\"id\":7}").await));
    let headers = ["X-Delivery: 7"];
    let answer = server.send("POST", "/order", &headers, "{\"id\":7}").await;
    assert!(!is_duplicate(&answer));
    crm.wait_for(4).await;
    server.stop().await;
    crm.stop().await;
}

/// A batch of a library or a page that got no answer comes again, and more with it.
#[tokio::test]
async fn with_dedupe_by_event_id_each_event_is_taken_once_also_after_a_restart() {
    let crm = StandIn::of("http").await;
    let client = "const PATH = \"/orders\"; const DEDUPE = \"event_id\"; \
                  fn parse(request) { request.json.map(|id| #{ event_name: \"order\", event_id: id, order_id: id }) }";
    let set = WorkingSet::of_orders(crm.address).with("clients/orders.rhai", client);
    let server = Server::start(&set).await;
    assert!(!is_duplicate(
        &server.post("/orders", "[\"a\",\"b\"]").await
    ));
    assert!(!is_duplicate(
        &server.post("/orders", "[\"b\",\"c\"]").await
    ));
    server.kill().await;
    let server = Server::start(&set).await;
    assert!(is_duplicate(&server.post("/orders", "[\"c\",\"a\"]").await));
    assert!(!is_duplicate(
        &server.post("/orders", "[\"c\",\"d\"]").await
    ));
    crm.wait_for(4).await;
    server.stop().await;
    let ids: BTreeSet<String> = crm
        .bodies()
        .iter()
        .map(|body| body["id"].to_string())
        .collect();
    assert_eq!(ids.len(), 4, "{ids:?}");
    crm.stop().await;
}
