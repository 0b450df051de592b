//! What bodies may be: gzip within bounds and signed as it came, HTTP/1.0, odd bytes. Over real
//! sockets.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use super::mac;
use crate::support::raw::{Answer, Raw};
use crate::support::server::Server;
use crate::support::stand_in::StandIn;
use crate::support::working_set::{WorkingSet, http_destination};

const CLIENT: &str = "const PATH = \"/hook\";\nconst MAX_BODY = \"64KiB\";\n\
    fn parse(request) { #{ event_name: \"seen\", id: request.json.id } }\n\
    fn respond(request, events) { #{ body: #{ id: request.json.id, type: request.content_type } } }\n";

const SIGNED: &str = "const PATH = \"/signed\";\n\
    const VERIFY = #{ scheme: \"hmac\", header: \"x-signature\", secret: \"${file:secret}\" };\n\
    fn parse(request) { #{ event_name: \"seen\", id: request.json.id } }\n";

const FORM: &str = "const PATH = \"/form\";\nfn parse(request) { request.form + #{ event_name: \"form\" } }\n\
    fn respond(request, events) { #{ body: #{ fields: request.form.len() } } }\n";

async fn start() -> (Server, WorkingSet, StandIn) {
    let crm = StandIn::of("http").await;
    let set = WorkingSet::new(&http_destination("crm", crm.address))
        .with("clients/hook.rhai", CLIENT)
        .with("clients/signed.rhai", SIGNED)
        .with("clients/form.rhai", FORM)
        .with("secret", "s3cret");
    (Server::start(&set).await, set, crm)
}

fn packed(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

async fn post(server: &Server, path: &str, headers: &[&str], body: &[u8]) -> Answer {
    let mut raw = Raw::connect(server.address).await;
    let mut head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n",
        body.len()
    );
    for header in headers {
        head.push_str(&format!("{header}\r\n"));
    }
    raw.send(head + "\r\n").await.send(body).await;
    raw.answer().await.expect("an answer")
}

#[tokio::test]
async fn gzip_is_unpacked_within_bounds() {
    let (server, _set, _crm) = start().await;
    let gzip = "Content-Encoding: gzip";
    let answer = post(&server, "/hook", &[gzip], &packed(b"{\"id\":1}")).await;
    assert_eq!(
        (answer.status, answer.json()["id"].clone()),
        (200, json!(1))
    );
    // More than the client takes, once unpacked; and a bomb.
    let large = format!(
        "{{\"id\":\"{}\"}}",
        (0..20_000).map(|n| n.to_string()).collect::<String>()
    );
    for body in [packed(large.as_bytes()), packed(&vec![b' '; 10 << 20])] {
        assert!(body.len() < 64 * 1_024);
        assert_eq!(post(&server, "/hook", &[gzip], &body).await.status, 413);
    }
    for (header, status) in [
        ("Content-Encoding: br", 415),
        ("Content-Encoding: gzip, gzip", 415),
        ("Content-Encoding: gzip\r\nContent-Encoding: gzip", 415),
        ("Content-Encoding: identity", 400), // not unpacked, so it is no JSON
    ] {
        let answer = post(&server, "/hook", &[header], &packed(b"{\"id\":1}")).await;
        assert_eq!(answer.status, status, "{header}: {}", answer.body);
    }
    let cut = packed(b"{\"id\":1}");
    let answer = post(&server, "/hook", &[gzip], &cut[..cut.len() - 3]).await;
    assert_eq!(answer.status, 400, "{}", answer.body);
    server.stop().await;
}

#[tokio::test]
async fn a_signature_is_over_the_bytes_as_they_came() {
    let (server, _set, _crm) = start().await;
    let body = packed(b"{\"id\":1}");
    let header = |bytes: &[u8]| format!("X-Signature: {}", hex::encode(mac("s3cret", bytes)));
    let gzip = "Content-Encoding: gzip";
    let good = post(&server, "/signed", &[gzip, &header(&body)], &body).await;
    assert_eq!(good.status, 200, "{}", good.body);
    let bad = post(&server, "/signed", &[gzip, &header(b"{\"id\":1}")], &body).await;
    assert_eq!(bad.status, 401);
    // It is not even unpacked before that.
    let bomb = packed(&vec![b' '; 10 << 20]);
    assert_eq!(post(&server, "/signed", &[gzip], &bomb).await.status, 401);
    server.stop().await;
}

#[tokio::test]
async fn senders_of_http_1_0_get_an_answer_and_the_end() {
    let (server, _set, _crm) = start().await;
    let request = |connection: &str| {
        format!(
            "POST /hook HTTP/1.0\r\nContent-Type: Application/JSON; charset=utf-8\r\n{connection}Content-Length: 8\r\n\r\n{{\"id\":1}}"
        )
    };
    let mut raw = Raw::connect(server.address).await;
    raw.send(request("")).await;
    let answer = raw.answer().await.unwrap();
    assert_eq!(
        (answer.status, answer.json()["type"].clone()),
        (200, json!("application/json"))
    );
    assert!(raw.answer().await.is_none(), "it stays open");
    // One that asks for it is kept.
    let mut raw = Raw::connect(server.address).await;
    for _ in 0..2 {
        raw.send(request("Connection: keep-alive\r\n")).await;
        let answer = raw.answer().await.unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer
                .header("connection")
                .map(str::to_ascii_lowercase)
                .as_deref(),
            Some("keep-alive")
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn odd_bodies_are_read_or_refused_and_never_kept() {
    let (server, _set, _crm) = start().await;
    let json = "Content-Type: application/json";
    let nested = |depth: usize| {
        format!(
            "{{\"id\":1,\"x\":{}{}}}",
            "[".repeat(depth),
            "]".repeat(depth)
        )
    };
    let many = |count: usize| {
        let keys: Vec<String> = (0..count).map(|n| format!("\"k{n}\":1")).collect();
        format!("{{{}}}", keys.join(","))
    };
    for (body, status) in [
        (b"\xef\xbb\xbf{\"id\":1}".to_vec(), 200),
        (b"{\"id\":\"\\u0000\"}".to_vec(), 200),
        (b"{\"id\":\"\xff\"}".to_vec(), 400),
        (b"{\"id\":\"\\ud800\"}".to_vec(), 400),
        (nested(126).into_bytes(), 200),
        (nested(129).into_bytes(), 400),
        (nested(10_000).into_bytes(), 400),
        (b"{\"id\":1e400}".to_vec(), 400),
        (b"{\"id\":NaN}".to_vec(), 400),
        (b"{\"id\":-0}".to_vec(), 200),
        (
            format!("{{\"id\":{}}}", "9".repeat(10_000)).into_bytes(),
            200,
        ),
        (many(5_000).into_bytes(), 200),
        (b"".to_vec(), 400),
    ] {
        let answer = post(&server, "/hook", &[json], &body).await;
        let start: String = String::from_utf8_lossy(&body).chars().take(40).collect();
        assert_eq!(answer.status, status, "{start}: {}", answer.body);
    }
    let form = "Content-Type: application/x-www-form-urlencoded";
    let deep = format!("a{}=1", "[b]".repeat(1_000));
    for (body, status) in [
        ("a=1&b=2".to_owned(), 200),
        ("a=1&".repeat(100_000), 400),
        (deep, 400),
    ] {
        let answer = post(&server, "/form", &[form], body.as_bytes()).await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
    let parts = "--cut\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--cut--\r\n";
    let multipart = "Content-Type: multipart/form-data; boundary=cut";
    let answer = post(&server, "/form", &[multipart], parts.as_bytes()).await;
    assert_eq!(
        (answer.status, answer.json()["fields"].clone()),
        (200, json!(1))
    );
    let cut = &parts.as_bytes()[..parts.len() - 8];
    assert_eq!(post(&server, "/form", &[multipart], cut).await.status, 400);
    assert_eq!(
        post(
            &server,
            "/form",
            &["Content-Type: multipart/form-data"],
            parts.as_bytes()
        )
        .await
        .status,
        400
    );
    server.stop().await;
}
