//! What good and hostile senders send, byte for byte, and what they must get: one row a probe.
//! S01 to S29 are the numbers of the security probes.

use tagwerk::ingress::Settings;

use super::{PIXEL, Server, hook};
use crate::support::raw::{Answer, Raw};
use End::{Closed, Open};

/// The name, what is sent, the status of every answer, and whether the connection ends then.
type Probe = (&'static str, String, &'static [u16], End);

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Closed,
    /// The next request on the same connection is answered.
    Open,
}

fn chunks(body: &str) -> String {
    hook("Transfer-Encoding: chunked\r\n", body)
}

fn get(target: &str) -> String {
    request(&format!("GET {target} HTTP/1.1"))
}

fn request(line: &str) -> String {
    format!("{line}\r\nHost: a\r\n\r\n")
}

#[rustfmt::skip]
fn good() -> Vec<Probe> {
    let hello = "Content-Length: 5\r\n";
    vec![
        ("get", PIXEL.into(), &[200], Open),
        ("length", hook(hello, "hello"), &[200], Open),
        ("largest body", hook("Content-Length: 1000\r\n", &"x".repeat(1_000)), &[200], Open),
        ("chunked", chunks("5\r\nhello\r\n0\r\n\r\n"), &[200], Open),
        ("extension and trailer", chunks("5;a=b\r\nhello\r\n0\r\nx: y\r\n\r\n"), &[200], Open),
        ("no body", hook("", ""), &[200], Open),
        ("pipelined", format!("{PIXEL}{PIXEL}{PIXEL}{}", hook(hello, "hello")), &[200, 200, 200, 200], Open),
        ("empty lines before the request", format!("\r\n\r\n{PIXEL}"), &[200], Open),
        ("asks for close", hook("Connection: close\r\n", ""), &[200], Closed),
        ("asks for an upgrade", hook("Connection: upgrade\r\nUpgrade: h2c\r\n", ""), &[200], Open),
        ("identity", hook("Content-Encoding: identity\r\n", ""), &[200], Open),
        ("HTTP/1.0 without host", "POST /hook HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello".into(), &[200], Closed),
        ("HTTP/1.0 kept alive", "POST /hook HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".into(), &[200], Open),
    ]
}

#[rustfmt::skip]
fn framing() -> Vec<Probe> {
    let smuggled = format!("0\r\n\r\n{PIXEL}");
    let both = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n";
    let both_turned = "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n";
    let long_extension = "x".repeat(65_536);
    vec![
        ("S01 no host", "GET /pixel HTTP/1.1\r\n\r\n".into(), &[400], Closed),
        ("S02 two hosts", "GET /pixel HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n".into(), &[400], Closed),
        ("S02 invalid host", "GET /pixel HTTP/1.1\r\nHost: a b/..\r\n\r\n".into(), &[400], Closed),
        ("S03 length, then chunked", hook(both, &smuggled), &[400], Closed),
        ("S03 chunked, then length", hook(both_turned, &smuggled), &[400], Closed),
        ("S03 behind a good one", format!("{PIXEL}{}", hook(both, &smuggled)), &[200, 400], Closed),
        ("S04 gzip, chunked", hook("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), &[501], Closed),
        ("S04 xchunked", hook("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), &[501], Closed),
        ("S04 vertical tab", hook("Transfer-Encoding: \x0bchunked\r\n", "0\r\n\r\n"), &[400], Closed),
        ("S04 two codings", hook(&"Transfer-Encoding: chunked\r\n".repeat(2), "0\r\n\r\n"), &[400], Closed),
        ("S04 with HTTP/1.0", chunks("0\r\n\r\n").replace("1.1", "1.0"), &[400], Closed),
        ("S05 two lengths", hook("Content-Length: 5\r\nContent-Length: 6\r\n", "hello"), &[400], Closed),
        ("S05 2, 2", hook("Content-Length: 2, 2\r\n", "ab"), &[400], Closed),
        ("S05 +2", hook("Content-Length: +2\r\n", "ab"), &[400], Closed),
        ("S05 -1", hook("Content-Length: -1\r\n", "ab"), &[400], Closed),
        ("S05 0x2", hook("Content-Length: 0x2\r\n", "ab"), &[400], Closed),
        ("S05 20 digits", hook("Content-Length: 18446744073709551616\r\n", "ab"), &[400], Closed),
        ("S06 bare line feeds", PIXEL.replace('\r', ""), &[400], Closed),
        ("S06 one bare line feed", hook("x: y\nz: a\r\n", ""), &[400], Closed),
        ("S07 folded line", hook("x: y\r\n z\r\n", ""), &[400], Closed),
        ("S07 bare carriage return", hook("x: y\rz\r\n", ""), &[400], Closed),
        ("S07 NUL", hook("x: y\0z\r\n", ""), &[400], Closed),
        ("S07 empty name", hook(": y\r\n", ""), &[400], Closed),
        ("S07 space before colon", hook("x : y\r\n", ""), &[400], Closed),
        ("S08 size with line feed only", chunks("5\nhello\r\n0\r\n\r\n"), &[400], Closed),
        ("S08 empty size", chunks("\r\nhello\r\n0\r\n\r\n"), &[400], Closed),
        ("S08 bad terminator", chunks("5\r\nhelloXX0\r\n\r\n"), &[400], Closed),
        ("S08 64 KiB extension", chunks(&format!("5;{long_extension}\r\nhello\r\n0\r\n\r\n")), &[400], Closed),
        ("S08 size overflows", chunks("10000000000000005\r\nhello\r\n0\r\n\r\n"), &[400], Closed),
        ("S08 behind good ones", format!("{PIXEL}{PIXEL}{}", chunks("5\r\nhelloXX")), &[200, 200, 400], Closed),
        ("a forged stand-in", "REFUSED /3 HTTP/1.1\r\n\r\n".into(), &[400], Closed),
        ("the same with HTTP/1.0", "REFUSED /3 HTTP/1.0\r\n\r\n".into(), &[404], Closed),
    ]
}

#[rustfmt::skip]
fn heads() -> Vec<Probe> {
    let long_field = format!("x: {}\r\n", "y".repeat(17 * 1_024));
    let long_target = format!("/pixel?{}", "x".repeat(9 * 1_024));
    let a_byte_too_many = format!("3e8\r\n{}\r\n1\r\nx\r\n", "x".repeat(1_000));
    vec![
        ("S09 absolute form", get("http://evil.example/pixel"), &[400], Closed),
        ("S09 CONNECT", request("CONNECT a:443 HTTP/1.1"), &[405], Closed),
        ("S09 OPTIONS *", request("OPTIONS * HTTP/1.1"), &[400], Closed),
        ("S09 TRACE", request("TRACE /pixel HTTP/1.1"), &[405], Closed),
        ("S10 HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(), &[505], Closed),
        ("S10 HTTP/2.0 line", request("GET /pixel HTTP/2.0"), &[505], Closed),
        ("S10 TLS hello", "\x16\x03\x01\x02\0\x01\0\x01\x7c\x03\x03".into(), &[400], Closed),
        ("S10 HTTP/0.9", "GET /pixel\r\n".into(), &[400], Closed),
        ("S13 10 GiB announced", hook("Content-Length: 10737418240\r\n", ""), &[413], Closed),
        ("S13 a byte too many", hook("Content-Length: 1001\r\n", ""), &[413], Closed),
        ("S13 a byte too many in chunks", chunks(&a_byte_too_many), &[413], Closed),
        ("S14 64 headers", hook(&"x: y\r\n".repeat(63), ""), &[200], Open),
        ("S14 65 headers", hook(&"x: y\r\n".repeat(64), ""), &[431], Closed),
        ("S14 17 KiB of head", hook(&long_field, ""), &[431], Closed),
        ("S14 9 KiB of target", get(&long_target), &[414], Closed),
        ("S14 64 KiB of method", request(&"X".repeat(65_536)), &[400], Closed),
        ("S27 dot segments", get("/a/../pixel"), &[400], Closed),
        ("S27 encoded dots", get("/%2e%2E/pixel"), &[400], Closed),
        ("S27 two slashes", get("//pixel"), &[400], Closed),
        ("S27 encoded NUL", get("/pixel%00"), &[400], Closed),
        ("S27 backslashes", get("/x\\..\\pixel"), &[400], Closed),
        ("S27 parameter", get("/pixel;y"), &[404], Open),
        ("S27 trailing slash", get("/pixel/"), &[404], Open),
        ("S28 admin paths", ["/_admin", "/debug", "/metrics"].map(get).concat(), &[404, 404, 404], Open),
        ("S29 GET", get("/hook"), &[405], Open),
        ("S29 PUT", request("PUT /hook HTTP/1.1"), &[405], Open),
        ("S29 DELETE", request("DELETE /hook HTTP/1.1"), &[405], Open),
        ("S29 PATCH with body", hook("Content-Length: 5\r\n", "hello").replace("POST", "PATCH"), &[405], Closed),
        ("404 with body", hook("Content-Length: 99\r\n", "").replace("/hook", "/x"), &[404], Closed),
        ("S23 three times gzip", hook("Content-Encoding: gzip, gzip, gzip\r\nContent-Length: 5\r\n", "hello"), &[415], Closed),
        ("S23 unknown coding", hook("Content-Encoding: br\r\nContent-Length: 5\r\n", "hello"), &[415], Closed),
        ("strange expectation", hook("Expect: the-moon\r\nContent-Length: 5\r\n", "hello"), &[417], Closed),
        ("expected and too large", hook("Expect: 100-continue\r\nContent-Length: 1001\r\n", ""), &[413], Closed),
    ]
}

#[tokio::test]
async fn good_requests_are_answered() {
    run(good()).await;
}

#[tokio::test]
async fn nobody_smuggles_a_request() {
    run(framing()).await;
}

#[tokio::test]
async fn bad_heads_and_targets_are_refused() {
    run(heads()).await;
}

async fn run(probes: Vec<Probe>) {
    let server = Server::start(Settings::default()).await;
    for (name, sent, statuses, end) in probes {
        // In one piece, and in two: the verdict must not depend on it.
        for cut in [0, sent.len() / 2] {
            let mut raw = server.connect().await;
            let (first, second) = sent.as_bytes().split_at(cut);
            raw.send(first).await;
            tokio::task::yield_now().await;
            raw.send(second).await;
            expect(name, &mut raw, statuses, end).await;
        }
    }
}

async fn expect(name: &str, raw: &mut Raw, statuses: &[u16], end: End) {
    for status in statuses {
        let answer = raw.answer().await;
        let answer = answer.unwrap_or_else(|| panic!("{name}: too few answers"));
        assert_eq!(answer.status, *status, "{name}");
        expect_form(name, &answer);
    }
    match end {
        Closed => assert!(raw.answer().await.is_none(), "{name}: one answer too many"),
        Open => {
            let answer = raw.send(PIXEL).await.answer().await.unwrap();
            assert_eq!(answer.json()["path"], "/pixel", "{name}: out of step");
        }
    }
}

/// What all answers have, and all errors.
fn expect_form(name: &str, answer: &Answer) {
    let id = answer.header("x-request-id").unwrap_or_default();
    assert_eq!(id.len(), 16, "{name}");
    assert!(answer.header("date").is_some(), "{name}");
    assert_eq!(
        answer.header("content-type"),
        Some("application/json"),
        "{name}"
    );
    assert_eq!(
        answer.status == 405,
        answer.header("allow").is_some(),
        "{name}"
    );
    if answer.status >= 400 {
        assert_eq!(answer.json()["request_id"], *id, "{name}");
        assert_ne!(answer.json()["error"], "", "{name}");
    }
}
