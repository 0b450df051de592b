//! Values of an event by their dotted keys, as rows name them.

use rhai::{Dynamic, Map};

/// The first of these keys that has a value. What is missing, `null`, blank or empty is none.
pub(in crate::script::api) fn first(
    map: &Map,
    keys: &[&'static str],
) -> Option<(&'static str, Dynamic)> {
    keys.iter()
        .find_map(|key| at(map, key).map(|value| (*key, value)))
}

/// True if the payload has something under a dotted key.
pub(in crate::script::api) fn has(map: &Map, key: &str) -> bool {
    at(map, key).is_some()
}

/// The value under a dotted key; numbers are places of an array. Where a key is sought in an array, its
/// first element is asked: some senders have several addresses.
pub(in crate::script::api) fn at(map: &Map, key: &str) -> Option<Dynamic> {
    if let Some(value) = map.get(key) {
        return is_there(value).then(|| value.flatten_clone());
    }
    let (head, rest) = key.split_once('.')?;
    within(map.get(head)?, rest)
}

fn within(value: &Dynamic, key: &str) -> Option<Dynamic> {
    if let Ok(map) = value.as_map_ref() {
        return at(&map, key);
    }
    let items = value.as_array_ref().ok()?;
    let (head, rest) = match key.split_once('.') {
        Some((head, rest)) => (head, Some(rest)),
        None => (key, None),
    };
    let Ok(place) = head.parse::<usize>() else {
        return within(items.first()?, key);
    };
    let item = items.get(place)?;
    match rest {
        Some(rest) => within(item, rest),
        None => is_there(item).then(|| item.flatten_clone()),
    }
}

/// True unless it is missing, blank text, or an array or map of nothing.
pub(in crate::script::api) fn is_there(value: &Dynamic) -> bool {
    if let Ok(text) = value.as_immutable_string_ref() {
        return !text.trim().is_empty();
    }
    if let Ok(items) = value.as_array_ref() {
        return !items.is_empty();
    }
    match value.as_map_ref() {
        Ok(map) => !map.is_empty(),
        Err(_) => !value.is_unit(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::parse_json;

    #[test]
    fn the_first_that_is_there_is_taken() {
        let event = r#"{"a":" ","b":null,"c":0,"d":{"e":[{"f":"x"},{"f":"y"}],"g":[]}}"#;
        let event: Map = parse_json(event.as_bytes()).unwrap().cast();
        let found = |keys: &[&'static str]| {
            first(&event, keys).map(|(key, value)| format!("{key} {value}"))
        };
        assert_eq!(found(&["a", "b", "c"]).as_deref(), Some("c 0"));
        assert_eq!(found(&["d.e.f"]).as_deref(), Some("d.e.f x"));
        assert_eq!(found(&["d.e.1.f"]).as_deref(), Some("d.e.1.f y"));
        for missing in ["", "x", "a", "b.x", "c.x", "d.g.f", "d.e.2.f", "d.e.7"] {
            assert!(at(&event, missing).is_none(), "{missing}");
        }
    }
}
