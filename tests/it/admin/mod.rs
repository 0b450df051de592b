//! Who may call the admin API, and what it tells them.

mod login;

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::support::server::Server;
use crate::support::working_set::{ORDER_CLIENT, WorkingSet};

/// Header lines in which `{host}` and `{token}` are filled in, a path, and the status it gets.
const CALLS: [(&[&str], &str, u16); 16] = [
    (
        &["Host: {host}", "Authorization: Bearer {token}"],
        "/api/status",
        200,
    ),
    (
        &["Host: localhost:{port}", "Authorization: Bearer {token}"],
        "/api/status",
        200,
    ),
    (&["Host: {host}"], "/api/status", 401),
    (
        &["Host: {host}", "Authorization: Bearer wrong"],
        "/api/status",
        401,
    ),
    (
        &["Host: {host}", "Authorization: Basic {token}"],
        "/api/status",
        401,
    ),
    (
        &["Host: {host}", "Authorization: {token}"],
        "/api/status",
        401,
    ),
    (&["Host: {host}"], "/api/status?token={token}", 401),
    (
        &["Host: {host}", "Authorization: Bearer {token}"],
        "/api/status?token={token}",
        401,
    ),
    (
        &[
            "Host: rebound.example.com:{port}",
            "Authorization: Bearer {token}",
        ],
        "/api/status",
        421,
    ),
    (
        &["Host: localhost", "Authorization: Bearer {token}"],
        "/api/status",
        421,
    ),
    (
        &[
            "Host: {host}",
            "Authorization: Bearer {token}",
            "Origin: https://evil.example.com",
        ],
        "/api/status",
        403,
    ),
    (
        &[
            "Host: {host}",
            "Authorization: Bearer {token}",
            "Sec-Fetch-Site: cross-site",
        ],
        "/api/status",
        403,
    ),
    (
        &[
            "Host: {host}",
            "Authorization: Bearer {token}",
            "Origin: http://{host}",
        ],
        "/api/status",
        200,
    ),
    (&["Host: {host}"], "/metrics", 401),
    (&["Host: {host}"], "/nothing", 401),
    (
        &["Host: {host}", "Authorization: Bearer {token}"],
        "/nothing",
        404,
    ),
];

const CSP: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'";

#[tokio::test]
async fn only_the_operator_is_let_in() {
    let set = WorkingSet::new("");
    let server = Server::start(&set).await;
    let fill = |text: &str| {
        text.replace("{host}", &server.admin.to_string())
            .replace("{port}", &server.admin.port().to_string())
            .replace("{token}", &server.admin_token)
    };
    for (headers, path, status) in CALLS {
        let headers: Vec<String> = headers.iter().map(|header| fill(header)).collect();
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        let answer = server.call_with("GET", &fill(path), &headers, "").await;
        assert_eq!(answer.status, status, "{headers:?} {path}: {}", answer.body);
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(answer.header(name), Some(value));
        }
        assert_eq!(answer.header("content-security-policy"), Some(CSP));
        assert_eq!(answer.header("access-control-allow-origin"), None);
        let is_error = answer.json()["error"].is_string();
        assert_eq!(is_error, status != 200, "{}", answer.body);
    }
    let file = std::fs::metadata(set.file("data/admin-token")).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    assert!(!server.log().contains(&server.admin_token));
    for path in ["/api/status", "/api/preview/sessions", "/metrics"] {
        assert_eq!(
            server.get(path).await.status,
            404,
            "not on the public listener"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn a_web_pages_form_cannot_open_a_session() {
    let set = WorkingSet::new("");
    let server = Server::start(&set).await;
    let host = format!("Host: {}", server.admin);
    let authorization = format!("Authorization: Bearer {}", server.admin_token);
    for kind in ["text/plain", "application/x-www-form-urlencoded"] {
        let headers = [&*host, &authorization, &format!("Content-Type: {kind}")];
        let answer = server
            .call_with("POST", "/api/preview/sessions", &headers, "{}")
            .await;
        assert_eq!(answer.status, 415);
    }
    for (body, status) in [
        ("{", 400),
        (r#"{"ttl":"soon"}"#, 400),
        (r#"{"tlt":"1h"}"#, 422),
        (r#"{"send":"yes"}"#, 422),
    ] {
        let answer = server.call("POST", "/api/preview/sessions", body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.body);
        assert!(answer.json()["error"].is_string());
    }
    server.stop().await;
}

#[tokio::test]
async fn it_tells_what_is_loaded_and_reloads() {
    let tables = "[destinations.crm]\ntype = \"http\"\nurl = \"https://crm.test/\"\n\
                  headers = { Authorization = \"Bearer ${CRM_TOKEN}\" }\n";
    let set = WorkingSet::new(tables)
        .with("clients/order.rhai", ORDER_CLIENT)
        .with("tags/order.rhai", crate::support::working_set::ORDER_TAG);
    let server = Server::start(&set).await;
    let get = async |path: &str| server.call("GET", path, "").await.json();
    let client = &get("/api/clients").await[0];
    assert_eq!(
        [
            &client["name"],
            &client["file"],
            &client["paths"],
            &client["methods"]
        ],
        [
            &json!("order"),
            &json!("clients/order.rhai"),
            &json!(["/order"]),
            &json!(["POST"])
        ]
    );
    let tag = &get("/api/tags").await[0];
    assert_eq!(
        [
            &tag["name"],
            &tag["on"],
            &tag["destination"],
            &tag["enabled"]
        ],
        [
            &json!("order"),
            &json!(["order"]),
            &json!("crm"),
            &json!(true)
        ]
    );
    let destination = &get("/api/destinations").await[0];
    assert_eq!(destination["configured"], false);
    assert_eq!(destination["missing"], json!(["CRM_TOKEN"]));

    // What cannot be sent yet waits, and is seen to wait.
    assert_eq!(server.post("/order", r#"{"id":1}"#).await.status, 200);
    let waits = json!({ "destination": "crm", "state": "pending", "count": 1 });
    server
        .status_where(|status| status["deliveries"] == json!([waits]))
        .await;

    let answer = server.call("POST", "/api/reload", "").await;
    assert_eq!(answer.json(), json!({ "reload": "unchanged" }));
    server.stop().await;
}
