//! The stand-ins: requests and answers as data, in `tests/data/destinations/<type>/`, and requests
//! made at random.

use std::path::Path;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::clock::Millis;
use crate::destination::judge::{Answer, Asked, StandIn};
use crate::destination::types::TYPES;

/// The time at which all requests of tests arrive.
pub(crate) const AT: Millis = 1_720_602_000_123;

/// A request to a stand-in.
pub(crate) struct Post {
    method: Method,
    path: String,
    query: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Post {
    pub(crate) fn raw(path: &str, content_type: &str, body: Vec<u8>) -> Self {
        let post = Self {
            method: Method::POST,
            path: path.to_owned(),
            query: String::new(),
            headers: HeaderMap::new(),
            body,
        };
        post.with_header("content-type", content_type)
    }

    pub(crate) fn json(path: &str, body: &Value) -> Self {
        Self::raw(path, "application/json", body.to_string().into_bytes())
    }

    pub(crate) fn with_header(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().unwrap();
        self.headers
            .insert(name, HeaderValue::from_str(value).unwrap());
        self
    }

    /// `{ method?, path | url, headers, body | body_raw }`; `headers` are the only ones sent.
    fn read(request: &Value) -> Self {
        let url: http::Uri = request["url"].as_str().unwrap_or("/").parse().unwrap();
        let body = match request.get("body_raw") {
            Some(raw) => raw.as_str().unwrap().to_owned(),
            None => request["body"].to_string(),
        };
        let mut post = Self {
            method: request["method"]
                .as_str()
                .unwrap_or("POST")
                .parse()
                .unwrap(),
            path: request["path"].as_str().unwrap_or(url.path()).to_owned(),
            query: request["query"]
                .as_str()
                .or(url.query())
                .unwrap_or_default()
                .to_owned(),
            headers: HeaderMap::new(),
            body: body.into_bytes(),
        };
        for (name, value) in request["headers"].as_object().unwrap() {
            post = post.with_header(name, value.as_str().unwrap());
        }
        post
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &self.headers,
            body: &self.body,
            at: AT,
        }
    }

    pub(crate) fn judged_by(&self, stand_in: StandIn) -> Answer {
        (stand_in.judge)(&self.asked())
    }

    pub(crate) fn forced_by(&self, stand_in: StandIn, status: StatusCode) -> Answer {
        (stand_in.forced)(&self.asked(), status)
    }
}

/// Every stand-in has `answers.json`.
#[test]
fn every_answer_is_the_documented_one() {
    for (name, stand_in) in stand_ins() {
        check_answers(stand_in, &format!("{name}/answers.json"));
    }
}

fn stand_ins() -> impl Iterator<Item = (&'static str, StandIn)> {
    let all = TYPES.iter();
    all.filter_map(|one| Some((one.name, one.stand_in?)))
}

/// Runs a file of `{ defaults, cases: [{ name, request, answer: { status, body }, accepted }] }`.
/// The request of a case is laid over the defaults, field by field.
fn check_answers(stand_in: StandIn, path: &str) {
    let file = read(path);
    let cases = file["cases"].as_array().unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        let name = format!("{path}: {}", case["name"]);
        let mut request = file["defaults"].clone();
        for (field, value) in case["request"].as_object().unwrap() {
            request[field] = value.clone();
        }
        let answer = Post::read(&request).judged_by(stand_in);
        let said = json!({ "status": answer.status, "body": parsed(&answer.body) });
        assert_eq!(said, case["answer"], "{name}");
        assert_eq!(json!(answer.accepted.len()), case["accepted"], "{name}");
        let is_refused = !answer.refused.is_empty();
        assert_eq!(
            is_refused,
            answer.status >= 400 || answer.accepted.is_empty(),
            "{name}: {:?}",
            answer.refused
        );
    }
}

/// Sends each vendor's own payload; all its items must be accepted, with the answer that the file
/// names, if it does.
pub(crate) fn check_fixtures(stand_in: StandIn, vendor: &str, files: &[(&str, usize)]) {
    for (file, items) in files {
        let fixture = read(&format!("{vendor}/{file}"));
        let answer = Post::read(&fixture["request"]).judged_by(stand_in);
        assert_eq!(
            answer.accepted.len(),
            *items,
            "{file}: {:?}",
            answer.refused
        );
        assert_eq!(answer.status, 200, "{file}");
        if let Some(body) = fixture["response_ok"].get("body") {
            assert_eq!(parsed(&answer.body), *body, "{file}");
        }
    }
}

/// The body of an answer: JSON, else the text itself.
pub(crate) fn parsed(body: &str) -> Value {
    serde_json::from_str(body).unwrap_or_else(|_| Value::from(body))
}

fn read(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/destinations")
        .join(file);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// JSON that is nearly right: made of the keys and values that the vendors know.
fn almost_right() -> impl Strategy<Value = Value> {
    let words =
        "events|event_type|user_id|time|\\$set|\\$identify|insert_id|url|type|purchase|data";
    let more =
        "origin|identity_data|AMT1|text|blocks|section|elements|api_key|channel|[a-f0-9]{64}";
    let word = format!("{words}|{more}|.{{0,9}}");
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        proptest::string::string_regex(&word)
            .unwrap()
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 48, 8, move |inner| {
        let key = proptest::string::string_regex(&word).unwrap();
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_json_makes_a_stand_in_panic_or_take_less_than_it_says(events in almost_right()) {
        let body = json!({ "api_key": "key", "events": events, "text": events, "blocks": events });
        let paths = ["/2/httpapi", "/batch", "/api/v1/events", "/services/T", "/api/chat.postMessage"];
        for (_, stand_in) in stand_ins() {
            for path in paths {
                let post = Post::json(path, &body)
                    .with_header("tracify-token", "token")
                    .with_header("authorization", "Bearer xoxb-test");
                let answer = post.judged_by(stand_in);
                prop_assert_eq!(answer.accepted.is_empty(), !answer.refused.is_empty());
            }
        }
    }

    #[test]
    fn no_bytes_make_a_stand_in_panic(body in any::<Vec<u8>>(), status in 100_u16..=999) {
        for (_, stand_in) in stand_ins() {
            let post = Post::raw("/batch", "application/json", body.clone());
            post.judged_by(stand_in);
            let answer = post.forced_by(stand_in, StatusCode::from_u16(status).unwrap());
            prop_assert_eq!(answer.status, status);
        }
    }
}
