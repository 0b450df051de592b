//! `form::`: maps and arrays out of the flat fields of an HTML form. The fields themselves are
//! `request.form`'s.

use std::collections::BTreeMap;

use rhai::{Dynamic, Identifier, Map};

use super::host::Host;
use super::keys::is_filled;
use super::namespace::{Namespace, Problem};
use super::{Function, Topic, argument};
use crate::script::json::parse_json;
use crate::script::limits;

pub(super) const TOPIC: Topic = Topic {
    name: "form",
    about: "Forms whose names have dots, as some senders write what other senders say in JSON.",
    functions: &[Function {
        signature: "form::nest(fields) -> map",
        about: "`items.0.price=9.5` becomes `#{ items: [#{ price: 9.5 }] }`: dots go down into \
                maps, numbers into arrays. A text that is JSON becomes its value, but for `0`, \
                `false`, `null` and `\"\"`, which stay texts, as does `00123`. Of a name that is \
                there twice the last counts. A name that leads more than 32 levels down stays as it \
                is, and so do the places of an array of more than 10,000 elements.",
        example: r#"form::nest(#{ "items.0.price": "9.5", id: "00123" }) == #{ items: [#{ price: 9.5 }], id: "00123" }"#,
    }],
    register,
};

/// Far deeper than any form, and cheap to build.
const MAX_LEVELS: usize = 32;

fn register(host: &mut Host) {
    Namespace::new(TOPIC.name).one("nest", nest).add_to(host);
}

/// What is being built: an array by its places, of which most may be missing.
enum Node {
    Leaf(Dynamic),
    Map(BTreeMap<Identifier, Node>),
    Array(BTreeMap<usize, Node>),
}

/// How much may still be made: a small form may ask for many maps and endless arrays.
struct Room {
    keys: usize,
    items: usize,
}

fn nest(fields: Dynamic) -> Result<Map, Problem> {
    let fields = argument::map("fields", fields)?;
    Ok(nested(fields))
}

/// Maps and arrays out of a form's fields.
pub fn nested(fields: Map) -> Map {
    let mut room = Room {
        keys: limits::MAP_KEYS,
        items: limits::JSON_ITEMS,
    };
    let mut top = BTreeMap::new();
    for (name, value) in fields {
        let levels = name.split('.').take(MAX_LEVELS + 1).count();
        let value = Node::Leaf(leaf(last(value), &mut room));
        if levels == 1 || levels > MAX_LEVELS || levels > room.keys {
            top.insert(name, value);
            continue;
        }
        room.keys -= levels;
        let mut parts = name.split('.');
        let first = parts.next().unwrap_or_default().into();
        let mut node = top.entry(first).or_insert(Node::Leaf(Dynamic::UNIT));
        for part in parts {
            node = node.inside(part);
        }
        *node = value;
    }
    let pairs = top.into_iter();
    pairs
        .map(|(name, node)| (name, node.build(&mut room)))
        .collect()
}

impl Node {
    /// The node of this name within, made if need be. What is no map and no array becomes one.
    fn inside(&mut self, part: &str) -> &mut Self {
        let missing = || Self::Leaf(Dynamic::UNIT);
        if matches!(self, Self::Leaf(_)) {
            *self = match place(part) {
                Some(_) => Self::Array(BTreeMap::new()),
                None => Self::Map(BTreeMap::new()),
            };
        }
        if let (Self::Array(items), None) = (&mut *self, place(part)) {
            let items = std::mem::take(items).into_iter();
            *self = Self::Map(items.map(|(at, item)| (name(at), item)).collect());
        }
        match self {
            Self::Array(items) => items
                .entry(place(part).unwrap_or_default())
                .or_insert_with(missing),
            Self::Map(map) => map.entry(part.into()).or_insert_with(missing),
            Self::Leaf(_) => self,
        }
    }

    fn build(self, room: &mut Room) -> Dynamic {
        let map: BTreeMap<Identifier, Self> = match self {
            Self::Leaf(value) => return value,
            Self::Map(map) => map,
            Self::Array(items) => {
                let length = items.last_key_value().map_or(0, |(last, _)| *last + 1);
                if length <= room.items {
                    room.items -= length;
                    return array(items, length, room);
                }
                items
                    .into_iter()
                    .map(|(at, item)| (name(at), item))
                    .collect()
            }
        };
        let pairs = map.into_iter();
        Dynamic::from_map(pairs.map(|(name, node)| (name, node.build(room))).collect())
    }
}

/// What is missing between two places is `()`.
fn array(items: BTreeMap<usize, Node>, length: usize, room: &mut Room) -> Dynamic {
    let mut array = rhai::Array::with_capacity(length);
    for (at, item) in items {
        array.resize(at, Dynamic::UNIT);
        array.push(item.build(room));
    }
    Dynamic::from_array(array)
}

fn name(place: usize) -> Identifier {
    place.to_string().into()
}

/// A place in an array. No array is as long as a number of more digits says.
fn place(part: &str) -> Option<usize> {
    let digits = (1..=9).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| part.parse().ok()).flatten()
}

/// `request.form` has an array where a name came more than once.
fn last(value: Dynamic) -> Dynamic {
    match value.as_array_ref() {
        Ok(values) => values.last().cloned().unwrap_or_default(),
        Err(_) => value.clone(),
    }
}

/// The value that a text is, if it is JSON and JavaScript takes it for true.
fn leaf(value: Dynamic, room: &mut Room) -> Dynamic {
    let parsed = match value.as_immutable_string_ref() {
        Ok(text) if may_be_json(&text) => parse_json(text.as_bytes()).ok(),
        _ => None,
    };
    let Some(parsed) = parsed.filter(is_filled) else {
        return value;
    };
    let keys = keys_in(&parsed);
    if keys > room.keys {
        return value;
    }
    room.keys -= keys;
    parsed
}

/// Most fields are words, which need no parser to tell.
fn may_be_json(text: &str) -> bool {
    let first = text.trim_start().bytes().next();
    first.is_some_and(|byte| matches!(byte, b'-' | b'0'..=b'9' | b'{' | b'[' | b'"' | b't'))
}

/// Keys and elements of a value, all the way down.
fn keys_in(value: &Dynamic) -> usize {
    if let Ok(map) = value.as_map_ref() {
        return map.values().map(|value| 1 + keys_in(value)).sum();
    }
    let items = value.as_array_ref();
    items.map_or(0, |items| items.iter().map(|item| 1 + keys_in(item)).sum())
}

#[cfg(test)]
mod tests {

    use proptest::prelude::*;

    use super::*;
    use crate::script::json::map_to_json;
    use crate::script::parse_query;

    fn json(form: &str) -> String {
        let map = nested(parse_query(form));
        String::from_utf8(map_to_json(&map).unwrap()).unwrap()
    }

    #[test]
    fn dots_go_down() {
        for (form, expected) in [
            ("a=1&b=x", r#"{"a":1,"b":"x"}"#),
            ("a.b.c=1", r#"{"a":{"b":{"c":1}}}"#),
            (
                "items.0.id=A&items.1.id=B",
                r#"{"items":[{"id":"A"},{"id":"B"}]}"#,
            ),
            ("items.2=x", r#"{"items":[null,null,"x"]}"#),
            ("a.0=1&a.x=2", r#"{"a":{"0":1,"x":2}}"#),
            ("a.x=2&a.0=1", r#"{"a":{"0":1,"x":2}}"#),
            ("a=1&a.b=2", r#"{"a":{"b":2}}"#),
            ("a..b=1&.c=2", r#"{"":{"c":2},"a":{"":{"b":1}}}"#),
            ("a[b]=1", r#"{"a[b]":1}"#),
            ("tag=a&tag=b", r#"{"tag":"b"}"#),
            ("flag&x=", r#"{"flag":"","x":""}"#),
            ("token=abc%3D%3D&u=a=b", r#"{"token":"abc==","u":"a=b"}"#),
        ] {
            assert_eq!(json(form), expected, "{form}");
        }
    }

    #[test]
    fn texts_that_are_json_become_values() {
        for (text, expected) in [
            ("99.99", "99.99"),
            ("00123", r#""00123""#),
            ("true", "true"),
            ("0", r#""0""#),
            ("-0", r#""-0""#),
            ("false", r#""false""#),
            ("null", r#""null""#),
            ("12345678901234567890", r#""12345678901234567890""#),
            ("9007199254740993", "9007199254740993"),
            ("true story", r#""true story""#),
            ("%22quoted%22", r#""quoted""#),
            ("%22%22", r#""\"\"""#),
            ("%7B%22a%22%3A%5B1%5D%7D", r#"{"a":[1]}"#),
            ("%7Ba", r#""{a""#),
            ("a%2Bb+c", r#""a+b c""#),
        ] {
            assert_eq!(json(&format!("v={text}")), format!(r#"{{"v":{expected}}}"#));
        }
    }

    #[test]
    fn what_asks_for_too_much_stays_as_it_is() {
        let deep = format!("{}=1", ["a"; 40].join("."));
        assert_eq!(json(&deep), format!(r#"{{"{}":1}}"#, ["a"; 40].join(".")));
        assert_eq!(json("a.99999999=1"), r#"{"a":{"99999999":1}}"#);
        assert_eq!(json("a.9999999999=1"), r#"{"a":{"9999999999":1}}"#);
        let arrays: Vec<String> = (0..20).map(|n| format!("a{n}.900=1")).collect();
        let text = json(&arrays.join("&"));
        assert!(text.contains(r#""a9":{"900":1}"#) && text.contains(r#""a0":[null,"#));
    }

    /// So many keys or elements that Rhai would refuse them are never made.
    #[test]
    fn what_comes_out_is_bounded() {
        let branches: Vec<String> = (0..9_000).map(|n| format!("{n}.b.c.d.e=1")).collect();
        let json = format!("%5B{}1%5D", "1,".repeat(5_000));
        let arrays: Vec<String> = (0..9).map(|n| format!("{n}={json}")).collect();
        for form in [branches.join("&"), arrays.join("&")] {
            let map = nested(parse_query(&form));
            assert!(keys_in(&Dynamic::from_map(map)) < 2 * limits::JSON_KEYS);
        }
    }

    proptest! {
        #[test]
        fn no_form_panics(form in "[a-c.0-9=&%\\[\\]{}\"]{0,80}", free in "\\PC{0,80}") {
            for form in [form, free] {
                drop(json(&form));
            }
        }
    }
}
