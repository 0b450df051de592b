//! Values as scripts see them, read without knowing Rhai: dotted paths, numbers in texts, a short
//! word for a value in messages.

use std::borrow::Cow;

/// Any value of a script.
pub type Value = rhai::Dynamic;

/// A map of a script; keys are texts, sorted.
pub type Map = rhai::Map;

pub use super::api::number::{Number, from_dynamic as number};

/// The value under a dotted path such as `user_data.email_address` or `items.0.item_id`. A key
/// that itself holds dots is found first. `None` if any step is missing; a `null` counts as missing.
pub fn lookup<'a>(map: &'a Map, path: &str) -> Option<Cow<'a, Value>> {
    if let Some(value) = map.get(path) {
        return (!value.is_unit()).then_some(Cow::Borrowed(value));
    }
    let (head, rest) = path.split_once('.')?;
    step(map.get(head)?, rest)
}

fn step<'a>(value: &'a Value, path: &str) -> Option<Cow<'a, Value>> {
    if let Ok(map) = value.as_map_ref() {
        return lookup(&map, path).map(|found| Cow::Owned(found.into_owned()));
    }
    let items = value.as_array_ref().ok()?;
    let (index, rest) = match path.split_once('.') {
        Some((index, rest)) => (index, Some(rest)),
        None => (path, None),
    };
    let item = items.get(index.parse::<usize>().ok()?)?;
    match rest {
        Some(rest) => step(item, rest).map(|found| Cow::Owned(found.into_owned())),
        None => (!item.is_unit()).then(|| Cow::Owned(item.clone())),
    }
}

/// The text in a value, if it is one.
pub fn text(value: &Value) -> Option<String> {
    value
        .as_immutable_string_ref()
        .ok()
        .map(|text| text.to_string())
}

/// The texts in a value: an array of them, or one.
pub fn texts(value: &Value) -> Option<Vec<String>> {
    match value.as_array_ref() {
        Ok(items) => items.iter().map(text).collect(),
        Err(_) => text(value).map(|text| vec![text]),
    }
}

/// A text, a number or a flag as text; `None` for what has no one way to be written.
pub fn plain_text(value: &Value) -> Option<String> {
    let plain = value.is_string()
        || value.is_char()
        || value.is_int()
        || value.is_float()
        || value.is_bool();
    plain.then(|| value.to_string())
}

/// What a value is, in a word that users know.
pub fn kind(value: &Value) -> &'static str {
    if value.is_unit() {
        return "nothing, ()";
    }
    if value.is_bool() {
        return "true or false";
    }
    if value.is_int() {
        return "a whole number";
    }
    if value.is_float() {
        return "a number";
    }
    if value.is_string() || value.is_char() {
        return "a text";
    }
    if value.is_array() {
        return "an array";
    }
    if value.is_map() {
        return "a map";
    }
    if value.is_fnptr() {
        return "a function";
    }
    "a value of the host"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::parse_json;

    fn map(json: &str) -> Map {
        parse_json(json.as_bytes()).unwrap().cast()
    }

    #[test]
    fn finds_dotted_paths() {
        let map = map(r#"{"a":{"b":[{"c":1},{"c":null}]},"x.y":2,"n":null}"#);
        let at = |path: &str| lookup(&map, path).and_then(|value| value.as_int().ok());
        assert_eq!(at("a.b.0.c"), Some(1));
        assert_eq!(at("x.y"), Some(2));
        for missing in ["a.b.1.c", "a.b.2.c", "a.c", "n", "n.x", "a.b.x", ""] {
            assert!(lookup(&map, missing).is_none(), "{missing}");
        }
    }
}
