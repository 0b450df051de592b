//! Stands in for TikTok's Events API 2.0, `POST /open_api/v1.3/event/track/`.
//!
//! It answers 200 to everything that reaches it, with a code, as TikTok does. One bad event refuses the
//! request. Not stood in for: whether a token or pixel is known, rate limits, and the age of events.

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::facts::FIELDS;
use super::{MAX_EVENTS, PATH, SOURCES};
use crate::destination::judge::{Answer, Asked, StandIn};
use crate::destination::types::events::{Problem, has, list, must_have, problems, text};

pub(super) const STAND_IN: StandIn = StandIn::new(judge, forced);

/// Later than this is no time in seconds: it is the year 2286.
const MILLISECONDS: i64 = 10_000_000_000;

/// Any of these says who it was.
const WHO: [&str; 6] = ["email", "phone", "external_id", "ttclid", "ttp", "idfa"];

fn judge(asked: &Asked<'_>) -> Answer {
    if asked.path.trim_end_matches('/') != PATH.trim_end_matches('/') {
        return error(40_006, "Invalid path", format!("use POST {PATH}"));
    }
    if asked.method != Method::POST {
        return error(40_007, "Method not allowed", "use POST");
    }
    if asked.header("access-token").is_none_or(str::is_empty) {
        return error(
            40_104,
            "Access token is null",
            "the header Access-Token is missing",
        );
    }
    let body = match asked.json_object() {
        Ok(body) => body,
        Err(why) => return error(40_002, &why, why.as_str()),
    };
    if !text(&body, "event_source").is_some_and(|source| SOURCES.contains(&source)) {
        let why = format!("event_source: must be one of {}.", SOURCES.join(", "));
        return error(40_002, &why, why.as_str());
    }
    if text(&body, "event_source_id").is_none() {
        let why = "event_source_id: Missing data for required field.";
        return error(40_002, why, why);
    }
    match list(&body, "data", MAX_EVENTS) {
        Ok(events) => answer(events),
        Err(why) => error(40_002, &why, why.as_str()),
    }
}

fn answer(events: &[Value]) -> Answer {
    let refused: Vec<String> = events
        .iter()
        .enumerate()
        .flat_map(|(place, event)| {
            let found = problems(FIELDS, event, rules).into_iter();
            found.map(move |problem| worded(&problem, place))
        })
        .collect();
    let Some(first) = refused.first() else {
        return say(0, "OK").accepting(events.iter().map(id).collect());
    };
    let mut answer = say(40_002, first);
    answer.refused = refused;
    answer
}

/// TikTok's way to name a field: `data.0.event: Missing data for required field.`
fn worded(problem: &Problem, place: usize) -> String {
    let why = match problem.why.as_str() {
        "is missing" => "Missing data for required field",
        why => why,
    };
    let path = problem.path.replace('[', ".").replace(']', "");
    format!("data.{place}.{path}: {why}.")
}

fn id(event: &Value) -> Option<String> {
    let id = event["event_id"].as_str()?;
    Some(format!("{}\0{id}", event["event"]))
}

fn rules(event: &Map<String, Value>, found: &mut Vec<Problem>) {
    must_have(event, &["event_time"], found);
    let time = event.get("event_time").and_then(Value::as_i64);
    if time.is_some_and(|time| time >= MILLISECONDS) {
        found.push(Problem::new("event_time", "must be in seconds"));
    }
    let user = event.get("user").unwrap_or(&Value::Null);
    let has_browser = has(user, "ip") && has(user, "user_agent");
    if !has_browser && !WHO.iter().any(|key| has(user, key)) {
        found.push(Problem::new("user", "has nothing to know the person by"));
    }
    let properties = event.get("properties").unwrap_or(&Value::Null);
    if has(properties, "value") && !has(properties, "currency") {
        found.push(Problem::new(
            "properties.currency",
            "is required with value",
        ));
    }
}

fn say(code: i64, message: &str) -> Answer {
    let body = json!({
        "code": code,
        "message": message,
        "request_id": "20240710090000000000000000000000",
        "data": {},
    });
    Answer::json(200, &body)
}

fn error(code: i64, message: &str, why: impl Into<String>) -> Answer {
    say(code, message).refusing(why)
}

fn forced(_asked: &Asked<'_>, status: StatusCode) -> Answer {
    let (code, message) = match status.as_u16() {
        401 | 403 => (40_105, "Access token is incorrect or has been revoked"),
        429 => (40_100, "Requests made too frequently"),
        500..=599 => (50_000, "System error"),
        _ => (40_002, "Invalid parameter"),
    };
    let mut answer = say(code, message);
    answer.status = status.as_u16();
    answer
}
