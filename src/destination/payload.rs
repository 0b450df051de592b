//! A tag's payload opened one level deep: keys can be seen and added without parsing what is
//! inside (0.6 µs instead of 4 for a typical event).

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

/// The entries of a JSON object, in their order.
#[derive(Debug, Default)]
pub struct Payload<'a> {
    entries: Vec<(Cow<'a, str>, Entry<'a>)>,
}

#[derive(Debug)]
enum Entry<'a> {
    Given(&'a RawValue),
    Added(serde_json::Value),
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
    pub fn value(&self, key: &str) -> Option<serde_json::Value> {
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

    /// Adds `key` unless the tag set it.
    pub fn add_missing(&mut self, key: &'static str, value: impl FnOnce() -> serde_json::Value) {
        if !self.has(key) {
            self.entries.retain(|(name, _)| name != key);
            self.entries
                .push((Cow::Borrowed(key), Entry::Added(value())));
        }
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
    fn only_objects_open() {
        for bad in ["", "[]", "1", "{"] {
            assert!(Payload::open(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
