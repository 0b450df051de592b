//! `keys::`: event data out of what senders call the same thing by other names. It knows no
//! sender's names: those are the script's.
//!
//! *Filled* means what JavaScript, which most senders think in, takes for true: neither missing nor
//! false, 0 or blank.

use rhai::{Array, Dynamic, ImmutableString, Map};

use super::argument::{self, wrong};
use super::host::Host;
use super::namespace::{Namespace, Problem};
use super::{Function, Topic};
use crate::script::limits;

pub(super) const TOPIC: Topic = Topic {
    name: "keys",
    about: "Keys that go by many names, and maps out of maps. A value is filled if it is neither \
            missing nor `false`, `0` or `\"\"`.",
    functions: &[
        Function {
            signature: "keys::first(map, names) -> value",
            about: "The first of these keys that is filled; `()` if none is.",
            example: r#"keys::first(#{ event: "", type: "paid" }, ["event_name", "event", "type"]) == "paid""#,
        },
        Function {
            signature: "keys::pick(map, table) -> map",
            about: "A new map: for each key of the table the first filled one of the names beside \
                    it. What is not there is left out.",
            example: r#"keys::pick(#{ mail: "a@b.c", zip: "" }, #{ email: ["email", "mail"], postal_code: ["zip"] }) == #{ email: "a@b.c" }"#,
        },
        Function {
            signature: "keys::fill(map, table) -> map",
            about: "The map, and for each key of the table that it has not filled, what `pick` \
                    finds.",
            example: r#"keys::fill(#{ url: "/a", title: "A", page_title: "B" }, #{ page_location: ["url"], page_title: ["title"] }) == #{ url: "/a", title: "A", page_title: "B", page_location: "/a" }"#,
        },
        Function {
            signature: "keys::defaults(map, values) -> map",
            about: "The map, and of the values those that are filled where the map's own are not.",
            example: r#"keys::defaults(#{ a: 1, b: "" }, #{ a: 2, b: 3, c: () }) == #{ a: 1, b: 3 }"#,
        },
        Function {
            signature: "keys::spread(value) -> map",
            about: "What JavaScript makes of `{...value}`: a map is itself, an array has its \
                    places as keys, anything else is empty. A key `__proto__` is left out.",
            example: r#"keys::spread(["a", "b"]) == #{ "0": "a", "1": "b" } && keys::spread(7) == #{}"#,
        },
        Function {
            signature: "keys::merge(old, new) -> value",
            about: "What Google's data layer makes of a value and a newer one: maps merge key by \
                    key and arrays place by place, all the way down; anything else is replaced.",
            example: r#"keys::merge(#{ shop: #{ id: 1, items: [1, 2] } }, #{ shop: #{ items: [3] } }) == #{ shop: #{ id: 1, items: [3, 2] } }"#,
        },
    ],
    register,
};

fn register(host: &mut Host) {
    Namespace::new(TOPIC.name)
        .two("first", first)
        .two("pick", pick)
        .two("fill", fill)
        .two("defaults", defaults)
        .one("spread", spread)
        .two("merge", merge)
        .add_to(host);
}

fn first(map: Dynamic, names: Dynamic) -> Result<Dynamic, Problem> {
    let Ok(map) = map.as_map_ref() else {
        return Err(wrong("map", &map, "a map"));
    };
    let found = find(&map, "names", &names)?;
    Ok(found.cloned().unwrap_or_default())
}

fn pick(map: Dynamic, table: Dynamic) -> Result<Map, Problem> {
    let Ok(map) = map.as_map_ref() else {
        return Err(wrong("map", &map, "a map"));
    };
    let table = argument::map("table", table)?;
    let mut picked = Map::new();
    for (key, names) in table {
        if let Some(found) = find(&map, &key, &names)? {
            picked.insert(key, found.clone());
        }
    }
    Ok(picked)
}

fn fill(map: Dynamic, table: Dynamic) -> Result<Map, Problem> {
    let mut map = argument::map("map", map)?;
    for (key, names) in argument::map("table", table)? {
        if map.get(key.as_str()).is_some_and(is_filled) {
            continue;
        }
        if let Some(found) = find(&map, &key, &names)?.cloned() {
            map.insert(key, found);
        }
    }
    Ok(map)
}

fn defaults(map: Dynamic, values: Dynamic) -> Result<Map, Problem> {
    let mut map = argument::map("map", map)?;
    for (key, value) in argument::map("values", values)? {
        if is_filled(&value) && !map.get(key.as_str()).is_some_and(is_filled) {
            map.insert(key, value);
        }
    }
    Ok(map)
}

/// `what` is how the names are called in a problem.
fn find<'a>(map: &'a Map, what: &str, names: &Dynamic) -> Result<Option<&'a Dynamic>, Problem> {
    let Ok(names) = names.as_array_ref() else {
        return Err(wrong(what, names, "an array of names"));
    };
    for name in names.iter() {
        let Ok(name) = name.as_immutable_string_ref() else {
            return Err(wrong(what, name, "a name"));
        };
        let found = map.get(name.as_str()).filter(|value| is_filled(value));
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

pub(super) fn is_filled(value: &Dynamic) -> bool {
    if let Ok(text) = value.as_immutable_string_ref() {
        return !text.is_empty();
    }
    if let Ok(integer) = value.as_int() {
        return integer != 0;
    }
    if let Ok(float) = value.as_float() {
        return float != 0.0 && !float.is_nan();
    }
    !value.is_unit() && value.as_bool().unwrap_or(true)
}

fn spread(value: Dynamic) -> Result<Map, Problem> {
    let value = match value.try_cast_result::<Map>() {
        Ok(mut map) => {
            map.remove("__proto__");
            return Ok(map);
        }
        Err(value) => value,
    };
    let Ok(items) = value.try_cast_result::<Array>() else {
        return Ok(Map::new());
    };
    if items.len() > limits::MAP_KEYS {
        let most = limits::MAP_KEYS;
        return Err(Problem(format!("the value has more than {most} elements")));
    }
    let places = items.into_iter().enumerate();
    Ok(places
        .map(|(place, item)| (place.to_string().into(), item))
        .collect())
}

fn merge(old: Dynamic, new: Dynamic) -> Result<Dynamic, Problem> {
    let deepest = limits::JSON_DEPTH;
    merged(old, new, deepest)
        .ok_or_else(|| Problem(format!("the values are more than {deepest} levels deep")))
}

fn merged(old: Dynamic, new: Dynamic, levels: usize) -> Option<Dynamic> {
    if !(old.is_map() && new.is_map() || old.is_array() && new.is_array()) {
        return Some(new);
    }
    let levels = levels.checked_sub(1)?;
    let (old, new) = match (old.try_cast_result::<Map>(), new.try_cast_result::<Map>()) {
        (Ok(mut old), Ok(new)) => {
            for (key, value) in new {
                let before = old.remove(key.as_str()).unwrap_or_default();
                old.insert(key, merged(before, value, levels)?);
            }
            return Some(Dynamic::from_map(old));
        }
        (old, new) => (either(old), either(new)),
    };
    let mut items = old.into_array().unwrap_or_default();
    for (place, value) in new.into_array().unwrap_or_default().into_iter().enumerate() {
        match items.get_mut(place) {
            Some(item) => *item = merged(std::mem::take(item), value, levels)?,
            None => items.push(value),
        }
    }
    Some(Dynamic::from_array(items))
}

fn either(value: Result<Map, Dynamic>) -> Dynamic {
    value.map_or_else(|other| other, Dynamic::from_map)
}

/// A key of a map as scripts have it.
pub(super) fn text(value: &str) -> Dynamic {
    Dynamic::from(ImmutableString::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::json::{parse_json, to_json};

    fn value(json: &str) -> Dynamic {
        parse_json(json.as_bytes()).unwrap()
    }

    fn json(value: &Dynamic) -> String {
        String::from_utf8(to_json(value).unwrap()).unwrap()
    }

    #[test]
    fn filled_is_what_javascript_takes_for_true() {
        for (json, expected) in [
            ("null", false),
            ("false", false),
            ("0", false),
            ("0.0", false),
            (r#""""#, false),
            ("true", true),
            ("-1", true),
            ("0.5", true),
            (r#""0""#, true),
            (r#""false""#, true),
            ("[]", true),
            ("{}", true),
        ] {
            assert_eq!(is_filled(&value(json)), expected, "{json}");
        }
    }

    #[test]
    fn values_merge_as_in_the_data_layer() {
        for (old, new, expected) in [
            ("[1,2,3]", r#""hello""#, r#""hello""#),
            (r#"{"ducks":"quack"}"#, "[1,2,3]", "[1,2,3]"),
            (
                r#"{"a":{"b":[1]}}"#,
                r#"{"a":{"b":{"c":1}}}"#,
                r#"{"a":{"b":{"c":1}}}"#,
            ),
            (
                r#"{"a":[{"x":1},{"y":2}]}"#,
                r#"{"a":[{"z":3}]}"#,
                r#"{"a":[{"x":1,"z":3},{"y":2}]}"#,
            ),
            (
                r#"{"ecommerce":{"items":[1]}}"#,
                r#"{"ecommerce":null}"#,
                r#"{"ecommerce":null}"#,
            ),
            ("[1]", "[null,2]", "[null,2]"),
        ] {
            let found = merge(value(old), value(new)).unwrap();
            assert_eq!(json(&found), expected, "{old} {new}");
        }
    }

    #[test]
    fn what_is_too_deep_to_merge_is_a_problem() {
        let deep = |levels: usize| {
            (0..levels).fold(Dynamic::from(1_i64), |inside, _| {
                Dynamic::from_map(Map::from([("a".into(), inside)]))
            })
        };
        assert!(merge(deep(100), deep(100)).is_ok());
        assert!(merge(deep(200), deep(200)).is_err());
    }

    #[test]
    fn what_is_spread_is_bounded() {
        let long = vec![Dynamic::UNIT; limits::MAP_KEYS + 1];
        assert!(spread(Dynamic::from_array(long)).is_err());
        assert!(
            spread(value(r#"{"__proto__":{"a":1}}"#))
                .unwrap()
                .is_empty()
        );
    }
}
