//! What APIs that take lists of events have in common: settings that go into an address, the list that goes
//! out, and for their stand-ins the list that came in and what is wrong with each of it.

use serde_json::{Map, Value};

use crate::config::Section;
use crate::destination::encode::{Item, Outgoing, Refused, write_list};
use crate::destination::fields::{Field, Flaw, flaws};
use crate::destination::payload::Payload;
use crate::secret::Secret;

/// A required id that becomes part of an address, such as a pixel's.
pub(super) fn required_id(section: &mut Section, key: &'static str) -> String {
    let id = section.required_text(key);
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if !id.bytes().all(is_plain) {
        let message = format!("`{key}` has letters, digits, `-`, `_` and `.` only");
        section.problem(key, message, None);
    }
    id
}

/// A secret that goes into a query: as it is there, and both forms of it, as neither may be shown.
pub(super) fn query_secret(secret: Secret) -> (String, [Secret; 2]) {
    let encoded: String = form_urlencoded::byte_serialize(secret.expose().as_bytes()).collect();
    let hidden = Secret::new(encoded.as_str());
    (encoded, [secret, hidden])
}

/// Writes a JSON body: `head`, the items as the elements of a list, and `]}`.
pub(super) fn body(
    head: &str,
    items: &[Item<'_>],
    add: impl Fn(&Item<'_>, &mut Payload<'_>),
) -> Result<Vec<u8>, Refused> {
    let payloads: usize = items.iter().map(|item| item.payload.len() + 100).sum();
    let mut body = Vec::with_capacity(head.len() + payloads);
    body.extend_from_slice(head.as_bytes());
    write_list(items, &mut body, |item, body| {
        let mut event = Payload::open(item.payload)?;
        event.drop_nulls();
        add(item, &mut event);
        event.write(body)
    })?;
    body.extend_from_slice(b"]}");
    Ok(body)
}

/// By what the APIs of advertisers know a repeat (what a page sends with the same name and id is
/// counted once), and when it was.
pub(super) fn add_identity(item: &Item<'_>, event: &mut Payload<'_>) {
    event.add_missing("event_id", || item.id.to_string().into());
    event.add_missing("event_time", || item.received_at.div_euclid(1_000).into());
}

/// The beginning of a body: these texts, as far as they are set, and the list `data`.
pub(super) fn head(texts: &[(&str, Option<&str>)]) -> String {
    let set = texts
        .iter()
        .filter_map(|(key, text)| Some(format!("\"{key}\":{},", Value::from((*text)?))));
    format!("{{{}\"data\":[", set.collect::<String>())
}

/// A `POST` of such a body.
pub(super) fn post(url: &str, body: Vec<u8>) -> Outgoing {
    Outgoing::post_json(url, body)
}

/// A text as JSON, quotes and all.
pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// The events of a request to a stand-in: 1 to `most` objects under `key`.
pub(super) fn list<'a>(
    body: &'a Map<String, Value>,
    key: &str,
    most: usize,
) -> Result<&'a [Value], String> {
    match body.get(key) {
        Some(Value::Array(events)) if events.is_empty() => Err(format!("{key} is empty")),
        Some(Value::Array(events)) if events.len() > most => Err(format!(
            "{key} has {} events, the most is {most}",
            events.len()
        )),
        Some(Value::Array(events)) => Ok(events),
        Some(_) => Err(format!("{key} must be a list")),
        None => Err(format!("{key} is missing")),
    }
}

/// What is wrong with one event: all that the table of fields says, and then the vendor's own rules.
pub(super) fn problems(
    fields: &[Field],
    event: &Value,
    rules: impl Fn(&Map<String, Value>, &mut Vec<Problem>),
) -> Vec<Problem> {
    let Some(event) = event.as_object() else {
        return vec![Problem::new("", "must be a map")];
    };
    let mut problems: Vec<Problem> = flaws(fields, event)
        .into_iter()
        .map(Problem::from)
        .collect();
    rules(event, &mut problems);
    problems
}

/// Notes which of these keys are not there: those that our side adds, so that a tag need not have them.
pub(super) fn must_have(event: &Map<String, Value>, keys: &[&str], found: &mut Vec<Problem>) {
    for path in keys {
        let is_there = match path.split_once('.') {
            Some((key, inner)) => event.get(key).is_some_and(|map| has(map, inner)),
            None => event.get(*path).is_some_and(|value| !value.is_null()),
        };
        if !is_there {
            found.push(Problem::new(path, "is missing"));
        }
    }
}

/// What is wrong with a key of an event.
#[derive(Debug)]
pub(super) struct Problem {
    /// Which: `user_data.em`; blank for the event as a whole.
    pub(super) path: String,
    /// In which way.
    pub(super) why: String,
}

impl Problem {
    pub(super) fn new(path: &str, why: impl Into<String>) -> Self {
        let path = path.to_owned();
        let why = why.into();
        Self { path, why }
    }

    /// `data[0].user_data.em must be …`, for a person.
    pub(super) fn told(&self, list: &str, place: usize) -> String {
        let dot = if self.path.is_empty() { "" } else { "." };
        format!("{list}[{place}]{dot}{} {}", self.path, self.why)
    }
}

impl From<Flaw> for Problem {
    fn from(flaw: Flaw) -> Self {
        Self {
            path: flaw.path,
            why: flaw.why,
        }
    }
}

/// How large what an event says may be.
pub(super) struct Bounds {
    /// Maps in maps.
    pub(super) levels: usize,
    /// Keys of a map in the map.
    pub(super) keys: usize,
    /// Elements of a list.
    pub(super) items: usize,
    /// Bytes of a text.
    pub(super) text: usize,
}

/// The first thing that is larger, in the map at `path`.
pub(super) fn beyond(bounds: &Bounds, path: &str, map: &Map<String, Value>) -> Option<Problem> {
    let mut inside = map.iter();
    inside.find_map(|(key, value)| larger(bounds, format!("{path}.{key}"), value, 1))
}

fn larger(bounds: &Bounds, path: String, value: &Value, level: usize) -> Option<Problem> {
    let too =
        |what: &str, most: usize| Some(Problem::new(&path, format!("{what}, the most is {most}")));
    match value {
        Value::Object(_) if level > bounds.levels => too("is nested too deep", bounds.levels),
        Value::Object(map) if map.len() > bounds.keys => too("has too many keys", bounds.keys),
        Value::Array(items) if items.len() > bounds.items => too("is too long", bounds.items),
        Value::String(text) if text.len() > bounds.text => too("is too long", bounds.text),
        Value::Object(map) => {
            let mut inside = map.iter();
            inside
                .find_map(|(key, value)| larger(bounds, format!("{path}.{key}"), value, level + 1))
        }
        Value::Array(items) => {
            let mut inside = items.iter().enumerate();
            inside.find_map(|(at, item)| larger(bounds, format!("{path}[{at}]"), item, level))
        }
        _ => None,
    }
}

/// The text under a key of an event; none if it is blank.
pub(super) fn text<'a>(event: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    event.get(key)?.as_str().filter(|text| !text.is_empty())
}

/// True if a map has something under the key.
pub(super) fn has(map: &Value, key: &str) -> bool {
    map.get(key).is_some_and(|value| !value.is_null())
}
