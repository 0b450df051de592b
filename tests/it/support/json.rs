//! Reading JSON files of `tests/data`, and comparing where only a part is expected.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// A file of `tests/data`.
pub(crate) fn data(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Objects may have more keys than expected; everything else must be equal.
pub(crate) fn assert_contains(actual: &Value, expected: &Value) {
    if let Some(place) = difference(actual, expected, "") {
        panic!("differs at {place}\n  actual: {actual}\nexpected: {expected}");
    }
}

fn difference(actual: &Value, expected: &Value, place: &str) -> Option<String> {
    match (actual, expected) {
        (Value::Object(actual), Value::Object(expected)) => {
            expected.iter().find_map(|(key, expected)| {
                let place = format!("{place}.{key}");
                match actual.get(key) {
                    Some(actual) => difference(actual, expected, &place),
                    None => Some(place),
                }
            })
        }
        (Value::Array(actual), Value::Array(expected)) if actual.len() == expected.len() => {
            let mut pairs = actual.iter().zip(expected).enumerate();
            pairs.find_map(|(at, (actual, expected))| {
                difference(actual, expected, &format!("{place}[{at}]"))
            })
        }
        _ => (actual != expected).then(|| place.to_owned()),
    }
}
