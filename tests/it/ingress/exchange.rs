//! One request and its answer.

use tagwerk::ingress::{Limits, Settings};

use super::{PIXEL, Server, WAITING, hook};

#[tokio::test]
async fn a_request_arrives_as_it_was_sent() {
    let server = Server::start(Settings::default()).await;
    let mut raw = server.connect().await;
    let head = "POST /hook?a=1&b=%20 HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine\r\nX-Forwarded-For: 6.6.6.6\r\nContent-Length: 5\r\n\r\n";
    let answer = raw
        .send(head)
        .await
        .send("hello")
        .await
        .answer()
        .await
        .unwrap();
    let json = answer.json();
    assert_eq!(json["method"], "POST");
    assert_eq!(json["path"], "/hook");
    assert_eq!(json["query"], "a=1&b=%20");
    assert_eq!(json["body"], "hello");
    assert_eq!(json["ip"], "127.0.0.1", "only a trusted proxy is believed");
    assert_ne!(json["id"], "mine");
    assert_eq!(json["id"], answer.header("x-request-id").unwrap());
}

#[tokio::test]
async fn a_trusted_proxy_says_who_the_sender_is() {
    let trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let limits = Limits {
        connections_per_address: 0,
        ..Limits::default()
    };
    let server = Server::start(Settings {
        limits,
        trusted_proxies,
        ..Settings::default()
    })
    .await;
    let mut raw = server.connect().await;
    let head = "GET /pixel HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 6.6.6.6, 198.51.100.7\r\n\r\n";
    let answer = raw.send(head).await.answer().await.unwrap();
    assert_eq!(answer.json()["ip"], "198.51.100.7");
}

#[tokio::test]
async fn expect_100_continue_and_head_work() {
    let server = Server::start(Settings::default()).await;
    let mut raw = server.connect().await;
    raw.send(hook("Expect: 100-continue\r\nContent-Length: 5\r\n", ""))
        .await;
    assert_eq!(raw.answer().await.unwrap().status, 100);
    let answer = raw.send("hello").await.answer().await.unwrap();
    assert_eq!(answer.json()["body"], "hello");

    raw.send("HEAD /pixel HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let answer = raw.answer_without_body().await.unwrap();
    assert_eq!(answer.status, 200);
    assert_ne!(answer.header("content-length"), Some("0"));
    assert_eq!(raw.send(PIXEL).await.answer().await.unwrap().status, 200);
}

#[tokio::test]
async fn a_sender_that_closes_its_half_is_answered() {
    let server = Server::start(Settings::default()).await;
    let mut raw = server.connect().await;
    raw.send(WAITING).await.finish().await;
    server.started(1).await;
    server.echo.released.add_permits(1);
    assert_eq!(raw.answer().await.unwrap().status, 200);
    assert!(raw.answer().await.is_none());
}
