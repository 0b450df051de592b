//! `VERIFY` through the whole program, over real sockets: who is let in, what the others are told,
//! and that nothing of theirs is kept, run or shown.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::mac;
use crate::support::command::{run, tagwerk};
use crate::support::metrics::Page;
use crate::support::raw::Answer;
use crate::support::server::Server;
use crate::support::stand_in::StandIn;
use crate::support::working_set::{ORDER_TAG, WorkingSet, http_destination};

const SECRET: &str = "whsec_test_0123456789";
const TOKEN: &str = "token-0123456789";

/// A client that fails on what it cannot read, so that it would be kept if the script saw it.
fn client(path: &str, verify: &str) -> String {
    format!(
        "const PATH = \"{path}\";\nconst VERIFY = {verify};\n\
         fn parse(request) {{ log::warn(\"seen\"); if request.json.fail == true {{ throw \"no\" }} \
         #{{ event_name: \"order\", order_id: request.json.id }} }}\n"
    )
}

fn set(crm: &StandIn) -> WorkingSet {
    WorkingSet::new(&http_destination("crm", crm.address))
        .with("tags/order.rhai", ORDER_TAG)
        .with("secrets/stripe", SECRET)
        .with("secrets/token", &format!("{TOKEN}\n"))
        .with(
            "clients/stripe.rhai",
            &client(
                "/stripe",
                "#{ scheme: \"stripe\", secret: \"${file:secrets/stripe}\" }",
            ),
        )
        .with(
            "clients/token.rhai",
            &client(
                "/token",
                "#{ scheme: \"bearer\", header: \"x-token\", secret: \"${file:secrets/token}\" }",
            ),
        )
        .with(
            "clients/woo.rhai",
            &client(
                "/woo",
                "#{ scheme: \"woocommerce\", secret: \"${file:secrets/stripe}\" }",
            ),
        )
        .with(
            "clients/basic.rhai",
            &client("/basic", "#{ scheme: \"basic\", secret: \"SHOP_LOGIN\" }"),
        )
        .with(
            "clients/query.rhai",
            &client(
                "/query",
                "#{ scheme: \"query\", parameter: \"who\", secret: [\"${file:secrets/stripe}\", \"${file:secrets/token}\"] }",
            ),
        )
}

async fn start(set: &WorkingSet) -> Server {
    let mut command = tagwerk(set.path(), &["serve"]);
    command
        .env("SHOP_LOGIN", "shop:password-0123")
        .env("TAGWERK_LOG", "tagwerk=trace");
    Server::try_spawn(set, command)
        .await
        .unwrap_or_else(|ended| panic!("{ended:?}"))
}

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap()
}

fn stripe(body: &str, at: i64) -> String {
    let signature = hex::encode(mac(SECRET, format!("{at}.{body}").as_bytes()));
    format!("Stripe-Signature: t={at},v1={signature}")
}

/// What a sender is told, without the id of its request.
fn told(answer: &Answer) -> (u16, Value) {
    let mut body = answer.json();
    assert!(body["request_id"].take().is_string());
    (answer.status, body)
}

#[tokio::test]
async fn only_what_is_signed_becomes_an_event_and_the_others_are_told_nothing() {
    let crm = StandIn::of("http").await;
    let set = set(&crm);
    let server = start(&set).await;
    let body = r#"{"id": 7}"#;
    let send = |header: String, body: &'static str| {
        let server = &server;
        async move { server.send("POST", "/stripe", &[&header], body).await }
    };
    let answer = send(stripe(body, now()), r#"{"id": 7}"#).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    crm.wait_for(1).await;
    assert_eq!(crm.bodies().len(), 1);

    let refusals = [
        send("X-Nothing: 1".to_owned(), r#"{"id": 7}"#).await,
        send(stripe(body, now()), r#"{"id":7}"#).await, // serialised anew
        send(stripe(body, now() - 360), r#"{"id": 7}"#).await,
        send(stripe(body, now() + 360), r#"{"id": 7}"#).await,
        send("Stripe-Signature: t=1e9,v1=00".to_owned(), r#"{"id": 7}"#).await,
        send("Stripe-Signature: ,,,=".to_owned(), "not json").await,
        send("X-Nothing: 1".to_owned(), r#"{"fail": true}"#).await,
    ];
    let constant = (
        401,
        json!({ "error": "the request could not be verified", "request_id": null }),
    );
    for answer in &refusals {
        assert_eq!(told(answer), constant);
    }
    // A script that fails on a signed request is kept as ever.
    let fail = r#"{"fail": true}"#;
    let answer = send(stripe(fail, now()), r#"{"fail": true}"#).await;
    assert_eq!(answer.status, 202, "{}", answer.body);

    let page = Page::of(&server).await;
    let count = |series: &str| page.value(&format!("tagwerk_{series}"));
    assert_eq!(count(r#"requests_unverified_total{client="stripe"}"#), 7.0);
    assert_eq!(
        count(r#"requests_total{client="stripe",status="4xx"}"#),
        7.0
    );
    assert_eq!(
        count(r#"client_runs_total{client="stripe",result="ok"}"#),
        1.0
    );
    assert_eq!(count("journal_failed_requests"), 1.0);
    assert_eq!(count("journal_events_total"), 1.0);
    server.stop().await;
}

#[tokio::test]
async fn a_ping_of_woocommerce_is_answered_and_makes_no_event() {
    let crm = StandIn::of("http").await;
    let set = set(&crm);
    let server = start(&set).await;
    let form = "Content-Type: application/x-www-form-urlencoded";
    let answer = server.send("POST", "/woo", &[form], "webhook_id=142").await;
    assert_eq!(
        (answer.status, answer.json()["events"].clone()),
        (200, json!([]))
    );
    let more = server
        .send("POST", "/woo", &[form], "webhook_id=142&id=1")
        .await;
    assert_eq!(more.status, 401);
    let body = r#"{"id":9}"#;
    let signature = BASE64_STANDARD.encode(mac(SECRET, body.as_bytes()));
    let signed = format!("X-WC-Webhook-Signature: {signature}");
    assert_eq!(
        server.send("POST", "/woo", &[&signed], body).await.status,
        200
    );
    crm.wait_for(1).await;
    assert_eq!(crm.bodies().len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn passwords_are_asked_for_and_never_shown() {
    let crm = StandIn::of("http").await;
    let set = set(&crm);
    let server = start(&set).await;
    let answer = server.send("POST", "/basic", &[], "{}").await;
    assert_eq!(answer.status, 401);
    assert!(
        answer
            .header("www-authenticate")
            .unwrap()
            .starts_with("Basic")
    );
    let login = format!(
        "Authorization: Basic {}",
        BASE64_STANDARD.encode("shop:password-0123")
    );
    assert_eq!(
        server
            .send("POST", "/basic", &[&login], r#"{"id":1}"#)
            .await
            .status,
        200
    );

    let token = format!("X-Token: {TOKEN}");
    assert_eq!(
        server
            .send("POST", "/token", &[&token], r#"{"id":2}"#)
            .await
            .status,
        200
    );
    // One that fails is kept without it, and can be run again without it.
    let failed = server
        .send("POST", "/token", &[&token], r#"{"fail":true}"#)
        .await;
    assert_eq!(failed.status, 202, "{}", failed.body);
    let list = server.call("GET", "/api/requests", "").await.json();
    let id = list["requests"][0]["request_id"]
        .as_str()
        .unwrap_or_else(|| panic!("{list}"))
        .to_owned();
    let kept = server
        .call("GET", &format!("/api/requests/{id}"), "")
        .await
        .body;
    assert!(kept.contains("fail") && !kept.contains(TOKEN), "{kept}");
    let path = "clients/token.rhai";
    let repaired = std::fs::read_to_string(set.file(path))
        .unwrap()
        .replace("throw \"no\"", "");
    set.write(path, repaired);
    let retried = loop {
        let retried = server
            .call("POST", "/api/requests/retry", r#"{"all":true}"#)
            .await
            .json();
        if retried["left"] == 0 {
            break retried;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(retried["repaired"], 1, "{retried}");
    server.stop().await;
}

#[tokio::test]
async fn a_secret_in_the_address_is_asked_for_and_never_shown() {
    let crm = StandIn::of("http").await;
    let set = set(&crm);
    let server = start(&set).await;
    for (query, status) in [
        ("", 401),
        ("?who=", 401),
        ("?who=token-wrong", 401),
        (&format!("?who={TOKEN}&who={TOKEN}"), 401),
        (&format!("?other={TOKEN}"), 401),
        (&format!("?a=b&who={TOKEN}"), 200),
        (&format!("?w%68o={SECRET}"), 200), // the other secret
    ] {
        let path = format!("/query{query}");
        let answer = server.send("POST", &path, &[], r#"{"id":1}"#).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        assert_eq!(answer.header("www-authenticate"), None);
    }
    // One that fails is kept without it.
    let path = format!("/query?a=b&who={TOKEN}&w%68at=c");
    let failed = server.send("POST", &path, &[], r#"{"fail":true}"#).await;
    assert_eq!(failed.status, 202, "{}", failed.body);
    let list = server.call("GET", "/api/requests", "").await.json();
    let id = list["requests"][0]["request_id"].as_str().unwrap();
    let kept = server.call("GET", &format!("/api/requests/{id}"), "").await;
    assert!(
        kept.body.contains(r#"{"a":"b","what":"c"}"#),
        "{}",
        kept.body
    );
    assert!(!kept.body.contains(TOKEN), "{}", kept.body);

    let session = server
        .call("POST", "/api/preview/sessions", r#"{"ttl":"5m"}"#)
        .await
        .json();
    let preview = format!("X-Preview: {}", session["token"].as_str().unwrap());
    let wants = "Accept: application/vnd.tagwerk.trace+json";
    for (query, reason) in [
        ("a=b".to_owned(), "the parameter who is missing"),
        (
            "who=token-wrong".to_owned(),
            "the parameter who is not the secret",
        ),
        (format!("who={TOKEN}&a=b"), "; verified"),
        (format!("w%68o={TOKEN}&a=b"), "; verified"),
    ] {
        let path = format!("/query?{query}");
        let answer = server
            .send("POST", &path, &[&preview, wants], r#"{"id":1}"#)
            .await;
        let told = answer.json()["clients"][0]["reason"].clone();
        assert!(told.as_str().unwrap().contains(reason), "{told}");
        assert!(!answer.body.contains("token-"), "{}", answer.body);
    }
    let found = |text: &'static str| {
        let path = format!("/api/traces?text={text}");
        let server = &server;
        async move {
            let rows = server.call("GET", &path, "").await.json();
            rows.as_array().unwrap().len()
        }
    };
    assert_eq!(found("a%3Db").await, 3);
    // Nor can it be found out by searching for it, letter by letter.
    assert_eq!(found("token-0").await, 0);
    assert!(!server.log().contains(TOKEN));
    server.stop().await;
}

#[tokio::test]
async fn a_trace_says_why_and_not_the_secret() {
    let crm = StandIn::of("http").await;
    let set = set(&crm);
    let server = start(&set).await;
    let session = server
        .call("POST", "/api/preview/sessions", r#"{"ttl":"5m"}"#)
        .await
        .json();
    let preview = format!("X-Preview: {}", session["token"].as_str().unwrap());
    let wants = "Accept: application/vnd.tagwerk.trace+json";
    let body = r#"{"id": 7}"#;
    for (path, header, reason) in [
        (
            "/stripe",
            "X-A: 1".to_owned(),
            "not verified: the header stripe-signature is missing",
        ),
        (
            "/stripe",
            stripe(body, now() - 400),
            "not verified: it was signed ",
        ),
        (
            "/stripe",
            stripe("{}", now()),
            "not verified: no signature in stripe-signature is that of these bytes",
        ),
        ("/stripe", stripe(body, now()), "path /stripe; verified"),
        (
            "/token",
            "X-Token: token-wrong-0123".to_owned(),
            "not verified: what is in x-token is not the secret",
        ),
        (
            "/token",
            format!("X-Token: {TOKEN}"),
            "path /token; verified",
        ),
    ] {
        let answer = server
            .send("POST", path, &[&preview, wants, &header], body)
            .await;
        let trace = answer.json();
        let told = trace["clients"][0]["reason"]
            .as_str()
            .unwrap_or_else(|| panic!("{trace}"));
        assert!(told.contains(reason), "{told}");
        let good = reason.ends_with("; verified");
        assert_eq!(trace["response"]["status"], if good { 200 } else { 401 });
        assert_eq!(trace["events"].as_array().unwrap().len(), usize::from(good));
        for secret in [SECRET, TOKEN, "token-wrong"] {
            assert!(!answer.body.contains(secret), "{}", answer.body);
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_checked_does_not_start() {
    let crm = StandIn::of("http").await;
    let set = set(&crm);
    // SHOP_LOGIN is not set here.
    let ended = run(set.path(), &["check"]).await;
    assert_eq!(ended.code, 1);
    let wanted = [
        "VERIFY: secret: the variable SHOP_LOGIN is not set",
        "--> clients/basic.rhai:2:7",
    ];
    let tells = |stderr: &str| wanted.iter().all(|part| stderr.contains(part));
    assert!(tells(&ended.stderr), "{}", ended.stderr);
    let ended = run(set.path(), &["serve"]).await;
    assert_eq!(ended.code, 78, "{}", ended.stderr);
    assert!(tells(&ended.stderr), "{}", ended.stderr);
}

#[tokio::test]
async fn the_operators_own_request_can_be_traced_unsigned() {
    let crm = StandIn::of("http").await;
    let set = set(&crm).with(
        "order.http",
        "POST /stripe\nContent-Type: application/json\n\n{\"id\":7}\n",
    );
    std::fs::remove_file(set.file("clients/basic.rhai")).unwrap();
    let refused = run(set.path(), &["trace", "order.http", "--json"])
        .await
        .json();
    assert_eq!(refused["response"]["status"], 401);
    let taken = run(
        set.path(),
        &["trace", "order.http", "--json", "--no-verify"],
    )
    .await
    .json();
    assert_eq!(taken["response"]["status"], 200);
    assert_eq!(
        taken["clients"][0]["reason"],
        "path /stripe; VERIFY was left out"
    );
}
