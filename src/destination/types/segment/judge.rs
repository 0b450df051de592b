//! Stands in for Segment's tracking API: `POST /v1/batch`, and `/v1/track` and its siblings.
//!
//! Segment answers 200 to nearly everything and drops what it does not like; so does this, and says to
//! whoever watches why. Not stood in for: whether a key is known, and rate limits.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::MAX_CALL_BYTES;
use super::facts::{BATCHED, CALLS, FIELDS, NEEDS};
use crate::destination::judge::{Answer, Asked, StandIn};
use crate::destination::types::events::{Problem, list, problems, text};

pub(super) const STAND_IN: StandIn = StandIn::new(judge, forced);

const MAX_CALLS: usize = 2_500;
const MAX_BYTES: usize = 500 * 1_024;

fn judge(asked: &Asked<'_>) -> Answer {
    let call = asked.path.strip_prefix("/v1/").unwrap_or_default();
    if call != "batch" && !CALLS.contains(&call) {
        return error(404, "not found", "use POST /v1/batch");
    }
    if asked.method != Method::POST {
        return error(405, "method not allowed", "use POST");
    }
    if asked.body.len() > MAX_BYTES {
        return error(400, "Exceed payload limit", "the body has more than 500 KB");
    }
    let body = match asked.json_object() {
        Ok(body) => body,
        Err(why) => return error(400, "malformed JSON", &why),
    };
    if !has_key(asked) && text(&body, "writeKey").is_none() {
        return error(
            401,
            "invalid write key",
            "Authorization: Basic … or writeKey is missing",
        );
    }
    if call == "batch" {
        return match list(&body, "batch", MAX_CALLS) {
            Ok(calls) => answer(calls, None),
            Err(why) => error(400, "malformed JSON", &why),
        };
    }
    answer(&[Value::Object(body.clone())], Some(call))
}

/// The user name of Basic authentication is the key; some old clients leave the colon out.
fn has_key(asked: &Asked<'_>) -> bool {
    let decoded = asked
        .authorization("Basic")
        .and_then(|value| STANDARD.decode(value).ok());
    decoded.is_some_and(|key| !key.is_empty() && !key.starts_with(b":"))
}

fn answer(calls: &[Value], kind: Option<&str>) -> Answer {
    let mut accepted = Vec::new();
    let mut refused = Vec::new();
    for (place, call) in calls.iter().enumerate() {
        let mut found = problems(FIELDS, call, |call, found| rules(call, kind, found));
        if kind.is_none() {
            found.extend(problems(BATCHED, call, |_, _| {}));
        }
        if call.to_string().len() > MAX_CALL_BYTES {
            found.push(Problem::new("", "has more than 32 KB"));
        }
        match found.is_empty() {
            true => accepted.push(call["messageId"].as_str().map(str::to_owned)),
            false => refused.extend(found.iter().map(|problem| problem.told("batch", place))),
        }
    }
    let body = json!({ "success": true });
    Answer::json(200, &body)
        .accepting(accepted)
        .refusing_all(refused)
}

fn rules(call: &Map<String, Value>, kind: Option<&str>, found: &mut Vec<Problem>) {
    let kind = kind.or_else(|| text(call, "type")).unwrap_or_default();
    if text(call, "userId").is_none() && text(call, "anonymousId").is_none() {
        found.push(Problem::new("userId", "or anonymousId is required"));
    }
    for (needing, key) in NEEDS {
        if kind == *needing && text(call, key).is_none() {
            found.push(Problem::new(key, format!("is required for {kind}")));
        }
    }
}

fn error(status: u16, message: &str, why: &str) -> Answer {
    let body = json!({ "success": false, "message": message });
    Answer::json(status, &body).refusing(why)
}

fn forced(_asked: &Asked<'_>, status: StatusCode) -> Answer {
    let message = status
        .canonical_reason()
        .unwrap_or("no reason")
        .to_lowercase();
    Answer::json(
        status.as_u16(),
        &json!({ "success": false, "message": message }),
    )
}
