//! Deadlines, limits and the drain.

use std::time::Duration;

use tagwerk::ingress::{Drained, IDLE_TIME, Limits, Settings};
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
async fn who_asks_nothing_leaves_for_who_does() {
    let at_once = Duration::ZERO;
    for limits in [
        Limits {
            connections: 2,
            idle_time_if_full: at_once,
            ..Limits::default()
        },
        Limits {
            connections_per_address: 2,
            idle_time_if_full: at_once,
            ..Limits::default()
        },
    ] {
        let server = Server::with_limits(limits).await;
        let mut idle = server.connect().await;
        assert_eq!(idle.send(PIXEL).await.answer().await.unwrap().status, 200);
        // It has a request under way, of which only the head is there.
        let mut busy = server.connect().await;
        busy.send(
            "POST /hook HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n",
        )
        .await;
        assert_eq!(busy.answer().await.unwrap().status, 100);
        // The first one is idle at about the time at which its sender has the answer.
        let mut third = server.connect().await;
        while third.send(PIXEL).await.answer().await.unwrap().status != 200 {
            third = server.connect().await;
        }
        assert!(idle.answer().await.is_none(), "it was closed");
        assert_eq!(busy.send("{}").await.answer().await.unwrap().status, 200);
        assert_eq!(third.send(PIXEL).await.answer().await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn each_of_a_crowd_is_told() {
    let server = Server::with_limits(Limits {
        connections: 1,
        ..Limits::default()
    })
    .await;
    let mut first = server.connect().await;
    first.send("GET /pixel").await;
    let mut crowd = Vec::new();
    // None of them reads, so that nobody's place among those who are waited for becomes free.
    for _ in 0..600 {
        let mut raw = server.connect().await;
        raw.send(PIXEL).await;
        crowd.push(raw);
    }
    for mut raw in crowd {
        assert_eq!(raw.answer().await.unwrap().status, 503);
    }
}

#[tokio::test]
async fn connections_over_the_limit_are_told_so() {
    for (limits, status) in [
        (
            Limits {
                connections: 2,
                idle_time_if_full: IDLE_TIME,
                ..Limits::default()
            },
            503,
        ),
        (
            Limits {
                connections_per_address: 2,
                idle_time_if_full: IDLE_TIME,
                ..Limits::default()
            },
            429,
        ),
    ] {
        let server = Server::with_limits(limits).await;
        let mut first = server.connect().await;
        let mut second = server.connect().await;
        for raw in [&mut first, &mut second] {
            assert_eq!(raw.send(PIXEL).await.answer().await.unwrap().status, 200);
        }
        let mut third = server.connect().await;
        let answer = third.send(PIXEL).await.answer().await.unwrap();
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert_eq!(
            answer.json()["request_id"],
            answer.header("x-request-id").unwrap()
        );
        assert!(third.answer().await.is_none());

        first.finish().await;
        assert!(first.answer().await.is_none());
        // The seat is free at about the time at which the first one sees the end.
        let mut again = server.connect().await;
        while again
            .send(PIXEL)
            .await
            .answer()
            .await
            .is_none_or(|answer| answer.status != 200)
        {
            again = server.connect().await;
        }
    }
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
