//! Every type of destination against requests and replies as data, in
//! `tests/data/destinations/<type>/`, and against what it says of itself.

pub(crate) mod answers;
mod conformance;
mod ntfy;
mod walk;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Destination, Item, Reply, TYPES, Verdict, docs, find_type, load_all, type_names};
use crate::config;
use crate::delivery::DeliveryId;
use crate::outcome::Outcome;

const ID: DeliveryId = DeliveryId([0xab; 16]);

/// 2024-07-10 09:00:00.123 UTC.
const RECEIVED_AT: i64 = 1_720_602_000_123;

/// A minute later.
const SENT_AT: i64 = RECEIVED_AT + 60_000;

fn configure(kind: &str, settings: &str) -> Result<Destination, Vec<config::Problem>> {
    configure_in(&BTreeMap::new(), kind, settings)
}

fn configure_in(
    environment: &BTreeMap<String, String>,
    kind: &str,
    settings: &str,
) -> Result<Destination, Vec<config::Problem>> {
    let text = format!("[destinations.it]\ntype = \"{kind}\"\n{settings}\n");
    let config = config::parse(&text, Path::new("tagwerk.toml"), environment)
        .map_err(|problems| problems.into_iter().collect::<Vec<_>>())?;
    let mut destinations = load_all(&config)?;
    let (_, destination) = destinations.pop_first().unwrap();
    Ok(Destination::clone(&destination))
}

fn data(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/destinations")
        .join(path)
}

fn read(file: &str) -> Value {
    let bytes = std::fs::read(data(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn cases(file: &str) -> Vec<Value> {
    let Value::Array(cases) = read(file) else {
        panic!("{file} is not a list");
    };
    assert!(!cases.is_empty(), "{file}");
    cases
}

fn items(payloads: &[Vec<u8>]) -> Vec<Item<'_>> {
    let item = |payload| Item {
        id: ID,
        payload,
        received_at: RECEIVED_AT,
        sent_at: SENT_AT,
    };
    payloads.iter().map(|payload| item(payload)).collect()
}

#[test]
fn requests_are_as_the_vendor_wants_them() {
    for kind in type_names() {
        for case in cases(&format!("{kind}/requests.json")) {
            let name = format!("{kind}: {}", case["name"]);
            let destination = match case["config"].as_str() {
                Some(config) => configure(kind, config).expect(&name),
                None => docs::example(find_type(kind).unwrap()).expect(&name),
            };
            let payloads = case["payloads"].as_array().unwrap().iter();
            let payloads: Vec<_> = payloads.map(|one| one.to_string().into_bytes()).collect();
            let encoded = destination.vendor.encode(&items(&payloads));
            let Some(expected) = case.get("request") else {
                let refused = encoded.expect_err(&name);
                assert_eq!(json!(refused.index), case["refused"]["index"], "{name}");
                let why = case["refused"]["why"].as_str().unwrap();
                assert!(refused.why.contains(why), "{name}: {}", refused.why);
                continue;
            };
            let request = encoded.expect(&name);
            let headers = request.headers.iter();
            let headers: BTreeMap<&str, &str> = headers
                .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
                .collect();
            assert_eq!(
                headers.len(),
                request.headers.len(),
                "{name}: each header once"
            );
            let sent = json!({
                "method": request.method.as_str(),
                "url": request.url,
                "headers": headers,
                "body": parsed(&request.body),
            });
            assert_eq!(sent, *expected, "{name}");
        }
    }
}

/// JSON, else the text itself.
fn parsed(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into())
}

/// Every type has `replies.json`, or several files that end so; a file that is not a list is
/// `{ config, cases }`.
#[test]
fn replies_mean_what_the_vendor_says() {
    for one in TYPES {
        for file in reply_files(one.name) {
            let file = format!("{}/{file}", one.name);
            let (destination, cases) = match read(&file) {
                Value::Array(cases) => (docs::example(one).expect(&file), cases),
                mut file => {
                    let config = file["config"].as_str().unwrap();
                    let destination = configure(one.name, config).unwrap();
                    (
                        destination,
                        std::mem::take(file["cases"].as_array_mut().unwrap()),
                    )
                }
            };
            assert!(!cases.is_empty(), "{file}");
            for case in cases {
                let count = usize::try_from(case["items"].as_u64().unwrap()).unwrap();
                let verdict = destination.vendor.read(&reply(&case), count);
                assert_eq!(described(&verdict), case["expect"], "{file}: {case}");
                if let Verdict::Each(outcomes) = verdict {
                    assert_eq!(outcomes.len(), count, "{file}: {case}");
                }
            }
        }
    }
}

fn reply_files(kind: &str) -> Vec<String> {
    let folder = data(kind);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|_| panic!("{}", folder.display()));
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let found: Vec<String> = names
        .filter(|name| name.ends_with("replies.json"))
        .collect();
    assert!(!found.is_empty(), "{kind} has no replies.json");
    found
}

fn reply(case: &Value) -> Reply {
    let body = match &case["body"] {
        Value::String(text) => text.clone(),
        json => json.to_string(),
    };
    let retry_after = case["headers"]["retry-after"].as_str();
    Reply {
        status: u16::try_from(case["status"].as_u64().unwrap()).unwrap(),
        retry_after: retry_after.map(|seconds| Duration::from_secs(seconds.parse().unwrap())),
        body: body.into(),
        ..Reply::default()
    }
}

fn described(verdict: &Verdict) -> Value {
    match verdict {
        Verdict::All(outcome) => description(outcome).into(),
        Verdict::Each(outcomes) => outcomes.iter().map(description).collect::<Vec<_>>().into(),
        Verdict::Split(_) => "split".into(),
    }
}

fn description(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Delivered => "delivered".to_owned(),
        Outcome::Retry { after, .. } => with_wait("retry", *after),
        Outcome::Throttled { after, .. } => with_wait("throttled", *after),
        Outcome::NotTried { .. } => "not tried".to_owned(),
        Outcome::Rejected { .. } => "rejected".to_owned(),
        Outcome::Redirected { .. } => "redirected".to_owned(),
        Outcome::Paused { .. } => "paused".to_owned(),
        Outcome::Disabled { .. } => "disabled".to_owned(),
    }
}

/// `retry`, or `retry after 30`.
fn with_wait(word: &str, after: Option<Duration>) -> String {
    match after {
        Some(after) => format!("{word} after {}", after.as_secs()),
        None => word.to_owned(),
    }
}

#[test]
fn wrong_settings_are_problems_that_name_the_key() {
    for case in cases("problems.json") {
        let kind = case["type"].as_str().unwrap();
        let problems = configure(kind, case["config"].as_str().unwrap()).expect_err(kind);
        let messages: Vec<_> = problems.iter().map(|problem| &problem.message).collect();
        let expected = case["problems"].as_array().unwrap();
        assert_eq!(messages.len(), expected.len(), "{case}: {messages:?}");
        for (message, expected) in messages.iter().zip(expected) {
            let expected = expected.as_str().unwrap();
            assert!(message.contains(expected), "{message}, not {expected}");
        }
    }
}

#[test]
fn what_a_variable_put_into_an_address_is_not_shown() {
    let whole = "https://crm.example/k3y-0000/in".to_owned();
    let environment = BTreeMap::from([
        ("T".to_owned(), "k3y-0000".to_owned()),
        ("URL".to_owned(), whole),
    ]);
    for (url, expected) in [
        (
            "https://crm.example/hooks/${T}",
            "https://crm.example/hooks/***",
        ),
        (
            "https://crm.example/hooks?key=${T}",
            "https://crm.example/hooks?key=***",
        ),
        ("${URL}", "https://crm.example/***"),
    ] {
        let destination = configure_in(&environment, "http", &format!("url = \"{url}\"")).unwrap();
        let request = destination.vendor.encode(&items(&[b"{}".to_vec()]));
        assert_eq!(destination.show(&request.unwrap()).url, expected, "{url}");
        assert!(!format!("{destination:?}").contains("k3y-0000"), "{url}");
    }
}

#[test]
fn a_batch_is_what_the_user_says_within_what_the_vendor_takes() {
    for (kind, settings, items, wait) in [
        ("amplitude", "api_key = \"k\"", 1_000, 100),
        ("amplitude", "api_key = \"k\"\nbatch = 10", 10, 100),
        ("amplitude", "api_key = \"k\"\nbatch = 2000", 1_000, 100),
        (
            "amplitude",
            "api_key = \"k\"\nbatch_wait = \"0s\"",
            1_000,
            0,
        ),
        (
            "amplitude",
            "api_key = \"k\"\nbatch_wait = \"2s\"",
            1_000,
            2_000,
        ),
        (
            "amplitude",
            "api_key = \"k\"\nbatch_wait = \"2s\"\nbatch = 1",
            1,
            0,
        ),
        ("http", "url = \"https://a.example\"\nbatch = 9", 1, 0),
        (
            "http",
            "url = \"https://a.example\"\nbatch_wait = \"1s\"",
            1,
            0,
        ),
    ] {
        let limits = configure(kind, settings).unwrap().limits();
        let got = (limits.items, limits.wait.as_millis());
        assert_eq!(got, (items, wait), "{kind} {settings}");
    }
}

proptest! {
    /// Nothing that a tag puts into `path` and `query` changes where the request goes.
    #[test]
    fn an_event_cannot_change_the_host(path in ".{0,30}", key in ".{0,9}", value in ".{0,20}") {
        let destination = configure("http", "url = \"https://crm.example.com/hooks\"").unwrap();
        for path in [path.clone(), format!("/{path}"), format!("//{path}")] {
            let payload = json!({ "path": path, "query": { key.as_str(): value } }).to_string();
            let Ok(request) = destination.vendor.encode(&items(&[payload.into_bytes()])) else {
                continue;
            };
            let Ok(url) = reqwest::Url::parse(&request.url) else {
                continue;
            };
            prop_assert_eq!(url.host_str(), Some("crm.example.com"));
            prop_assert_eq!((url.scheme(), url.port()), ("https", None));
            prop_assert!(url.path().starts_with("/hooks/"), "{}", request.url);
            prop_assert!(url.username().is_empty() && url.fragment().is_none());
            let pairs: Vec<_> = url.query_pairs().into_owned().collect();
            prop_assert_eq!(pairs, vec![(key.clone(), value.clone())]);
        }
    }
}
