//! The known keys of a payload as data, and what is wrong with a payload by them. It knows the
//! form of values; rules between fields are in the vendors' files.

use serde_json::{Map, Value};

use crate::config::suggest;

/// A documented key of what a tag returns.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Where it is: `event_type`, `user_data.em`, or `items[].price` for a key of each item.
    pub path: &'static str,
    /// What its value looks like.
    pub shape: Shape,
    /// True if the vendor refuses a payload without it. Of a key in a map that is not there itself,
    /// it says nothing.
    pub is_required: bool,
    /// What it is, in a few words.
    pub about: &'static str,
}

/// A key that may be left out.
pub(super) const fn field(path: &'static str, shape: Shape, about: &'static str) -> Field {
    Field {
        path,
        shape,
        is_required: false,
        about,
    }
}

/// A key that must be there.
pub(super) const fn required(path: &'static str, shape: Shape, about: &'static str) -> Field {
    Field {
        is_required: true,
        ..field(path, shape, about)
    }
}

/// What a value looks like. `null` counts as left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Anything.
    Any,
    /// A text.
    Text,
    /// A text that is not empty, of at most so many characters.
    TextUpTo(usize),
    /// A number.
    Number,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Flag,
    /// A map, with keys beyond those that are listed.
    Object,
    /// A map with the listed keys and no others.
    Closed,
    /// A list.
    List,
    /// A list of at most so many.
    ListUpTo(usize),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A SHA-256 as 64 lower-case hex digits.
    Hash,
    /// One such hash, or a list of them.
    Hashes,
    /// A list of such hashes.
    HashList,
    /// A text, or a list of them.
    Texts,
    /// A text or a number.
    TextOrNumber,
    /// An amount as text: `"12.50"`.
    Amount,
    /// A currency: three upper-case letters of ISO 4217.
    Currency,
    /// The address of a page: http or https.
    Url,
}

/// What is wrong with one key of a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Which: `user_data.em`, `items[2].price`.
    pub path: String,
    /// In which way.
    pub fault: Fault,
    /// What is wrong, for a person: `must be a text, not a number`.
    pub why: String,
}

/// In which way a key is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// It is not there.
    Missing,
    /// Its value has the wrong form.
    Wrong,
    /// No such key is known.
    Unknown,
}

impl std::fmt::Display for Flaw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path, self.why)
    }
}

/// Everything that is wrong with a payload by its table; unknown keys of the payload itself are
/// left to [`unknown_keys`].
pub fn flaws(fields: &[Field], payload: &Map<String, Value>) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    for field in fields {
        look(field, field.path, payload, "", &mut flaws);
        if field.shape == Shape::Closed {
            look_closed(fields, field.path, payload, &mut flaws);
        }
    }
    flaws
}

/// The keys of a payload that the table does not know, with a suggestion where one is near.
pub fn unknown_keys(fields: &[Field], payload: &Map<String, Value>) -> Vec<Flaw> {
    strangers(&children(fields, ""), payload, "")
}

/// The keys that may stand in the map at `path`; of the payload itself, if it is empty.
pub fn children(fields: &[Field], path: &str) -> Vec<&'static str> {
    let mut found = Vec::new();
    for field in fields {
        let rest = match path {
            "" => Some(field.path),
            path => field
                .path
                .strip_prefix(path)
                .and_then(|rest| rest.strip_prefix('.')),
        };
        let key = rest.and_then(|rest| rest.split('.').next());
        let Some(key) = key.map(|key| key.trim_end_matches("[]")) else {
            continue;
        };
        if !found.contains(&key) {
            found.push(key);
        }
    }
    found
}

/// Goes down the path of a field, through each item of a list, and looks at the value there.
fn look(field: &Field, path: &str, map: &Map<String, Value>, above: &str, flaws: &mut Vec<Flaw>) {
    let (step, rest) = match path.split_once('.') {
        Some((step, rest)) => (step, Some(rest)),
        None => (path, None),
    };
    let key = step.trim_end_matches("[]");
    let here = format!("{above}{key}");
    let value = map.get(key).filter(|value| !value.is_null());
    match (rest, value) {
        (None, None) if field.is_required => flaws.push(Flaw {
            path: here,
            fault: Fault::Missing,
            why: "is missing".to_owned(),
        }),
        // What each item must be; that it is a list is another entry of the table.
        (None, Some(value)) if step.ends_with("[]") => {
            for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                flaws.extend(wrong(field.shape, item).map(|why| Flaw {
                    path: format!("{here}[{index}]"),
                    fault: Fault::Wrong,
                    why,
                }));
            }
        }
        (None, Some(value)) => flaws.extend(wrong(field.shape, value).map(|why| Flaw {
            path: match bad_item(field.shape, value) {
                Some((index, ..)) => format!("{here}[{index}]"),
                None => here,
            },
            fault: Fault::Wrong,
            why,
        })),
        (Some(rest), Some(Value::Object(inner))) => {
            look(field, rest, inner, &format!("{here}."), flaws);
        }
        (Some(rest), Some(Value::Array(items))) if step.ends_with("[]") => {
            for (index, item) in items.iter().enumerate() {
                if let Value::Object(item) = item {
                    look(field, rest, item, &format!("{here}[{index}]."), flaws);
                }
            }
        }
        _ => {}
    }
}

/// Finds every map at the path of a closed field and looks for strangers in it.
fn look_closed(
    fields: &[Field],
    path: &'static str,
    payload: &Map<String, Value>,
    flaws: &mut Vec<Flaw>,
) {
    let known = children(fields, path);
    let mut places: Vec<(String, &Value)> = Vec::new();
    let mut maps: Vec<(String, &Map<String, Value>)> = vec![(String::new(), payload)];
    for step in path.split('.') {
        let key = step.trim_end_matches("[]");
        places.clear();
        for (above, map) in &maps {
            match map.get(key) {
                Some(Value::Array(items)) if step.ends_with("[]") => {
                    let items = items.iter().enumerate();
                    places.extend(items.map(|(i, item)| (format!("{above}{key}[{i}]."), item)));
                }
                Some(value) => places.push((format!("{above}{key}."), value)),
                None => {}
            }
        }
        maps = places
            .iter()
            .filter_map(|(above, value)| Some((above.clone(), value.as_object()?)))
            .collect();
    }
    for (above, map) in maps {
        flaws.extend(strangers(&known, map, &above));
    }
}

fn strangers(known: &[&'static str], map: &Map<String, Value>, above: &str) -> Vec<Flaw> {
    let unknown = map.keys().filter(|key| !known.contains(&key.as_str()));
    let flaw = |key: &String| Flaw {
        path: format!("{above}{key}"),
        fault: Fault::Unknown,
        why: match suggest(key, known.iter().copied()) {
            Some(hint) => format!("is not a known key; {hint}"),
            None => "is not a known key".to_owned(),
        },
    };
    unknown.map(flaw).collect()
}

/// Why a value does not have a shape.
fn wrong(shape: Shape, value: &Value) -> Option<String> {
    let text = value.as_str();
    let is_right = match shape {
        Shape::Any => true,
        Shape::Text => text.is_some(),
        Shape::TextUpTo(most) => return wrong_length(value, most),
        Shape::Number => value.is_number(),
        Shape::Integer => value.is_i64() || value.is_u64(),
        Shape::Flag => value.is_boolean(),
        Shape::Object | Shape::Closed => value.is_object(),
        Shape::List => value.is_array(),
        Shape::ListUpTo(most) => return wrong_count(value, most),
        Shape::OneOf(words) => text.is_some_and(|text| words.contains(&text)),
        Shape::Hash => is_hash(value),
        Shape::Hashes if !value.is_array() => is_hash(value),
        Shape::Texts if !value.is_array() => value.is_string(),
        Shape::Hashes | Shape::HashList | Shape::Texts => {
            value.is_array() && bad_item(shape, value).is_none()
        }
        Shape::TextOrNumber => value.is_string() || value.is_number(),
        Shape::Amount => text.is_some_and(is_amount),
        Shape::Currency => text.is_some_and(is_currency),
        Shape::Url => text.is_some_and(is_url),
    };
    (!is_right).then(|| match (shape, bad_item(shape, value)) {
        (Shape::OneOf(words), _) => format!("must be one of {}", words.join(", ")),
        (_, Some((_, shape, item))) => not(shape, item),
        (shape, None) => not(shape, value),
    })
}

fn not(shape: Shape, value: &Value) -> String {
    format!("must be {}, not {}", shape.words(), kind(value))
}

/// The item of a list that spoils it, where a list may stand: its place, and what it must be.
fn bad_item(shape: Shape, value: &Value) -> Option<(usize, Shape, &Value)> {
    let (shape, is_right): (Shape, fn(&Value) -> bool) = match shape {
        Shape::Hashes | Shape::HashList => (Shape::Hash, is_hash),
        Shape::Texts => (Shape::Text, Value::is_string),
        _ => return None,
    };
    let mut items = value.as_array()?.iter().enumerate();
    let (index, item) = items.find(|(_, item)| !is_right(item))?;
    Some((index, shape, item))
}

impl Shape {
    /// What it is, for people: `a text`.
    pub fn words(self) -> String {
        let words = match self {
            Self::Any => "anything",
            Self::Text => "a text",
            Self::TextUpTo(most) => return format!("a text of 1 to {most} characters"),
            Self::Number => "a number",
            Self::Integer => "a whole number",
            Self::Flag => "true or false",
            Self::Object => "a map",
            Self::Closed => "a map with the known keys only",
            Self::List => "a list",
            Self::ListUpTo(most) => return format!("a list of at most {most}"),
            Self::OneOf(words) => return format!("one of {}", words.join(", ")),
            Self::Hash => "a SHA-256 in 64 lower-case hex digits",
            Self::Hashes => "a SHA-256 in 64 lower-case hex digits, or a list of such",
            Self::HashList => "a list of SHA-256 in 64 lower-case hex digits",
            Self::Texts => "a text or a list of texts",
            Self::TextOrNumber => "a text or a number",
            Self::Amount => "an amount as text, such as \"12.50\"",
            Self::Currency => "a currency in three upper-case letters",
            Self::Url => "an address with http:// or https://",
        };
        words.to_owned()
    }
}

fn wrong_length(value: &Value, most: usize) -> Option<String> {
    let Some(text) = value.as_str() else {
        return Some(format!("must be a text, not {}", kind(value)));
    };
    match text.chars().count() {
        0 => Some("is empty".to_owned()),
        count if count > most => Some(format!("has {count} characters, the most is {most}")),
        _ => None,
    }
}

fn wrong_count(value: &Value, most: usize) -> Option<String> {
    let Some(items) = value.as_array() else {
        return Some(format!("must be a list, not {}", kind(value)));
    };
    (items.len() > most).then(|| format!("has {} items, the most is {most}", items.len()))
}

/// What a value is, for people: `a number`.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(number) if number.is_f64() => "a number with a fraction",
        Value::Number(_) => "a number",
        Value::String(text) if text.is_empty() => "an empty text",
        Value::String(_) => "this text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

fn is_hash(value: &Value) -> bool {
    value.as_str().is_some_and(|text| {
        text.len() == 64
            && text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

fn is_amount(text: &str) -> bool {
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    match text.split_once('.') {
        Some((whole, part)) => is_digits(whole) && is_digits(part),
        None => is_digits(text),
    }
}

fn is_currency(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn is_url(text: &str) -> bool {
    text.parse::<http::Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|host| !host.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const FIELDS: &[Field] = &[
        required("name", Shape::TextUpTo(5), ""),
        field("count", Shape::Integer, ""),
        field("user", Shape::Closed, ""),
        field("user.em", Shape::Hashes, ""),
        field("user.ph", Shape::HashList, ""),
        field("user.id", Shape::Texts, ""),
        field("items", Shape::ListUpTo(2), ""),
        field("items[]", Shape::Object, ""),
        required("items[].id", Shape::Text, ""),
        field("items[].price", Shape::Amount, ""),
    ];

    fn told(payload: &Value) -> Vec<String> {
        let payload = payload.as_object().unwrap();
        let mut all = flaws(FIELDS, payload);
        all.extend(unknown_keys(FIELDS, payload));
        all.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_payload_is_judged_key_by_key() {
        let hash = "a".repeat(64);
        for (payload, expected) in [
            (json!({ "name": "a", "count": null }), vec![]),
            (json!({}), vec!["name: is missing"]),
            (json!({ "name": "" }), vec!["name: is empty"]),
            (
                json!({ "name": "öäüßéé" }),
                vec!["name: has 6 characters, the most is 5"],
            ),
            (
                json!({ "name": "a", "count": 1.5, "nmae": 1 }),
                vec![
                    "count: must be a whole number, not a number with a fraction",
                    "nmae: is not a known key; did you mean `name`?",
                ],
            ),
            (
                json!({ "name": "a", "user": { "em": [hash, "x"], "xx": 1 } }),
                vec![
                    "user.xx: is not a known key",
                    "user.em[1]: must be a SHA-256 in 64 lower-case hex digits, not this text",
                ],
            ),
            (
                json!({ "name": "a", "user": { "em": hash, "ph": hash, "id": ["x", 5] } }),
                vec![
                    "user.ph: must be a list of SHA-256 in 64 lower-case hex digits, not this text",
                    "user.id[1]: must be a text, not a number",
                ],
            ),
            (
                json!({ "name": "a", "items": [{ "id": "1", "price": "1.5" }, { "price": 1 }] }),
                vec![
                    "items[1].id: is missing",
                    "items[1].price: must be an amount as text, such as \"12.50\", not a number",
                ],
            ),
            (
                json!({ "name": "a", "items": [{ "id": "1" }, 2] }),
                vec!["items[1]: must be a map, not a number"],
            ),
        ] {
            assert_eq!(told(&payload), expected, "{payload}");
        }
    }

    #[test]
    fn children_are_the_keys_of_one_map() {
        assert_eq!(children(FIELDS, ""), ["name", "count", "user", "items"]);
        assert_eq!(children(FIELDS, "items[]"), ["id", "price"]);
    }
}
