//! A tag's payload opened one level deep: keys can be seen and added without parsing what is
//! inside (0.6 µs instead of 4 for a typical event).

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::fields::{Field, children, kind};
use crate::config::{quoted, suggest};

/// The entries of a JSON object, in their order.
#[derive(Debug, Default)]
pub struct Payload<'a> {
    entries: Vec<(Cow<'a, str>, Entry<'a>)>,
}

#[derive(Debug)]
enum Entry<'a> {
    Given(&'a RawValue),
    Added(Value),
}

impl<'a> Payload<'a> {
    /// Opens a JSON object.
    pub fn open(json: &'a [u8]) -> Result<Self, String> {
        if json.is_empty() {
            return Err(
                "there is no payload: the disk has damaged it; retry with the scripts of now"
                    .to_owned(),
            );
        }
        serde_json::from_slice(json)
            .map_err(|error| format!("the payload is not a JSON object: {error}"))
    }

    /// The JSON text under a key. A `null` counts as absent.
    pub fn get(&self, key: &str) -> Option<String> {
        let (_, entry) = self.entries.iter().find(|(name, _)| name == key)?;
        match entry {
            Entry::Given(raw) => (!is_null(raw)).then(|| raw.get().to_owned()),
            Entry::Added(value) => Some(value.to_string()),
        }
    }

    /// The value under a key, parsed. A `null` counts as absent.
    pub fn value(&self, key: &str) -> Option<Value> {
        serde_json::from_str(&self.get(key)?).ok()
    }

    /// True if the key is there and not `null`.
    pub fn has(&self, key: &str) -> bool {
        self.entries
            .iter()
            .any(|(name, entry)| name == key && !matches!(entry, Entry::Given(raw) if is_null(raw)))
    }

    /// The keys.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(name, _)| name.as_ref())
    }

    /// The text under a key, if it is there.
    ///
    /// # Errors
    /// If it is no text, in words for the person who wrote the tag.
    pub fn text(&self, key: &str) -> Result<Option<String>, String> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(format!("`{key}` must be a text, not {}", kind(&other))),
        }
    }

    /// The text under a key.
    ///
    /// # Errors
    /// If it is not there, empty, or no text.
    pub fn required_text(&self, key: &str) -> Result<String, String> {
        match self.text(key)? {
            None => Err(format!("`{key}` is missing")),
            Some(text) if text.is_empty() => Err(format!("`{key}` is empty")),
            Some(text) => Ok(text),
        }
    }

    /// The map under a key, if it is there.
    ///
    /// # Errors
    /// If it is no map.
    pub fn map(&self, key: &str) -> Result<Option<Map<String, Value>>, String> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(map)),
            Some(other) => Err(format!("`{key}` must be a map, not {}", kind(&other))),
        }
    }

    /// Refuses keys that are not among the known ones: for what our own code reads.
    ///
    /// # Errors
    /// If there is one, with a suggestion.
    pub fn refuse_unknown(&self, fields: &[Field]) -> Result<(), String> {
        let known = children(fields, "");
        let Some(unknown) = self.keys().find(|key| !known.contains(key)) else {
            return Ok(());
        };
        let hint = suggest(unknown, known.iter().copied());
        let hint = hint.unwrap_or_else(|| format!("there are {}", known.join(", ")));
        Err(format!("unknown key {}; {hint}", quoted(unknown)))
    }

    /// Sets `key`, whatever the tag said.
    pub fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        self.remove(key);
        self.entries
            .push((Cow::Borrowed(key), Entry::Added(value.into())));
    }

    /// Takes `key` out: it is ours, not the vendor's.
    pub fn remove(&mut self, key: &str) {
        self.entries.retain(|(name, _)| name != key);
    }

    /// Adds `key` unless the tag set it.
    pub fn add_missing(&mut self, key: &'static str, value: impl FnOnce() -> Value) {
        if !self.has(key) {
            self.entries.retain(|(name, _)| name != key);
            self.entries
                .push((Cow::Borrowed(key), Entry::Added(value())));
        }
    }

    /// The object as JSON.
    ///
    /// # Errors
    /// Never for what was opened.
    pub fn to_json(&self) -> Result<Vec<u8>, String> {
        let mut out = Vec::with_capacity(256);
        self.write(&mut out)?;
        Ok(out)
    }

    /// Drops keys whose value is `null`: a tag that copies a missing field means "not there".
    pub fn drop_nulls(&mut self) {
        self.entries
            .retain(|(_, entry)| !matches!(entry, Entry::Given(raw) if is_null(raw)));
    }

    /// Writes the object to the end of `out`.
    pub fn write(&self, out: &mut Vec<u8>) -> Result<(), String> {
        serde_json::to_writer(out, self).map_err(|error| error.to_string())
    }
}

fn is_null(raw: &RawValue) -> bool {
    raw.get() == "null"
}

impl Serialize for Payload<'_> {
    fn serialize<S: Serializer>(&self, writer: S) -> Result<S::Ok, S::Error> {
        let mut map = writer.serialize_map(Some(self.entries.len()))?;
        for (key, entry) in &self.entries {
            match entry {
                Entry::Given(raw) => map.serialize_entry(key, raw)?,
                Entry::Added(value) => map.serialize_entry(key, value)?,
            }
        }
        map.end()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Payload<'a> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader
            .deserialize_map(Entries)
            .map(|entries| Self { entries })
    }
}

struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Vec<(Cow<'de, str>, Entry<'de>)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::with_capacity(16);
        while let Some(Key(key)) = map.next_key()? {
            entries.push((key, Entry::Given(map.next_value::<&RawValue>()?)));
        }
        Ok(entries)
    }
}

/// A key that is borrowed where it holds no escapes; `Cow` alone always copies.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::Payload;

    #[test]
    fn adds_what_is_missing_and_keeps_the_rest_as_it_was() {
        let mut payload = Payload::open(br#"{"b":1.50,"a":null,"q\"":{"x":[1, 2]}}"#).unwrap();
        payload.add_missing("b", || 9.into());
        payload.add_missing("a", || "new".into());
        payload.add_missing("c", || 3.into());
        let mut out = Vec::new();
        payload.write(&mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"b":1.50,"q\"":{"x":[1, 2]},"a":"new","c":3}"#
        );
    }

    #[test]
    fn what_has_the_wrong_form_is_said_with_its_key() {
        let payload = Payload::open(br#"{"a":"x","n":1,"e":"","m":{"b":2},"z":null}"#).unwrap();
        assert_eq!(payload.required_text("a"), Ok("x".to_owned()));
        for (got, expected) in [
            (
                payload.required_text("n"),
                "`n` must be a text, not a number",
            ),
            (payload.required_text("z"), "`z` is missing"),
            (payload.required_text("e"), "`e` is empty"),
        ] {
            assert_eq!(got, Err(expected.to_owned()));
        }
        assert_eq!(payload.map("z"), Ok(None));
        assert_eq!(payload.map("m").unwrap().unwrap()["b"], 2);
        let wrong = payload.map("a").unwrap_err();
        assert_eq!(wrong, "`a` must be a map, not this text");
    }

    #[test]
    fn what_is_set_or_taken_out_is_written_so() {
        let mut payload = Payload::open(br#"{"a":1,"b":2}"#).unwrap();
        payload.set("a", "new");
        payload.remove("b");
        assert_eq!(payload.to_json().unwrap(), br#"{"a":"new"}"#);
    }

    #[test]
    fn only_objects_open() {
        for bad in ["", "[]", "1", "{"] {
            assert!(Payload::open(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
