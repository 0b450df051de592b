//! `BATCH`: where a sender puts many calls into one body, as Segment's libraries do. A long batch is
//! handed to `parse` in parts, each of which has the time and the limits of a call of its own: so a batch
//! costs no more than its parts that came one by one. What is in the calls is the script's business.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::parse::MAX_EVENTS;

/// The calls of a part: a slow machine makes so many in the time of one call of `parse`.
const PART_CALLS: usize = 25;

/// The bytes of a part's calls, if it has more than one: so many can hold fewer keys than JSON may have.
const PART_BYTES: usize = 32 * 1024;

/// An object's keys and the text of their values, in order.
struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

/// The bodies of the parts, each whole JSON with what stands beside the batch; nothing if it is short, or
/// if it is no JSON with an array of that name, which is the script's to say.
///
/// # Errors
/// What is too much, for the sender.
pub(super) fn split(body: &[u8], key: &str) -> Result<Option<Vec<Bytes>>, String> {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    let Ok(Fields(fields)) = serde_json::from_slice::<Fields<'_>>(body) else {
        return Ok(None);
    };
    let batch = fields.iter().rev().find(|(name, _)| name == key);
    let calls =
        batch.and_then(|(_, value)| serde_json::from_str::<Vec<&RawValue>>(value.get()).ok());
    let Some(calls) = calls else {
        return Ok(None);
    };
    let parts = parts(&calls);
    if parts.len() < 2 {
        return Ok(None);
    }
    if calls.len() > MAX_EVENTS {
        let count = calls.len();
        return Err(format!(
            "{key} has {count} elements, the most is {MAX_EVENTS}"
        ));
    }
    let others = fields.iter().filter(|(name, _)| name != key);
    let mut start = String::from("{");
    for (name, value) in others {
        let name = serde_json::to_string(name).unwrap_or_default();
        start.push_str(&format!("{name}:{value},"));
    }
    // It is copied into every part.
    if start.len() > PART_BYTES {
        return Err(format!("what stands beside {key} may have 32 KiB"));
    }
    let key = serde_json::to_string(key).unwrap_or_default();
    let written = parts.into_iter().map(|part| {
        let calls: Vec<&str> = part.iter().map(|call| call.get()).collect();
        Bytes::from(format!("{start}{key}:[{}]}}", calls.join(",")))
    });
    Ok(Some(written.collect()))
}

fn parts<'a, 'b>(calls: &'b [&'a RawValue]) -> Vec<&'b [&'a RawValue]> {
    let mut parts = Vec::new();
    let mut rest = calls;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = rest.iter().take(PART_CALLS).take_while(|call| {
            bytes += call.get().len();
            bytes <= PART_BYTES
        });
        let (part, behind) = rest.split_at(fits.count().max(1));
        parts.push(part);
        rest = behind;
    }
    parts
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ReadFields)
    }
}

struct ReadFields;

/// A key without a copy where it has no escapes.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Visitor<'de> for ReadFields {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some((Key(name), value)) = map.next_entry::<Key<'de>, &RawValue>()? {
            fields.push((name, value));
        }
        Ok(Fields(fields))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn bodies(body: &str) -> Option<Vec<Value>> {
        let parts = split(body.as_bytes(), "batch").unwrap()?;
        Some(
            parts
                .iter()
                .map(|part| serde_json::from_slice(part).unwrap())
                .collect(),
        )
    }

    #[test]
    fn what_is_short_or_no_batch_stays_whole() {
        let short = json!({ "batch": vec![1; PART_CALLS] }).to_string();
        let one = json!({ "batch": ["x".repeat(2 * PART_BYTES)], "a": 1 }).to_string();
        let many = format!("[{}1]", "1,".repeat(1_000));
        let elsewhere = format!("{{\"a\":{{\"batch\":{many}}}}}");
        let cut = format!("{{\"batch\":{many}");
        for body in [
            &short,
            &one,
            &many,
            &elsewhere,
            &cut,
            "",
            "{}",
            "{\"batch\":5}",
            "\u{feff}",
        ] {
            assert_eq!(bodies(body), None, "{body:.40}");
        }
    }

    #[test]
    fn a_long_batch_comes_in_parts_with_what_stands_beside_it() {
        let calls: Vec<usize> = (0..60).collect();
        let body = format!(
            "\u{feff}{{\"a\\n\":1,\"a\\n\":2,\"batch\":7,\"batch\":{calls:?}, \"b\" : {{\"c\": []}} }}"
        );
        let parts = bodies(&body).unwrap();
        let expected = calls
            .chunks(PART_CALLS)
            .map(|calls| json!({ "a\n": 2, "b": { "c": [] }, "batch": calls }));
        assert!(parts.iter().eq(&expected.collect::<Vec<_>>()), "{parts:?}");
    }

    #[test]
    fn a_part_has_32_kib_or_one_call() {
        let sizes = [10_000, 10_000, 20_000, 40_000, 5, 5];
        let calls = sizes.map(|size| "x".repeat(size));
        let parts = bodies(&json!({ "batch": calls }).to_string()).unwrap();
        let counts: Vec<_> = parts
            .iter()
            .map(|part| part["batch"].as_array().unwrap().len())
            .collect();
        assert_eq!(counts, [2, 1, 1, 2]);
    }

    #[test]
    fn what_is_too_much_is_refused() {
        let many = json!({ "batch": vec![1; MAX_EVENTS + 1] }).to_string();
        let beside = json!({ "batch": vec![1; 60], "a": "x".repeat(PART_BYTES) }).to_string();
        for (body, why) in [(many, "the most is 2500"), (beside, "beside batch")] {
            let refused = split(body.as_bytes(), "batch").unwrap_err();
            assert!(refused.contains(why), "{refused}");
        }
    }

    /// However a body is made, what is written for its parts is bounded by what it has itself.
    #[test]
    fn parts_are_not_much_more_than_the_body() {
        for (call, count, beside) in [
            ("1", 2_500, 32_000),
            ("\"x\"", 26, 32_000),
            ("[]", 2_500, 0),
        ] {
            let calls = vec![call; count].join(",");
            let body = format!("{{\"a\":\"{}\",\"batch\":[{calls}]}}", "x".repeat(beside));
            let parts = split(body.as_bytes(), "batch").unwrap().unwrap();
            assert_eq!(parts.len(), count.div_ceil(PART_CALLS));
            let written: usize = parts.iter().map(Bytes::len).sum();
            assert!(
                written <= body.len() + parts.len() * (beside + 30),
                "{written}"
            );
        }
    }
}
