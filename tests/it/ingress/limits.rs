//! Deadlines, limits and the drain.

use std::time::Duration;

use tagwerk::ingress::{Drained, Limits, Settings};
use tokio::net::TcpStream;

use super::{PIXEL, Server, WAITING};

#[tokio::test]
async fn slow_senders_are_cut_off() {
    let short = Duration::from_millis(250);
    let limits = Limits {
        head_time: short,
        body_time: short,
        idle_time: short,
        ..Limits::default()
    };
    let server = Server::with_limits(limits).await;
    let table: &[(&str, &str, &[u16])] = &[
        ("silent", "", &[]),
        ("S11 the head stalls", "GET /pixel HT", &[408]),
        (
            "S12 the body stalls",
            "POST /hook HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nh",
            &[408],
        ),
        ("idle", PIXEL, &[200]),
    ];
    for (name, sent, statuses) in table {
        let mut raw = server.connect().await;
        raw.send(sent).await;
        for status in *statuses {
            assert_eq!(raw.answer().await.unwrap().status, *status, "{name}");
        }
        assert!(raw.answer().await.is_none(), "{name}");
    }
    assert_eq!(server.handled(), 1, "nothing but the pixel was handed on");
}

#[tokio::test]
async fn bodies_over_the_budget_are_refused_until_there_is_room() {
    let server = Server::with_limits(Limits {
        bodies_bytes: 1_500,
        ..Limits::default()
    })
    .await;
    let large = |query: &str| {
        let body = "x".repeat(1_000);
        format!("POST /hook{query} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{body}")
    };
    let mut first = server.connect().await;
    first.send(large("?wait")).await;
    server.started(1).await;

    let mut second = server.connect().await;
    let answer = second.send(large("")).await.answer().await.unwrap();
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (503, Some("1"))
    );
    assert!(second.answer().await.is_none());

    server.echo.released.add_permits(1);
    assert_eq!(first.answer().await.unwrap().status, 200);
    assert_eq!(
        first.send(large("")).await.answer().await.unwrap().status,
        200
    );
}

#[tokio::test]
async fn the_drain_lets_running_requests_finish() {
    let server = Server::start(Settings::default()).await;
    let mut idle = server.connect().await;
    assert_eq!(idle.send(PIXEL).await.answer().await.unwrap().status, 200);
    let mut silent = server.connect().await;
    let mut busy = server.connect().await;
    busy.send(WAITING).await.send(PIXEL).await;
    server.started(1).await;

    server.stop.cancel();
    assert!(idle.answer().await.is_none());
    assert!(silent.answer().await.is_none());
    server.echo.released.add_permits(1);
    let answer = busy.answer().await.unwrap();
    assert_eq!(
        (answer.status, answer.header("connection")),
        (200, Some("close"))
    );
    assert!(busy.answer().await.is_none());
    assert_eq!(server.running.await.unwrap(), Drained { cut: 0 });
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn the_drain_ends() {
    let limits = Limits {
        drain_time: Duration::from_millis(20),
        ..Limits::default()
    };
    let server = Server::with_limits(limits).await;
    let mut busy = server.connect().await;
    busy.send(WAITING).await;
    server.started(1).await;
    server.stop.cancel();
    assert!(busy.answer().await.is_none());
    assert_eq!(server.running.await.unwrap(), Drained { cut: 1 });
}
