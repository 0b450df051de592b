//! Stands in for Meta's Conversions API, `POST /vN.N/PIXEL/events`.
//!
//! The rules are those of Meta's pages: the table of fields, the age of events, what a website's event and
//! a purchase must have. One bad event refuses the request. Not stood in for: whether a token or pixel is
//! known, rate limits, and what Meta warns of without refusing it.

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::MAX_EVENTS;
use super::facts::FIELDS;
use crate::clock::Millis;
use crate::destination::judge::{Answer, Asked, StandIn};
use crate::destination::types::events::{Problem, has, list, must_have, problems, text};

pub(super) const STAND_IN: StandIn = StandIn::new(judge, forced);

/// Meta takes events of the last seven days; of a shop that one walks into, of 62.
const MAX_AGE: i64 = 7 * 86_400;
const MAX_AGE_IN_SHOP: i64 = 62 * 86_400;

/// So far ahead may a clock be, in seconds. Not documented.
const MAX_AHEAD: i64 = 600;

/// What Meta calls an event that is too old, and one that says too little of the person.
const TOO_OLD: i64 = 2_804_003;
const WRONG: i64 = 2_804_019;
const NOBODY: i64 = 2_804_050;

/// What must not be a hash.
const PLAIN: [&str; 4] = ["client_ip_address", "client_user_agent", "fbc", "fbp"];

fn judge(asked: &Asked<'_>) -> Answer {
    if !is_path(asked.path) {
        return error(404, 2_500, 0, "Unknown path components", asked.path);
    }
    if asked.method != Method::POST {
        return error(400, 100, 33, "Unsupported request", "use POST");
    }
    let body = asked.json_object();
    let in_body = body
        .as_ref()
        .ok()
        .and_then(|body| text(body, "access_token"));
    let token = asked
        .parameter("access_token")
        .filter(|token| !token.is_empty());
    if token.is_none() && in_body.is_none() && asked.bearer().is_none() {
        let message = "An access token is required to request this resource.";
        return error(
            400,
            104,
            0,
            message,
            "the parameter access_token is missing",
        );
    }
    let events = body.and_then(|body| list(&body, "data", MAX_EVENTS).map(<[Value]>::to_vec));
    match events {
        Ok(events) => answer(&events, asked.at),
        Err(why) => error(400, 100, 0, "(#100) Invalid parameter", &why),
    }
}

fn answer(events: &[Value], at: Millis) -> Answer {
    let mut refused = Vec::new();
    let mut subcode = WRONG;
    for (place, event) in events.iter().enumerate() {
        let found = problems(FIELDS, event, |event, found| rules(event, at, found));
        for problem in found {
            if refused.is_empty() {
                subcode = subcode_of(&problem);
            }
            refused.push(problem.told("data", place));
        }
    }
    let Some(first) = refused.first() else {
        let body = json!({
            "events_received": events.len(),
            "messages": [],
            "fbtrace_id": TRACE,
        });
        return Answer::json(200, &body).accepting(events.iter().map(id).collect());
    };
    let mut answer = error(400, 100, subcode, "Invalid parameter", first);
    answer.refused = refused;
    answer
}

/// The event's name and id: by both Meta knows a repeat.
fn id(event: &Value) -> Option<String> {
    let id = event["event_id"].as_str()?;
    Some(format!("{}\0{id}", event["event_name"]))
}

fn rules(event: &Map<String, Value>, at: Millis, found: &mut Vec<Problem>) {
    let user = event.get("user_data").unwrap_or(&Value::Null);
    let custom = event.get("custom_data").unwrap_or(&Value::Null);
    must_have(event, &["event_time"], found);
    check_time(event, at, found);
    if user.is_object() && !says_who(user) {
        let why = "does not have enough customer information parameters";
        found.push(Problem::new("user_data", why));
    }
    for key in PLAIN {
        if user[key].as_str().is_some_and(is_hash) {
            found.push(Problem::new(
                &format!("user_data.{key}"),
                "must not be hashed",
            ));
        }
    }
    if text(event, "action_source") == Some("website") {
        if text(event, "event_source_url").is_none() {
            let why = "is required with action_source website";
            found.push(Problem::new("event_source_url", why));
        }
        if !has(user, "client_user_agent") {
            let why = "is required with action_source website";
            found.push(Problem::new("user_data.client_user_agent", why));
        }
    }
    if text(event, "event_name") == Some("Purchase") {
        for key in ["currency", "value"] {
            if !has(custom, key) {
                let path = format!("custom_data.{key}");
                found.push(Problem::new(&path, "is required for a Purchase"));
            }
        }
    }
}

fn check_time(event: &Map<String, Value>, at: Millis, found: &mut Vec<Problem>) {
    let time = event.get("event_time").and_then(Value::as_i64);
    let Some(time) = time.filter(|_| at > 0) else {
        return;
    };
    let age = at.div_euclid(1_000).saturating_sub(time);
    let most = match text(event, "action_source") {
        Some("physical_store") => MAX_AGE_IN_SHOP,
        _ => MAX_AGE,
    };
    if age > most {
        found.push(Problem::new(
            "event_time",
            format!("is older than {} days", most / 86_400),
        ));
    }
    if age < -MAX_AHEAD {
        found.push(Problem::new(
            "event_time",
            "is in the future; it is in seconds",
        ));
    }
}

/// Country, gender and the like alone find nobody; neither does an address without a user agent.
fn says_who(user: &Value) -> bool {
    let alone = [
        "em",
        "ph",
        "external_id",
        "fbc",
        "fbp",
        "lead_id",
        "subscription_id",
    ];
    alone.iter().any(|key| has(user, key))
        || (has(user, "client_ip_address") && has(user, "client_user_agent"))
        || (has(user, "fn") && has(user, "ln"))
}

fn subcode_of(problem: &Problem) -> i64 {
    match problem.path.as_str() {
        "event_time" if problem.why.starts_with("is older") => TOO_OLD,
        "user_data" if problem.why.starts_with("does not have") => NOBODY,
        _ => WRONG,
    }
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `/v25.0/123/events`.
fn is_path(path: &str) -> bool {
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    matches!(parts.as_slice(), [version, pixel, "events"] if version.starts_with('v') && !pixel.is_empty())
}

/// Meta names each request so that people can ask about it.
const TRACE: &str = "AStandInForMeta0000000";

fn error(status: u16, code: i64, subcode: i64, message: &str, why: &str) -> Answer {
    let mut error = json!({
        "message": message,
        "type": if code == 104 || code == 190 { "OAuthException" } else { "GraphMethodException" },
        "code": code,
        "is_transient": PASSING.contains(&code),
        "fbtrace_id": TRACE,
    });
    if subcode != 0 {
        error["error_subcode"] = subcode.into();
        error["error_user_title"] = "Invalid parameter".into();
        error["error_user_msg"] = why.into();
    }
    Answer::json(status, &json!({ "error": error })).refusing(why)
}

const PASSING: [i64; 2] = [1, 2];

fn forced(_asked: &Asked<'_>, status: StatusCode) -> Answer {
    let (code, message) = match status.as_u16() {
        401 | 403 => (190, "Error validating access token"),
        429 => (80_004, "There have been too many calls to this ad-account."),
        500..=599 => (2, "Service temporarily unavailable"),
        _ => (100, "Invalid parameter"),
    };
    let mut answer = error(status.as_u16(), code, 0, message, "");
    answer.refused.clear();
    answer
}
