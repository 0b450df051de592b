//! The public listener over real sockets: the security probes, limits, and the drain.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{HeaderValue, Method, header};
use tagwerk::ingress::{Admission, Drained, Limits, Service, Settings, serve};
use tagwerk::request::{Head, Request, Response};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::raw::Raw;

/// A flow with two routes: `/hook` takes POST, `/pixel` takes GET. It answers with what it got.
struct Echo {
    handled: AtomicUsize,
    started: Semaphore,
    /// Requests to `/hook?wait` take one of these before they are answered.
    released: Semaphore,
}

const MAX_BODY: u64 = 1_000;

impl Service for Echo {
    fn admit(&self, head: &Head<'_>, request_id: &str) -> Admission {
        let allowed = match head.path {
            "/hook" => Method::POST,
            "/pixel" => Method::GET,
            _ => return Admission::Answer(Response::error(404, "no such path", request_id)),
        };
        if *head.method == allowed || (*head.method == Method::HEAD && allowed == Method::GET) {
            return Admission::Read { max_body: MAX_BODY };
        }
        let allow = HeaderValue::from_str(allowed.as_str()).unwrap();
        let answer = Response::error(405, "not with this method", request_id);
        Admission::Answer(answer.with_header(header::ALLOW, allow))
    }

    fn handle(&self, request: Request) -> impl Future<Output = Response> + Send {
        self.handled.fetch_add(1, Ordering::Relaxed);
        async move {
            if request.query == "wait" {
                self.started.add_permits(1);
                self.released.acquire().await.unwrap().forget();
            }
            let answer = serde_json::json!({
                "id": request.id,
                "method": request.method.as_str(),
                "path": request.path,
                "query": request.query,
                "ip": request.ip,
                "body": String::from_utf8_lossy(&request.body),
            });
            // A script may try to frame the answer; it must not succeed.
            Response::json(200, &answer)
                .with_header(header::CONTENT_LENGTH, HeaderValue::from_static("3"))
                .with_header(
                    header::TRANSFER_ENCODING,
                    HeaderValue::from_static("chunked"),
                )
        }
    }
}

/// A running listener.
struct Server {
    address: SocketAddr,
    echo: Arc<Echo>,
    stop: CancellationToken,
    running: JoinHandle<Drained>,
}

impl Server {
    async fn start(settings: Settings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let echo = Arc::new(Echo {
            handled: AtomicUsize::new(0),
            started: Semaphore::new(0),
            released: Semaphore::new(0),
        });
        let stop = CancellationToken::new();
        let running = tokio::spawn(serve(listener, Arc::clone(&echo), settings, stop.clone()));
        Self {
            address,
            echo,
            stop,
            running,
        }
    }

    async fn with_limits(limits: Limits) -> Self {
        Self::start(Settings {
            limits,
            ..Settings::default()
        })
        .await
    }

    async fn connect(&self) -> Raw {
        Raw::connect(self.address).await
    }

    /// Waits until so many requests to `/hook?wait` are being handled.
    async fn started(&self, count: u32) {
        self.echo
            .started
            .acquire_many(count)
            .await
            .unwrap()
            .forget();
    }

    fn handled(&self) -> usize {
        self.echo.handled.load(Ordering::Relaxed)
    }
}

const PIXEL: &str = "GET /pixel HTTP/1.1\r\nHost: a\r\n\r\n";
const WAITING: &str = "POST /hook?wait HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}";

/// One probe: what is sent, the status of every answer, and whether the connection ends then.
struct Probe {
    name: &'static str,
    sent: String,
    statuses: &'static [u16],
    end: End,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Closed,
    /// The next request on the same connection is answered.
    Open,
}

use End::{Closed, Open};

fn probe(name: &'static str, sent: impl Into<String>, statuses: &'static [u16], end: End) -> Probe {
    Probe {
        name,
        sent: sent.into(),
        statuses,
        end,
    }
}

/// `/hook` with these fields, and what follows the head.
fn hook(fields: &str, rest: &str) -> String {
    format!("POST /hook HTTP/1.1\r\nHost: a\r\n{fields}\r\n{rest}")
}

fn chunks(body: &str) -> String {
    hook("Transfer-Encoding: chunked\r\n", body)
}

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")
}

fn good() -> Vec<Probe> {
    let hello = "Content-Length: 5\r\n";
    vec![
        probe("get", PIXEL, &[200], Open),
        probe("length", hook(hello, "hello"), &[200], Open),
        probe(
            "largest body",
            hook("Content-Length: 1000\r\n", &"x".repeat(1_000)),
            &[200],
            Open,
        ),
        probe("chunked", chunks("5\r\nhello\r\n0\r\n\r\n"), &[200], Open),
        probe(
            "chunked with extension and trailer",
            chunks("5;a=b\r\nhello\r\n0\r\nx: y\r\n\r\n"),
            &[200],
            Open,
        ),
        probe("no body", hook("", ""), &[200], Open),
        probe(
            "pipelined",
            [PIXEL; 3].concat() + &hook(hello, "hello"),
            &[200, 200, 200, 200],
            Open,
        ),
        probe(
            "empty lines before the request",
            format!("\r\n\r\n{PIXEL}"),
            &[200],
            Open,
        ),
        probe(
            "asks for close",
            hook("Connection: close\r\n", ""),
            &[200],
            Closed,
        ),
        probe(
            "asks for an upgrade",
            hook("Connection: upgrade\r\nUpgrade: h2c\r\n", ""),
            &[200],
            Open,
        ),
        probe(
            "identity",
            hook("Content-Encoding: identity\r\n", ""),
            &[200],
            Open,
        ),
        probe(
            "HTTP/1.0 without host",
            "POST /hook HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello",
            &[200],
            Closed,
        ),
        probe(
            "HTTP/1.0 kept alive",
            "POST /hook HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello",
            &[200],
            Open,
        ),
    ]
}

fn security() -> Vec<Probe> {
    let smuggled = get("/pixel");
    vec![
        probe("S01 no host", "GET /pixel HTTP/1.1\r\n\r\n", &[400], Closed),
        probe(
            "S02 two hosts",
            "GET /pixel HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
            &[400],
            Closed,
        ),
        probe(
            "S02 invalid host",
            "GET /pixel HTTP/1.1\r\nHost: a b/..\r\n\r\n",
            &[400],
            Closed,
        ),
        probe(
            "S03 length, then chunked",
            hook(
                "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                &format!("0\r\n\r\n{smuggled}"),
            ),
            &[400],
            Closed,
        ),
        probe(
            "S03 chunked, then length",
            hook(
                "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
                &format!("0\r\n\r\n{smuggled}"),
            ),
            &[400],
            Closed,
        ),
        probe(
            "S03 behind a good one",
            format!(
                "{PIXEL}{}{smuggled}",
                hook(
                    "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
                    "0\r\n\r\n"
                )
            ),
            &[200, 400],
            Closed,
        ),
        probe(
            "S04 gzip, chunked",
            hook("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),
            &[501],
            Closed,
        ),
        probe(
            "S04 xchunked",
            hook("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
            &[501],
            Closed,
        ),
        probe(
            "S04 vertical tab",
            hook("Transfer-Encoding: \x0bchunked\r\n", "0\r\n\r\n"),
            &[400],
            Closed,
        ),
        probe(
            "S04 two codings",
            hook(
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                "0\r\n\r\n",
            ),
            &[400],
            Closed,
        ),
        probe(
            "S04 with HTTP/1.0",
            "POST /hook HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            &[400],
            Closed,
        ),
        probe(
            "S05 two lengths",
            hook("Content-Length: 5\r\nContent-Length: 6\r\n", "hello"),
            &[400],
            Closed,
        ),
        probe(
            "S05 2, 2",
            hook("Content-Length: 2, 2\r\n", "ab"),
            &[400],
            Closed,
        ),
        probe(
            "S05 +2",
            hook("Content-Length: +2\r\n", "ab"),
            &[400],
            Closed,
        ),
        probe(
            "S05 -1",
            hook("Content-Length: -1\r\n", "ab"),
            &[400],
            Closed,
        ),
        probe(
            "S05 0x2",
            hook("Content-Length: 0x2\r\n", "ab"),
            &[400],
            Closed,
        ),
        probe(
            "S05 20 digits",
            hook("Content-Length: 18446744073709551616\r\n", "ab"),
            &[400],
            Closed,
        ),
        probe(
            "S06 bare line feeds",
            "GET /pixel HTTP/1.1\nHost: a\n\n",
            &[400],
            Closed,
        ),
        probe(
            "S06 one bare line feed",
            "GET /pixel HTTP/1.1\r\nHost: a\nx: y\r\n\r\n",
            &[400],
            Closed,
        ),
        probe(
            "S07 folded line",
            hook("x: y\r\n z\r\n", ""),
            &[400],
            Closed,
        ),
        probe(
            "S07 bare carriage return",
            hook("x: y\rz\r\n", ""),
            &[400],
            Closed,
        ),
        probe("S07 NUL", hook("x: y\0z\r\n", ""), &[400], Closed),
        probe("S07 empty name", hook(": y\r\n", ""), &[400], Closed),
        probe(
            "S07 space before colon",
            hook("x : y\r\n", ""),
            &[400],
            Closed,
        ),
        probe(
            "S08 chunk size with line feed only",
            chunks("5\nhello\r\n0\r\n\r\n"),
            &[400],
            Closed,
        ),
        probe(
            "S08 empty size",
            chunks("\r\nhello\r\n0\r\n\r\n"),
            &[400],
            Closed,
        ),
        probe(
            "S08 bad terminator",
            chunks("5\r\nhelloXX0\r\n\r\n"),
            &[400],
            Closed,
        ),
        probe(
            "S08 64 KiB extension",
            chunks(&format!("5;{}\r\nhello\r\n0\r\n\r\n", "x".repeat(65_536))),
            &[400],
            Closed,
        ),
        probe(
            "S08 size overflows",
            chunks("10000000000000005\r\nhello\r\n0\r\n\r\n"),
            &[400],
            Closed,
        ),
        probe(
            "S08 behind good ones",
            format!("{PIXEL}{PIXEL}{}", chunks("5\r\nhelloXX")),
            &[200, 200, 400],
            Closed,
        ),
        probe(
            "S09 absolute form",
            get("http://evil.example/pixel"),
            &[400],
            Closed,
        ),
        probe(
            "S09 CONNECT",
            "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
            &[405],
            Closed,
        ),
        probe(
            "S09 OPTIONS *",
            "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
            &[400],
            Closed,
        ),
        probe(
            "S09 TRACE",
            "TRACE /pixel HTTP/1.1\r\nHost: a\r\n\r\n",
            &[405],
            Closed,
        ),
        probe(
            "S10 HTTP/2 preface",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            &[505],
            Closed,
        ),
        probe(
            "S10 HTTP/2.0 line",
            "GET /pixel HTTP/2.0\r\nHost: a\r\n\r\n",
            &[505],
            Closed,
        ),
        probe(
            "S10 TLS hello",
            "\x16\x03\x01\x02\0\x01\0\x01\x7c\x03\x03",
            &[400],
            Closed,
        ),
        probe("S10 HTTP/0.9", "GET /pixel\r\n", &[400], Closed),
        probe(
            "S13 10 GiB announced",
            hook("Content-Length: 10737418240\r\n", ""),
            &[413],
            Closed,
        ),
        probe(
            "S13 one byte too many",
            hook("Content-Length: 1001\r\n", ""),
            &[413],
            Closed,
        ),
        probe(
            "S13 one byte too many in chunks",
            chunks(&format!("3e8\r\n{}\r\n1\r\nx\r\n", "x".repeat(1_000))),
            &[413],
            Closed,
        ),
        probe(
            "S14 65 headers",
            hook(&"x: y\r\n".repeat(64), ""),
            &[431],
            Closed,
        ),
        probe(
            "S14 64 headers",
            hook(&"x: y\r\n".repeat(63), ""),
            &[200],
            Open,
        ),
        probe(
            "S14 17 KiB of head",
            hook(&format!("x: {}\r\n", "y".repeat(17 * 1_024)), ""),
            &[431],
            Closed,
        ),
        probe(
            "S14 9 KiB of target",
            get(&format!("/pixel?{}", "x".repeat(9 * 1_024))),
            &[414],
            Closed,
        ),
        probe(
            "S14 64 KiB of method",
            format!("{} /pixel HTTP/1.1\r\n", "X".repeat(65_536)),
            &[400],
            Closed,
        ),
        probe("S27 dot segments", get("/a/../pixel"), &[400], Closed),
        probe("S27 encoded dots", get("/%2e%2E/pixel"), &[400], Closed),
        probe("S27 two slashes", get("//pixel"), &[400], Closed),
        probe("S27 encoded NUL", get("/pixel%00"), &[400], Closed),
        probe("S27 backslashes", get("/x\\..\\pixel"), &[400], Closed),
        probe("S27 parameter", get("/pixel;y"), &[404], Open),
        probe("S27 trailing slash", get("/pixel/"), &[404], Open),
        probe(
            "S28 admin paths",
            ["/_admin", "/debug", "/metrics", "/api/status"]
                .map(get)
                .concat(),
            &[404, 404, 404, 404],
            Open,
        ),
        probe("S29 GET", get("/hook"), &[405], Open),
        probe(
            "S29 PUT",
            "PUT /hook HTTP/1.1\r\nHost: a\r\n\r\n",
            &[405],
            Open,
        ),
        probe(
            "S29 PATCH with body",
            "PATCH /hook HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
            &[405],
            Closed,
        ),
        probe(
            "S29 DELETE",
            "DELETE /hook HTTP/1.1\r\nHost: a\r\n\r\n",
            &[405],
            Open,
        ),
        probe(
            "404 with body",
            "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n",
            &[404],
            Closed,
        ),
        probe(
            "gzip",
            hook("Content-Encoding: gzip\r\nContent-Length: 5\r\n", "hello"),
            &[415],
            Closed,
        ),
        probe(
            "strange expectation",
            hook("Expect: the-moon\r\nContent-Length: 5\r\n", "hello"),
            &[417],
            Closed,
        ),
        probe(
            "expected and too large",
            hook("Expect: 100-continue\r\nContent-Length: 1001\r\n", ""),
            &[413],
            Closed,
        ),
        probe(
            "a forged stand-in",
            "REFUSED /3 HTTP/1.1\r\n\r\n",
            &[400],
            Closed,
        ),
        probe(
            "a forged stand-in with HTTP/1.0",
            "REFUSED /3 HTTP/1.0\r\n\r\n",
            &[404],
            Closed,
        ),
    ]
}

#[tokio::test]
async fn probes() {
    let server = Server::start(Settings::default()).await;
    for Probe {
        name,
        sent,
        statuses,
        end,
    } in good().into_iter().chain(security())
    {
        // In one piece, and in two: the verdict must not depend on it.
        for cut in [0, sent.len() / 2] {
            let mut raw = server.connect().await;
            let (first, second) = sent.as_bytes().split_at(cut);
            raw.send(first).await;
            tokio::task::yield_now().await;
            raw.send(second).await;
            let mut found = Vec::new();
            for _ in statuses {
                let answer = raw
                    .answer()
                    .await
                    .unwrap_or_else(|| panic!("{name}: too few answers"));
                let id = answer.header("x-request-id").unwrap_or_default();
                assert_eq!(id.len(), 16, "{name}");
                assert!(answer.header("date").is_some(), "{name}");
                if answer.status >= 400 {
                    assert_eq!(
                        answer.header("content-type"),
                        Some("application/json"),
                        "{name}"
                    );
                    assert_eq!(answer.json()["request_id"], *id, "{name}");
                    assert!(
                        !answer.json()["error"].as_str().unwrap().is_empty(),
                        "{name}"
                    );
                }
                if answer.status == 405 {
                    assert!(answer.header("allow").is_some(), "{name}");
                }
                found.push(answer.status);
            }
            assert_eq!(found, statuses, "{name}");
            match end {
                Closed => assert!(raw.answer().await.is_none(), "{name}: one answer too many"),
                Open => {
                    let answer = raw.send(PIXEL).await.answer().await.unwrap();
                    assert_eq!(answer.json()["path"], "/pixel", "{name}: out of step");
                }
            }
        }
    }
    assert_eq!(server.handled() % 2, 0);
}

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
async fn connections_over_the_limit_are_told_so() {
    for (limits, status) in [
        (
            Limits {
                connections: 2,
                ..Limits::default()
            },
            503,
        ),
        (
            Limits {
                connections_per_address: 2,
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
    assert!(
        tokio::net::TcpStream::connect(server.address)
            .await
            .is_err()
    );
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
