//! What a trace must not show, where a token must not turn up, and that a wrong one tells nothing.

use std::path::Path;

use tokio::time::{Duration, sleep};

use super::{KEYS, Scene, working_set};
use crate::support::metrics::Page;
use crate::support::raw::Answer;
use crate::support::server::Server;
use crate::support::stand_in::StandIn;

#[tokio::test]
async fn a_trace_shows_no_key() {
    let scene = Scene::start().await;
    let token = scene.server.open_session("{}").await;
    let of_sender = [
        "Authorization: Bearer senders-own-token",
        "Cookie: session=senders-own-cookie",
        "Proxy-Authorization: Basic senders-own-password",
    ];
    let trace = scene.trace(&token, &of_sender).await;
    let text = trace.to_string();
    let secrets = [
        "senders-own",
        "slack-secret",
        "B0BOT",
        &token,
        &scene.server.admin_token,
    ];
    for secret in KEYS.iter().chain(&secrets) {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let headers = &trace["request"]["headers"];
    for name in ["authorization", "cookie", "proxy-authorization"] {
        assert_eq!(headers[name], "***");
    }
    for name in ["x-preview", "x-gtm-server-preview"] {
        assert!(headers.get(name).is_none());
    }
    let tags = trace["events"][0]["tags"].as_array().unwrap();
    for name in ["amplitude", "tracify", "slack", "crm"] {
        let tag = tags.iter().find(|tag| tag["name"] == name).unwrap();
        let request = &tag["deliveries"][0]["request"];
        assert!(request.to_string().contains("***"), "{name}: {request}");
    }
    scene.stop().await;
}

/// Requests of all fates.
const REQUESTS: [(&str, &str, &str); 5] = [
    (
        "POST",
        "/order_created",
        r#"{"event_id":"order-1","value":1}"#,
    ),
    ("POST", "/order_created", "not json"),
    ("PUT", "/order_created", "{}"),
    ("POST", "/nowhere", "{}"),
    ("GET", "/healthz", ""),
];

#[tokio::test]
async fn a_wrong_or_expired_token_changes_nothing_in_the_answer() {
    let scene = Scene::start().await;
    let expired = scene.server.open_session(r#"{"ttl":"100ms"}"#).await;
    let good = scene.server.open_session("{}").await;
    while scene.sessions().await > 1 {
        sleep(Duration::from_millis(20)).await;
    }
    let wrong = [
        format!("X-Preview: {expired}"),
        format!("X-Gtm-Server-Preview: {expired}"),
        format!("X-Preview: {}", good.to_uppercase()),
        format!("X-Preview: {good}0"),
        format!("X-Preview: {}", good.split_at(31).0),
        format!("X-Preview: {}", "a".repeat(4_000)),
        "X-Preview:".to_owned(),
    ];
    for (method, path, body) in REQUESTS {
        let without = scene.server.send(method, path, &[], body).await;
        for header in &wrong {
            let with = scene.server.send(method, path, &[header], body).await;
            assert_eq!(but_for_ids(&with), but_for_ids(&without), "{path} {header}");
        }
    }
    scene.stop().await;
}

#[tokio::test]
async fn who_guesses_tokens_is_not_heard_for_a_while() {
    const ORDER: &str = r#"{"event_id":"order-1","value":1}"#;
    let scene = Scene::start().await;
    let good = scene.server.open_session("{}").await;
    let preview = format!("X-Preview: {good}");
    let before = scene
        .server
        .send("POST", "/nowhere", &[&preview], ORDER)
        .await;
    assert!(before.header("x-preview-trace").is_some());
    for path in ["/nowhere", "/order_created"] {
        for number in 0..10 {
            let guess = format!("X-Preview: {number:032x}");
            let answer = scene.server.send("POST", path, &[&guess], ORDER).await;
            assert_eq!(answer.header("x-preview-trace"), None);
        }
        let without = scene.server.send("POST", path, &[], ORDER).await;
        let with = scene.server.send("POST", path, &[&preview], ORDER).await;
        assert_eq!(but_for_ids(&with), but_for_ids(&without));
    }
    let unknown = Page::of(&scene.server)
        .await
        .value("tagwerk_preview_tokens_unknown_total");
    assert_eq!(unknown, 22.0);
    scene.stop().await;
}

impl Scene {
    async fn sessions(&self) -> usize {
        let sessions = self.server.call("GET", "/api/preview/sessions", "").await;
        sessions.json().as_array().unwrap().len()
    }
}

/// All of an answer but its request id, and the time of day.
fn but_for_ids(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let id = answer.header("x-request-id").unwrap();
    let fields = answer
        .headers
        .iter()
        .map(|(name, value)| match name.as_str() {
            "date" => (name.clone(), String::new()),
            _ => (name.clone(), value.replace(id, "ID")),
        });
    (
        answer.status,
        fields.collect(),
        answer.body.replace(id, "ID"),
    )
}

/// A client that tries to keep and to tell all headers.
const NOSY_CLIENT: &str = r#"
const PATH = "/nosy/:how";
fn parse(request) {
    log::warn(request.headers);
    let event = #{ event_name: "nosy", value: request.headers };
    if request.params.how == "fail" { throw `these are ${request.headers}`; }
    event
}
"#;

#[tokio::test]
async fn a_token_reaches_no_script_no_journal_no_log_and_no_vendor() {
    let vendor = StandIn::of("http").await;
    let set = working_set(&vendor).with("clients/nosy.rhai", NOSY_CLIENT);
    let server = Server::start_talkative(&set).await;
    let dry = server.open_session("{}").await;
    let sends = server.open_session(r#"{"send":true}"#).await;
    let wrong = "a-wrong-token-0123456789";
    let mark = "X-Mark: seen-by-the-client";
    let tokens = [&*dry, &*sends, wrong];
    for token in tokens {
        for name in ["X-Preview", "X-Gtm-Server-Preview"] {
            let header = format!("{name}: {token}");
            let answer = server
                .send("POST", "/nosy/keep", &[&header, mark], "{}")
                .await;
            assert_eq!(answer.status, 200);
            let answer = server
                .send("POST", "/nosy/fail", &[&header, mark], "{}")
                .await;
            assert_eq!(answer.status, 202);
        }
    }
    vendor.wait_for(4).await; // two that send, two with a wrong token
    let status = server.status().await;
    assert_eq!(
        status["journal"]["failed_requests"], 4,
        "a session that sends keeps them, too"
    );
    let traces = server.call("GET", "/api/traces", "").await.json();
    let mut seen = Vec::new();
    for trace in traces.as_array().unwrap() {
        let path = format!("/api/traces/{}", trace["trace_id"].as_str().unwrap());
        seen.push(server.call("GET", &path, "").await.body);
    }
    assert_eq!(seen.len(), 8);
    let bodies: Vec<String> = vendor.bodies().iter().map(ToString::to_string).collect();
    seen.extend(bodies);
    seen.push(server.log());
    server.stop().await;
    let kept = content(&set.file("data"));
    assert!(kept.contains("seen-by-the-client") && seen[0].contains("seen-by-the-client"));
    seen.push(kept);
    for token in tokens {
        assert!(seen.iter().all(|text| !text.contains(token)), "{token}");
    }
    vendor.stop().await;
}

/// Everything in a folder.
fn content(folder: &Path) -> String {
    let files = std::fs::read_dir(folder).unwrap();
    let bytes = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
    bytes
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .collect()
}
