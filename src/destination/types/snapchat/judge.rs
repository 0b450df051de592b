//! Stands in for Snap's Conversions API v3, `POST /v3/PIXEL/events` and `…/events/validate`.
//!
//! One bad event refuses the request. Not stood in for: whether a token or pixel is known, and rate limits.

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::facts::FIELDS;
use crate::destination::judge::{Answer, Asked, StandIn};
use crate::destination::types::events::{Problem, has, list, must_have, problems, text};

pub(super) const STAND_IN: StandIn = StandIn::new(judge, forced);

/// Snap's limit of a request.
const MAX_EVENTS: usize = 2_000;

/// From here on a time is in milliseconds.
const MILLISECONDS: i64 = 10_000_000_000;

/// The age that Snap reports, in seconds.
const MAX_AGE: i64 = 37 * 86_400;

fn judge(asked: &Asked<'_>) -> Answer {
    let parts: Vec<&str> = asked.path.trim_matches('/').split('/').collect();
    if !matches!(
        parts.as_slice(),
        ["v3", _, "events"] | ["v3", _, "events", "validate"]
    ) {
        return failed(404, "use POST /v3/PIXEL/events");
    }
    if asked.method != Method::POST {
        return failed(405, "use POST");
    }
    let token = asked
        .parameter("access_token")
        .filter(|token| !token.is_empty());
    if token.is_none() && asked.bearer().is_none() {
        return failed(401, "the parameter access_token is missing");
    }
    let body = match asked.json_object() {
        Ok(body) => body,
        Err(why) => return failed(400, &why),
    };
    let events = match list(&body, "data", MAX_EVENTS) {
        Ok(events) => events,
        Err(why) => return failed(400, &why),
    };
    let mut refused = Vec::new();
    let mut records = Vec::new();
    for (place, event) in events.iter().enumerate() {
        let found = problems(FIELDS, event, |event, found| rules(event, asked.at, found));
        let whys: Vec<String> = found
            .iter()
            .map(|problem| problem.told("data", place))
            .collect();
        if !whys.is_empty() {
            records.push(json!({ "reason": whys.join("; "), "record_identifiers": [place] }));
            refused.extend(whys);
        }
    }
    if refused.is_empty() {
        let body = json!({ "status": "SUCCESS", "reason": "All events processed successfully" });
        return Answer::json(200, &body).accepting(events.iter().map(id).collect());
    }
    let reason = format!(
        "{} of {} events failed validation",
        records.len(),
        events.len()
    );
    let body = json!({ "status": "FAILED", "reason": reason, "error_records": records });
    Answer::json(400, &body).refusing_all(refused)
}

fn id(event: &Value) -> Option<String> {
    let id = event["event_id"].as_str()?;
    Some(format!("{}\0{id}", event["event_name"]))
}

fn rules(event: &Map<String, Value>, at: i64, found: &mut Vec<Problem>) {
    must_have(event, &["event_time"], found);
    let time = event.get("event_time").and_then(Value::as_i64);
    if let Some(time) = time.filter(|_| at > 0) {
        let seconds = if time >= MILLISECONDS {
            time.div_euclid(1_000)
        } else {
            time
        };
        if at.div_euclid(1_000).saturating_sub(seconds) > MAX_AGE {
            found.push(Problem::new("event_time", "is older than 37 days"));
        }
    }
    let user = event.get("user_data").unwrap_or(&Value::Null);
    let has_browser = has(user, "client_ip_address") && has(user, "client_user_agent");
    let is_known = ["em", "ph", "madid"].iter().any(|key| has(user, key));
    if user.is_object() && !has_browser && !is_known {
        let why = "needs em, ph, madid, or client_ip_address and client_user_agent";
        found.push(Problem::new("user_data", why));
    }
    let is_web = matches!(text(event, "action_source"), Some("WEB" | "website"));
    if is_web && text(event, "event_source_url").is_none() {
        found.push(Problem::new(
            "event_source_url",
            "is required with action_source WEB",
        ));
    }
    let custom = event.get("custom_data").unwrap_or(&Value::Null);
    if text(event, "event_name") == Some("PURCHASE") {
        for key in ["currency", "value"] {
            if !has(custom, key) {
                let path = format!("custom_data.{key}");
                found.push(Problem::new(&path, "is required for a PURCHASE"));
            }
        }
    }
}

fn failed(status: u16, reason: &str) -> Answer {
    let body = json!({ "status": "FAILED", "reason": reason });
    Answer::json(status, &body).refusing(reason)
}

fn forced(_asked: &Asked<'_>, status: StatusCode) -> Answer {
    let reason = status.canonical_reason().unwrap_or("no reason");
    Answer::json(
        status.as_u16(),
        &json!({ "status": "FAILED", "reason": reason }),
    )
}
