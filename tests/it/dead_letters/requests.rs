//! Requests whose client failed.

use serde_json::json;

use super::BROKEN_TAG;
use crate::support::operator::Operator;
use crate::support::server::Server;
use crate::support::stand_in::StandIn;
use crate::support::working_set::{ORDER_CLIENT, WorkingSet};

const BROKEN_CLIENT: &str = r#"
const PATH = "/order";
fn parse(request) { throw "it broke"; }
"#;

#[tokio::test]
async fn a_mended_client_takes_what_it_failed_on() {
    let crm = StandIn::of("http").await;
    let set = WorkingSet::of_orders(crm.address).with("clients/order.rhai", BROKEN_CLIENT);
    let server = Server::start(&set).await;
    let operator = Operator::new(&set, &server);
    let kept = server
        .send(
            "POST",
            "/order?shop=7",
            &["Content-Type: application/json", "Cookie: secret=1"],
            r#"{"id":5}"#,
        )
        .await;
    assert_eq!(kept.status, 202, "{}", kept.body);
    let id = kept.header("x-request-id").unwrap();

    let listed = operator.expect(0, &["dead", "list"]).await;
    for expected in [
        id,
        "request ",
        "order ",
        "it broke",
        "0 dead deliveries, 1 failed request",
    ] {
        assert!(listed.contains(expected), "{expected}: {listed}");
    }
    let shown = operator.expect(0, &["dead", "show", id]).await;
    for expected in [
        "POST /order",
        "127.0.0.1",
        "\"id\": 5",
        "clients/order.rhai:3",
    ] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    assert!(!shown.contains("secret=1"), "{shown}");

    // Still broken: it is kept as it was, and the new fault is told.
    let still = BROKEN_CLIENT.replace("it broke", "broken otherwise");
    operator.save("clients/order.rhai", &still).await;
    let retried = operator
        .expect(1, &["dead", "retry", "--client", "order"])
        .await;
    assert!(retried.contains("broken otherwise"), "{retried}");
    let requests = operator.get("/api/requests?client=order").await;
    assert_eq!(requests["total"], 1);
    let fault = requests["requests"][0]["fault"].as_str().unwrap();
    assert!(fault.contains("it broke"), "{fault}");

    // Nobody claims it: it is kept, too.
    let elsewhere = ORDER_CLIENT.replace("/order", "/orders");
    operator.save("clients/order.rhai", &elsewhere).await;
    let retried = operator.expect(1, &["dead", "retry", id]).await;
    assert!(
        retried.contains("404: no client claims POST /order"),
        "{retried}"
    );

    let mended = ORDER_CLIENT.replace(
        "request.json.id",
        "`${request.json.id}-${request.query.shop}-${request.ip}`",
    );
    operator.save("clients/order.rhai", &mended).await;
    let retried = operator.expect(0, &["dead", "retry", id]).await;
    assert!(
        retried.contains("retried 1 failed request: 1 taken, which made 1 event"),
        "{retried}"
    );
    crm.wait_for(1).await;
    assert_eq!(crm.bodies(), [json!({ "id": "5-7-127.0.0.1" })]);
    let status = server.status().await;
    assert_eq!(status["journal"]["failed_requests"], 0);
    assert_eq!(status["journal"]["events"], 1);
    let listed = operator.expect(0, &["dead", "list"]).await;
    assert!(listed.contains("no dead letters"), "{listed}");
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_has_nothing_to_track_settles_what_was_kept() {
    let set = WorkingSet::new("").with("clients/order.rhai", BROKEN_CLIENT);
    let server = Server::start(&set).await;
    let operator = Operator::new(&set, &server);
    for _ in 0..2 {
        assert_eq!(server.post("/order", "{}").await.status, 202);
    }
    let nothing = "const PATH = \"/order\";\nfn parse(request) { () }";
    operator.save("clients/order.rhai", nothing).await;
    let one = operator
        .post("/api/requests/retry", &json!({ "all": true, "limit": 1 }))
        .await;
    assert_eq!([&one["repaired"], &one["events"]], [1, 0]);
    assert!(one["next"].is_u64(), "{one}");
    let said = operator
        .expect(0, &["dead", "discard", "--client", "order", "--yes"])
        .await;
    assert_eq!(said, "discarded 1 failed request\n");
    assert_eq!(server.status().await["journal"]["failed_requests"], 0);
    server.stop().await;
}

#[tokio::test]
async fn a_repeat_that_was_kept_as_well_makes_no_second_event() {
    let crm = StandIn::of("http").await;
    let dedupe = "const DEDUPE = \"body:id\";";
    let set = WorkingSet::of_orders(crm.address)
        .with("clients/order.rhai", &format!("{dedupe}{BROKEN_CLIENT}"));
    let server = Server::start(&set).await;
    let operator = Operator::new(&set, &server);
    for _ in 0..2 {
        assert_eq!(server.post("/order", r#"{"id":"7"}"#).await.status, 202);
    }
    let mended = format!("{dedupe}{ORDER_CLIENT}");
    operator.save("clients/order.rhai", &mended).await;
    let all = json!({ "all": true });
    let answer = operator.post("/api/requests/retry", &all).await;
    assert_eq!([&answer["repaired"], &answer["events"]], [2, 1]);
    let repeat = server.post("/order", r#"{"id":"7"}"#).await;
    assert_eq!(repeat.status, 200, "{}", repeat.body);
    let status = server.status().await;
    assert_eq!(status["journal"]["failed_requests"], 0);
    assert_eq!(
        status["journal"]["events"], 1,
        "the repair is known as well"
    );
    server.stop().await;
}

#[tokio::test]
async fn all_means_both_kinds() {
    let crm = StandIn::of("http").await;
    let set = WorkingSet::of_orders(crm.address).with("tags/order.rhai", BROKEN_TAG);
    let server = Server::start(&set).await;
    let operator = Operator::new(&set, &server);
    super::order(&server, 1).await;
    operator.wait_for("crm", "dead", 1).await;
    operator.save("clients/order.rhai", BROKEN_CLIENT).await;
    let kept = server.post("/order", r#"{"id":2}"#).await;
    assert_eq!(kept.status, 202);
    let asks = operator
        .expect(2, &["dead", "discard", "--since", "1h"])
        .await;
    assert!(
        asks.contains("1 dead delivery and 1 failed request"),
        "{asks}"
    );

    operator.save("clients/order.rhai", ORDER_CLIENT).await;
    let tag = crate::support::working_set::ORDER_TAG;
    operator.save("tags/order.rhai", tag).await;
    let id = kept.header("x-request-id").unwrap();
    let as_sent = operator
        .expect(2, &["dead", "retry", id, "--as-sent"])
        .await;
    assert!(as_sent.contains("never sent"), "{as_sent}");
    operator.expect(0, &["dead", "retry", "--all"]).await;
    crm.wait_for(2).await;
    operator.wait_for("crm", "delivered", 2).await;
    server.stop().await;
}
