//! Stands in for GA4's Measurement Protocol: `POST /mp/collect`, which answers 204 to everything, and
//! `/debug/mp/collect`, which says what is wrong.
//!
//! Not stood in for: whether a property or a secret is known. Google's debug server does not look at the
//! secret either.

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::{MAX_BYTES, Problem, problems};
use crate::destination::judge::{Answer, Asked, StandIn};

pub(super) const STAND_IN: StandIn = StandIn::new(judge, forced);

/// The furthest that an event may be dated back, in microseconds.
const MAX_AGE: i64 = 72 * 3_600 * 1_000_000;

fn judge(asked: &Asked<'_>) -> Answer {
    let is_debug = asked.path == "/debug/mp/collect";
    if !is_debug && asked.path != "/mp/collect" {
        return Answer::word(404, "Not Found")
            .refusing("use POST /mp/collect or /debug/mp/collect");
    }
    if asked.method != Method::POST {
        return Answer::word(405, "Method Not Allowed").refusing("use POST");
    }
    if asked.body.len() > MAX_BYTES {
        return Answer::word(413, "Payload Too Large").refusing("the body has more than 130 kB");
    }
    // Google takes any content type here.
    let message: Result<Map<String, Value>, _> = serde_json::from_slice(asked.body);
    let message = match message {
        Ok(message) => message,
        Err(error) => {
            let problem = problem(
                "",
                "VALUE_INVALID",
                format!("the body is not a JSON object: {error}"),
            );
            return answer(is_debug, &[problem], Vec::new());
        }
    };
    let mut problems = problems(&message);
    for key in ["measurement_id", "api_secret"] {
        let is_there = asked.parameter(key).is_some_and(|value| !value.is_empty());
        let is_app = key == "measurement_id" && asked.parameter("firebase_app_id").is_some();
        if !is_there && !is_app {
            problems.push(problem(
                key,
                "VALUE_REQUIRED",
                format!("the parameter {key} is missing"),
            ));
        }
    }
    let micros = message.get("timestamp_micros").and_then(Value::as_i64);
    let micros = micros.filter(|_| asked.at > 0);
    if micros.is_some_and(|at| asked.at.saturating_mul(1_000).saturating_sub(at) > MAX_AGE) {
        let why = "the event is older than 72 hours".to_owned();
        problems.push(problem("timestamp_micros", "VALUE_OUT_OF_BOUNDS", why));
    }
    let events = message.get("events").and_then(Value::as_array);
    let taken = events.map(|events| events.iter().map(id).collect());
    answer(is_debug, &problems, taken.unwrap_or_default())
}

fn problem(path: &str, code: &'static str, why: String) -> Problem {
    Problem {
        path: path.to_owned(),
        code,
        why,
    }
}

/// Google knows repeats of purchases only.
fn id(event: &Value) -> Option<String> {
    let id = event["params"]["transaction_id"].as_str()?;
    (event["name"] == "purchase").then(|| id.to_owned())
}

fn answer(is_debug: bool, problems: &[Problem], taken: Vec<Option<String>>) -> Answer {
    let told: Vec<Value> = problems
        .iter()
        .map(|problem| {
            json!({
                "fieldPath": problem.path,
                "description": problem.why,
                "validationCode": problem.code,
            })
        })
        .collect();
    let answer = match is_debug {
        true => Answer::json(200, &json!({ "validationMessages": told })),
        false => Answer::empty(204),
    };
    if problems.is_empty() {
        return answer.accepting(taken);
    }
    let whys = problems
        .iter()
        .map(|problem| format!("{}: {}", problem.path, problem.why));
    answer.refusing_all(whys)
}

fn forced(_asked: &Asked<'_>, status: StatusCode) -> Answer {
    Answer::word(
        status.as_u16(),
        status.canonical_reason().unwrap_or("no reason"),
    )
}
