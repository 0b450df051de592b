//! GA4's Measurement Protocol. A payload is one event with what Google wants of its visitor beside it, or a
//! whole message with `events`. Google answers 2xx to everything, so what it would drop is refused here.

mod facts;
mod judge;
mod message;

pub(in crate::destination) use facts::TYPE;
pub use message::{Problem, problems};

use std::sync::Arc;

use serde_json::{Map, Value};

use super::events;
use crate::config::{Options, Rate, Section};
use crate::destination::encode::{Item, Limits, Outgoing, Refused, Vendor, Verdict, single};
use crate::destination::http_client::join;
use crate::destination::reply::{Reply, classify};
use crate::secret::Secret;

/// `[destinations.NAME]` with `type = "ga4"`.
#[derive(Debug)]
struct Settings {
    /// Where messages go, and where they are only judged; with the secret in the query.
    collect: Secret,
    debug: Secret,
    hidden: [Secret; 2],
}

/// What of a payload belongs to the event; the rest belongs to the message.
const OF_THE_EVENT: [&str; 2] = ["name", "params"];

/// Google's limit of a message.
const MAX_BYTES: usize = 130_000;

fn load(section: &mut Section, options: &Options) -> Arc<dyn Vendor> {
    let measurement = events::required_id(section, "measurement_id");
    if measurement.to_ascii_uppercase().starts_with("UA-") {
        let hint = "Admin, Data streams, your stream: it begins with G-".to_owned();
        let message = "`measurement_id` is one of Universal Analytics, which is gone";
        section.problem("measurement_id", message, Some(hint));
    }
    let secret = section.required_secret("api_secret");
    let host = match section.one_of("region", &["global", "eu"]) {
        Some("eu") => "https://region1.google-analytics.com",
        _ => "https://www.google-analytics.com",
    };
    let host = options.host_or(host);
    let (encoded, hidden) = events::query_secret(secret);
    let query = format!("?measurement_id={measurement}&api_secret={encoded}");
    Arc::new(Settings {
        collect: Secret::new(join(host, &format!("/mp/collect{query}"))),
        debug: Secret::new(join(host, &format!("/debug/mp/collect{query}"))),
        hidden,
    })
}

impl Settings {
    fn request(url: &Secret, items: &[Item<'_>]) -> Result<Outgoing, Refused> {
        let item = single(items)?;
        let body = body(item).map_err(Refused::only)?;
        Ok(events::post(url.expose(), body))
    }
}

impl Vendor for Settings {
    fn encode(&self, items: &[Item<'_>]) -> Result<Outgoing, Refused> {
        Self::request(&self.collect, items)
    }

    fn read(&self, reply: &Reply, _count: usize) -> Verdict {
        match reply.status {
            413 => Verdict::Split(reply.summary()),
            _ => Verdict::All(classify(reply)),
        }
    }

    fn limits(&self) -> Limits {
        // A message is of one visitor.
        Limits {
            bytes: MAX_BYTES,
            ..Limits::single(Rate::Off)
        }
    }

    fn secrets(&self) -> Vec<&Secret> {
        self.hidden.iter().collect()
    }

    fn can_rehearse(&self) -> bool {
        true
    }

    fn rehearse(&self, item: &Item<'_>) -> Option<Result<Outgoing, Refused>> {
        Some(Self::request(&self.debug, std::slice::from_ref(item)))
    }

    fn read_rehearsal(&self, reply: &Reply) -> Vec<String> {
        let answer = reply.json().unwrap_or_default();
        let Some(messages) = answer["validationMessages"].as_array() else {
            return vec![format!(
                "no answer of Google's debug server: {}",
                reply.summary()
            )];
        };
        let told = messages.iter().map(|message| {
            let part = |key: &str| message[key].as_str().unwrap_or_default();
            format!(
                "{} {}: {}",
                part("validationCode"),
                part("fieldPath"),
                part("description")
            )
        });
        told.collect()
    }
}

fn body(item: &Item<'_>) -> Result<Vec<u8>, String> {
    let payload: Map<String, Value> = serde_json::from_slice(item.payload)
        .map_err(|error| format!("the payload is not a JSON object: {error}"))?;
    let mut message = whole(payload);
    if message.get("timestamp_micros").is_none() {
        let at = item.received_at.saturating_mul(1_000);
        message.insert("timestamp_micros".to_owned(), at.into());
    }
    if let Some(problem) = problems(&message).first() {
        return Err(format!("{}: {}", problem.path, problem.why));
    }
    let body = Value::Object(message).to_string().into_bytes();
    if body.len() > MAX_BYTES {
        return Err(format!(
            "a message may have {MAX_BYTES} bytes, this has {}",
            body.len()
        ));
    }
    Ok(body)
}

/// One event becomes a message of one.
fn whole(mut payload: Map<String, Value>) -> Map<String, Value> {
    payload.retain(|_, value| !value.is_null());
    if payload.contains_key("events") {
        return payload;
    }
    let mut event = Map::new();
    for key in OF_THE_EVENT {
        if let Some(value) = payload.remove(key) {
            event.insert(key.to_owned(), without_nulls(value));
        }
    }
    payload.insert(
        "events".to_owned(),
        Value::Array(vec![Value::Object(event)]),
    );
    payload
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(mut map) => {
            map.retain(|_, value| !value.is_null());
            Value::Object(map)
        }
        other => other,
    }
}
