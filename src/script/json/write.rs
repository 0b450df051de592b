//! Script values to JSON text.

use serde::ser::{Error as _, SerializeMap, SerializeSeq};

use crate::script::limits;
use crate::script::value::{Map, Value, kind};

/// Writes a value as JSON text, keys in alphabetical order.
///
/// # Errors
/// What cannot be written, and where in the value it is.
pub fn to_json(value: &Value) -> Result<Vec<u8>, String> {
    write(&Out { value, depth: 0 })
        .map_err(|error| format!("{}{error}", place_of_unsendable(value)))
}

/// The same for a map.
pub fn map_to_json(map: &Map) -> Result<Vec<u8>, String> {
    write(&OutMap { map, depth: 1 }).map_err(|error| {
        format!(
            "{}{error}",
            place_of_unsendable(&Value::from_map(map.clone()))
        )
    })
}

fn write(what: &impl serde::Serialize) -> Result<Vec<u8>, String> {
    let mut text = Vec::with_capacity(512);
    let mut writer = serde_json::Serializer::new(&mut text);
    what.serialize(&mut writer)
        .map_err(|error| error.to_string())?;
    Ok(text)
}

/// `items.0.price: ` if that is what cannot be written; only looked for when something cannot.
fn place_of_unsendable(value: &Value) -> String {
    let mut path = Vec::new();
    let mut inside = Some(value.clone());
    while let Some(value) = inside {
        inside = unsendable_in(&value).map(|(key, value)| {
            path.push(key);
            value
        });
    }
    if path.is_empty() || path.len() >= limits::JSON_DEPTH {
        return String::new();
    }
    path.join(".") + ": "
}

fn unsendable_in(value: &Value) -> Option<(String, Value)> {
    let is_unsendable = |value: &Value| {
        let plain = Out { value, depth: 0 };
        serde_json::to_writer(std::io::sink(), &plain).is_err()
    };
    if let Ok(map) = value.as_map_ref() {
        let found = map.iter().find(|(_, value)| is_unsendable(value))?;
        return Some((found.0.to_string(), found.1.clone()));
    }
    let array = value.as_array_ref().ok()?;
    let found = array
        .iter()
        .enumerate()
        .find(|(_, value)| is_unsendable(value))?;
    Some((found.0.to_string(), found.1.clone()))
}

struct Out<'a> {
    value: &'a Value,
    depth: usize,
}

impl serde::Serialize for Out<'_> {
    fn serialize<S: serde::Serializer>(&self, writer: S) -> Result<S::Ok, S::Error> {
        let value = self.value;
        if let Ok(text) = value.as_immutable_string_ref() {
            return writer.serialize_str(&text);
        }
        if let Ok(integer) = value.as_int() {
            return writer.serialize_i64(integer);
        }
        if let Ok(float) = value.as_float() {
            return finite(float).and_then(|float| writer.serialize_f64(float));
        }
        if let Ok(flag) = value.as_bool() {
            return writer.serialize_bool(flag);
        }
        if value.is_unit() {
            return writer.serialize_unit();
        }
        if self.depth >= limits::JSON_DEPTH {
            return Err(S::Error::custom(format!(
                "nested more than {} deep",
                limits::JSON_DEPTH
            )));
        }
        let depth = self.depth + 1;
        if let Ok(map) = value.as_map_ref() {
            return OutMap { map: &map, depth }.serialize(writer);
        }
        if let Ok(array) = value.as_array_ref() {
            let mut out = writer.serialize_seq(Some(array.len()))?;
            for value in array.iter() {
                out.serialize_element(&Out { value, depth })?;
            }
            return out.end();
        }
        if let Ok(letter) = value.as_char() {
            return writer.serialize_char(letter);
        }
        Err(S::Error::custom(format!(
            "{} cannot be sent as JSON",
            kind(value)
        )))
    }
}

struct OutMap<'a> {
    map: &'a Map,
    depth: usize,
}

impl serde::Serialize for OutMap<'_> {
    fn serialize<S: serde::Serializer>(&self, writer: S) -> Result<S::Ok, S::Error> {
        let mut out = writer.serialize_map(Some(self.map.len()))?;
        for (key, value) in self.map {
            out.serialize_entry(
                key.as_str(),
                &Out {
                    value,
                    depth: self.depth,
                },
            )?;
        }
        out.end()
    }
}

fn finite<E: serde::ser::Error>(float: f64) -> Result<f64, E> {
    if float.is_finite() {
        return Ok(float);
    }
    Err(E::custom(format!(
        "the number {float} cannot be sent as JSON"
    )))
}
