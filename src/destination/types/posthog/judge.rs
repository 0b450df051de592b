//! Stands in for PostHog's capture API: `POST /batch/`, and `/i/v0/e/` for one event.
//!
//! Not stood in for: whether a key is known, quotas, and what PostHog drops after it answered.

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::facts::FIELDS;
use crate::clock::parse_rfc3339;
use crate::destination::judge::{Answer, Asked, StandIn};
use crate::destination::types::events::{Problem, list, problems, text};

pub(super) const STAND_IN: StandIn = StandIn::new(judge, forced);

const MAX_BYTES: usize = 20 * 1_024 * 1_024;
const MAX_EVENT_BYTES: usize = 1_024 * 1_024;

/// Ids that everybody has, and so nobody: PostHog refuses them.
const NOBODY: [&str; 12] = [
    "anonymous",
    "guest",
    "distinctid",
    "distinct_id",
    "id",
    "not_authenticated",
    "email",
    "undefined",
    "true",
    "false",
    "null",
    "none",
];

fn judge(asked: &Asked<'_>) -> Answer {
    let path = asked.path.trim_end_matches('/');
    if !matches!(path, "/batch" | "/i/v0/e" | "/capture") {
        return error(404, "invalid_request", "not_found", "use POST /batch/");
    }
    if asked.method != Method::POST {
        return error(405, "invalid_request", "method_not_allowed", "use POST");
    }
    if asked.body.len() > MAX_BYTES {
        return error(
            413,
            "validation_error",
            "payload_too_large",
            "the body has more than 20 MB",
        );
    }
    let body = match asked.json_object() {
        Ok(body) => body,
        Err(why) => return error(400, "validation_error", "invalid_payload", &why),
    };
    if text(&body, "api_key").is_none() {
        let why = "Project API key invalid. You can find your project API key in your PostHog project settings.";
        return error(401, "authentication_error", "invalid_api_key", why);
    }
    let single = [Value::Object(body.clone())];
    let events = match path {
        "/batch" => list(&body, "batch", usize::MAX),
        _ => Ok(single.as_slice()),
    };
    match events {
        Ok(events) => answer(events),
        Err(why) => error(400, "validation_error", "invalid_payload", &why),
    }
}

fn answer(events: &[Value]) -> Answer {
    let refused: Vec<String> = events
        .iter()
        .enumerate()
        .flat_map(|(place, event)| {
            let mut found = problems(FIELDS, event, rules);
            if event.to_string().len() > MAX_EVENT_BYTES {
                found.push(Problem::new("", "has more than 1 MB"));
            }
            found
                .into_iter()
                .map(move |problem| problem.told("batch", place))
        })
        .collect();
    let Some(first) = refused.first() else {
        let ids = events
            .iter()
            .map(|event| event["uuid"].as_str().map(str::to_owned));
        return Answer::json(200, &json!({ "status": "Ok" })).accepting(ids.collect());
    };
    let mut answer = error(400, "validation_error", "invalid_payload", first);
    answer.refused = refused;
    answer
}

fn rules(event: &Map<String, Value>, found: &mut Vec<Problem>) {
    let properties = event.get("properties").and_then(Value::as_object);
    let inner = properties.and_then(|properties| text(properties, "distinct_id"));
    match text(event, "distinct_id").or(inner) {
        None => found.push(Problem::new("distinct_id", "is missing")),
        Some(id) if NOBODY.contains(&id.trim().to_lowercase().as_str()) => {
            found.push(Problem::new("distinct_id", "is an id that everybody has"));
        }
        Some(_) => {}
    }
    if text(event, "timestamp").is_some_and(|time| parse_rfc3339(time).is_none()) {
        found.push(Problem::new("timestamp", "is not ISO 8601"));
    }
    if text(event, "uuid").is_some_and(|uuid| !is_uuid(uuid)) {
        found.push(Problem::new("uuid", "is not a UUID"));
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn error(status: u16, kind: &str, code: &str, detail: &str) -> Answer {
    let body = json!({ "type": kind, "code": code, "detail": detail, "attr": null });
    Answer::json(status, &body).refusing(detail)
}

fn forced(_asked: &Asked<'_>, status: StatusCode) -> Answer {
    let (kind, code) = match status.as_u16() {
        401 | 403 => ("authentication_error", "invalid_api_key"),
        429 => ("throttled_error", "throttled"),
        500..=599 => ("server_error", "error"),
        _ => ("validation_error", "invalid_payload"),
    };
    let detail = status.canonical_reason().unwrap_or("no reason");
    let body = json!({ "type": kind, "code": code, "detail": detail, "attr": null });
    Answer::json(status.as_u16(), &body)
}
