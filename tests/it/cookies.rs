//! Cookies that a client sets, on the wire: one header field each, with what was asked for and nothing
//! that a browser would drop.

use crate::support::server::Server;
use crate::support::working_set::WorkingSet;

fn set(cookies: &str) -> WorkingSet {
    let client = format!(
        "const PATH = \"/visit\";\nfn parse(request) {{ }}\nfn respond(request, events) {{ #{{ cookies: {cookies} }} }}"
    );
    WorkingSet::new("").with("clients/visit.rhai", &client)
}

async fn visit(server: &Server, host: &str) -> Vec<String> {
    let host = format!("Host: {host}");
    let answer = server.send("POST", "/visit", &[&host], "").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let fields = answer.headers.into_iter();
    fields
        .filter(|(name, _)| name == "set-cookie")
        .map(|(_, value)| value)
        .collect()
}

#[tokio::test]
async fn each_cookie_has_a_header_field_and_the_domain_is_the_sites() {
    let set = set(
        "#{
            a: \"1\",
            b: #{ value: \"2\", domain: cookie::domain(request.headers.host), max_age: 60, http_only: true },
            \"__Host-c\": #{ value: \"3\", same_site: \"None\", partitioned: true },
            \"__Secure-d\": \"4\",
        }",
    );
    let server = Server::start(&set).await;
    for (host, domain) in [
        ("tags.shop.example.co.uk", "; Domain=example.co.uk"),
        ("example.com:8080", "; Domain=example.com"),
        ("a.shop.github.io", "; Domain=shop.github.io"),
        ("localhost", ""),
        ("127.0.0.1:8080", ""),
    ] {
        let b = format!("b=2; Path=/{domain}; Max-Age=60; Secure; HttpOnly; SameSite=Lax");
        let expected = [
            "__Host-c=3; Path=/; Secure; Partitioned; SameSite=None",
            "__Secure-d=4; Path=/; Secure; SameSite=Lax",
            "a=1; Path=/; Secure; SameSite=Lax",
            &b,
        ];
        assert_eq!(visit(&server, host).await, expected, "{host}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_cookie_that_no_browser_would_take_is_a_fault_with_a_hint() {
    let set = set("#{ id: #{ value: \"1\", same_site: \"None\", secure: false } }");
    let server = Server::start(&set).await;
    assert_eq!(visit(&server, "example.com").await, [""; 0]);
    let line = server.logged(|line| line["client"] == "visit").await;
    let message = line["message"].as_str().unwrap();
    for part in [
        "cookie `id`",
        "only for secure cookies",
        "hint: leave out `secure: false`",
    ] {
        assert!(message.contains(part), "{message}");
    }
    server.stop().await;
}
