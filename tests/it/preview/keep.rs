//! What is made of a trace: a case that `tagwerk test` runs, and the same request run again.

use serde_json::{Value, json};

use super::Scene;
use crate::support::command::run;
use crate::support::server::Server;
use crate::support::stand_in::StandIn;
use crate::support::working_set::WorkingSet;

/// Watches one order with a key in its headers, and returns the trace's id.
async fn watch(server: &Server, path: &str, body: &str) -> String {
    let token = server.open_session("{}").await;
    let token = format!("X-Preview: {token}");
    let headers = [
        "Content-Type: application/json",
        &token,
        "X-Api-Key: key-of-the-sender",
    ];
    let answer = server.send("POST", path, &headers, body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.header("x-preview-trace").unwrap().to_owned()
}

async fn post(server: &Server, id: &str, what: &str, asked: Value) -> (u16, Value) {
    let path = format!("/api/traces/{id}/{what}");
    let answer = server.call("POST", &path, &asked.to_string()).await;
    (answer.status, answer.json())
}

#[tokio::test]
async fn a_trace_that_is_saved_is_a_case_that_passes_until_a_script_changes() {
    let vendor = StandIn::of("http").await;
    let set = WorkingSet::of_orders(vendor.address);
    let server = Server::start(&set).await;
    let id = watch(
        &server,
        "/order?token=t0ken-of-the-sender",
        r#"{ "id": 7, "password": "pa55" }"#,
    )
    .await;
    let (status, saved) = post(&server, &id, "save", json!({ "name": "first-order" })).await;
    assert_eq!(status, 200, "{saved}");
    assert_eq!(
        (&saved["green"], &saved["folder"]),
        (&json!(true), &json!("cases/first-order"))
    );
    assert_eq!(saved["removed"].as_array().unwrap().len(), 3, "{saved}");
    let read = |name: &str| {
        std::fs::read_to_string(set.file(&format!("cases/first-order/{name}"))).unwrap()
    };
    let request = read("request.http");
    for secret in ["of-the-sender", "pa55", "x-preview"] {
        assert!(!request.to_lowercase().contains(secret), "{request}");
    }
    let events: Value = serde_json::from_str(&read("events.json")).unwrap();
    assert_eq!(events, json!([{ "event_name": "order", "order_id": 7 }]));
    let deliveries: Value = serde_json::from_str(&read("deliveries.json")).unwrap();
    assert_eq!(deliveries[0]["tag"], "order");
    assert_eq!(deliveries[0]["request"]["body"], json!({ "id": 7 }));

    let passed = run(set.path(), &["test"]).await;
    assert_eq!(passed.code, 0, "{passed:?}");
    assert!(passed.stdout.contains("1 passed"), "{passed:?}");
    set.write("tags/order.rhai", "const ON = \"order\";\nconst TO = \"crm\";\nfn tag(event) { #{ body: #{ id: event.order_id + 1 } } }\n");
    let failed = run(set.path(), &["test"]).await;
    assert_eq!(failed.code, 1, "{failed:?}");
    assert!(
        failed.stdout.contains("deliveries/order/0/request/body/id"),
        "{failed:?}"
    );
    let told = run(set.path(), &["test", "--json"]).await.json();
    assert_eq!(told["failed"], 1);
    let difference = &told["cases"][0]["differences"][0];
    assert_eq!(
        (&difference["before"], &difference["after"]),
        (&json!(7), &json!(8))
    );
    assert_eq!(run(set.path(), &["test", "--bless"]).await.code, 0);
    assert_eq!(run(set.path(), &["test", "cases", "first"]).await.code, 0);
    assert_eq!(run(set.path(), &["test", "cases", "second"]).await.code, 2);
    server.stop().await;
    vendor.stop().await;
}

#[tokio::test]
async fn a_case_is_a_folder_below_cases_and_is_not_overwritten_by_chance() {
    let vendor = StandIn::of("http").await;
    let set = WorkingSet::of_orders(vendor.address);
    let server = Server::start(&set).await;
    let id = watch(&server, "/order", r#"{"id":7}"#).await;
    for bad in ["", "..", "../out", "a/b", "/tmp/a", ".git", "a b"] {
        let (status, answer) = post(&server, &id, "save", json!({ "name": bad })).await;
        assert_eq!(status, 400, "{bad}: {answer}");
    }
    assert!(!set.file("cases").try_exists().unwrap());
    for (asked, expected) in [
        (json!({ "name": "a" }), 200),
        (json!({ "name": "a" }), 409),
        (json!({ "name": "a", "overwrite": true }), 200),
        (json!({}), 422),
    ] {
        let (status, answer) = post(&server, &id, "save", asked).await;
        assert_eq!(status, expected, "{answer}");
    }
    // A link that leads elsewhere is no case.
    std::os::unix::fs::symlink(set.file("data"), set.file("cases/link")).unwrap();
    let asked = json!({ "name": "link", "overwrite": true });
    assert_eq!(post(&server, &id, "save", asked).await.0, 409);
    let asked = json!({ "name": "b" });
    assert_eq!(post(&server, "no-such-trace", "save", asked).await.0, 404);
    server.stop().await;
    vendor.stop().await;
}

#[tokio::test]
async fn a_request_that_is_run_again_shows_what_differs() {
    let vendor = StandIn::of("http").await;
    let set = WorkingSet::of_orders(vendor.address);
    let server = Server::start(&set).await;
    let id = watch(&server, "/order", r#"{"id":7}"#).await;
    let (status, again) = post(&server, &id, "replay", json!({})).await;
    assert_eq!(status, 200, "{again}");
    assert_eq!(
        (&again["same"], &again["differences"]),
        (&json!(true), &json!([]))
    );
    assert_eq!(again["trace"]["replay_of"], json!(id));
    assert_eq!(again["trace"]["mode"], "dry_run");
    let before = server.status().await["generation"].clone();
    set.write("clients/order.rhai", "const PATH = \"/order\";\nfn parse(request) { #{ event_name: \"order\", order_id: request.json.id * 2 } }\n");
    server
        .status_where(|status| status["generation"] != before)
        .await;
    let (_, again) = post(&server, &id, "replay", json!({ "set": "live" })).await;
    assert_eq!(again["same"], false);
    let places: Vec<_> = again["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["where"].as_str().unwrap())
        .collect();
    assert_eq!(
        places,
        ["events/0/order_id", "deliveries/order/0/request/body/id"]
    );
    assert_eq!(
        post(&server, &id, "replay", json!({ "set": "draft" }))
            .await
            .0,
        409
    );
    assert_eq!(
        post(&server, &id, "replay", json!({ "set": "old" }))
            .await
            .0,
        400
    );
    assert_eq!(
        server.status().await["journal"]["events"],
        0,
        "nothing is journalled"
    );
    server.stop().await;
    vendor.stop().await;
}

#[tokio::test]
async fn a_trace_says_where_values_come_from_and_how_to_send_it_again() {
    let scene = Scene::start().await;
    let token = scene.server.open_session("{}").await;
    let trace = scene
        .trace(&token, &["Authorization: Bearer senders-own"])
        .await;
    let from = |pointer: &str| trace["events"][0]["provenance"][pointer].clone();
    assert_eq!(
        from("/value"),
        json!({ "from": "body", "at": "/value", "how": "same" })
    );
    assert_eq!(
        from("/event_name"),
        json!({ "from": "script", "at": null, "how": "literal" })
    );
    let curl = trace["curl"].as_str().unwrap();
    assert!(curl.starts_with("curl -s -X POST 'http"), "{curl}");
    assert!(
        curl.contains("/order_created?utm=x'") && curl.contains("29.35"),
        "{curl}"
    );
    assert!(!curl.contains("senders-own"), "{curl}");
    scene.stop().await;
}
