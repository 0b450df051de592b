//! Stands in for the Data Manager API, and for Google's endpoint for tokens at `/token`. Signatures
//! are looked at, not checked: the stand-in has no public key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::facts::FIELDS;
use super::{PATH, SCOPE};
use crate::clock::parse_rfc3339;
use crate::destination::fields::{flaws, unknown_keys};
use crate::destination::judge::{Answer, Asked, StandIn};

pub(super) const STAND_IN: StandIn = StandIn::new(judge, forced);

const TOKEN: &str = "ya29.a-token-of-the-stand-in";

const MAX_EVENTS: usize = 2_000;

fn judge(asked: &Asked<'_>) -> Answer {
    match asked.path {
        "/token" => judge_token(asked),
        PATH if asked.method != Method::POST => {
            error(405, "METHOD_NOT_ALLOWED", "use POST").refusing("use POST")
        }
        PATH if asked.bearer() != Some(TOKEN) => {
            let why = "the header Authorization has no token of this stand-in";
            error(
                401,
                "UNAUTHENTICATED",
                "Request had invalid authentication credentials.",
            )
            .refusing(why)
        }
        PATH => judge_events(asked),
        _ => error(404, "NOT_FOUND", "no such method").refusing(format!("use POST {PATH}")),
    }
}

fn judge_token(asked: &Asked<'_>) -> Answer {
    let fields: Map<String, Value> = form_urlencoded::parse(asked.body)
        .map(|(key, value)| (key.into_owned(), value.into()))
        .collect();
    let text = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or("");
    if !asked.is_form() || text("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
        let why = "grant_type is not that of a JWT bearer";
        return refuse_token("unsupported_grant_type", why);
    }
    match claims(text("assertion")) {
        None => refuse_token("invalid_grant", "Invalid JWT"),
        Some(claims) if claims["scope"] != SCOPE => {
            refuse_token("invalid_scope", "the scope is another one")
        }
        Some(claims) if !is_timely(&claims, asked.at) => refuse_token(
            "invalid_grant",
            "the JWT must be of now and good for an hour at most",
        ),
        Some(_) => {
            let body = json!({ "access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer" });
            Answer::json(200, &body)
        }
    }
}

/// What a token in three parts says, if it has them and names who signs.
fn claims(assertion: &str) -> Option<Value> {
    let mut parts = assertion.split('.');
    let mut json = || {
        let bytes = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
        serde_json::from_slice::<Value>(&bytes).ok()
    };
    let (header, claims) = (json()?, json()?);
    let signature = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
    let is_whole = header["alg"] == "RS256" && claims["iss"].is_string() && signature.len() >= 256;
    is_whole.then_some(claims)
}

fn is_timely(claims: &Value, at: i64) -> bool {
    let (now, issued) = (at.div_euclid(1000), claims["iat"].as_i64().unwrap_or(0));
    let ends = claims["exp"].as_i64().unwrap_or(0);
    let is_now = issued.saturating_sub(now).saturating_abs() <= 300;
    is_now && ends > issued && ends.saturating_sub(issued) <= 3600
}

fn refuse_token(error: &str, why: &str) -> Answer {
    let body = json!({ "error": error, "error_description": why });
    Answer::json(400, &body).refusing(why)
}

fn judge_events(asked: &Asked<'_>) -> Answer {
    let body = match asked.json_object() {
        Ok(body) => body,
        Err(why) => {
            return error(400, "INVALID_ARGUMENT", "Invalid JSON payload received.").refusing(why);
        }
    };
    let wrong = wrong(&body);
    if !wrong.is_empty() {
        return violations(&wrong);
    }
    let events = body.get("events").and_then(Value::as_array);
    let names = events.into_iter().flatten().map(|event| {
        let id = event["transactionId"].as_str()?;
        Some(id.to_owned())
    });
    Answer::json(200, &json!({ "requestId": "stand-in" })).accepting(names.collect())
}

const MAX_DESTINATIONS: usize = 10;

/// Each place with what is wrong there.
fn wrong(body: &Map<String, Value>) -> Vec<(String, String)> {
    let mut wrong = Vec::new();
    let destinations = body.get("destinations").and_then(Value::as_array);
    let is_whole = |destination: &Value| {
        let account = &destination["operatingAccount"];
        let is_digits = |value: &Value| {
            value.as_str().is_some_and(|text| {
                !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
            })
        };
        is_digits(&account["accountId"])
            && account["accountType"].is_string()
            && is_digits(&destination["productDestinationId"])
    };
    if !destinations.is_some_and(|list| !list.is_empty() && list.iter().all(is_whole)) {
        let why = "needs operatingAccount with accountType and accountId, and productDestinationId";
        wrong.push(("destinations".to_owned(), why.to_owned()));
    }
    let count = destinations.map_or(0, Vec::len);
    if count > MAX_DESTINATIONS {
        let why = format!("has {count}, the most is {MAX_DESTINATIONS}");
        wrong.push(("destinations".to_owned(), why));
    }
    let Some(events) = body.get("events").and_then(Value::as_array) else {
        wrong.push(("events".to_owned(), "is missing".to_owned()));
        return wrong;
    };
    if events.is_empty() || events.len() > MAX_EVENTS {
        let why = format!("has {}, of 1 to {MAX_EVENTS}", events.len());
        wrong.push(("events".to_owned(), why));
        return wrong;
    }
    let has_encoding = matches!(
        body.get("encoding").and_then(Value::as_str),
        Some("HEX" | "BASE64")
    );
    for (index, event) in events.iter().enumerate() {
        let mut found = match event.as_object() {
            Some(event) => wrong_of_event(event),
            None => vec![(String::new(), "is no map".to_owned())],
        };
        if !has_encoding && event.get("userData").is_some() {
            found.push((".userData".to_owned(), "needs encoding".to_owned()));
        }
        let placed = found
            .into_iter()
            .map(|(place, why)| (format!("events[{index}]{place}"), why));
        wrong.extend(placed);
    }
    wrong
}

fn wrong_of_event(event: &Map<String, Value>) -> Vec<(String, String)> {
    let found = flaws(FIELDS, event)
        .into_iter()
        .chain(unknown_keys(FIELDS, event));
    let mut wrong: Vec<_> = found
        .map(|flaw| (format!(".{}", flaw.path), flaw.why))
        .collect();
    let text = |key: &str| event.get(key).and_then(Value::as_str);
    if text("eventTimestamp").and_then(parse_rfc3339).is_none() {
        let why = "must be a time of RFC 3339".to_owned();
        wrong.push((".eventTimestamp".to_owned(), why));
    }
    if text("transactionId").is_none() {
        wrong.push((".transactionId".to_owned(), "is missing".to_owned()));
    }
    let identifiers = event.get("userData").map(|data| &data["userIdentifiers"]);
    let identifiers = identifiers.and_then(Value::as_array).into_iter().flatten();
    for (index, identifier) in identifiers.enumerate() {
        let place = format!(".userData.userIdentifiers[{index}]");
        if identifier.as_object().is_none_or(|one| one.len() != 1) {
            let why = "needs one of emailAddress, phoneNumber and address".to_owned();
            wrong.push((place, why));
            continue;
        }
        let address = &identifier["address"];
        let parts = ["givenName", "familyName", "regionCode", "postalCode"];
        if address.is_object() && parts.iter().any(|part| address[*part].is_null()) {
            let why = "needs givenName, familyName, regionCode and postalCode".to_owned();
            wrong.push((format!("{place}.address"), why));
        }
    }
    let has = |key: &str| event.get(key).is_some_and(|value| !value.is_null());
    if !has("userData") && !has("adIdentifiers") {
        let why = "needs userData or adIdentifiers".to_owned();
        wrong.push((String::new(), why));
    }
    wrong
}

/// How many problems one answer names.
const MAX_TOLD: usize = 100;

fn violations(wrong: &[(String, String)]) -> Answer {
    let told: Vec<Value> = wrong
        .iter()
        .take(MAX_TOLD)
        .map(|(field, why)| json!({ "field": field, "description": why }))
        .collect();
    let mut body = status(
        400,
        "INVALID_ARGUMENT",
        "There was a problem with the request.",
    );
    body["error"]["details"] = json!([{
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": told,
    }]);
    let whys = wrong.iter().map(|(field, why)| format!("{field}: {why}"));
    Answer::json(400, &body).refusing_all(whys)
}

fn status(code: u16, word: &str, message: &str) -> Value {
    json!({ "error": { "code": code, "message": message, "status": word } })
}

fn error(code: u16, word: &str, message: &str) -> Answer {
    Answer::json(code, &status(code, word, message))
}

/// Tokens are given whatever was asked for: what is rehearsed are answers to events.
fn forced(asked: &Asked<'_>, status: StatusCode) -> Answer {
    if asked.path == "/token" {
        return judge(asked);
    }
    let word = match status.as_u16() {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        429 => "RESOURCE_EXHAUSTED",
        503 => "UNAVAILABLE",
        _ => "INTERNAL",
    };
    let reason = status.canonical_reason().unwrap_or("no reason");
    error(status.as_u16(), word, reason)
}
