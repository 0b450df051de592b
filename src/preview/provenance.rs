//! Where each value of an event came from. Found afterwards, by comparing it with what the request
//! has, so it costs live traffic nothing; it says where a value can be found, and cannot know which
//! of two places with the same value a script has read.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use serde_json::Value;

use super::record::{EventRecord, Record};
use crate::client::Pattern;
use crate::clock::rfc3339;
use crate::request::Request;
use crate::script;

/// Values of an event that are looked for, and values of a request that are looked at. What is
/// beyond is `derived`; nobody reads that much.
const MAX_VALUES: usize = 5_000;

/// A text that is shorter stands in others by chance.
const SHORTEST_PART: usize = 4;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// `body`, `query`, `header`, `cookie`, `parameter`, `path`, `sender`, `time`, `generated`,
    /// `script` or `derived`.
    pub from: &'static str,
    /// A JSON pointer in the body, else a name.
    pub at: Option<String>,
    /// `same`, `converted`, `part` or `literal`.
    pub how: Option<&'static str>,
    /// Other places that have the same value.
    #[serde(skip_serializing_if = "is_zero")]
    pub also: usize,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// A value of the request.
#[derive(Debug)]
struct Place {
    from: &'static str,
    at: Option<String>,
    value: Value,
    text: String,
}

/// Everything that the request has.
#[derive(Debug, Default)]
pub(super) struct Sources {
    places: Vec<Place>,
    by_text: HashMap<String, Vec<usize>>,
    script: String,
    times: Vec<String>,
}

impl Sources {
    pub(super) fn of(record: &Record) -> Self {
        let request = &*record.request;
        let mut sources = Self::default();
        sources.add_body(request);
        sources.add_map("query", script::parse_query(&request.query));
        let pattern = record.clients.iter().find(|client| client.claimed);
        let pattern = pattern.and_then(|client| client.reason.strip_prefix("path "));
        if let Some(pattern) = pattern.and_then(|text| Pattern::parse(text).ok()) {
            for (name, value) in pattern.matches(&request.path).unwrap_or_default() {
                sources.add("parameter", Some(name), value.into());
            }
        }
        for (name, value) in &request.headers {
            let text = String::from_utf8_lossy(value.as_bytes());
            if name == http::header::COOKIE {
                for (name, value) in text.split(';').filter_map(|pair| pair.split_once('=')) {
                    sources.add("cookie", Some(name.trim().to_owned()), value.trim().into());
                }
                continue;
            }
            sources.add("header", Some(name.to_string()), text.into());
        }
        sources.add("path", None, request.path.as_str().into());
        sources.add("sender", None, request.ip.to_string().into());
        let at = request.received_at;
        sources.times = vec![at.to_string(), (at / 1_000).to_string(), rfc3339(at)];
        sources.script = record.script.as_deref().unwrap_or_default().to_owned();
        sources
    }

    /// Where each value of an event's data came from, by JSON pointer.
    pub(super) fn explain(&self, event: &EventRecord, data: &Value) -> BTreeMap<String, Origin> {
        let mut leaves = Vec::new();
        walk(data, &mut String::new(), &mut |pointer, value| {
            if leaves.len() < MAX_VALUES {
                leaves.push((pointer.to_owned(), value.clone()));
            }
        });
        let origin = |(pointer, value): (String, Value)| {
            let origin = match pointer.as_str() {
                "/event_id" if value == *event.event.id => self.of_id(&value),
                _ => self.origin(key(&pointer), &value),
            };
            (pointer, origin)
        };
        leaves.into_iter().map(origin).collect()
    }

    fn of_id(&self, value: &Value) -> Origin {
        let found = self.origin("event_id", value);
        match found.from {
            "derived" => plain("generated", None),
            _ => found,
        }
    }

    fn origin(&self, key: &str, value: &Value) -> Origin {
        let text = normal(value);
        let equal = self.by_text.get(&text).map_or(&[][..], Vec::as_slice);
        let equal = equal.iter().filter_map(|at| self.places.get(*at));
        let mut equal: Vec<&Place> = equal.collect();
        // What is called the same is most likely what was read.
        equal.sort_by_key(|place| !place.is_called(key));
        let is_clear = is_distinctive(&text) || equal.first().is_some_and(|one| one.is_called(key));
        if let (true, Some(place)) = (is_clear, equal.first()) {
            let how = match place.value == *value {
                true => "same",
                false => "converted",
            };
            return Origin {
                also: equal.len() - 1,
                ..place.origin(how)
            };
        }
        if self.times.contains(&text) || self.is_time(value) {
            return plain("time", None);
        }
        if self.is_literal(value) {
            return plain("script", Some("literal"));
        }
        match self.part(&text) {
            Some(place) => place.origin("part"),
            None => plain("derived", None),
        }
    }

    /// A text in which this stands, or that stands in this; the longest of these.
    fn part(&self, text: &str) -> Option<&Place> {
        if text.len() < SHORTEST_PART {
            return None;
        }
        let around = self.places.iter().find(|place| place.text.contains(text));
        around.or_else(|| {
            let within = self.places.iter().filter(|place| {
                place.text.len() >= SHORTEST_PART && text.contains(place.text.as_str())
            });
            within.max_by_key(|place| place.text.len())
        })
    }

    /// True if the client's script has it as a literal.
    fn is_literal(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => {
                let quoted = |mark: char| self.script.contains(&format!("{mark}{text}{mark}"));
                quoted('"') || quoted('`')
            }
            Value::Null => false,
            value => {
                let text = value.to_string();
                let is_word = |letter: char| letter.is_alphanumeric() || "_.".contains(letter);
                let mut words = self.script.split(|letter| !is_word(letter));
                words.any(|word| word == text)
            }
        }
    }

    fn is_time(&self, value: &Value) -> bool {
        let Some(Ok(at)) = self.times.first().map(|at| at.parse::<f64>()) else {
            return false;
        };
        let number = value.as_f64();
        number.is_some_and(|number| number == at || number == at / 1e3)
    }

    fn add_body(&mut self, request: &Request) {
        if let Ok(json) = serde_json::from_slice::<Value>(&request.body) {
            let mut found = Vec::new();
            walk(&json, &mut String::new(), &mut |pointer, value| {
                found.push((pointer.to_owned(), value.clone()));
            });
            for (pointer, value) in found {
                self.add("body", Some(pointer), value);
            }
        } else if let Ok(text) = std::str::from_utf8(&request.body) {
            self.add_map("body", script::parse_query(text));
        }
    }

    fn add_map(&mut self, from: &'static str, map: script::Map) {
        for (name, value) in map {
            let name = name.to_string();
            match value.as_array_ref() {
                Ok(values) => {
                    for value in values.iter() {
                        self.add(from, Some(name.clone()), value.to_string().into());
                    }
                }
                Err(_) => self.add(from, Some(name), value.to_string().into()),
            }
        }
    }

    fn add(&mut self, from: &'static str, at: Option<String>, value: Value) {
        if self.places.len() >= MAX_VALUES {
            return;
        }
        let text = normal(&value);
        let place = self.places.len();
        self.by_text.entry(text.clone()).or_default().push(place);
        self.places.push(Place {
            from,
            at,
            value,
            text,
        });
    }
}

impl Place {
    fn is_called(&self, name: &str) -> bool {
        self.at.as_deref().is_some_and(|at| key(at) == name)
    }

    fn origin(&self, how: &'static str) -> Origin {
        Origin {
            from: self.from,
            at: self.at.clone(),
            how: Some(how),
            also: 0,
        }
    }
}

fn plain(from: &'static str, how: Option<&'static str>) -> Origin {
    Origin {
        from,
        at: None,
        how,
        also: 0,
    }
}

/// Said by itself, without its place in a list: `0` in `/items/0` is no name.
fn key(pointer: &str) -> &str {
    let mut parts = pointer.rsplit('/');
    let is_name = |part: &&str| part.parse::<usize>().is_err();
    parts.find(is_name).unwrap_or(pointer)
}

/// Long enough not to be there by chance.
fn is_distinctive(text: &str) -> bool {
    text.len() > 2 && !matches!(text, "true" | "false" | "null")
}

/// A value as it is compared: `"29.350"`, `29.35` and `" 29.35 "` are one.
fn normal(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.trim().to_lowercase(),
        value => value.to_string(),
    };
    let is_number = text.starts_with(|first: char| first.is_ascii_digit() || first == '-');
    match text.parse::<f64>() {
        // Long ids are not the same because they are near one another.
        Ok(number) if is_number && text.len() <= 15 => number.to_string(),
        _ => text,
    }
}

/// Calls `see` with each value that has none inside.
fn walk(value: &Value, pointer: &mut String, see: &mut impl FnMut(&str, &Value)) {
    let mut inside = |name: &str, value: &Value| {
        let length = pointer.len();
        pointer.push('/');
        pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
        walk(value, pointer, see);
        pointer.truncate(length);
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(name, value)| inside(name, value)),
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.for_each(|(at, item)| inside(&at.to_string(), item));
        }
        leaf => see(pointer, leaf),
    }
}
