//! More connections than are taken: who is refused, how, and who gets in.

use std::time::Duration;

use tagwerk::ingress::{IDLE_TIME, Limits};

use super::{PIXEL, Server};
use crate::support::raw::{Answer, Raw};

/// Two connections in all, or from one address; and how one more is refused.
fn narrow() -> [(Limits, u16); 2] {
    let limits = Limits {
        idle_time_if_full: IDLE_TIME,
        ..Limits::default()
    };
    [
        (
            Limits {
                connections: 2,
                ..limits
            },
            503,
        ),
        (
            Limits {
                connections_per_address: 2,
                ..limits
            },
            429,
        ),
    ]
}

/// A server whose one place is taken until the connection ends that comes with it.
async fn taken(limits: Limits) -> (Server, Raw) {
    let server = Server::with_limits(Limits {
        connections: 1,
        idle_time_if_full: IDLE_TIME,
        ..limits
    })
    .await;
    let mut first = server.connect().await;
    assert_eq!(asked(&mut first, PIXEL).await.status, 200);
    (server, first)
}

async fn asked(raw: &mut Raw, request: impl AsRef<[u8]>) -> Answer {
    raw.send(request).await.answer().await.unwrap()
}

fn is_told_when_to_come_back(answer: &Answer) -> bool {
    let request_id = answer.header("x-request-id").unwrap();
    answer.header("retry-after") == Some("1") && answer.json()["request_id"] == request_id
}

/// As [`narrow`], but idle ones get up at once.
fn restless() -> [Limits; 2] {
    narrow().map(|(limits, _)| Limits {
        idle_time_if_full: Duration::ZERO,
        ..limits
    })
}

#[tokio::test]
async fn who_asks_nothing_gets_up_for_who_does() {
    for limits in restless() {
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
        // It stands, and gets in again when the third one asks nothing.
        while asked(&mut idle, PIXEL).await.status != 200 {}
        assert_eq!(asked(&mut busy, "{}").await.status, 200);
        while asked(&mut third, PIXEL).await.status != 200 {}
    }
}

#[tokio::test]
async fn a_crowd_that_takes_turns_is_served_on_the_same_connections() {
    for limits in restless() {
        let server = Server::with_limits(limits).await;
        let mut crowd = Vec::new();
        for _ in 0..20 {
            crowd.push(server.connect().await);
        }
        for round in 0..3 {
            for raw in &mut crowd {
                while asked(raw, PIXEL).await.status != 200 {}
            }
            assert_eq!(server.handled(), 20 * (round + 1));
        }
    }
}

#[tokio::test]
async fn an_idle_one_that_cannot_stand_is_closed() {
    for limits in restless() {
        let server = Server::with_limits(Limits {
            standing: 0,
            ..limits
        })
        .await;
        let mut idle = server.connect().await;
        assert_eq!(asked(&mut idle, PIXEL).await.status, 200);
        let _silent = server.connect().await;
        let mut third = server.connect().await;
        while asked(&mut third, PIXEL).await.status != 200 {
            third = server.connect().await;
        }
        assert!(idle.answer().await.is_none(), "it was closed");
    }
}

#[tokio::test]
async fn who_is_refused_stays_and_gets_in_when_there_is_a_place() {
    for (limits, status) in narrow() {
        let server = Server::with_limits(limits).await;
        let mut first = server.connect().await;
        let mut second = server.connect().await;
        for raw in [&mut first, &mut second] {
            assert_eq!(asked(raw, PIXEL).await.status, 200);
        }
        let mut third = server.connect().await;
        let mut ids = Vec::new();
        for request in [
            PIXEL,
            "POST /hook HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
            "POST /hook HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
            "GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n",
        ] {
            let answer = asked(&mut third, request).await;
            assert_eq!(answer.status, status, "{request:?}");
            assert!(is_told_when_to_come_back(&answer));
            assert_eq!(answer.header("connection"), None);
            ids.push(answer.header("x-request-id").unwrap().to_owned());
        }
        ids.dedup();
        assert_eq!(ids.len(), 4, "each has its own id");
        assert_eq!(server.handled(), 2);

        first.finish().await;
        assert!(first.answer().await.is_none());
        // The place is free at about the time at which the first one sees the end.
        while asked(&mut third, PIXEL).await.status != 200 {}
        assert_eq!(asked(&mut third, PIXEL).await.status, 200);
        assert_eq!(asked(&mut second, PIXEL).await.status, 200);
    }
}

#[tokio::test]
async fn each_of_a_crowd_is_told() {
    let standing = 10;
    let (server, _first) = taken(Limits {
        standing,
        ..Limits::default()
    })
    .await;
    let mut crowd = Vec::new();
    for _ in 0..600 {
        let mut raw = server.connect().await;
        raw.send(PIXEL).await;
        crowd.push(raw);
    }
    for (place, raw) in crowd.iter_mut().enumerate() {
        let answer = raw.answer().await.unwrap();
        assert_eq!(answer.status, 503);
        assert!(is_told_when_to_come_back(&answer));
        let is_closed = answer.header("connection") == Some("close");
        assert_eq!(is_closed, place >= standing, "{place}");
    }
    assert_eq!(server.handled(), 1);
}

#[tokio::test]
async fn requests_that_come_in_pieces_or_together_are_refused_one_by_one() {
    let (server, _first) = taken(Limits::default()).await;
    let mut raw = server.connect().await;
    let large = format!(
        "POST /hook HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n{}",
        "x".repeat(100_000)
    );
    for request in [PIXEL, &large] {
        let (begin, rest) = request.split_at(12);
        raw.send(begin).await;
        raw.send(rest).await;
        assert_eq!(raw.answer().await.unwrap().status, 503);
    }
    raw.send(PIXEL.repeat(3)).await;
    for _ in 0..3 {
        assert_eq!(raw.answer().await.unwrap().status, 503);
    }
    assert_eq!(asked(&mut raw, PIXEL).await.status, 503);
}

#[tokio::test]
async fn where_it_is_not_clear_what_follows_the_refusal_is_the_last_answer() {
    let (server, _first) = taken(Limits::default()).await;
    for (request, status) in [
        ("GET /pixel HTTP/1.0\r\n\r\n", 503),
        (
            "GET /pixel HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            503,
        ),
        // Its sender waits to be told that it may send the body.
        (
            "POST /hook HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n",
            503,
        ),
        ("GET /pixel HTTP/1.1\r\n\r\n", 400),
        (
            "POST /hook HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx",
            400,
        ),
    ] {
        let mut raw = server.connect().await;
        let answer = asked(&mut raw, request).await;
        assert_eq!(answer.status, status, "{request:?}");
        assert_eq!(answer.header("connection"), Some("close"));
        assert!(raw.answer().await.is_none(), "{request:?}");
    }
    let mut raw = server.connect().await;
    raw.send("HEAD /pixel HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(raw.answer_without_body().await.unwrap().status, 503);
}

#[tokio::test]
async fn who_waits_without_a_place_does_not_wait_for_ever() {
    let short = Duration::from_millis(100);
    let (server, _first) = taken(Limits {
        head_time: short,
        body_time: short,
        ..Limits::default()
    })
    .await;
    for (sent, status) in [
        ("", None),
        ("GET /pixel HT", Some(503)),
        (
            "POST /hook HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nh",
            Some(503),
        ),
    ] {
        let mut raw = server.connect().await;
        raw.send(sent).await;
        let answer = raw.answer().await;
        assert_eq!(
            answer.as_ref().map(|answer| answer.status),
            status,
            "{sent:?}"
        );
        if answer.is_some() {
            assert!(raw.answer().await.is_none(), "{sent:?}");
        }
    }
}

#[tokio::test]
async fn who_closes_takes_no_place() {
    let (server, mut first) = taken(Limits::default()).await;
    let mut half = server.connect().await;
    assert_eq!(asked(&mut half, PIXEL).await.status, 503);
    half.send(PIXEL).await.finish().await;
    assert_eq!(half.answer().await.unwrap().status, 503);
    assert!(half.answer().await.is_none());
    assert_eq!(asked(&mut first, PIXEL).await.status, 200);
}

#[tokio::test]
async fn the_drain_closes_those_without_a_place() {
    let (server, mut first) = taken(Limits::default()).await;
    let mut raw = server.connect().await;
    assert_eq!(asked(&mut raw, PIXEL).await.status, 503);
    server.stop.cancel();
    assert!(raw.answer().await.is_none());
    assert!(first.answer().await.is_none());
    assert_eq!(server.running.await.unwrap().cut, 0);
}
