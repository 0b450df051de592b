//! Browsers: login links, sessions, roles, and what other sites cannot do.

use serde_json::{Value, json};

use crate::support::raw::Answer;
use crate::support::server::Server;
use crate::support::working_set::WorkingSet;

/// The part of a link behind the host.
fn path_of(link: &str) -> String {
    let (_, rest) = link.split_once("://").unwrap();
    rest.split_once('/')
        .map(|(_, path)| format!("/{path}"))
        .unwrap()
}

/// Follows a link as a browser does, and returns its cookie.
async fn follow(server: &Server, path: &str) -> (Answer, Option<String>) {
    let host = format!("Host: {}", server.admin);
    let headers = [&*host, "Sec-Fetch-Site: none"];
    let answer = server.call_with("GET", path, &headers, "").await;
    let cookie = answer.header("set-cookie");
    let cookie = cookie.map(|cookie| cookie.split(';').next().unwrap().to_owned());
    (answer, cookie)
}

async fn new_link(server: &Server, role: &str) -> String {
    let asked = json!({ "role": role }).to_string();
    let link = server.call("POST", "/api/login-links", &asked).await.json();
    path_of(link["url"].as_str().unwrap())
}

/// A call of our own page.
async fn page(server: &Server, cookie: &str, method: &str, path: &str, body: &str) -> Answer {
    let host = format!("Host: {}", server.admin);
    let cookie = format!("Cookie: other=1; {cookie}");
    let headers = [
        &*host,
        &cookie,
        "Sec-Fetch-Site: same-origin",
        "Content-Type: application/json",
    ];
    server.call_with(method, path, &headers, body).await
}

#[tokio::test]
async fn the_link_that_start_up_prints_works_once() {
    let server = Server::start(&WorkingSet::new("")).await;
    let line = server.logged(|line| line["link"].is_string()).await;
    let path = path_of(line["link"].as_str().unwrap());
    let (answer, cookie) = follow(&server, &path).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/")));
    let set = answer.header("set-cookie").unwrap();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(set.contains(part), "{set}");
    }
    let cookie = cookie.unwrap();
    assert_eq!(page(&server, &cookie, "GET", "/", "").await.status, 200);
    let me = page(&server, &cookie, "GET", "/api/me", "").await.json();
    assert_eq!(
        (&me["role"], &me["via"]),
        (&json!("admin"), &json!("session"))
    );
    let (again, none) = follow(&server, &path).await;
    assert_eq!((again.status, none), (401, None));
    assert_eq!(
        page(&server, &cookie, "POST", "/api/logout", "{}")
            .await
            .status,
        200
    );
    assert_eq!(
        page(&server, &cookie, "GET", "/api/me", "").await.status,
        401
    );
    let (page, _) = follow(&server, "/").await;
    assert_eq!(page.status, 401);
    assert!(
        page.header("content-type")
            .unwrap()
            .starts_with("text/html")
    );
    server.stop().await;
}

#[tokio::test]
async fn a_token_opens_a_session_too() {
    let server = Server::start(&WorkingSet::new("")).await;
    let answer = server.call("POST", "/api/login", "{}").await;
    assert_eq!(answer.status, 200);
    let cookie = answer
        .header("set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    assert_eq!(
        page(&server, &cookie, "GET", "/api/status", "")
            .await
            .status,
        200
    );
    server.stop().await;
}

/// What changes something, and what is asked.
const CHANGES: [(&str, &str, &str); 8] = [
    ("POST", "/api/reload", "{}"),
    ("POST", "/api/preview/sessions", "{}"),
    ("DELETE", "/api/preview/sessions/x", ""),
    ("POST", "/api/login-links", "{}"),
    ("POST", "/api/deliveries/discard", "{\"all\":true}"),
    ("POST", "/api/requests/retry", "{\"all\":true}"),
    ("POST", "/api/replay", "{\"since\":\"1h\"}"),
    ("POST", "/api/traces/x/save", "{\"name\":\"x\"}"),
];

#[tokio::test]
async fn a_reader_may_look_and_not_change() {
    let set = WorkingSet::new("");
    let mut server = Server::start(&set).await;
    let link = new_link(&server, "read").await;
    let cookie = follow(&server, &link).await.1.unwrap();
    let token = std::fs::read_to_string(set.file("data/admin-token-read")).unwrap();
    let admin_token = std::mem::replace(&mut server.admin_token, token.trim().to_owned());
    for path in [
        "/api/status",
        "/api/traces",
        "/api/audit",
        "/api/dead",
        "/metrics",
        "/api/series",
    ] {
        assert_eq!(server.call("GET", path, "").await.status, 200, "{path}");
        assert_eq!(
            page(&server, &cookie, "GET", path, "").await.status,
            200,
            "{path}"
        );
    }
    for (method, path, body) in CHANGES {
        assert_eq!(server.call(method, path, body).await.status, 403, "{path}");
        assert_eq!(
            page(&server, &cookie, method, path, body).await.status,
            403,
            "{path}"
        );
    }
    assert_eq!(
        page(&server, &cookie, "POST", "/api/verify", "{}")
            .await
            .status,
        200
    );
    assert_eq!(
        page(&server, &cookie, "POST", "/api/traces/x/replay", "{}")
            .await
            .status,
        404
    );
    server.admin_token = admin_token;
    for (method, path, body) in CHANGES {
        let status = server.call(method, path, body).await.status;
        assert!(status != 403, "{path}: {status}");
    }
    server.stop().await;
}

#[tokio::test]
async fn another_site_changes_nothing_even_with_the_cookie() {
    let server = Server::start(&WorkingSet::new("")).await;
    let link = new_link(&server, "admin").await;
    let cookie = format!("Cookie: {}", follow(&server, &link).await.1.unwrap());
    let host = format!("Host: {}", server.admin);
    let ours = format!("Origin: http://{}", server.admin);
    let json = "Content-Type: application/json";
    for (headers, status) in [
        (
            vec![&*host, &cookie, json, "Origin: https://evil.example"],
            403,
        ),
        (
            vec![&*host, &cookie, json, "Sec-Fetch-Site: cross-site"],
            403,
        ),
        (
            vec![&*host, &cookie, json, "Sec-Fetch-Site: same-site"],
            403,
        ),
        (vec![&*host, &cookie, json, "Origin: null"], 403),
        (vec![&*host, &cookie, json], 403),
        (
            vec![&*host, &cookie, "Content-Type: text/plain", &ours],
            415,
        ),
        (
            vec![&*host, &cookie, "Content-Type: multipart/form-data", &ours],
            415,
        ),
        (vec![&*host, &cookie, &ours], 415),
        (vec!["Host: evil.example", &cookie, json], 421),
        (vec!["Host: 127.0.0.1.nip.io", &cookie, json], 421),
        (vec!["Host: localhost.", &cookie, json], 421),
    ] {
        let answer = server
            .call_with("POST", "/api/preview/sessions", &headers, "{}")
            .await;
        assert_eq!(answer.status, status, "{headers:?}");
    }
    let sessions = server.call("GET", "/api/preview/sessions", "").await.json();
    assert_eq!(sessions, json!([]));
    let good = [&*host, &cookie, json, &ours];
    let answer = server
        .call_with("POST", "/api/preview/sessions", &good, "{}")
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    server.stop().await;
}

#[tokio::test]
async fn changes_are_written_down_and_no_token_is() {
    let set = WorkingSet::new("");
    let server = Server::start(&set).await;
    let link = new_link(&server, "admin").await;
    let cookie = follow(&server, &link).await.1.unwrap();
    assert_eq!(
        page(
            &server,
            &cookie,
            "POST",
            "/api/deliveries/discard",
            r#"{"all":true}"#
        )
        .await
        .status,
        200
    );
    let token = server.open_session("{}").await;
    let entries = server.call("GET", "/api/audit?limit=3", "").await.json();
    let paths: Vec<_> = entries
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["path"].as_str().unwrap())
        .collect();
    assert_eq!(
        paths,
        [
            "/api/preview/sessions",
            "/api/deliveries/discard",
            "/login/…"
        ]
    );
    let discard = &entries[1];
    assert_eq!(
        (&discard["role"], &discard["body"]),
        (&json!("admin"), &json!({ "all": true }))
    );
    assert!(
        discard["via"].as_str().unwrap().starts_with("session "),
        "{discard}"
    );
    let line = server
        .logged(|line| line["target"] == "audit" && line["path"] == "/api/deliveries/discard")
        .await;
    assert_eq!(line["status"], 200);
    let file = std::fs::read_to_string(set.file("data/audit.log")).unwrap();
    let (log, secret_link) = (server.log(), link.rsplit('/').next().unwrap().to_owned());
    let secret_cookie = cookie.split('=').nth(1).unwrap();
    for secret in [&*token, &secret_link, secret_cookie, &server.admin_token] {
        assert!(!file.contains(secret) && !log.contains(secret), "{secret}");
    }
    assert_eq!(
        file.lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .count(),
        4
    );
    server.stop().await;
}

#[tokio::test]
async fn a_name_that_is_configured_is_ours() {
    let set = WorkingSet::new("admin.hosts = [\"tagwerk.test\"]\n");
    let server = Server::start(&set).await;
    let authorization = format!("Authorization: Bearer {}", server.admin_token);
    for (host, status) in [
        ("tagwerk.test", 200),
        ("TAGWERK.test:443", 200),
        ("a.tagwerk.test", 421),
    ] {
        let host = format!("Host: {host}");
        let answer = server
            .call_with("GET", "/api/me", &[&host, &authorization], "")
            .await;
        assert_eq!(answer.status, status, "{host}");
    }
    server.stop().await;
}
