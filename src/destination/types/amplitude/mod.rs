//! Amplitude, by one of four APIs: HTTP V2 and Batch take events, Identify and Group Identify take
//! properties. A payload is one event, or one identification, in Amplitude's own field names.

mod event;
mod facts;
mod identify;
mod judge;

pub(in crate::destination) use facts::TYPE;

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Method, header};
use serde_json::{Value, json};

use crate::config::{Options, Section};
use crate::destination::encode::{Item, Limits, Outgoing, Refused, Vendor, Verdict, write_list};
use crate::destination::http_client::join;
use crate::destination::payload::Payload;
use crate::destination::reply::{Reply, classify};
use crate::outcome::Outcome;
use crate::secret::Secret;

/// `[destinations.NAME]` with `type = "amplitude"`.
#[derive(Debug)]
struct Settings {
    api_key: Secret,
    api: Api,
    /// What a request of events ends with, in JSON.
    tail: String,
    url: String,
}

/// Which of Amplitude's APIs is sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Api {
    Http,
    Batch,
    Identify,
    GroupIdentify,
}

impl Api {
    const NAMES: [&str; 4] = ["http", "batch", "identify", "groupidentify"];

    fn named(name: &str) -> Self {
        match name {
            "batch" => Self::Batch,
            "identify" => Self::Identify,
            "groupidentify" => Self::GroupIdentify,
            _ => Self::Http,
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::Http => "/2/httpapi",
            Self::Batch => "/batch",
            Self::Identify => "/identify",
            Self::GroupIdentify => "/groupidentify",
        }
    }

    /// Items and bytes. HTTP V2 takes fewer than 2,000 events and 1 MB: half of it is as fast and is
    /// safe. Batch takes 20 MB, of which a tenth fills it. The other two take 1,024 and 1 MB, in a form,
    /// in which a byte may take three.
    fn most(self) -> (usize, usize) {
        match self {
            Self::Http => (1_000, 900_000),
            Self::Batch => (2_000, 2_000_000),
            Self::Identify | Self::GroupIdentify => (500, 300_000),
        }
    }

    fn takes_events(self) -> bool {
        matches!(self, Self::Http | Self::Batch)
    }
}

/// How long those are to wait that are throttled, by the documentation.
const THROTTLED: Duration = Duration::from_secs(30);

fn load(section: &mut Section, options: &Options) -> Arc<dyn Vendor> {
    let api_key = section.required_secret("api_key");
    let region = section.one_of("region", &["us", "eu"]);
    let host = match region {
        Some("eu") => "https://api.eu.amplitude.com",
        _ => "https://api2.amplitude.com",
    };
    let api = Api::named(section.one_of("api", &Api::NAMES).unwrap_or_default());
    let tail = match section.number_in("min_id_length", ID_LENGTHS) {
        Some(length) => format!("],\"options\":{{\"min_id_length\":{length}}}}}"),
        None => "]}".to_owned(),
    };
    Arc::new(Settings {
        api_key,
        api,
        tail,
        url: join(options.host_or(host), api.path()),
    })
}

/// Amplitude's own is 5; what is longer than an id may be is a mistake.
const ID_LENGTHS: RangeInclusive<u64> = 1..=100;

impl Vendor for Settings {
    fn encode(&self, items: &[Item<'_>]) -> Result<Outgoing, Refused> {
        match self.api.takes_events() {
            true => self.events(items),
            false => self.identifications(items),
        }
    }

    fn read(&self, reply: &Reply, count: usize) -> Verdict {
        match reply.status {
            400 if self.api.takes_events() => read_bad_request(reply, count),
            // One identification spoils the others, and is not named; a key that is wrong is told.
            400 if is_about_the_key(&told(reply)) => Verdict::All(Outcome::Paused {
                why: reply.summary(),
            }),
            400 => Verdict::Split(reply.summary()),
            // 403 is Amplitude's firewall; a wrong key is a 400. Both want a person.
            413 | 414 => Verdict::Split(reply.summary()),
            429 => read_throttled(reply, count),
            _ => Verdict::All(classify(reply)),
        }
    }

    fn limits(&self) -> Limits {
        let (items, bytes) = self.api.most();
        Limits::batch(items, bytes)
    }

    fn secrets(&self) -> Vec<&Secret> {
        vec![&self.api_key]
    }
}

impl Settings {
    fn events(&self, items: &[Item<'_>]) -> Result<Outgoing, Refused> {
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
        body.extend_from_slice(self.tail.as_bytes());
        Ok(Outgoing::post_json(&self.url, body))
    }

    /// These two APIs want a form, with JSON in one of its fields.
    fn identifications(&self, items: &[Item<'_>]) -> Result<Outgoing, Refused> {
        let mut list = b"[".to_vec();
        write_list(items, &mut list, |item, list| {
            let mut one = Payload::open(item.payload)?;
            one.drop_nulls();
            if let Some(key) = ["event_type", "insert_id", "time"]
                .iter()
                .find(|key| one.has(key))
            {
                return Err(format!(
                    "`{key}` belongs to an event, and api = \"{}\" takes none",
                    self.api.path().trim_start_matches('/')
                ));
            }
            one.write(list)
        })?;
        list.push(b']');
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("api_key", self.api_key.expose());
        form.append_pair("identification", &String::from_utf8_lossy(&list));
        let content_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        Ok(Outgoing {
            method: Method::POST,
            url: self.url.clone(),
            headers: vec![(header::CONTENT_TYPE, content_type)],
            body: form.finish().into(),
        })
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

/// The answer; where it is no JSON, its text as the error.
fn told(reply: &Reply) -> Value {
    let text = || json!({ "error": String::from_utf8_lossy(&reply.body) });
    reply.json().unwrap_or_else(text)
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
