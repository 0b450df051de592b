//! What was given up, and what becomes of it when a person acts: over the API and by the commands.

mod api;
mod many;
mod requests;

use serde_json::{Value, json};
use tagwerk::emulator::Emulator;

use crate::support::operator::Operator;
use crate::support::server::Server;
use crate::support::stand_in::{StandIn, kind};
use crate::support::vendor::Vendor;
use crate::support::working_set::{ORDER_TAG, WorkingSet, http_destination};

/// A tag that fails on every event.
const BROKEN_TAG: &str = r#"
const ON = "order";
const TO = "crm";
fn tag(event) { throw "it broke"; }
"#;

const DEAD: &str = "/api/deliveries?state=dead";

/// Posts orders 1, 2, … `count`.
async fn order(server: &Server, count: u64) {
    for id in 1..=count {
        let answer = server
            .post("/order", &json!({ "id": id }).to_string())
            .await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}

fn list(answer: &Value) -> &[Value] {
    answer["deliveries"].as_array().unwrap()
}

#[tokio::test]
async fn a_mended_tag_delivers_what_died_of_it_once() {
    let crm = StandIn::of("http").await;
    let set = WorkingSet::of_orders(crm.address).with("tags/order.rhai", BROKEN_TAG);
    let server = Server::start(&set).await;
    let operator = Operator::new(&set, &server);
    order(&server, 1).await;
    operator.wait_for("crm", "dead", 1).await;

    let dead = operator.get(DEAD).await;
    let [letter] = list(&dead) else {
        panic!("{dead}");
    };
    let id = letter["delivery_id"].as_str().unwrap();
    assert_eq!(
        [&letter["tag"], &letter["destination"], &letter["class"]],
        ["order", "crm", "script"]
    );
    let listed = operator.expect(0, &["dead", "list"]).await;
    for expected in [
        id,
        "order → crm",
        "script",
        "it broke",
        "1 dead delivery, 0 failed requests",
    ] {
        assert!(listed.contains(expected), "{expected}: {listed}");
    }
    let shown = operator.expect(0, &["dead", "show", id]).await;
    for expected in [
        "order_id",
        "it broke",
        "tags/order.rhai:4",
        "nothing: its tag failed",
    ] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }

    // Still broken: it is dead again, and the command says why.
    let retried = operator.expect(1, &["dead", "retry", id]).await;
    assert!(
        retried.contains("1 dead again") && retried.contains("it broke"),
        "{retried}"
    );
    let as_sent = operator
        .expect(1, &["dead", "retry", id, "--as-sent"])
        .await;
    assert!(
        as_sent.contains("there is nothing to send as it was"),
        "{as_sent}"
    );
    assert_eq!(operator.get(DEAD).await["total"], 1);

    operator.save("tags/order.rhai", ORDER_TAG).await;
    let retried = operator
        .expect(0, &["dead", "retry", "--tag", "order"])
        .await;
    assert!(
        retried.contains("retried 1 dead delivery: 1 will be sent"),
        "{retried}"
    );
    crm.wait_for(1).await;
    operator.wait_for("crm", "delivered", 1).await;
    assert_eq!(
        operator.get(DEAD).await,
        json!({ "deliveries": [], "next": null, "total": 0 })
    );
    let nothing = operator.expect(0, &["dead", "retry", "--all"]).await;
    assert!(nothing.contains("no dead letters match"), "{nothing}");
    let unknown = operator.expect(1, &["dead", "retry", id]).await;
    assert!(unknown.contains("retried 0 dead deliveries"), "{unknown}");

    let received = crm.emulator.received();
    assert_eq!(crm.bodies(), [json!({ "id": 1 })]);
    assert_eq!(received[0].headers["idempotency-key"], id);
    server.stop().await;
}

#[tokio::test]
async fn a_tag_that_is_gone_or_off_leaves_its_dead_letters() {
    let set = WorkingSet::of_orders(Vendor::answering(&[]).await.address)
        .with("tags/order.rhai", BROKEN_TAG);
    let server = Server::start(&set).await;
    let operator = Operator::new(&set, &server);
    order(&server, 1).await;
    operator.wait_for("crm", "dead", 1).await;
    for (text, why) in [
        (
            format!("const ENABLED = false;{ORDER_TAG}"),
            "tag order is switched off",
        ),
        (
            ORDER_TAG.replace("\"order\"", "\"refund\""),
            "tag order does not listen to order",
        ),
    ] {
        operator.save("tags/order.rhai", &text).await;
        let answer = operator
            .post("/api/deliveries/retry", &json!({ "all": true }))
            .await;
        let reasons = json!([{ "why": why, "count": 1 }]);
        assert_eq!([&answer["left"], &answer["reasons"]], [&json!(1), &reasons]);
        assert_eq!(operator.get(DEAD).await["total"], 1);
    }
    std::fs::remove_file(set.file("tags/order.rhai")).unwrap();
    operator.save("tags/other.rhai", ORDER_TAG).await;
    let said = operator.expect(1, &["dead", "retry", "--all"]).await;
    assert!(
        said.contains("there is no tag order") && said.contains("1 left as it is"),
        "{said}"
    );

    // A tag that makes nothing of the event any more has nothing to send: skipped, not lost.
    let skips = ORDER_TAG.replace("#{ body: #{ id: event.order_id } }", "skip(\"too late\")");
    operator.save("tags/order.rhai", &skips).await;
    let said = operator.expect(0, &["dead", "retry", "--all"]).await;
    assert!(said.contains("1 skipped"), "{said}");
    assert_eq!(
        operator.get("/api/deliveries?state=skipped").await["total"],
        1
    );
    server.stop().await;
}

#[tokio::test]
async fn as_sent_and_with_the_current_tag_are_told_apart() {
    let refused = json!({ "status": 400, "body": "no" });
    let crm = Vendor::answering(&[refused.clone(), refused]).await;
    let set = WorkingSet::of_orders(crm.address);
    let server = Server::start(&set).await;
    let operator = Operator::new(&set, &server);
    order(&server, 2).await;
    operator.wait_for("crm", "dead", 2).await;
    let dead = operator.get(DEAD).await;
    let mut letters: Vec<&Value> = list(&dead).iter().collect();
    assert!(letters.iter().all(|letter| letter["class"] == "rejected"));
    letters.sort_by_key(|letter| letter["event_number"].as_u64());
    let id = |at: usize| letters[at]["delivery_id"].as_str().unwrap();

    let body = "#{ id: event.order_id }";
    let changed = ORDER_TAG.replace(body, "#{ order: event.order_id }");
    operator.save("tags/order.rhai", &changed).await;
    operator
        .expect(0, &["dead", "retry", id(0), "--as-sent"])
        .await;
    crm.wait_for(3).await;
    operator.expect(0, &["dead", "retry", id(1)]).await;
    crm.wait_for(4).await;
    assert_eq!(
        crm.received()[2..],
        [json!({ "id": 1 }), json!({ "order": 2 })]
    );
    operator.wait_for("crm", "delivered", 2).await;
    server.stop().await;
}

#[tokio::test]
async fn what_was_delivered_is_not_sent_again_with_what_died() {
    let crm = StandIn::start(Emulator::new(kind("http")).answering(vec![400])).await;
    let twice = ORDER_TAG
        .replace("#{ body", "[#{ body: 1 }, #{ body")
        .replace("order_id } }", "order_id } }]");
    let set = WorkingSet::of_orders(crm.address).with("tags/order.rhai", &twice);
    let server = Server::start(&set).await;
    let operator = Operator::new(&set, &server);
    order(&server, 1).await;
    let is_settled = |status: &Value| {
        let counts = status["deliveries"].as_array().unwrap();
        let states = ["dead", "delivered"];
        states.map(|state| counts.iter().any(|one| one["state"] == state)) == [true; 2]
    };
    server.status_where(is_settled).await;
    let retried = operator.expect(0, &["dead", "retry", "--all"]).await;
    assert_eq!(retried, "retried 1 dead delivery: 1 will be sent\n");
    operator.wait_for("crm", "delivered", 2).await;
    assert_eq!(crm.emulator.received().len(), 3);
    server.stop().await;
}

#[tokio::test]
async fn what_is_retried_is_not_too_old_at_once() {
    let crm = StandIn::start(Emulator::new(kind("http")).answering(vec![500])).await;
    let aged = format!("const MAX_AGE = \"1s\";{ORDER_TAG}");
    let set = WorkingSet::of_orders(crm.address).with("tags/order.rhai", &aged);
    let server = Server::start(&set).await;
    let operator = Operator::new(&set, &server);
    order(&server, 1).await;
    operator.wait_for("crm", "dead", 1).await;
    assert_eq!(list(&operator.get(DEAD).await)[0]["class"], "expired");
    let long = aged.replace("1s", "1h");
    operator.save("tags/order.rhai", &long).await;
    let before = list(&operator.get(DEAD).await)[0]["received_at"].as_i64();
    operator
        .expect(0, &["dead", "retry", "--class", "expired"])
        .await;
    operator.wait_for("crm", "delivered", 1).await;
    let delivered = operator.get("/api/deliveries?state=delivered").await;
    let expires = list(&delivered)[0]["expires"].as_i64();
    assert!(expires > before.map(|at| at + 3_600_000), "{delivered}");
    server.stop().await;
}

#[tokio::test]
async fn what_is_discarded_is_neither_listed_nor_sent() {
    let crm = StandIn::start(Emulator::new(kind("http")).answering(vec![400, 400, 400])).await;
    let set = WorkingSet::of_orders(crm.address);
    let server = Server::start(&set).await;
    let operator = Operator::new(&set, &server);
    order(&server, 3).await;
    operator.wait_for("crm", "dead", 3).await;
    let dead = operator.get(DEAD).await;
    let id = list(&dead)[0]["delivery_id"].as_str().unwrap();

    let asks = operator.expect(2, &["dead", "discard", "--all"]).await;
    assert!(
        asks.contains("discard 3 dead deliveries for good?") && asks.contains("--yes"),
        "{asks}"
    );
    assert_eq!(operator.get(DEAD).await["total"], 3);
    let said = operator.expect(0, &["dead", "discard", id, "--yes"]).await;
    assert_eq!(said, "discarded 1 dead delivery\n");
    let said = operator
        .expect(0, &["dead", "discard", "--destination", "crm", "--yes"])
        .await;
    assert_eq!(said, "discarded 2 dead deliveries\n");
    assert_eq!(operator.get(DEAD).await["total"], 0);
    operator.wait_for("crm", "skipped", 3).await;
    operator.expect(1, &["dead", "discard", id, "--yes"]).await;
    assert_eq!(crm.emulator.received().len(), 3, "nothing was sent again");
    server.stop().await;
}

#[tokio::test]
async fn filters_choose() {
    let vendor = Vendor::answering(&[]).await;
    let refuses = StandIn::start(Emulator::new(kind("http")).answering(vec![422, 422])).await;
    let tables = [
        http_destination("crm", vendor.address),
        http_destination("erp", refuses.address),
    ];
    let set = WorkingSet::new(&tables.concat())
        .with(
            "clients/order.rhai",
            crate::support::working_set::ORDER_CLIENT,
        )
        .with("tags/broken.rhai", BROKEN_TAG)
        .with("tags/refused.rhai", &ORDER_TAG.replace("crm", "erp"));
    let server = Server::start(&set).await;
    let operator = Operator::new(&set, &server);
    order(&server, 2).await;
    operator.wait_for("crm", "dead", 2).await;
    operator.wait_for("erp", "dead", 2).await;
    for (filter, total) in [
        ("", 4),
        ("&tag=broken", 2),
        ("&tag=other", 0),
        ("&destination=erp", 2),
        ("&class=rejected", 2),
        ("&class=script&destination=erp", 0),
        ("&since=1h", 4),
        ("&until=1h", 0),
        ("&since=2020-01-01T00:00:00Z&until=2021-01-01T00:00:00Z", 0),
    ] {
        let found = operator.get(&format!("{DEAD}{filter}")).await;
        assert_eq!(found["total"], total, "{filter}");
        assert_eq!(list(&found).len(), total, "{filter}");
    }
    let listed = operator
        .expect(0, &["dead", "list", "--class", "rejected", "--json"])
        .await;
    let listed: Vec<Value> = listed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(listed.len(), 2);
    for letter in &listed {
        assert_eq!([&letter["kind"], &letter["tag"]], ["delivery", "refused"]);
        assert_eq!(letter["id"], letter["delivery_id"]);
    }
    let filter = json!({ "filter": { "tag": "refused", "since": "1h" }, "as_sent": true });
    assert_eq!(
        operator.post("/api/deliveries/retry", &filter).await["to_send"],
        2
    );
    refuses.wait_for(2).await;
    operator.wait_for("erp", "delivered", 2).await;
    operator.wait_for("crm", "dead", 2).await;
    server.stop().await;
}
