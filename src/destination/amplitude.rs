//! Amplitude, HTTP V2 API: <https://amplitude.com/docs/apis/analytics/http-v2>. A payload is one
//! event object in Amplitude's own field names. Identify and Batch are other APIs, not here.

use std::sync::Arc;

use serde_json::Value;

use super::encode::{Item, Limits, Outgoing, Refused, Vendor, Verdict};
use super::http_client::join;
use super::payload::Payload;
use super::reply::{Reply, classify};
use crate::config::{Options, Rate, Section};
use crate::outcome::Outcome;
use crate::secret::Secret;

/// `[destinations.NAME]` with `type = "amplitude"`.
#[derive(Debug)]
struct Settings {
    api_key: Secret,
    url: String,
}

/// Fewer than 2,000 events and 1 MB, says the documentation; half of it is as fast and is safe.
const MAX_EVENTS: usize = 1_000;
const MAX_BYTES: usize = 900_000;

pub(super) fn load(section: &mut Section, options: &Options) -> Arc<dyn Vendor> {
    let api_key = section.required_secret("api_key");
    let region = section.one_of("region", &["us", "eu"]);
    let host = match region {
        Some("eu") => "https://api.eu.amplitude.com",
        _ => "https://api2.amplitude.com",
    };
    let url = join(options.endpoint.as_deref().unwrap_or(host), "/2/httpapi");
    Arc::new(Settings { api_key, url })
}

impl Vendor for Settings {
    fn encode(&self, items: &[Item<'_>]) -> Result<Outgoing, Refused> {
        let mut body = Vec::with_capacity(
            64 + items
                .iter()
                .map(|item| item.payload.len() + 80)
                .sum::<usize>(),
        );
        body.extend_from_slice(b"{\"api_key\":");
        body.extend_from_slice(Value::from(self.api_key.expose()).to_string().as_bytes());
        body.extend_from_slice(b",\"events\":[");
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                body.push(b',');
            }
            write_event(item, &mut body).map_err(|why| Refused { index, why })?;
        }
        body.extend_from_slice(b"]}");
        Ok(Outgoing::post_json(&self.url, body))
    }

    fn read(&self, reply: &Reply, count: usize) -> Verdict {
        match reply.status {
            400 => read_bad_request(reply, count),
            // 403 is Amplitude's firewall; a wrong key is a 400. Both want a person.
            413 => Verdict::Split(reply.summary()),
            429 => read_throttled(reply, count),
            _ => Verdict::All(classify(reply)),
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            items: MAX_EVENTS,
            bytes: MAX_BYTES,
            rate: Rate::Off,
        }
    }

    fn secrets(&self) -> Vec<&Secret> {
        vec![&self.api_key]
    }
}

fn write_event(item: &Item<'_>, body: &mut Vec<u8>) -> Result<(), String> {
    let mut event = Payload::open(item.payload)?;
    event.drop_nulls();
    // Amplitude drops repeats of an insert_id for 7 days, so a second attempt does no harm.
    event.add_missing("insert_id", || item.id.to_string().into());
    event.add_missing("time", || item.received_at.into());
    event.write(body)
}

/// A 400 names the events that are wrong; the others can be sent again. Without names it is all of
/// them: a wrong key pauses, anything else is rejected.
fn read_bad_request(reply: &Reply, count: usize) -> Verdict {
    let why = reply.summary();
    let Some(answer) = reply.json() else {
        return Verdict::All(Outcome::Rejected { why });
    };
    let error = answer["error"].as_str().unwrap_or_default();
    if error.contains("api_key")
        || error.contains("API key")
        || answer["missing_field"] == "api_key"
    {
        return Verdict::All(Outcome::Paused { why });
    }
    let fields = [
        "events_with_invalid_fields",
        "events_with_missing_fields",
        "events_with_invalid_id_lengths",
    ];
    let of_fields = fields
        .iter()
        .filter_map(|key| answer[*key].as_object())
        .flat_map(|by_field| by_field.values());
    let silenced = answer.get("silenced_events");
    let bad: Vec<usize> = of_fields.chain(silenced).flat_map(indexes).collect();
    let throttled: Vec<usize> = answer
        .get("throttled_events")
        .into_iter()
        .flat_map(indexes)
        .collect();
    if bad.is_empty() && throttled.is_empty() {
        return Verdict::All(Outcome::Rejected { why });
    }
    Verdict::Each(
        (0..count)
            .map(|index| {
                if bad.contains(&index) {
                    Outcome::Rejected { why: why.clone() }
                } else if throttled.contains(&index) {
                    throttled_outcome(&why)
                } else {
                    Outcome::Retry {
                        after: Some(std::time::Duration::ZERO),
                        why: "another event of the batch was refused".to_owned(),
                    }
                }
            })
            .collect(),
    )
}

/// "Wait 30 seconds" for the users and devices that are named; the others go at once.
fn read_throttled(reply: &Reply, count: usize) -> Verdict {
    let why = reply.summary();
    let answer = reply.json().unwrap_or_default();
    let throttled: Vec<usize> = answer
        .get("throttled_events")
        .into_iter()
        .flat_map(indexes)
        .collect();
    if throttled.is_empty() {
        return Verdict::All(throttled_outcome(&why));
    }
    Verdict::Each(
        (0..count)
            .map(|index| {
                if throttled.contains(&index) {
                    throttled_outcome(&why)
                } else {
                    Outcome::Retry {
                        after: Some(std::time::Duration::ZERO),
                        why: "another event of the batch was throttled".to_owned(),
                    }
                }
            })
            .collect(),
    )
}

fn throttled_outcome(why: &str) -> Outcome {
    Outcome::Retry {
        after: Some(std::time::Duration::from_secs(30)),
        why: why.to_owned(),
    }
}

fn indexes(list: &Value) -> Vec<usize> {
    let numbers = list
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_u64);
    numbers
        .filter_map(|index| usize::try_from(index).ok())
        .collect()
}
