//! Where `clients/data.rhai` differs from Stape's Data Client on purpose, (a) to (j) of
//! docs/sources/data-client.md, and what of its answers no vector shows.

use serde_json::{Value, json};

use super::{Clients, Seen, send};
use crate::support::server::Server;

const FORM: &str = "Content-Type: application/x-www-form-urlencoded";

/// A request to a client with these settings, and what must come of it: `events` are parts of the
/// events' data, `body` is the answer as JSON.
struct Case {
    what: &'static str,
    settings: Value,
    method: &'static str,
    path: &'static str,
    headers: &'static [&'static str],
    body: &'static str,
    status: u16,
    events: Value,
    answer: Option<Value>,
}

impl Case {
    fn post(what: &'static str, body: &'static str, events: Value) -> Self {
        Self {
            what,
            settings: json!({}),
            method: "POST",
            path: "/data",
            headers: &[],
            body,
            status: 200,
            events,
            answer: None,
        }
    }
}

fn differences() -> Vec<Case> {
    vec![
        Case {
            settings: json!({ "acceptMultipleEvents": true }),
            answer: Some(json!([])),
            ..Case::post("a: an empty array is answered", "[]", json!([]))
        },
        Case {
            headers: &[FORM],
            ..Case::post(
                "b, c: fields without and with more than one =",
                "flag&event=x&token=abc==&u=a=b",
                json!([{ "event_name": "x", "flag": "", "token": "abc==", "u": "a=b" }]),
            )
        },
        Case {
            status: 400,
            answer: Some(json!({ "error": "invalid_json", "offset": 13 })),
            ..Case::post(
                "d: what is no JSON is refused",
                "{\"event\":\"x\",}",
                json!([]),
            )
        },
        Case {
            status: 400,
            answer: Some(json!({ "error": "invalid_json", "offset": 12 })),
            ..Case::post("d: what ends too early", "{\"event\":\"x\"", json!([]))
        },
        Case {
            settings: json!({ "onInvalid": "accept" }),
            path: "/data?event=x",
            ..Case::post(
                "d: or taken as Stape does",
                "{,}",
                json!([{ "event_name": "x" }]),
            )
        },
        Case {
            settings: json!({ "acceptMultipleEvents": true }),
            ..Case::post(
                "e: each event keeps its client id",
                r#"[{"event":"a","client_id":"c1"},{"event":"b","client_id":"c2"},{"event":"c"}]"#,
                json!([{ "client_id": "c1" }, { "client_id": "c2" }, { "client_id": "c1" }]),
            )
        },
        Case::post(
            "f: whole numbers are exact",
            r#"{"event":"x","a":9007199254740993,"b":12345678901234567890}"#,
            json!([{ "a": 9_007_199_254_740_993_i64, "b": "12345678901234567890" }]),
        ),
        Case {
            headers: &["Content-Type: multipart/form-data; boundary=b"],
            ..Case::post(
                "g: multipart/form-data is a form",
                "--b\r\nContent-Disposition: form-data; name=\"event\"\r\n\r\nx\r\n--b\r\nContent-Disposition: form-data; name=\"items.0.price\"\r\n\r\n9.5\r\n--b--\r\n",
                json!([{ "event_name": "x", "items": [{ "price": 9.5 }], "value": 9.5 }]),
            )
        },
        Case {
            settings: json!({ "responseStatusCode": 302, "redirectTo": "https://a.example/", "lookupForRedirectToParam": true, "redirectToQueryParamName": "to", "redirectHosts": ["b.example"] }),
            path: "/data?event=x&to=https%3A%2F%2Fevil.example%2F",
            status: 302,
            ..Case::post("h: no open redirect", "", json!([{ "event_name": "x" }]))
        },
        Case::post(
            "i: a value of 0 stays",
            r#"{"event":"x","value":0,"items":[{"price":10}]}"#,
            json!([{ "value": 0 }]),
        ),
        Case::post(
            "j: prices in texts are numbers",
            r#"{"event":"x","items":[{"price":"10.5"},{"price":"2","quantity":"3"}]}"#,
            json!([{ "value": 16.5 }]),
        ),
    ]
}

/// What the vectors leave open.
fn more() -> Vec<Case> {
    vec![
        Case {
            settings: json!({ "acceptMultipleEvents": true }),
            ..Case::post(
                "several events, and names in all forms",
                r#"[{"event":true},{"event":1.5},{"event":{"a":1}},{}]"#,
                json!([{ "event_name": "true" }, { "event_name": "1.5" }, { "event_name": "{\"a\":1}" }, { "event_name": "Data" }]),
            )
        },
        Case {
            settings: json!({ "responseStatusCode": 404, "clientErrorResponseMessage": "gone" }),
            status: 404,
            ..Case::post(
                "an error that makes an event",
                r#"{"event":"x"}"#,
                json!([{ "event_name": "x" }]),
            )
        },
        Case {
            settings: json!({ "responseStatusCode": 201, "responseBodyGet": true }),
            method: "GET",
            path: "/data?event=x&timestamp=1&unique_event_id=u",
            status: 201,
            answer: Some(json!([{ "timestamp": "1", "unique_event_id": "u" }])),
            ..Case::post("JSON for a GET", "", json!([{ "event_name": "x" }]))
        },
        Case::post(
            "an id that cannot be one stays a key",
            r#"{"event":"x","event_id":{"a":1},"items":{"0":1},"ecommerce":[],"user_data":{}}"#,
            json!([{ "event_id": { "a": 1 }, "items": { "0": 1 }, "user_data": {} }]),
        ),
        Case {
            headers: &["Cookie: _dcid=dcid.1.1.2; stape="],
            ..Case::post(
                "the cookie knows who it is",
                "null",
                json!([{ "client_id": "dcid.1.1.2" }]),
            )
        },
    ]
}

async fn run(cases: Vec<Case>) -> Vec<Seen> {
    let mut clients = Clients::new();
    let prefixes: Vec<String> = cases
        .iter()
        .map(|case| clients.with(&case.settings))
        .collect();
    let server = Server::start(&clients.set).await;
    let token = server.open_session("{}").await;
    let mut all = Vec::new();
    for (case, prefix) in cases.iter().zip(prefixes) {
        let path = format!("{prefix}{}", case.path);
        let headers: Vec<String> = case.headers.iter().map(ToString::to_string).collect();
        let seen = send(&server, &token, case.method, &path, &headers, case.body).await;
        assert_eq!(
            seen.answer.status, case.status,
            "{}: {}",
            case.what, seen.answer.body
        );
        crate::support::json::assert_contains(&seen.events.clone().into(), &case.events);
        if let Some(answer) = &case.answer {
            assert_eq!(seen.answer.json(), *answer, "{}", case.what);
        }
        all.push(seen);
    }
    all
}

#[tokio::test]
async fn each_difference_is_as_its_page_says() {
    let seen = run(differences()).await;
    let redirect = seen.iter().find(|seen| seen.answer.status == 302).unwrap();
    assert_eq!(
        redirect.answer.header("location"),
        Some("https://a.example/")
    );
    let letters = differences();
    let letters = letters.iter().filter_map(|case| case.what.chars().next());
    let letters: String = letters.collect();
    assert_eq!(letters, "abdddefghij"); // c is with b
}

#[tokio::test]
async fn what_no_vector_shows() {
    let seen = run(more()).await;
    let told = seen[0].answer.json();
    let ids: Vec<&Value> = told
        .as_array()
        .unwrap()
        .iter()
        .map(|told| &told["unique_event_id"])
        .collect();
    assert_eq!(ids.len(), 4);
    assert_ne!(ids[0], ids[1], "each event has an id of its own");
    assert_eq!(seen[1].answer.body, "gone");
}

/// A browser's question, whatever it asks for, and from a page that may not.
#[tokio::test]
async fn a_question_makes_no_event() {
    let clients = Clients::new();
    let server = Server::start(&clients.set).await;
    for headers in [
        &[
            "Origin: https://shop.example.com",
            "Access-Control-Request-Method: POST",
        ][..],
        &["Origin: https://shop.example.com"],
    ] {
        let answer = server.send("OPTIONS", "/data", headers, "").await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ""));
        assert_eq!(
            answer.header("access-control-allow-origin"),
            Some("https://shop.example.com")
        );
        assert_eq!(answer.header("access-control-max-age"), Some("600"));
        assert_eq!(answer.header("set-cookie"), None);
    }
}
