//! Who is sent away is seen too: by the listener, before any client could be asked, or by `VERIFY`. And
//! what is captured is counted like any other.

use serde_json::{Value, json};

use super::TRACE_TYPE;
use crate::support::metrics::Page;
use crate::support::raw::{Answer, Raw};
use crate::support::server::Server;
use crate::support::stand_in::StandIn;
use crate::support::working_set::WorkingSet;

const KNOWN_ONLY: &str = "const PATH = \"/known\";\nconst VERIFY = #{ scheme: \"bearer\", header: \"x-token\", secret: \"${file:token}\" };\n\
    fn parse(request) { () }\n";

async fn start(vendor: &StandIn) -> Server {
    let set = WorkingSet::of_orders(vendor.address)
        .with("token", "0123456789")
        .with("clients/known.rhai", KNOWN_ONLY);
    Server::start(&set).await
}

async fn send(server: &Server, bytes: impl AsRef<[u8]>) -> Answer {
    let mut raw = Raw::connect(server.address).await;
    raw.send(bytes).await.answer().await.unwrap()
}

/// The traces, the oldest first.
async fn traces(server: &Server) -> Vec<Value> {
    let rows = server.call("GET", "/api/traces", "").await.json();
    let mut traces = Vec::new();
    for row in rows.as_array().unwrap().iter().rev() {
        let path = format!("/api/traces/{}", row["trace_id"].as_str().unwrap());
        let mut trace = server.call("GET", &path, "").await.json();
        assert_eq!(trace["outcome"], row["outcome"]);
        trace["row"] = row.clone();
        traces.push(trace);
    }
    traces
}

/// What the listener says no to: the request, the status, the path that is shown, and a part of why.
fn refused() -> Vec<(String, u16, &'static str, &'static str)> {
    let large = "x".repeat(2 * 1024 * 1024);
    vec![
        (
            "POST /order?token=s3cret&utm=x HTTP/1.1\r\nhost: a\r\nbad header: x\r\nauthorization: s3cret\r\ncontent-length: 8\r\n\r\n{\"id\":1}"
                .to_owned(),
            400,
            "/order",
            "a header field must read",
        ),
        (
            "GET /a/../order HTTP/1.1\r\nhost: a\r\nx-preview: s3cret\r\n\r\n".to_owned(),
            400,
            "/a/../order",
            "the path must not hold",
        ),
        (
            format!("POST /order HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n{large}", large.len()),
            413,
            "/order",
            "larger than is allowed",
        ),
        (
            format!("POST /order HTTP/1.1\r\nhost: a\r\nx-long: {}\r\n\r\n", "x".repeat(20_000)),
            431,
            "/order",
            "too large",
        ),
        (
            "POST /order HTTP/1.1\r\nhost: a\r\ncontent-encoding: br\r\ncontent-length: 2\r\n\r\n{}".to_owned(),
            415,
            "/order",
            "send the body plain",
        ),
        ("\u{16}\u{3}\u{1}\r\n\r\n".to_owned(), 400, "(unreadable)", "the request line must read"),
    ]
}

#[tokio::test]
async fn what_the_listener_refuses_is_seen_with_the_reason() {
    let vendor = StandIn::of("http").await;
    let server = start(&vendor).await;
    server
        .call("POST", "/api/preview/sessions", r#"{"capture":{}}"#)
        .await;
    for (request, status, ..) in refused() {
        assert_eq!(send(&server, request).await.status, status);
    }
    let seen = traces(&server).await;
    assert_eq!(seen.len(), refused().len());
    for (trace, (_, status, path, why)) in seen.iter().zip(refused()) {
        assert_eq!(trace["outcome"], "refused", "{path}");
        assert_eq!(trace["request"]["path"], path);
        assert_eq!(trace["response"]["status"], status);
        assert_eq!(trace["clients"], json!([]));
        let unasked = &trace["unasked"];
        assert!(
            unasked["reason"].as_str().unwrap().contains(why),
            "{unasked}"
        );
        assert!(!trace.to_string().contains("s3cret"), "{trace}");
    }
    let first = &seen[0];
    assert_eq!(
        first["unasked"]["head"],
        "POST /order?token=***&utm=x HTTP/1.1\nhost: a\nbad header: x\nauthorization: ***\ncontent-length: 8"
    );
    assert_eq!(first["request"]["method"], "POST");
    assert_eq!(first["request"]["headers"]["host"], "a");
    assert_eq!(first["request"]["body"], "{\"id\":1}");
    assert_eq!(seen[2]["unasked"]["head"], Value::Null, "that was in order");

    // There is nothing to run.
    for (what, body) in [("replay", "{}"), ("save", r#"{"name":"x"}"#)] {
        let path = format!("/api/traces/{}/{what}", first["trace_id"].as_str().unwrap());
        let answer = server.call("POST", &path, body).await;
        assert_eq!(answer.status, 409, "{}", answer.body);
    }
    server.stop().await;
    vendor.stop().await;
}

#[tokio::test]
async fn a_filter_holds_for_what_the_listener_refuses() {
    let vendor = StandIn::of("http").await;
    let server = start(&vendor).await;
    for filter in [
        r#"{"path":"/other"}"#,
        r#"{"client":"order"}"#,
        r#"{"event":"order"}"#,
    ] {
        let asked = format!(r#"{{"capture":{filter}}}"#);
        server.call("POST", "/api/preview/sessions", &asked).await;
    }
    assert_eq!(
        send(&server, "POST /order HTTP/1.1\r\n\r\n").await.status,
        400
    );
    assert_eq!(traces(&server).await, [Value::Null; 0]);
    let asked = r#"{"capture":{"path":"/order"}}"#;
    server.call("POST", "/api/preview/sessions", asked).await;
    assert_eq!(
        send(&server, "POST /order HTTP/1.1\r\n\r\n").await.status,
        400
    );
    assert_eq!(traces(&server).await.len(), 1);
    server.stop().await;
    vendor.stop().await;
}

#[tokio::test]
async fn a_request_with_a_token_is_told_where_its_trace_is() {
    let vendor = StandIn::of("http").await;
    let server = start(&vendor).await;
    let token = server.open_session("{}").await;
    let large = format!(
        "POST /order HTTP/1.1\r\nhost: a\r\nx-preview: {token}\r\ncontent-length: 99999999\r\n\r\n"
    );
    let answer = send(&server, &large).await;
    assert_eq!(answer.status, 413);
    let id = answer.header("x-preview-trace").unwrap();
    assert_eq!(answer.header("x-request-id"), Some(id));
    let seen = traces(&server).await;
    assert_eq!(
        (&seen[0]["trace_id"], &seen[0]["mode"]),
        (&json!(id), &json!("dry_run"))
    );
    let asks = large.replace("host: a", &format!("host: a\r\n{TRACE_TYPE}"));
    let answer = send(&server, &asks).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["response"]["status"], 413);

    // Without a token, or with a wrong one, the same answer and no trace.
    let wrong = large.replace(&token, "wrong");
    assert_eq!(send(&server, &wrong).await.header("x-preview-trace"), None);
    assert_eq!(traces(&server).await.len(), 2);
    server.stop().await;
    vendor.stop().await;
}

#[tokio::test]
async fn what_is_not_verified_is_seen_and_counted_whoever_watches() {
    let vendor = StandIn::of("http").await;
    let server = start(&vendor).await;
    let unverified = async || {
        let page = Page::of(&server).await;
        page.value(r#"tagwerk_requests_unverified_total{client="known"}"#)
    };
    assert_eq!(server.post("/known", "{}").await.status, 401);
    assert_eq!(unverified().await, 1.0);
    server
        .call(
            "POST",
            "/api/preview/sessions",
            r#"{"capture":{"client":"known"}}"#,
        )
        .await;
    assert_eq!(server.post("/known", "{}").await.status, 401);
    assert_eq!(unverified().await, 2.0);
    let seen = traces(&server).await;
    assert_eq!((seen.len(), &seen[0]["outcome"]), (1, &json!("refused")));
    assert!(
        seen[0]["clients"][0]["reason"]
            .as_str()
            .unwrap()
            .contains("not verified"),
        "{}",
        seen[0]
    );
    // Whoever only tries is no alarm.
    let token = format!("X-Preview: {}", server.open_session("{}").await);
    assert_eq!(
        server.send("POST", "/known", &[&token], "{}").await.status,
        401
    );
    assert_eq!(unverified().await, 2.0);
    server.stop().await;
    vendor.stop().await;
}

#[tokio::test]
async fn a_client_that_fails_in_a_dry_run_has_not_failed_live() {
    let vendor = StandIn::of("http").await;
    let set = WorkingSet::of_orders(vendor.address).with(
        "clients/fails.rhai",
        "const PATH = \"/fails\";\nfn parse(request) {\n    throw \"no\";\n}\n",
    );
    let server = Server::start(&set).await;
    let last_fault = async || {
        let clients = server.call("GET", "/api/clients", "").await.json();
        let mut clients = clients.as_array().unwrap().iter();
        clients.find(|one| one["name"] == "fails").unwrap()["last_fault"].clone()
    };
    let token = format!("X-Preview: {}", server.open_session("{}").await);
    server.send("POST", "/fails", &[&token], "{}").await;
    assert_eq!(last_fault().await, Value::Null);
    server
        .call("POST", "/api/preview/sessions", r#"{"capture":{}}"#)
        .await;
    assert_eq!(server.post("/fails", "{}").await.status, 202);
    assert_eq!(last_fault().await["fault"]["line"], 3);
    server.stop().await;
    vendor.stop().await;
}

#[tokio::test]
async fn a_token_that_opens_nothing_is_counted() {
    let vendor = StandIn::of("http").await;
    let server = start(&vendor).await;
    let good = server.open_session("{}").await;
    let tokens = ["", "x", "0123456789abcdef0123456789abcdef", &*good];
    for token in tokens {
        let header = format!("X-Preview: {token}");
        assert_eq!(
            server
                .send("POST", "/order", &[&header], r#"{"id":1}"#)
                .await
                .status,
            200
        );
    }
    let page = Page::of(&server).await;
    assert_eq!(page.value("tagwerk_preview_tokens_unknown_total"), 3.0);
    server.stop().await;
    vendor.stop().await;
}
