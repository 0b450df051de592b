//! The keys of the trace that users and outside checks rely on, and what they hold.

use serde_json::{Value, json};

use super::{ORDER, Scene, TRACE_TYPE};

/// Every key of the contract with the kinds of value it may have; `[]` is each item of a list.
/// Each is found at least once in the trace of the scene, with the first kind.
const SCHEMA: [(&str, &[&str]); 50] = [
    ("trace_id", &["text"]),
    ("generation", &["text"]),
    ("mode", &["text"]),
    ("request", &["map"]),
    ("request.method", &["text"]),
    ("request.path", &["text"]),
    ("request.query", &["map"]),
    ("request.headers", &["map"]),
    ("request.body", &["text"]),
    ("clients", &["list"]),
    ("clients[].name", &["text"]),
    ("clients[].claimed", &["flag"]),
    ("clients[].reason", &["text"]),
    ("response", &["map"]),
    ("response.status", &["number"]),
    ("response.headers", &["map"]),
    ("response.body", &["text"]),
    ("events", &["list"]),
    ("events[].event_id", &["text"]),
    ("events[].data", &["map"]),
    ("events[].data.event_name", &["text"]),
    ("events[].tags", &["list"]),
    ("events[].tags[].name", &["text"]),
    ("events[].tags[].destination", &["text"]),
    ("events[].tags[].fired", &["flag"]),
    ("events[].tags[].reason", &["text", "null"]),
    ("events[].tags[].conditions", &["list"]),
    ("events[].tags[].conditions[].key", &["text"]),
    ("events[].tags[].conditions[].operator", &["text"]),
    ("events[].tags[].conditions[].expected", &["number"]),
    ("events[].tags[].conditions[].actual", &["number"]),
    ("events[].tags[].conditions[].holds", &["flag"]),
    ("events[].tags[].consent", &["map", "null"]),
    ("events[].tags[].log", &["list"]),
    ("events[].tags[].fault", &["map", "null"]),
    ("events[].tags[].fault.file", &["text"]),
    ("events[].tags[].fault.line", &["number", "null"]),
    ("events[].tags[].fault.column", &["number", "null"]),
    ("events[].tags[].fault.message", &["text"]),
    ("events[].tags[].fault.hint", &["text", "null"]),
    ("events[].tags[].duration_us", &["number"]),
    ("events[].tags[].deliveries", &["list"]),
    ("events[].tags[].deliveries[].delivery_id", &["text"]),
    ("events[].tags[].deliveries[].state", &["text"]),
    ("events[].tags[].deliveries[].request", &["map", "null"]),
    ("events[].tags[].deliveries[].request.method", &["text"]),
    ("events[].tags[].deliveries[].request.url", &["text"]),
    ("events[].tags[].deliveries[].request.headers", &["map"]),
    ("events[].tags[].deliveries[].request.body", &["map"]),
    ("events[].tags[].deliveries[].attempts", &["list"]),
];

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "flag",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "map",
    }
}

/// All values at a path. A key that is missing where its map is there is a failed test.
fn values_at<'a>(trace: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut values = vec![trace];
    for part in path.split('.') {
        let (key, is_each) = match part.strip_suffix("[]") {
            Some(key) => (key, true),
            None => (part, false),
        };
        let maps = values.iter().filter(|value| !value.is_null());
        let found = maps.map(|map| {
            map.get(key)
                .unwrap_or_else(|| panic!("{path}: no `{key}` in {map}"))
        });
        values = if is_each {
            found.flat_map(|list| list.as_array().unwrap()).collect()
        } else {
            found.collect()
        };
    }
    values
}

#[tokio::test]
async fn the_trace_has_every_key_of_the_contract() {
    let scene = Scene::start().await;
    let token = scene.server.open_session(r#"{"ttl":"10m"}"#).await;
    let trace = scene.trace(&token, &[]).await;
    for (path, kinds) in SCHEMA {
        let values = values_at(&trace, path);
        let found: Vec<&str> = values.iter().map(|value| kind(value)).collect();
        assert!(found.contains(&kinds[0]), "{path}: {found:?}");
        assert!(
            found.iter().all(|kind| kinds.contains(kind)),
            "{path}: {found:?}"
        );
    }
    scene.stop().await;
}

fn tag<'a>(trace: &'a Value, name: &str) -> &'a Value {
    let tags = trace["events"][0]["tags"].as_array().unwrap();
    tags.iter().find(|tag| tag["name"] == name).unwrap()
}

#[tokio::test]
async fn the_trace_says_what_happened_and_why() {
    let scene = Scene::start().await;
    let status = scene.server.status().await;
    let token = scene.server.open_session("{}").await;
    let trace = scene.trace(&token, &[]).await;
    assert_eq!(trace["mode"], "dry_run");
    assert_eq!(trace["generation"], status["generation"]);
    assert_eq!(trace["request"]["path"], "/order_created");
    assert_eq!(trace["request"]["query"], json!({ "utm": "x" }));
    assert_eq!(trace["request"]["body"], ORDER);
    let clients: Vec<_> = trace["clients"].as_array().unwrap().iter().collect();
    assert_eq!(
        (&clients[0]["name"], &clients[0]["claimed"]),
        (&json!("shy"), &json!(false))
    );
    assert_eq!(clients[0]["reason"], "claims() returned false");
    assert_eq!(
        (&clients[1]["name"], &clients[1]["claimed"]),
        (&json!("shop"), &json!(true))
    );
    assert_eq!(clients[1]["reason"], "path /order_created");
    assert_eq!(trace["response"]["status"], 200);
    let event = &trace["events"][0];
    assert_eq!(event["event_id"], "order-1");
    assert_eq!(event["data"]["event_name"], "purchase");

    let small = tag(&trace, "large_orders");
    assert_eq!(
        (&small["fired"], &small["reason"]),
        (&json!(false), &json!("conditions"))
    );
    let condition = json!({ "key": "value", "operator": "gte", "expected": 100, "actual": 29.35, "holds": false });
    assert_eq!(small["conditions"], json!([condition]));
    let consent = &tag(&trace, "with_consent")["consent"];
    assert_eq!(consent["required"], json!(["ad_storage"]));
    let faulty = tag(&trace, "faulty");
    assert_eq!(faulty["fault"]["file"], "tags/faulty.rhai");
    assert_eq!(faulty["fault"]["line"], 4);
    let amplitude = tag(&trace, "amplitude");
    assert_eq!(amplitude["log"][0]["text"], "to amplitude");
    let delivery = &amplitude["deliveries"][0];
    assert_eq!(delivery["state"], "dry_run");
    assert_eq!(delivery["attempts"], json!([]));
    let sent = &delivery["request"]["body"]["events"][0];
    assert_eq!(sent["insert_id"], delivery["delivery_id"]);
    assert_eq!(delivery["delivery_id"].as_str().unwrap().len(), 32);
    scene.stop().await;
}

#[tokio::test]
async fn the_trace_is_the_same_by_accept_and_by_id_and_the_answer_is_the_clients() {
    let scene = Scene::start().await;
    let opened = scene
        .server
        .call("POST", "/api/preview/sessions", r#"{"ttl":"5m"}"#)
        .await
        .json();
    for key in ["id", "token"] {
        assert!(opened[key].is_string(), "{opened}");
    }
    assert!(opened["expires"].is_number(), "{opened}");
    let token = opened["token"].as_str().unwrap();
    for name in ["X-Preview", "X-Gtm-Server-Preview"] {
        let header = format!("{name}: {token}");
        let plain = scene.order(&[&header]).await;
        assert_eq!(plain.status, 200);
        assert_eq!(
            plain.json(),
            json!({ "status": "accepted", "events": ["order-1"] })
        );
        let id = plain.header("x-preview-trace").unwrap();
        let kept = scene
            .server
            .call("GET", &format!("/api/traces/{id}"), "")
            .await;
        assert_eq!(kept.json()["trace_id"], id);

        let traced = scene.order(&[&header, TRACE_TYPE]).await;
        assert_eq!(
            traced.header("content-type"),
            Some("application/vnd.tagwerk.trace+json")
        );
        let id = traced.header("x-preview-trace").unwrap();
        let kept = scene
            .server
            .call("GET", &format!("/api/traces/{id}"), "")
            .await;
        assert_eq!(kept.header("content-type"), Some("application/json"));
        assert_eq!(kept.body, traced.body);
        let list = scene.server.call("GET", "/api/traces", "").await.json();
        assert_eq!(list[0]["trace_id"], id, "the newest comes first");
    }
    let gone = scene.server.call("GET", "/api/traces/none", "").await;
    assert_eq!(gone.status, 404);
    scene.stop().await;
}

#[tokio::test]
async fn what_nobody_claims_is_seen_too() {
    let scene = Scene::start().await;
    let token = scene.server.open_session("{}").await;
    let token = format!("X-Preview: {token}");
    for (method, path, status, clients) in [
        ("POST", "/nowhere", 404, 0),
        ("PUT", "/order_created", 405, 2),
    ] {
        let answer = scene.server.send(method, path, &[&token], "{}").await;
        assert_eq!(answer.status, status);
        assert!(answer.header("x-preview-trace").is_some());
        let answer = scene
            .server
            .send(method, path, &[&token, TRACE_TYPE], "{}")
            .await;
        assert_eq!(answer.status, 200);
        let trace = answer.json();
        assert_eq!(trace["response"]["status"], status);
        assert_eq!(trace["clients"].as_array().unwrap().len(), clients);
        assert_eq!(trace["events"], json!([]));
    }
    scene.stop().await;
}
