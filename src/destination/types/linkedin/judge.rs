//! Stands in for LinkedIn's Conversions API, `POST /rest/conversionEvents` with `BATCH_CREATE`.
//!
//! One bad event refuses the request, and is named by its place. Not stood in for: whether a token or a
//! conversion is known, rate limits, and which versions are retired.

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::facts::FIELDS;
use super::{PATH, URN};
use crate::destination::judge::{Answer, Asked, StandIn};
use crate::destination::types::events::{Problem, has, list, must_have, problems, text};

pub(super) const STAND_IN: StandIn = StandIn::new(judge, forced);

/// LinkedIn's limit of a request.
const MAX_EVENTS: usize = 5_000;

/// The oldest conversion that LinkedIn takes, in milliseconds.
const MAX_AGE: i64 = 90 * 86_400_000;

fn judge(asked: &Asked<'_>) -> Answer {
    if asked.path != PATH {
        return error(404, "RESOURCE_NOT_FOUND", &format!("use POST {PATH}"));
    }
    if asked.method != Method::POST {
        return error(405, "METHOD_NOT_ALLOWED", "use POST");
    }
    if asked.bearer().is_none() {
        return error(401, "EMPTY_ACCESS_TOKEN", "Empty oauth2 access token");
    }
    let version = asked.header("linkedin-version").unwrap_or_default();
    if version.is_empty() {
        let why = "A version must be present. Please specify a version by adding the LinkedIn-Version header.";
        return error(400, "VERSION_MISSING", why);
    }
    if version.len() != 6 || !version.bytes().all(|byte| byte.is_ascii_digit()) {
        return error(
            426,
            "NONEXISTENT_VERSION",
            &format!("Requested version {version} is not active"),
        );
    }
    if asked.header("x-restli-protocol-version") != Some("2.0.0") {
        let why = "X-Restli-Protocol-Version must be 2.0.0";
        return error(400, "ILLEGAL_ARGUMENT", why);
    }
    if asked
        .header("x-restli-method")
        .is_none_or(|method| !method.eq_ignore_ascii_case("BATCH_CREATE"))
    {
        return error(
            400,
            "ILLEGAL_ARGUMENT",
            "X-RestLi-Method must be BATCH_CREATE",
        );
    }
    let body = match asked.json_object() {
        Ok(body) => body,
        Err(why) => return error(400, "ILLEGAL_ARGUMENT", &why),
    };
    match list(&body, "elements", MAX_EVENTS) {
        Ok(events) => answer(events, asked.at),
        Err(why) => error(400, "ILLEGAL_ARGUMENT", &why),
    }
}

fn answer(events: &[Value], at: i64) -> Answer {
    let mut refused = Vec::new();
    for (place, event) in events.iter().enumerate() {
        for problem in problems(FIELDS, event, |event, found| rules(event, at, found)) {
            let path = problem.path.replace('.', "/");
            refused.push(format!(
                "Index: {place}, ERROR :: /{path} :: {}",
                problem.why
            ));
        }
    }
    if refused.is_empty() {
        let created: Vec<Value> = events.iter().map(|_| json!({ "status": 201 })).collect();
        let ids = events
            .iter()
            .map(|event| event["eventId"].as_str().map(str::to_owned));
        return Answer::json(200, &json!({ "elements": created })).accepting(ids.collect());
    }
    let body = json!({ "status": 422, "message": refused.join("\n") });
    Answer::json(422, &body).refusing_all(refused)
}

fn rules(event: &Map<String, Value>, at: i64, found: &mut Vec<Problem>) {
    must_have(event, &["conversion", "conversionHappenedAt"], found);
    if text(event, "conversion").is_some_and(|urn| !urn.starts_with(URN)) {
        found.push(Problem::new("conversion", format!("must begin with {URN}")));
    }
    let time = event.get("conversionHappenedAt").and_then(Value::as_i64);
    if let Some(time) = time.filter(|_| at > 0) {
        let age = at.saturating_sub(time);
        if age > MAX_AGE {
            found.push(Problem::new(
                "conversionHappenedAt",
                "is older than 90 days; it is in milliseconds",
            ));
        }
    }
    let user = event.get("user").unwrap_or(&Value::Null);
    let ids = user["userIds"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    if user.is_object() && ids.is_empty() && !has(user, "userInfo") && !has(user, "lead") {
        found.push(Problem::new(
            "user",
            "needs userIds, or firstName and lastName in userInfo",
        ));
    }
    for (place, id) in ids.iter().enumerate() {
        let is_hash = id["idValue"].as_str().is_some_and(|value| {
            value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        if id["idType"] == "SHA256_EMAIL" && !is_hash {
            let path = format!("user.userIds[{place}].idValue");
            found.push(Problem::new(&path, "must be a SHA-256 in hex"));
        }
    }
}

fn error(status: u16, code: &str, message: &str) -> Answer {
    let body = json!({ "status": status, "code": code, "message": message });
    Answer::json(status, &body).refusing(message)
}

fn forced(_asked: &Asked<'_>, status: StatusCode) -> Answer {
    let (code, message) = match status.as_u16() {
        401 => ("INVALID_ACCESS_TOKEN", "Invalid access token"),
        403 => ("ACCESS_DENIED", "Not enough permissions to access"),
        429 => ("TOO_MANY_REQUESTS", "Resource level throttle limit reached"),
        500..=599 => ("INTERNAL_SERVER_ERROR", "Internal Server Error"),
        _ => ("ILLEGAL_ARGUMENT", "Invalid request"),
    };
    let body = json!({ "status": status.as_u16(), "code": code, "message": message });
    Answer::json(status.as_u16(), &body)
}
