//! Stands in for Mixpanel's import API, `POST /import?strict=1`.
//!
//! What is bad is named, and the rest is stored. Not stood in for: whether an account or project is known,
//! rate limits, and packed bodies.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::MAX_EVENTS;
use super::facts::FIELDS;
use crate::clock::Millis;
use crate::destination::judge::{Answer, Asked, StandIn};
use crate::destination::types::events::{Bounds, Problem, beyond, must_have, problems};

pub(super) const STAND_IN: StandIn = StandIn::new(judge, forced);

const MAX_BYTES: usize = 10 * 1_024 * 1_024;

/// "Fewer than 255".
const MAX_PROPERTIES: usize = 254;

const BOUNDS: Bounds = Bounds {
    levels: 3,
    keys: 254,
    items: 254,
    text: usize::MAX,
};

/// What is no id, in either key: slips that Mixpanel has seen too often.
const NO_ID: [&str; 17] = [
    "00000000-0000-0000-0000-000000000000",
    "anon",
    "anonymous",
    "nil",
    "none",
    "null",
    "n/a",
    "na",
    "undefined",
    "unknown",
    "<nil>",
    "0",
    "-1",
    "true",
    "false",
    "[]",
    "{}",
];

/// From here on a time is in milliseconds.
const MILLISECONDS: i64 = 100_000_000_000;

/// So far ahead may a time be, in seconds.
const MAX_AHEAD: i64 = 3_600;

/// 1971 in seconds.
const EARLIEST: i64 = 31_536_000;

fn judge(asked: &Asked<'_>) -> Answer {
    if asked.path != "/import" {
        return error(404, "Not Found", "use POST /import?strict=1&project_id=…");
    }
    if asked.method != Method::POST {
        return error(405, "Method Not Allowed", "use POST");
    }
    let account = asked
        .authorization("Basic")
        .and_then(|value| STANDARD.decode(value).ok());
    if account.is_none_or(|account| account.len() < 2) {
        return error(
            401,
            "Unauthorized",
            "Invalid credentials: Authorization: Basic … is missing",
        );
    }
    if asked.parameter("project_id").is_none_or(|id| id.is_empty()) {
        return error(
            400,
            "Bad Request",
            "project_id is required for service accounts",
        );
    }
    if asked.body.len() > MAX_BYTES {
        return error(
            413,
            "Payload Too Large",
            "request exceeds max limit of 10485760 bytes",
        );
    }
    let events = match serde_json::from_slice(asked.body) {
        Ok(Value::Array(events)) if asked.is_json() => events,
        Ok(_) => {
            return error(
                400,
                "Bad Request",
                "the body must be a JSON list, application/json",
            );
        }
        Err(cause) => return error(400, "Bad Request", &format!("invalid JSON: {cause}")),
    };
    if events.len() > MAX_EVENTS {
        return error(
            413,
            "Payload Too Large",
            "request exceeds max limit of 2000 events",
        );
    }
    let strict = asked.parameter("strict").is_none_or(|strict| strict != "0");
    answer(&events, strict, asked.at)
}

fn answer(events: &[Value], strict: bool, at: Millis) -> Answer {
    let mut accepted = Vec::new();
    let mut failed = Vec::new();
    let mut refused = Vec::new();
    for (index, event) in events.iter().enumerate() {
        let found = problems(FIELDS, event, |event, found| rules(event, at, found));
        let insert_id = &event["properties"]["$insert_id"];
        if found.is_empty() {
            accepted.push(id(event));
            continue;
        }
        for problem in found {
            let field = problem.path.clone();
            let message = format!("'{field}' {}", problem.why);
            failed.push(json!({ "index": index, "$insert_id": insert_id, "field": field, "message": message }));
            refused.push(problem.told("", index));
        }
    }
    let stored = accepted.len();
    if failed.is_empty() {
        let body = json!({ "code": 200, "num_records_imported": stored, "status": "OK" });
        return Answer::json(200, &body).accepting(accepted);
    }
    let status = if strict { 400 } else { 200 };
    let body = json!({
        "code": status,
        "error": "some data points in the request failed validation",
        "failed_records": failed,
        "num_records_imported": stored,
        "status": "Bad Request",
    });
    Answer::json(status, &body)
        .accepting(accepted)
        .refusing_all(refused)
}

fn id(event: &Value) -> Option<String> {
    let properties = &event["properties"];
    let id = properties["$insert_id"].as_str()?;
    let (time, who) = (&properties["time"], &properties["distinct_id"]);
    Some(format!("{}\0{time}\0{who}\0{id}", event["event"]))
}

fn rules(event: &Map<String, Value>, at: Millis, found: &mut Vec<Problem>) {
    must_have(event, &["properties.time", "properties.$insert_id"], found);
    let Some(properties) = event.get("properties").and_then(Value::as_object) else {
        return;
    };
    let time = properties.get("time").and_then(Value::as_i64);
    if time.is_some_and(|time| time < EARLIEST) {
        found.push(Problem::new(
            "properties.time",
            "is invalid: must be after 1971",
        ));
    }
    let seconds = time.map(|time| {
        if time >= MILLISECONDS {
            time / 1_000
        } else {
            time
        }
    });
    if seconds.is_some_and(|time| at > 0 && time.saturating_sub(at / 1_000) > MAX_AHEAD) {
        let why = "is invalid: must not be more than 1 hour in the future";
        found.push(Problem::new("properties.time", why));
    }
    for key in ["distinct_id", "$insert_id"] {
        let id = properties.get(key).and_then(Value::as_str);
        if id.is_some_and(|id| NO_ID.contains(&id)) {
            let why = "is invalid: is one of the values that are no id";
            found.push(Problem::new(&format!("properties.{key}"), why));
        }
    }
    found.extend(beyond(&BOUNDS, "properties", properties));
    let id = properties
        .get("$insert_id")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if !id
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    {
        let why = "is invalid: must be alphanumeric or '-'";
        found.push(Problem::new("properties.$insert_id", why));
    }
    if properties.len() > MAX_PROPERTIES {
        found.push(Problem::new("properties", "must have fewer than 255 keys"));
    }
}

fn error(code: u16, status: &str, why: &str) -> Answer {
    let body = json!({ "code": code, "error": why, "status": status });
    Answer::json(code, &body).refusing(why)
}

fn forced(_asked: &Asked<'_>, status: StatusCode) -> Answer {
    let word = status.canonical_reason().unwrap_or("no reason");
    let body = json!({ "code": status.as_u16(), "error": word, "status": word });
    Answer::json(status.as_u16(), &body)
}
