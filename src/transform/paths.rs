//! Keys by dotted paths, as conditions have them, and `*` for every element of an array or every key of
//! a map: kept, taken away, covered with stars.

use crate::script::{Map, Value};

/// What stands in the place of a value that a tag may not see.
const STARS: &str = "***";

/// What is done at the end of a path.
#[derive(Clone, Copy)]
pub(super) enum Deed {
    Remove,
    Redact,
}

/// Does it to what is at a path; nothing, if nothing is there.
pub(super) fn change(map: &mut Map, path: &str, deed: Deed) {
    // A key that itself holds dots is found first, as by conditions.
    if map.contains_key(path) {
        return end(map, path, deed);
    }
    let Some((head, rest)) = path.split_once('.') else {
        if path == "*" {
            let keys: Vec<_> = map.keys().cloned().collect();
            keys.iter().for_each(|key| end(map, key, deed));
        }
        return;
    };
    match head {
        "*" => map.values_mut().for_each(|value| step(value, rest, deed)),
        head => {
            if let Some(value) = map.get_mut(head) {
                step(value, rest, deed);
            }
        }
    }
}

fn end(map: &mut Map, key: &str, deed: Deed) {
    match deed {
        Deed::Remove => drop(map.remove(key)),
        Deed::Redact => {
            if let Some(value) = map.get_mut(key).filter(|value| !value.is_unit()) {
                *value = STARS.into();
            }
        }
    }
}

fn step(value: &mut Value, path: &str, deed: Deed) {
    if let Ok(mut map) = value.as_map_mut() {
        return change(&mut map, path, deed);
    }
    let Ok(mut items) = value.as_array_mut() else {
        return;
    };
    let (head, rest) = match path.split_once('.') {
        Some((head, rest)) => (head, Some(rest)),
        None => (path, None),
    };
    let is_meant = |at: usize| head == "*" || head.parse() == Ok(at);
    match (rest, deed) {
        (Some(rest), _) => {
            for (_, item) in items.iter_mut().enumerate().filter(|(at, _)| is_meant(*at)) {
                step(item, rest, deed);
            }
        }
        (None, Deed::Remove) => {
            let mut at = 0;
            items.retain(|_| {
                at += 1;
                !is_meant(at - 1)
            });
        }
        (None, Deed::Redact) => {
            for (_, item) in items.iter_mut().enumerate().filter(|(at, _)| is_meant(*at)) {
                *item = STARS.into();
            }
        }
    }
}

/// The map with what is at these paths only.
pub(super) fn only(map: &Map, paths: &[String]) -> Map {
    let mut kept = Map::new();
    for path in paths {
        keep(map, &mut kept, path);
    }
    kept
}

fn keep(from: &Map, to: &mut Map, path: &str) {
    if let Some(value) = from.get(path) {
        to.insert(path.into(), value.clone());
        return;
    }
    let Some((head, rest)) = path.split_once('.') else {
        if path == "*" {
            to.extend(from.clone());
        }
        return;
    };
    let heads: Vec<&str> = match head {
        "*" => from.keys().map(|key| key.as_str()).collect(),
        head => vec![head],
    };
    for head in heads {
        let Some(value) = from.get(head) else {
            continue;
        };
        let mut kept = to.get(head).cloned().unwrap_or_default();
        keep_below(value, &mut kept, rest);
        if !kept.is_unit() {
            to.insert(head.into(), kept);
        }
    }
}

/// Of an array, every element keeps its place; only `*` is meant for them.
fn keep_below(from: &Value, to: &mut Value, path: &str) {
    if let Ok(map) = from.as_map_ref() {
        if to.is_unit() {
            *to = Value::from_map(Map::new());
        }
        if let Ok(mut kept) = to.as_map_mut() {
            keep(&map, &mut kept, path);
        }
        return;
    }
    let Ok(items) = from.as_array_ref() else {
        return;
    };
    let Some(rest) = path.strip_prefix("*.") else {
        if path == "*" {
            *to = from.clone();
        }
        return;
    };
    if to.is_unit() {
        *to = Value::from_array(vec![Value::UNIT; items.len()]);
    }
    if let Ok(mut kept) = to.as_array_mut() {
        for (item, kept) in items.iter().zip(kept.iter_mut()) {
            keep_below(item, kept, rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::{map_to_json, parse_json};

    fn map(json: &str) -> Map {
        parse_json(json.as_bytes()).unwrap().cast()
    }

    fn text(map: &Map) -> String {
        String::from_utf8(map_to_json(map).unwrap()).unwrap()
    }

    const EVENT: &str =
        r#"{"a":1,"items":[{"n":"x","p":1},{"n":"y","p":2}],"u":{"mail":"m","name":"N"},"x.y":3}"#;

    #[test]
    fn what_is_at_a_path_is_changed() {
        for (path, removed, redacted) in [
            ("a", r#""items""#, r#""a":"***""#),
            ("u.mail", r#""u":{"name":"N"}"#, r#""mail":"***""#),
            (
                "items.*.p",
                r#"[{"n":"x"},{"n":"y"}]"#,
                r#"{"n":"x","p":"***"}"#,
            ),
            (
                "items.0",
                r#"[{"n":"y","p":2}]"#,
                r#"["***",{"n":"y","p":2}]"#,
            ),
            ("u.*", r#""u":{}"#, r#"{"mail":"***","name":"***"}"#),
            ("x.y", r#""name":"N"}}"#, r#""x.y":"***""#),
        ] {
            let after = |deed| {
                let mut event = map(EVENT);
                change(&mut event, path, deed);
                text(&event)
            };
            assert!(
                after(Deed::Remove).contains(removed),
                "{path}: {}",
                after(Deed::Remove)
            );
            assert!(
                after(Deed::Redact).contains(redacted),
                "{path}: {}",
                after(Deed::Redact)
            );
        }
        let mut event = map(EVENT);
        for path in ["none", "a.b", "items.9", "u.none.x"] {
            change(&mut event, path, Deed::Redact);
        }
        assert_eq!(text(&event), text(&map(EVENT)));
    }

    #[test]
    fn only_what_is_named_is_kept() {
        for (paths, expected) in [
            (&["a"][..], r#"{"a":1}"#),
            (&["u.mail", "a"], r#"{"a":1,"u":{"mail":"m"}}"#),
            (
                &["items.*.n", "items.*.p"],
                r#"{"items":[{"n":"x","p":1},{"n":"y","p":2}]}"#,
            ),
            (&["items.*.n"], r#"{"items":[{"n":"x"},{"n":"y"}]}"#),
            (&["u", "u.mail"], r#"{"u":{"mail":"m","name":"N"}}"#),
            (&["none", "u.none"], r#"{"u":{}}"#),
            (&["*"], EVENT),
        ] {
            let paths: Vec<String> = paths.iter().map(ToString::to_string).collect();
            assert_eq!(
                text(&only(&map(EVENT), &paths)),
                text(&map(expected)),
                "{paths:?}"
            );
        }
    }
}
