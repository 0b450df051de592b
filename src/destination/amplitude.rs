//! Amplitude, HTTP V2 API: <https://amplitude.com/docs/apis/analytics/http-v2>. A payload is one
//! event object in Amplitude's own field names. Identify and Batch are other APIs, not here.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::encode::{Item, Limits, Outgoing, Refused, Vendor, Verdict, write_list};
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

/// Amplitude asks for batches, and nobody looks at an event within 0.1 s.
const WAIT: Duration = Duration::from_millis(100);

/// How long those are to wait that are throttled, by the documentation.
const THROTTLED: Duration = Duration::from_secs(30);

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
        write_list(items, &mut body, write_event)?;
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
            wait: WAIT,
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

/// What an answer says of single events, by their place in the request.
#[derive(Debug, Default)]
struct Named {
    /// These will never be taken.
    bad: Vec<usize>,
    /// These will be taken later.
    throttled: Vec<usize>,
}

/// Where a 400 names events that are wrong, by the field that is. (For the last one the
/// documentation has two spellings; this is what the server says.)
const BAD_FIELDS: [&str; 3] = [
    "events_with_invalid_fields",
    "events_with_missing_fields",
    "events_with_invalid_id_lengths",
];

impl Named {
    /// Places beyond the request are left out: nothing could be done about them.
    fn read(answer: &Value, count: usize) -> Self {
        let by_field = BAD_FIELDS.iter().filter_map(|key| answer[*key].as_object());
        let bad = by_field
            .flat_map(|fields| fields.values())
            .chain(answer.get("silenced_events"));
        let throttled = answer.get("throttled_events").into_iter();
        Self {
            bad: bad.flat_map(|list| places(list, count)).collect(),
            throttled: throttled.flat_map(|list| places(list, count)).collect(),
        }
    }

    fn is_nobody(&self) -> bool {
        self.bad.is_empty() && self.throttled.is_empty()
    }

    /// The others can go at once, without those that are named.
    fn verdict(&self, count: usize, why: &str) -> Verdict {
        let outcome = |place| {
            if self.bad.contains(&place) {
                let why = why.to_owned();
                Outcome::Rejected { why }
            } else if self.throttled.contains(&place) {
                throttled(THROTTLED, why)
            } else {
                let why = format!("held up by other events of the batch: {why}");
                Outcome::NotTried { why }
            }
        };
        Verdict::Each((0..count).map(outcome).collect())
    }
}

/// A wrong key pauses. Where no event is named, one may have spoilt the others all the same
/// ("Invalid event JSON", a `missing_field`): it is looked for.
fn read_bad_request(reply: &Reply, count: usize) -> Verdict {
    let why = reply.summary();
    let answer = reply.json().unwrap_or_default();
    let named = Named::read(&answer, count);
    if !named.is_nobody() {
        return named.verdict(count, &why);
    }
    match is_about_the_key(&answer) {
        true => Verdict::All(Outcome::Paused { why }),
        false => Verdict::Split(why),
    }
}

fn is_about_the_key(answer: &Value) -> bool {
    let error = answer["error"].as_str().unwrap_or_default();
    error.contains("api_key") || error.contains("API key") || answer["missing_field"] == "api_key"
}

/// Where users or devices are named and their events are not, these are looked for, so that they do
/// not hold up the others. Where nobody is named, it is the whole project.
fn read_throttled(reply: &Reply, count: usize) -> Verdict {
    let why = reply.summary();
    let answer = reply.json().unwrap_or_default();
    let named = Named::read(&answer, count);
    if !named.is_nobody() {
        return named.verdict(count, &why);
    }
    let outcome = throttled(reply.retry_after.unwrap_or(THROTTLED), &why);
    match names_senders(&answer) {
        false => Verdict::All(outcome),
        true if count == 1 => Verdict::Each(vec![outcome]),
        true => Verdict::Split(why),
    }
}

fn names_senders(answer: &Value) -> bool {
    let lists = ["throttled_users", "throttled_devices"].map(|key| answer[key].as_object());
    lists.into_iter().flatten().any(|list| !list.is_empty())
}

fn throttled(wait: Duration, why: &str) -> Outcome {
    Outcome::Throttled {
        after: Some(wait),
        why: why.to_owned(),
    }
}

fn places(list: &Value, count: usize) -> impl Iterator<Item = usize> {
    let numbers = list
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_u64);
    let places = numbers.filter_map(|number| usize::try_from(number).ok());
    places.filter(move |place| *place < count)
}
