//! Stands in for Amplitude's HTTP V2 API (`/2/httpapi`) and Batch Event Upload API (`/batch`). It
//! judges the envelope; `event` judges one event, and `identify` the two APIs for properties. Facts
//! are from Amplitude's documentation.
//!
//! Not stood in for: throttling by rate (ask for it with a forced 429), and silenced devices. A key is
//! only checked for being there: any text passes.

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::event::{self, Fault, Flaw};
use super::identify;
use crate::destination::judge::{Answer, Asked, StandIn};

pub(super) const STAND_IN: StandIn = StandIn::new(judge, forced);

/// "The limit per batch is 2000 events": more is answered with 413, on both endpoints.
const MAX_EVENTS: usize = 2000;

/// Ids shorter than this are dropped, unless `options.min_id_length` says otherwise.
const MIN_ID_LENGTH: u64 = 5;

/// What a forced 429 says of the project's threshold; Amplitude's own example has this number.
const EPS_THRESHOLD: u64 = 30;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Endpoint {
    HttpV2,
    Batch,
}

impl Endpoint {
    fn of(asked: &Asked<'_>) -> Option<Self> {
        match (asked.method, asked.path) {
            (&Method::POST, "/2/httpapi") => Some(Self::HttpV2),
            (&Method::POST, "/batch") => Some(Self::Batch),
            _ => None,
        }
    }

    /// "Under 1 MB" and "must not exceed 20MB"; taken as decimal, the stricter reading.
    fn max_body_bytes(self) -> usize {
        match self {
            Self::HttpV2 => 999_999,
            Self::Batch => 20_000_000,
        }
    }
}

struct Upload {
    api_key: String,
    min_id_length: u64,
    events: Vec<Map<String, Value>>,
}

fn judge(asked: &Asked<'_>) -> Answer {
    if let Some(about) = identify::About::of(asked.path) {
        return identify::judge(asked, about);
    }
    let Some(endpoint) = Endpoint::of(asked) else {
        return bad("Invalid request path")
            .refusing("use POST /2/httpapi, /batch, /identify or /groupidentify");
    };
    if asked.body.len() > endpoint.max_body_bytes() {
        return too_large(format!("body has {} bytes", asked.body.len()));
    }
    let upload = match read(asked) {
        Ok(upload) => upload,
        Err(refusal) => return refusal,
    };
    let flaws = flaws(&upload);
    if !flaws.is_empty() {
        return flawed(endpoint, &flaws);
    }
    let accepted = upload
        .events
        .iter()
        .map(|event| item(&upload, event))
        .collect();
    let summary = json!({
        "code": 200,
        "events_ingested": upload.events.len(),
        "payload_size_bytes": asked.body.len(),
        "server_upload_time": asked.at,
    });
    Answer::json(200, &summary).accepting(accepted)
}

fn forced(asked: &Asked<'_>, status: StatusCode) -> Answer {
    match status {
        StatusCode::TOO_MANY_REQUESTS => throttled(asked.body),
        StatusCode::PAYLOAD_TOO_LARGE => too_large_answer(),
        // Amplitude's servers do not answer for themselves when they are down.
        status if status.is_server_error() => Answer::word(status.as_u16(), ""),
        status => {
            let error = status.canonical_reason().unwrap_or("no reason");
            Answer::json(
                status.as_u16(),
                &json!({ "code": status.as_u16(), "error": error }),
            )
        }
    }
}

fn read(asked: &Asked<'_>) -> Result<Upload, Answer> {
    if asked.body.is_empty() {
        return Err(bad("Missing request body").refusing("body is empty"));
    }
    if !asked.is_json() {
        return Err(not_json("content-type is not application/json"));
    }
    let mut upload = match serde_json::from_slice(asked.body) {
        Ok(Value::Object(upload)) => upload,
        Ok(_) => return Err(not_json("body is not an object")),
        Err(error) => return Err(not_json(error.to_string())),
    };
    Ok(Upload {
        api_key: api_key(&upload)?,
        min_id_length: min_id_length(&upload)?,
        events: events(upload.remove("events"))?,
    })
}

fn api_key(upload: &Map<String, Value>) -> Result<String, Answer> {
    match upload.get("api_key") {
        None | Some(Value::Null) => Err(missing("api_key")),
        Some(Value::String(key)) if !key.is_empty() => Ok(key.clone()),
        Some(_) => Err(bad("Invalid API key").refusing("api_key is not a text, or empty")),
    }
}

fn min_id_length(upload: &Map<String, Value>) -> Result<u64, Answer> {
    let Some(options) = upload.get("options").filter(|options| !options.is_null()) else {
        return Ok(MIN_ID_LENGTH);
    };
    if !options.is_object() {
        return Err(not_json("options is not an object"));
    }
    match options.get("min_id_length") {
        None => Ok(MIN_ID_LENGTH),
        Some(length) => length
            .as_u64()
            .filter(|&length| length > 0)
            .ok_or_else(|| not_json("options.min_id_length is not a positive integer")),
    }
}

fn events(events: Option<Value>) -> Result<Vec<Map<String, Value>>, Answer> {
    let events = match events {
        Some(Value::Array(events)) if !events.is_empty() => events,
        None | Some(Value::Null | Value::Array(_)) => return Err(missing("events")),
        Some(_) => return Err(not_json("events is not an array")),
    };
    if events.len() > MAX_EVENTS {
        return Err(too_large(format!(
            "{} events, at most {MAX_EVENTS}",
            events.len()
        )));
    }
    events
        .into_iter()
        .enumerate()
        .map(|(index, event)| match event {
            Value::Object(event) => Ok(event),
            _ => {
                Err(bad("Invalid event JSON").refusing(format!("events[{index}] is not an object")))
            }
        })
        .collect()
}

/// Each flaw with the index of its event.
fn flaws(upload: &Upload) -> Vec<(usize, Flaw)> {
    let events = upload.events.iter().enumerate();
    let checked = events.map(|(index, event)| (index, event::check(event, upload.min_id_length)));
    checked
        .flat_map(|(index, flaws)| flaws.into_iter().map(move |flaw| (index, flaw)))
        .collect()
}

/// An `insert_id` counts for one device, or for one user where no device is named.
fn item(upload: &Upload, event: &Map<String, Value>) -> Option<String> {
    let insert_id = event.get("insert_id")?.as_str()?;
    let whose = event::id(event, "device_id", upload.min_id_length)
        .or_else(|| event::id(event, "user_id", upload.min_id_length))?;
    Some(format!("{}\0{whose}\0{insert_id}", upload.api_key))
}

/// One index a field from HTTP V2, "the index of the first event to encounter an error"; all of
/// them from Batch.
fn flawed(endpoint: Endpoint, flaws: &[(usize, Flaw)]) -> Answer {
    let mut fields: BTreeMap<Fault, BTreeMap<&str, Vec<usize>>> = BTreeMap::new();
    for (index, flaw) in flaws {
        let indexes = fields
            .entry(flaw.fault)
            .or_default()
            .entry(flaw.field.as_str())
            .or_default();
        let is_first = indexes.is_empty();
        if is_first || (endpoint == Endpoint::Batch && indexes.last() != Some(index)) {
            indexes.push(*index);
        }
    }
    // The order of `Fault` is the order of importance: one text has to stand for all of them.
    let error = fields
        .first_key_value()
        .map_or("", |(fault, _)| fault.error());
    let mut body = json!({ "code": 400, "error": error });
    for (fault, fields) in fields {
        body[fault.key()] = json!(fields);
    }
    let mut answer = Answer::json(400, &body);
    answer.refused = flaws
        .iter()
        .map(|(index, flaw)| format!("events[{index}].{}: {}", flaw.field, flaw.why))
        .collect();
    answer
}

fn throttled(body: &[u8]) -> Answer {
    let upload: Value = serde_json::from_slice(body).unwrap_or_default();
    let events = upload["events"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let rates = |field: &str| -> BTreeMap<&str, u64> {
        let ids = events.iter().filter_map(|event| event[field].as_str());
        ids.map(|id| (id, EPS_THRESHOLD + 1)).collect()
    };
    let body = json!({
        "code": 429,
        "error": "Too many requests for some devices and users",
        "eps_threshold": EPS_THRESHOLD,
        "throttled_devices": rates("device_id"),
        "throttled_users": rates("user_id"),
        "throttled_events": (0..events.len()).collect::<Vec<_>>(),
    });
    Answer::json(429, &body)
}

pub(super) fn bad(error: &str) -> Answer {
    Answer::json(400, &json!({ "code": 400, "error": error }))
}

fn not_json(why: impl Into<String>) -> Answer {
    bad("Invalid JSON request body").refusing(why)
}

pub(super) fn missing(field: &str) -> Answer {
    let body = json!({
        "code": 400,
        "error": "Request missing required field",
        "missing_field": field,
    });
    Answer::json(400, &body).refusing(format!("{field} is missing or empty"))
}

pub(super) fn too_large(why: String) -> Answer {
    too_large_answer().refusing(why)
}

fn too_large_answer() -> Answer {
    Answer::json(413, &json!({ "code": 413, "error": "Payload too large" }))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use serde_json::{Value, json};

    use super::{Answer, STAND_IN};
    use crate::destination::tests::answers::{Post, check_fixtures};

    #[test]
    fn the_documented_payloads_are_accepted() {
        check_fixtures(
            STAND_IN,
            "amplitude",
            &[("revenue.json", 1), ("batch.json", 2)],
        );
    }

    fn upload(path: &str, events: usize, bytes: usize) -> Answer {
        let event = json!({ "user_id": "u-00001", "event_type": "x" });
        let mut body = json!({ "api_key": "key", "events": vec![event; events], "pad": "" });
        let missing = bytes.saturating_sub(body.to_string().len());
        body["pad"] = Value::from("x".repeat(missing));
        Post::json(path, &body).judged_by(STAND_IN)
    }

    #[test]
    fn an_upload_may_reach_the_limits_and_not_pass_them() {
        let cases = [
            ("/2/httpapi", 2000, 0, 200),
            ("/2/httpapi", 2001, 0, 413),
            ("/batch", 2001, 0, 413),
            ("/2/httpapi", 1, 999_999, 200),
            ("/2/httpapi", 1, 1_000_000, 413),
            ("/batch", 1, 20_000_000, 200),
            ("/batch", 1, 20_000_001, 413),
        ];
        for (path, events, bytes, status) in cases {
            let answer = upload(path, events, bytes);
            assert_eq!(
                answer.status, status,
                "{path} {events} events {bytes} bytes"
            );
            if status == 413 {
                assert_eq!(answer.body, r#"{"code":413,"error":"Payload too large"}"#);
            }
        }
    }

    #[test]
    fn a_forced_429_names_what_is_throttled() {
        let body = json!({ "events": [
            { "user_id": "u-00001" }, { "device_id": "d-00001", "user_id": "u-00001" },
        ] });
        let answer =
            Post::json("/2/httpapi", &body).forced_by(STAND_IN, StatusCode::TOO_MANY_REQUESTS);
        let expected = json!({
            "code": 429, "error": "Too many requests for some devices and users",
            "eps_threshold": 30, "throttled_devices": { "d-00001": 31 },
            "throttled_users": { "u-00001": 31 }, "throttled_events": [0, 1],
        });
        let said: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!((answer.status, said), (429, expected));
    }
}
