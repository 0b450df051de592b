//! Stands in for Tracify's server-side events API, `POST /api/v1/events`.
//!
//! The rules are those of Tracify's page "Server-side events API", with what its example payloads
//! show as the strict reading: every value of `data` is a text, amounts have a decimal point. The
//! page's own conversion example has a trailing comma and is refused, as any broken JSON is.
//! One bad event refuses the whole request: the answer has room for one status.
//!
//! Not stood in for: whether a token or site id is known, and which host is the test host.

use std::fmt::Display;

use http::{Method, StatusCode, Uri};
use jiff::civil::DateTime;
use serde_json::{Map, Value, json};

use crate::destination::judge::{Answer, Asked, StandIn};

pub(super) const STAND_IN: StandIn = StandIn::new(judge, forced);

const PATH: &str = "/api/v1/events";
const TOKEN: &str = "tracify-token";
const DATETIME: &str = "%Y-%m-%d %H:%M:%S";

/// How many problems one answer names. A batch that is wrong is wrong everywhere in the same way.
const MAX_PROBLEMS_TOLD: usize = 10;

/// The references of `identity_data`: 1 email, 2 session, 3 IP address, 4 user agent.
const IDENTITIES: std::ops::RangeInclusive<i64> = 1..=4;

/// An event type, and what its `data` must hold beside `origin`.
struct Type {
    name: &'static str,
    required: &'static [&'static str],
    /// The key by which Tracify knows a repeat: the first one wins, later ones are ignored.
    unique: Option<&'static str>,
}

const TYPES: [Type; 5] = [
    Type {
        name: "pageview",
        required: &[],
        unique: None,
    },
    Type {
        name: "productview",
        required: &[],
        unique: None,
    },
    Type {
        name: "addtocart",
        required: &[],
        unique: None,
    },
    Type {
        name: "purchase",
        required: &["order_id", "currency", "amount"],
        unique: Some("order_id"),
    },
    Type {
        name: "conversion",
        required: &["conversion_id", "currency", "amount"],
        unique: Some("conversion_id"),
    },
];

fn judge(asked: &Asked<'_>) -> Answer {
    if asked.path != PATH {
        return refuse(404, format!("no such path, use POST {PATH}"));
    }
    if asked.method != Method::POST {
        return refuse(405, format!("method is not allowed, use POST {PATH}"));
    }
    if !has_token(asked) {
        return refuse(401, format!("header {TOKEN} is missing or empty"));
    }
    let events = match read(asked) {
        Ok(events) => events,
        Err(refusal) => return refusal,
    };
    let problems = problems(&events);
    if problems.is_empty() {
        let accepted = events.iter().map(item).collect();
        return Answer::json(200, &json!({ "status": true })).accepting(accepted);
    }
    let told = problems.get(..MAX_PROBLEMS_TOLD).unwrap_or(&problems);
    let mut answer = Answer::json(200, &json!({ "status": false, "error": told.join("; ") }));
    answer.refused = problems;
    answer
}

fn forced(_asked: &Asked<'_>, status: StatusCode) -> Answer {
    let error = status.canonical_reason().unwrap_or("no reason");
    Answer::json(status.as_u16(), &json!({ "status": false, "error": error }))
}

fn has_token(asked: &Asked<'_>) -> bool {
    let token = asked.headers.get(TOKEN);
    token.is_some_and(|token| !token.as_bytes().trim_ascii().is_empty())
}

fn read(asked: &Asked<'_>) -> Result<Vec<Value>, Answer> {
    if !asked.is_json() {
        return Err(refuse(400, "content-type is not application/json"));
    }
    let mut upload: Value = serde_json::from_slice(asked.body)
        .map_err(|error| refuse(400, format!("request body is not valid JSON: {error}")))?;
    match upload.get_mut("events").map(Value::take) {
        Some(Value::Array(events)) if !events.is_empty() => Ok(events),
        _ => Err(refuse(200, "events: is not a list of at least one event")),
    }
}

fn item(event: &Value) -> Option<String> {
    let kind = TYPES.iter().find(|kind| event["type"] == kind.name)?;
    let id = event["data"][kind.unique?].as_str()?;
    Some(format!(
        "{}\0{}\0{id}",
        event["customer_site_id"], kind.name
    ))
}

fn problems(events: &[Value]) -> Vec<String> {
    let checked = events.iter().map(check).enumerate();
    checked
        .flat_map(|(index, problems)| {
            let problems = problems.into_iter();
            problems.map(move |problem| format!("events[{index}].{problem}"))
        })
        .collect()
}

/// Everything that is wrong with one event, each as `field: why`.
fn check(event: &Value) -> Vec<String> {
    let mut problems = Problems::default();
    problems.check("url", &event["url"], is_url, "is not a full http(s) URL");
    let site = &event["customer_site_id"];
    problems.check("customer_site_id", site, is_uuid, "is not a UUID");
    let datetime = &event["datetime"];
    let why = "is not of the form 2024-06-21 12:36:40";
    problems.check("datetime", datetime, is_datetime, why);
    check_identity(&event["identity_data"], &mut problems);
    let kind = TYPES.iter().find(|kind| event["type"] == kind.name);
    if kind.is_none() {
        let names = TYPES.map(|kind| kind.name).join(", ");
        problems.add("type", format!("is not one of {names}"));
    }
    match &event["data"] {
        Value::Object(data) => check_data(data, kind, &mut problems),
        _ => problems.add("data", "is not an object"),
    }
    problems.0
}

fn check_identity(identity: &Value, problems: &mut Problems) {
    let Some(identity) = identity.as_object() else {
        return problems.add("identity_data", "is not an object of hashes");
    };
    if !identity.keys().all(|hash| is_hash(hash)) {
        let why = "a key is not a hash of 64 lower-case hex digits";
        problems.add("identity_data", why);
    }
    let references: Vec<Option<i64>> = identity.values().map(Value::as_i64).collect();
    let is_known = |reference: &Option<i64>| reference.is_some_and(|it| IDENTITIES.contains(&it));
    if !references.iter().all(is_known) {
        let why = "a value is not one of the numbers 1, 2, 3, 4";
        problems.add("identity_data", why);
    }
    for (reference, what) in [(3, "IP address"), (4, "user agent")] {
        if !references.contains(&Some(reference)) {
            let why = format!("{reference}, the {what}, is required");
            problems.add("identity_data", why);
        }
    }
}

fn check_data(data: &Map<String, Value>, kind: Option<&Type>, problems: &mut Problems) {
    for (key, value) in data {
        if !value.is_string() {
            problems.add_in_data(key, "is not a text");
        }
    }
    let required = kind.map_or(&[][..], |kind| kind.required);
    for key in ["origin"].iter().chain(required) {
        if data.get(*key).is_none_or(|value| value == "") {
            let name = kind.map_or("all", |kind| kind.name);
            problems.add_in_data(key, format!("is required for {name} events"));
        }
    }
    let texts = data
        .iter()
        .filter_map(|(key, value)| Some((key, value.as_str()?)));
    for (key, text) in texts.filter(|(_, text)| !text.is_empty()) {
        match key.as_str() {
            "origin" if !is_origin(text) => {
                problems.add_in_data(key, "is not an origin, https://host")
            }
            "currency" if !is_currency(text) => {
                problems.add_in_data(key, "is not a code of ISO 4217")
            }
            "amount" if !is_amount(text) => problems.add_in_data(key, "is not an amount as 100.00"),
            _ => check_cart(data, key, text, problems),
        }
    }
}

/// `ITEM1`, `AMT1`, `QTY1`, `ITEM2` and so on: an amount or a quantity belongs to a named item.
fn check_cart(data: &Map<String, Value>, key: &str, text: &str, problems: &mut Problems) {
    let amount_of = key.strip_prefix("AMT").filter(|number| is_digits(number));
    let quantity_of = key.strip_prefix("QTY").filter(|number| is_digits(number));
    let Some(number) = amount_of.or(quantity_of) else {
        return;
    };
    if !data.contains_key(&format!("ITEM{number}")) {
        problems.add_in_data(key, format!("there is no ITEM{number}"));
    }
    if amount_of.is_some() && !is_amount(text) {
        problems.add_in_data(key, "is not an amount as 100.00");
    }
    if quantity_of.is_some() && !is_digits(text) {
        problems.add_in_data(key, "is not a whole number");
    }
}

#[derive(Default)]
struct Problems(Vec<String>);

impl Problems {
    fn check(&mut self, field: &str, value: &Value, is_right: fn(&str) -> bool, why: &str) {
        match value {
            Value::Null => self.add(field, "is required"),
            Value::String(text) if is_right(text) => {}
            _ => self.add(field, why),
        }
    }

    fn add(&mut self, field: &str, why: impl Display) {
        self.0.push(format!("{field}: {why}"));
    }

    fn add_in_data(&mut self, key: &str, why: impl Display) {
        self.0.push(format!("data.{key}: {why}"));
    }
}

fn is_url(text: &str) -> bool {
    text.parse::<Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|host| !host.is_empty())
    })
}

/// Scheme and host, with a port if there is one, and nothing after it.
fn is_origin(text: &str) -> bool {
    is_url(text)
        && text
            .split_once("://")
            .is_some_and(|(_, host)| !host.contains(['/', '?', '#', '@']))
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_hash(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_datetime(text: &str) -> bool {
    // The parser alone would take "2024-6-1 1:2:3" too.
    text.len() == "2024-06-21 12:36:40".len() && DateTime::strptime(DATETIME, text).is_ok()
}

fn is_currency(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn is_amount(text: &str) -> bool {
    match text.split_once('.') {
        Some((whole, part)) => is_digits(whole) && is_digits(part),
        None => is_digits(text),
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn refuse(status: u16, error: impl Into<String>) -> Answer {
    let error = error.into();
    Answer::json(status, &json!({ "status": false, "error": error })).refusing(error)
}

#[cfg(test)]
mod tests {
    use super::{STAND_IN, is_datetime, is_origin};
    use crate::destination::tests::answers::check_fixtures;

    #[test]
    fn the_payloads_of_the_page_are_accepted() {
        check_fixtures(
            STAND_IN,
            "tracify",
            &[
                ("pageview.json", 1),
                ("productview.json", 1),
                ("addtocart.json", 1),
                ("purchase.json", 1),
                ("conversion.json", 1),
            ],
        );
    }

    #[test]
    fn dates_that_are_none_are_refused() {
        let cases = [
            ("2024-02-29 23:59:59", true),
            ("2023-02-29 00:00:00", false),
            ("2024-06-21T12:36:40", false),
            ("2024-06-21 12:36:40Z", false),
            ("2024-06-21 24:00:00", false),
            ("2024-6-21 12:36:40", false),
            ("1718973400", false),
        ];
        for (text, is_one) in cases {
            assert_eq!(is_datetime(text), is_one, "{text}");
        }
    }

    #[test]
    fn an_origin_ends_with_its_host_or_port() {
        let cases = [
            ("https://www.yourwebsite.com", true),
            ("http://localhost:3000", true),
            ("https://www.yourwebsite.com/", false),
            ("https://www.yourwebsite.com?a=b", false),
            ("www.yourwebsite.com", false),
            ("ftp://www.yourwebsite.com", false),
            ("null", false),
        ];
        for (text, is_one) in cases {
            assert_eq!(is_origin(text), is_one, "{text}");
        }
    }
}
