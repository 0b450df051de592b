//! What senders are answered, by the whole program: status, headers and body of each case that the
//! contract names.

use serde_json::json;

use crate::support::raw::Answer;
use crate::support::server::Server;
use crate::support::stand_in::StandIn;
use crate::support::working_set::WorkingSet;

const CLIENTS: [(&str, &str); 6] = [
    (
        "clients/pixel.rhai",
        "const PATH = \"/pixel/:shop\";\nconst METHODS = [\"GET\", \"PUT\"];\n\
         fn parse(request) { #{ event_name: \"seen\", shop: request.params.shop } }\n",
    ),
    (
        "clients/quiet.rhai",
        "const PATH = \"/quiet\";\nconst MAX_BODY = \"1KiB\";\nfn parse(request) { () }\n",
    ),
    (
        "clients/broken.rhai",
        "const PATH = \"/broken\";\nfn parse(request) { request.json.order.id.to_upper() }\n",
    ),
    (
        "clients/own.rhai",
        "const PATH = \"/own\";\nfn parse(request) { [#{ event_name: \"a\" }, #{ event_name: \"b\", event_id: \"mine\" }] }\n\
         fn respond(request, events) { #{ status: 201, headers: #{ \"x-count\": `${events.len()}` }, body: events[1].event_id } }\n",
    ),
    (
        "clients/page.rhai",
        "const PATH = \"/page\";\nconst CORS = [\"https://shop.example.com\"];\nfn parse(request) { () }\n",
    ),
    (
        "clients/whoami.rhai",
        "const PATH = \"/whoami\";\nfn parse(request) { () }\n\
         fn respond(request, events) { #{ body: #{ ip: request.ip } } }\n",
    ),
];

fn with_clients(set: WorkingSet) -> WorkingSet {
    for (path, text) in CLIENTS {
        set.write(path, text);
    }
    set
}

async fn start() -> (Server, StandIn, WorkingSet) {
    let crm = StandIn::of("http").await;
    let set = with_clients(WorkingSet::of_orders(crm.address));
    (Server::start(&set).await, crm, set)
}

/// A request, and the status and error text that it is answered with.
const REFUSALS: [(&str, &str, &str, u16, &str); 8] = [
    (
        "POST",
        "/nowhere",
        "{}",
        404,
        "no client claims POST /nowhere",
    ),
    ("GET", "/", "", 404, "no client claims GET /"),
    ("GET", "/order", "", 405, "/order takes POST"),
    ("POST", "/pixel/a", "{}", 405, "/pixel/a takes GET, PUT"),
    ("POST", "/healthz", "{}", 405, "only GET"),
    ("POST", "/order", "{\"id\":", 400, "the body is not JSON: "),
    ("POST", "/order", "", 400, "the body is not JSON: "),
    ("OPTIONS", "/order", "", 405, "/order takes POST"),
];

#[tokio::test]
async fn what_cannot_be_taken_is_refused_in_one_shape() {
    let (server, crm, _set) = start().await;
    for (method, path, body, status, expected) in REFUSALS {
        let answer = server.send(method, path, &[], body).await;
        assert_refused(&answer, status, expected);
        let takes = expected.split_once(" takes ").map(|(_, methods)| methods);
        let takes = takes.or((path == "/healthz").then_some("GET"));
        assert_eq!(answer.header("allow"), takes, "{method} {path}");
    }
    let answer = server.post("/quiet", &"x".repeat(1_025)).await;
    assert_refused(&answer, 413, "the body is larger");
    assert_eq!(server.post("/quiet", &"x".repeat(1_024)).await.status, 200);
    let answer = server
        .send("POST", "/order", &["Content-Encoding: br"], "{}")
        .await;
    assert_refused(&answer, 415, "packed once with content-encoding: gzip");
    assert!(crm.bodies().is_empty());
    server.stop().await;
}

fn assert_refused(answer: &Answer, status: u16, expected: &str) {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let body = answer.json();
    assert!(body["error"].as_str().unwrap().contains(expected), "{body}");
    assert_eq!(body["request_id"], answer.header("x-request-id").unwrap());
    assert_eq!(body.as_object().unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_taken_is_told_its_events() {
    let (server, crm, _set) = start().await;
    let answer = server.post("/order", r#"{"id":1}"#).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let body = answer.json();
    let id = body["events"][0].as_str().unwrap();
    assert_eq!(body, json!({ "status": "accepted", "events": [id] }));
    let quiet = server.post("/quiet", "").await;
    assert_eq!(quiet.json(), json!({ "status": "accepted", "events": [] }));

    let pixel = server.get("/pixel/berlin").await;
    assert_eq!(pixel.status, 200);
    let own = server.post("/own", "").await;
    assert_eq!((own.status, own.body.as_str()), (201, "mine"));
    assert_eq!(own.header("x-count"), Some("2"));

    let mut ids = vec![];
    for answer in [answer, quiet, pixel, own, server.get("/healthz").await] {
        ids.push(answer.header("x-request-id").unwrap().to_owned());
    }
    ids.dedup();
    assert_eq!(ids.len(), 5);
    crm.wait_for(1).await;
    assert_eq!(crm.bodies(), [json!({ "id": 1 })]);
    let status = server.status().await;
    assert_eq!(status["journal"]["events"], 4);
    server.stop().await;
}

#[tokio::test]
async fn a_request_whose_client_fails_is_kept_across_a_kill() {
    let (server, _crm, set) = start().await;
    let answer = server
        .send(
            "POST",
            "/broken?a=1",
            &["Authorization: Bearer of-a-sender"],
            "{\"order\":{\"id\":1}}",
        )
        .await;
    assert_eq!(answer.status, 202);
    let request_id = answer.header("x-request-id").unwrap();
    assert_eq!(
        answer.json(),
        json!({ "status": "kept", "request_id": request_id })
    );
    let line = server
        .logged(|line| line["client"] == "broken" && line["level"] == "WARN")
        .await;
    assert_eq!(line["request"], request_id);
    assert!(
        line["message"]
            .as_str()
            .unwrap()
            .contains("clients/broken.rhai:2:")
    );
    server.kill().await;
    let server = Server::start(&set).await;
    assert_eq!(server.status().await["journal"]["failed_requests"], 1);
    server.stop().await;
}

#[tokio::test]
async fn a_page_of_a_named_origin_may_call_and_no_other() {
    let (server, _crm, _set) = start().await;
    let asks = "Access-Control-Request-Method: POST";
    let wants = "Access-Control-Request-Headers: content-type";
    let shop = "Origin: https://shop.example.com";
    let answer = server
        .send("OPTIONS", "/page", &[shop, asks, wants], "")
        .await;
    assert_eq!(answer.status, 204);
    for (name, value) in [
        ("access-control-allow-origin", "https://shop.example.com"),
        ("access-control-allow-methods", "POST"),
        ("access-control-allow-headers", "content-type"),
        ("vary", "origin"),
    ] {
        assert_eq!(answer.header(name), Some(value));
    }
    let allowed = "access-control-allow-origin";
    let answer = server.send("POST", "/page", &[shop], "{}").await;
    assert_eq!(answer.header(allowed), Some("https://shop.example.com"));

    let other = "Origin: https://evil.example.com";
    let answer = server.send("OPTIONS", "/page", &[other, asks], "").await;
    assert_refused(&answer, 403, "origin");
    for path in ["/page", "/quiet"] {
        let answer = server.send("POST", path, &[other], "{}").await;
        assert_eq!((answer.status, answer.header(allowed)), (200, None));
    }
    server.stop().await;
}

#[tokio::test]
async fn only_a_trusted_proxy_says_who_the_sender_is() {
    let forwarded = ["X-Forwarded-For: 203.0.113.9, 198.51.100.7"];
    for (proxies, expected) in [("[]", "127.0.0.1"), ("[\"127.0.0.0/8\"]", "198.51.100.7")] {
        let tables = format!("server.trusted_proxies = {proxies}\n");
        let set = with_clients(WorkingSet::new(&tables));
        let server = Server::start(&set).await;
        let answer = server.send("POST", "/whoami", &forwarded, "").await;
        assert_eq!(answer.json(), json!({ "ip": expected }));
        server.stop().await;
    }
}

#[tokio::test]
async fn health_is_told() {
    let (server, _crm, _set) = start().await;
    for path in ["/healthz", "/readyz"] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json(), json!({ "status": "ok", "config_ok": true }));
    }
    server.stop().await;
}

/// A file may have 1 MiB: enough to start with.
const SMALL_DISK_BLOCKS: u32 = 2_048;

/// A client that keeps all that it is sent.
const WHOLE_CLIENT: &str = r#"
const PATH = "/order";
fn parse(request) { request.json + #{ event_name: "order", order_id: request.json.id } }
"#;

#[tokio::test]
async fn a_full_disk_is_answered_503_and_takes_nothing_back() {
    let crm = StandIn::of("http").await;
    let set = WorkingSet::of_orders(crm.address).with("clients/order.rhai", WHOLE_CLIENT);
    let server = Server::start_on_small_disk(&set, SMALL_DISK_BLOCKS).await;
    let padding = "x".repeat(40_000);
    let mut accepted = 0;
    let refused = loop {
        let body = json!({ "id": accepted, "padding": padding }).to_string();
        let answer = server.post("/order", &body).await;
        if answer.status != 200 {
            break answer;
        }
        accepted += 1;
        assert!(accepted < 100, "the disk never is full");
    };
    assert_refused(&refused, 503, "the journal cannot be written");
    assert_eq!(refused.header("retry-after"), Some("30"));
    let ready = server.get("/readyz").await;
    assert_eq!(
        (ready.status, &ready.json()["status"]),
        (503, &json!("the journal cannot be written"))
    );
    assert_eq!(server.get("/healthz").await.status, 200);
    server.kill().await;

    let server = Server::start(&set).await;
    assert_eq!(server.get("/readyz").await.status, 200);
    let settled = |status: &serde_json::Value| {
        let deliveries = status["deliveries"].as_array().unwrap();
        let delivered = json!({ "destination": "crm", "state": "delivered", "count": accepted });
        deliveries.contains(&delivered)
    };
    let status = server.status_where(settled).await;
    assert_eq!(status["journal"]["events"], accepted);
    let arrived = crm.bodies();
    for id in 0..accepted {
        assert!(arrived.contains(&json!({ "id": id })), "{id} is lost");
    }
    server.stop().await;
}
