//! Stands in for Pinterest's Conversions API, `POST /v5/ad_accounts/ID/events`.
//!
//! Each event is answered for; one that fails does not spoil the others. Not stood in for: whether a token
//! or account is known, rate limits, and the age of events.

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::MAX_EVENTS;
use super::facts::FIELDS;
use crate::destination::judge::{Answer, Asked, StandIn};
use crate::destination::types::events::{Problem, has, list, must_have, problems};

pub(super) const STAND_IN: StandIn = StandIn::new(judge, forced);

/// Later than this is no time in seconds: it is the year 2286.
const MILLISECONDS: i64 = 10_000_000_000;

fn judge(asked: &Asked<'_>) -> Answer {
    let parts: Vec<&str> = asked.path.trim_start_matches('/').split('/').collect();
    if !matches!(parts.as_slice(), ["v5", "ad_accounts", account, "events"] if !account.is_empty())
    {
        return error(
            404,
            4,
            "Path not found.",
            "use POST /v5/ad_accounts/ID/events",
        );
    }
    if asked.method != Method::POST {
        return error(405, 1, "Method not allowed.", "use POST");
    }
    if asked.bearer().is_none() {
        return error(
            401,
            2,
            "Authentication failed.",
            "Authorization: Bearer … is missing",
        );
    }
    let body = match asked.json_object() {
        Ok(body) => body,
        Err(why) => return error(400, 1, &why, &why),
    };
    match list(&body, "data", MAX_EVENTS) {
        Ok(events) => answer(events),
        Err(why) => error(400, 1, &why, &why),
    }
}

fn answer(events: &[Value]) -> Answer {
    let mut told = Vec::with_capacity(events.len());
    let mut accepted = Vec::new();
    let mut refused = Vec::new();
    for (place, event) in events.iter().enumerate() {
        let found = problems(FIELDS, event, rules);
        if found.is_empty() {
            told.push(
                json!({ "status": "processed", "error_message": null, "warning_message": null }),
            );
            accepted.push(id(event));
            continue;
        }
        let whys: Vec<String> = found
            .iter()
            .map(|problem| problem.told("data", place))
            .collect();
        told.push(json!({ "status": "failed", "error_message": whys.join("; "), "warning_message": null }));
        refused.extend(whys);
    }
    let status = if refused.is_empty() { 200 } else { 422 };
    let body = json!({
        "num_events_received": events.len(),
        "num_events_processed": accepted.len(),
        "events": told,
    });
    Answer::json(status, &body)
        .accepting(accepted)
        .refusing_all(refused)
}

fn id(event: &Value) -> Option<String> {
    let id = event["event_id"].as_str()?;
    Some(format!("{}\0{id}", event["event_name"]))
}

fn rules(event: &Map<String, Value>, found: &mut Vec<Problem>) {
    must_have(event, &["event_time", "event_id"], found);
    let time = event.get("event_time").and_then(Value::as_i64);
    if time.is_some_and(|time| time >= MILLISECONDS) {
        found.push(Problem::new("event_time", "must be in seconds"));
    }
    let user = event.get("user_data").unwrap_or(&Value::Null);
    let has_browser = has(user, "client_ip_address") && has(user, "client_user_agent");
    if user.is_object() && !has_browser && !has(user, "em") && !has(user, "hashed_maids") {
        let why = "needs em, hashed_maids, or client_ip_address and client_user_agent";
        found.push(Problem::new("user_data", why));
    }
}

fn error(status: u16, code: i64, message: &str, why: &str) -> Answer {
    Answer::json(status, &json!({ "code": code, "message": message })).refusing(why)
}

fn forced(_asked: &Asked<'_>, status: StatusCode) -> Answer {
    let (code, message) = match status.as_u16() {
        401 => (2, "Authentication failed."),
        403 => (29, "You are not permitted to access that resource."),
        429 => (8, "You have exceeded your rate limit. Try again later."),
        500..=599 => (0, "Something went wrong on our end."),
        _ => (1, "Invalid request."),
    };
    Answer::json(
        status.as_u16(),
        &json!({ "code": code, "message": message }),
    )
}
