//! What the API refuses, and with what words.

use serde_json::json;

use super::order;
use crate::support::operator::Operator;
use crate::support::server::Server;
use crate::support::stand_in::StandIn;
use crate::support::working_set::WorkingSet;

/// Method, path, body, status, and a part of what is said.
const REFUSED: &[(&str, &str, &str, u16, &str)] = &[
    (
        "GET",
        "/api/deliveries?state=lost",
        "",
        400,
        "there are pending, delivered",
    ),
    (
        "GET",
        "/api/deliveries?class=lost",
        "",
        400,
        "there are script, invalid",
    ),
    (
        "GET",
        "/api/deliveries?since=soon",
        "",
        400,
        "since is no time: write a duration such as \"2h\"",
    ),
    (
        "GET",
        "/api/deliveries?limit=9999",
        "",
        400,
        "limit is at most 1000",
    ),
    ("GET", "/api/deliveries?limit=many", "", 400, "limit: "),
    (
        "GET",
        "/api/deliveries?stat=dead",
        "",
        400,
        "there is no key `stat`; there are `state`, ",
    ),
    ("PUT", "/api/deliveries", "", 405, "not by this method"),
    ("GET", "/api/traces/%ff", "", 400, "UTF-8"),
    ("GET", "/api/delivery", "", 404, "the API is under /api/"),
    (
        "GET",
        "/api/deliveries/1f2e",
        "",
        400,
        "32 hexadecimal digits",
    ),
    (
        "GET",
        "/api/deliveries/00000000000000000000000000000000",
        "",
        404,
        "no such delivery",
    ),
    ("GET", "/api/requests?tag=a", "", 400, "tag"),
    ("GET", "/api/requests/1f2e", "", 404, "no such request"),
    (
        "POST",
        "/api/deliveries/retry",
        "{}",
        400,
        "\"all\": true means all",
    ),
    (
        "POST",
        "/api/deliveries/discard",
        r#"{"filter":{}}"#,
        400,
        "\"all\": true means all",
    ),
    (
        "POST",
        "/api/deliveries/discard",
        r#"{"ids":["x"]}"#,
        400,
        "32 hexadecimal digits",
    ),
    (
        "POST",
        "/api/deliveries/retry",
        r#"{"filter":{"client":"a"}}"#,
        400,
        "/api/requests",
    ),
    (
        "POST",
        "/api/deliveries/retry",
        r#"{"filter":{"tga":"a"}}"#,
        422,
        "there is no key `tga`; there are `tag`, ",
    ),
    (
        "POST",
        "/api/deliveries/retry",
        "{",
        400,
        "the body is not JSON: ",
    ),
    (
        "POST",
        "/api/requests/retry",
        "{}",
        400,
        "\"all\": true means all",
    ),
    (
        "POST",
        "/api/requests/retry",
        r#"{"all":true,"as_sent":true}"#,
        400,
        "never sent",
    ),
    (
        "POST",
        "/api/requests/discard",
        r#"{"filter":{"tag":"a"}}"#,
        400,
        "client, since and until",
    ),
    ("POST", "/api/replay", "{}", 400, "say since when"),
    (
        "POST",
        "/api/replay",
        r#"{"since":"1h","tag":"ordr"}"#,
        400,
        "did you mean `order`?",
    ),
    (
        "POST",
        "/api/replay",
        r#"{"since":"1h","diff":true}"#,
        400,
        "needs \"dry_run\": true",
    ),
    (
        "POST",
        "/api/replay",
        r#"{"since":"1h","limit":1001}"#,
        400,
        "limit is at most 1000",
    ),
];

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_what_does() {
    let set = WorkingSet::of_orders(std::net::SocketAddr::from(([127, 0, 0, 1], 9)));
    let server = Server::start(&set).await;
    for (method, path, body, status, expected) in REFUSED {
        let answer = server.call(method, path, body).await;
        assert_eq!(answer.status, *status, "{path} {body}: {}", answer.body);
        let why = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(why.contains(expected), "{path} {body}: {why}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_delivery_is_shown_whole_and_without_secrets() {
    let crm = StandIn::of("http").await;
    let table = format!(
        "[destinations.crm]\ntype = \"http\"\nurl = \"http://{}/crm\"\nheaders = {{ Authorization = \"Bearer k3y-of-the-crm\" }}\n",
        crm.address
    );
    let set = WorkingSet::of_orders(crm.address);
    set.configure(&table);
    let server = Server::start(&set).await;
    let operator = Operator::new(&set, &server);
    order(&server, 1).await;
    operator.wait_for("crm", "delivered", 1).await;
    let listed = operator.get("/api/deliveries?state=delivered").await;
    let id = listed["deliveries"][0]["delivery_id"].as_str().unwrap();
    let shown = operator.get(&format!("/api/deliveries/{id}")).await;
    assert_eq!(shown["data"]["order_id"], 1);
    assert_eq!(shown["payload"], json!({ "body": { "id": 1 } }));
    assert_eq!(shown["request"]["body"], json!({ "id": 1 }));
    assert_eq!(shown["attempts"], 1);
    assert!(!shown.to_string().contains("k3y-of-the-crm"), "{shown}");
    // What was delivered is no dead letter.
    let answer = operator
        .post("/api/deliveries/retry", &json!({ "ids": [id] }))
        .await;
    assert_eq!(answer["found"], 0);
    server.stop().await;
}
