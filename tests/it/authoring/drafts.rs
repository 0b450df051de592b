//! The draft set: what it would do otherwise, making it live, and taking that back, beside a server that
//! runs.

use serde_json::json;

use super::{BAD, CONFIGURATION, NOWHERE, USAGE};
use crate::support::command::run;
use crate::support::server::Server;
use crate::support::working_set::{ORDER_CLIENT, ORDER_TAG, WorkingSet};

async fn with_two_events() -> (WorkingSet, Server) {
    let set = WorkingSet::of_orders(NOWHERE);
    let server = Server::start(&set).await;
    for id in [7, 8] {
        let answer = server.post("/order", &format!("{{\"id\":{id}}}")).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    (set, server)
}

#[tokio::test]
async fn a_draft_is_compared_with_what_is_live() {
    let (set, server) = with_two_events().await;
    let nothing = run(set.path(), &["diff", "draft"]).await;
    assert_eq!(nothing.code, USAGE);
    assert!(
        nothing.stderr.contains("there is no draft set"),
        "{}",
        nothing.stderr
    );

    let draft = ORDER_TAG
        .replace("#{ body", "if event.order_id == 8 { return; }\n    #{ body")
        .replace("id: event", "order: event");
    set.write("draft/tags/order.rhai", draft);
    set.write("draft/tags/another.rhai", ORDER_TAG);
    let report = run(set.path(), &["diff", "draft", "--since", "1h", "--json"]).await;
    assert_eq!(report.code, 0, "{}", report.stderr);
    let report = report.json();
    assert_eq!(report["events"], 2);
    let expected = json!({ "same": 0, "changed": 1, "new": 2, "gone": 1, "faults": 0 });
    assert_eq!(report["compared"], expected);
    let changed = report["differences"].as_array().unwrap().iter();
    let changed = changed
        .clone()
        .find(|one| one["kind"] == "changed")
        .unwrap();
    assert_eq!(changed["before"]["body"], json!({ "id": 7 }));
    assert_eq!(changed["after"]["body"], json!({ "order": 7 }));

    // The same for people, of one tag, and with the server gone.
    server.stop().await;
    let told = run(
        set.path(),
        &["diff", "draft", "--since", "1h", "--tag", "order"],
    )
    .await;
    assert_eq!(told.code, 0, "{}", told.stderr);
    for part in [
        "--- live",
        "+++ draft",
        "-  \"id\": 7",
        "+  \"order\": 7",
        "0 same, 1 changed, 0 new, 1 gone",
    ] {
        assert!(told.stdout.contains(part), "{part} in {}", told.stdout);
    }
    let slip = run(set.path(), &["diff", "draft", "--tag", "oder"]).await;
    assert_eq!(slip.code, USAGE);
    assert!(
        slip.stderr.contains("did you mean `order`?"),
        "{}",
        slip.stderr
    );
    let limited = run(
        set.path(),
        &["diff", "draft", "--since", "1h", "--limit", "1", "--json"],
    )
    .await
    .json();
    assert_eq!(limited["differences"].as_array().unwrap().len(), 1);
    assert_eq!(limited["compared"], expected);
}

#[tokio::test]
async fn a_draft_that_fails_is_told() {
    let (set, server) = with_two_events().await;
    set.write(
        "draft/tags/order.rhai",
        ORDER_TAG.replace("event.order_id", "event.order_id.nope"),
    );
    let report = run(set.path(), &["diff", "draft", "--since", "1h"]).await;
    assert_eq!(report.code, BAD);
    assert!(
        report.stdout.contains("fault order → crm"),
        "{}",
        report.stdout
    );
    set.write("draft/tags/order.rhai", "fn tag(event) {");
    for command in [&["diff", "draft"][..], &["promote"]] {
        let ended = run(set.path(), command).await;
        assert_eq!(ended.code, CONFIGURATION, "{}", ended.stderr);
        assert!(
            ended.stderr.contains("draft/tags/order.rhai"),
            "{}",
            ended.stderr
        );
    }
    let live = std::fs::read_to_string(set.file("tags/order.rhai")).unwrap();
    assert_eq!(live, ORDER_TAG);
    server.stop().await;
}

#[tokio::test]
async fn a_promotion_that_was_interrupted_is_never_live_by_half() {
    let (set, server) = with_two_events().await;
    let before = server.status().await["generation"].clone();
    let client = ORDER_CLIENT.replace("order_id", "number");
    let tag = ORDER_TAG.replace("event.order_id", "event.number");
    set.write("draft/clients/order.rhai", &client);
    set.write("draft/tags/order.rhai", &tag);
    // As `promote` leaves it that is killed between the two folders.
    let plan =
        json!({ "id": "1", "direction": "promote", "folders": ["clients", "tags"], "keeps": true });
    set.write("draft/clients/.promoted", "1");
    set.write("draft/tags/.promoted", "1");
    set.write(".promotion", plan.to_string());
    let exchange = [
        ("clients", "aside"),
        ("draft/clients", "clients"),
        ("aside", "draft/clients"),
    ];
    for (from, to) in exchange {
        std::fs::rename(set.file(from), set.file(to)).unwrap();
    }
    let refused = server
        .status_where(|status| status["config_ok"] == false)
        .await;
    assert_eq!(refused["generation"], before);
    let answer = server.post("/order", "{\"id\":9}").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let checked = run(set.path(), &["check"]).await;
    assert_eq!(checked.code, BAD);
    assert!(
        checked.stderr.contains("`tagwerk promote` finishes"),
        "{}",
        checked.stderr
    );

    let finished = run(set.path(), &["promote"]).await;
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert!(
        finished.stdout.contains("had begun to move"),
        "{}",
        finished.stdout
    );
    let live = server
        .status_where(|status| status["generation"] != before)
        .await;
    assert_eq!(live["config_ok"], true);
    let read = |file: &str| std::fs::read_to_string(set.file(file)).unwrap();
    assert_eq!(
        (read("clients/order.rhai"), read("tags/order.rhai")),
        (client, tag)
    );
    assert_eq!(read("former/clients/order.rhai"), ORDER_CLIENT);

    // A server that starts finishes it, too.
    server.stop().await;
    let plan = json!({ "id": "2", "direction": "rollback", "folders": ["tags"], "keeps": true });
    set.write("former/tags/.promoted", "2");
    set.write(".promotion", plan.to_string());
    let server = Server::start(&set).await;
    assert_eq!(server.status().await["config_ok"], true);
    assert_eq!(read("tags/order.rhai"), ORDER_TAG);
    assert!(std::fs::metadata(set.file(".promotion")).is_err());
    server.stop().await;
}

#[tokio::test]
async fn a_promoted_draft_is_live_as_a_whole_and_can_be_taken_back() {
    let (set, server) = with_two_events().await;
    let before = server.status().await["generation"].clone();
    set.write(
        "draft/clients/order.rhai",
        ORDER_CLIENT.replace("order_id", "number"),
    );
    set.write(
        "draft/tags/order.rhai",
        ORDER_TAG.replace("event.order_id", "event.number"),
    );
    let promoted = run(set.path(), &["promote"]).await;
    assert_eq!(promoted.code, 0, "{}", promoted.stderr);
    assert!(
        promoted
            .stdout
            .contains("live: the draft's clients and tags"),
        "{}",
        promoted.stdout
    );
    let live = server
        .status_where(|status| status["generation"] != before)
        .await;
    assert_eq!(live["config_ok"], true);
    let former = std::fs::read_to_string(set.file("former/tags/order.rhai")).unwrap();
    assert_eq!(former, ORDER_TAG);
    assert!(std::fs::metadata(set.file("draft")).is_err());

    let back = run(set.path(), &["rollback"]).await;
    assert_eq!(back.code, 0, "{}", back.stderr);
    server
        .status_where(|status| status["generation"] == before)
        .await;
    let draft = std::fs::read_to_string(set.file("draft/tags/order.rhai")).unwrap();
    assert!(draft.contains("event.number"));
    let again = run(set.path(), &["rollback"]).await;
    assert_eq!(again.code, USAGE);
    assert!(
        again.stderr.contains("nothing to roll back to"),
        "{}",
        again.stderr
    );
    server.stop().await;
}
