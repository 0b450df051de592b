//! Judges one event of an upload to Amplitude, field by field. It does not know the envelope.
//!
//! Texts over 1,024 characters pass: Amplitude cuts them and does not refuse them. A field that is
//! `null` counts as not sent.

use serde_json::{Map, Value};

use super::facts::FIELDS;
use crate::destination::fields;

/// What is wrong with one field of one event.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    pub(super) fault: Fault,
    pub(super) field: String,
    /// For a person; Amplitude itself names only the field.
    pub(super) why: String,
}

/// The kinds of flaws that Amplitude tells apart, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    Missing,
    Invalid,
    ShortId,
}

impl Fault {
    pub(super) fn error(self) -> &'static str {
        match self {
            Self::Missing => "Request missing required field",
            Self::Invalid => "Invalid field values on some events",
            Self::ShortId => "Invalid id length for user_id or device_id",
        }
    }

    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Missing => "events_with_missing_fields",
            Self::Invalid => "events_with_invalid_fields",
            Self::ShortId => "events_with_invalid_id_lengths",
        }
    }
}

/// Ids that Amplitude answers with 400, because they are a bug of the sender.
const REFUSED_IDS: [&str; 14] = [
    "anonymous",
    "nil",
    "none",
    "null",
    "n/a",
    "na",
    "undefined",
    "unknown",
    "",
    "00000000-0000-0000-0000-000000000000",
    "{}",
    "lmy47d",
    "0",
    "-1",
];

const OPERATIONS: [&str; 10] = [
    "$set",
    "$setOnce",
    "$add",
    "$append",
    "$prepend",
    "$unset",
    "$preInsert",
    "$postInsert",
    "$remove",
    "$clearAll",
];

/// "Object depth may not exceed 40 layers."
const MAX_DEPTH: usize = 40;

type Event = Map<String, Value>;

/// Everything that is wrong with an event; nothing if Amplitude takes it.
pub(super) fn check(event: &Event, min_id_length: u64) -> Vec<Flaw> {
    let mut flaws = wrong_types(event);
    if text(event, "event_type") == Some("") || sent(event, "event_type").is_none() {
        flaws.push(flaw(Fault::Missing, "event_type", "every event needs it"));
    }
    check_ids(event, min_id_length, &mut flaws);
    check_revenue(event, &mut flaws);
    check_properties(event, "user_properties", "$identify", &mut flaws);
    check_properties(event, "group_properties", "$groupidentify", &mut flaws);
    if text(event, "event_type") == Some("$groupidentify") && sent(event, "groups").is_none() {
        flaws.push(flaw(
            Fault::Missing,
            "groups",
            "$groupidentify is about groups",
        ));
    }
    if sent(event, "event_properties").is_some_and(|value| depth(value) > MAX_DEPTH) {
        flaws.push(flaw(
            Fault::Invalid,
            "event_properties",
            "deeper than 40 layers",
        ));
    }
    flaws
}

/// An id that Amplitude keeps: a shorter one it drops from the event.
pub(super) fn id<'a>(event: &'a Event, field: &str, min_id_length: u64) -> Option<&'a str> {
    text(event, field).filter(|id| id.chars().count() as u64 >= min_id_length)
}

fn check_ids(event: &Event, min_id_length: u64, flaws: &mut Vec<Flaw>) {
    let ids = ["user_id", "device_id"];
    for field in ids {
        if text(event, field).is_some_and(|id| REFUSED_IDS.contains(&id)) {
            flaws.push(flaw(Fault::Invalid, field, "an id that Amplitude refuses"));
            return;
        }
    }
    if ids.iter().all(|field| sent(event, field).is_none()) {
        flaws.push(flaw(
            Fault::Missing,
            "user_id",
            "user_id or device_id is needed",
        ));
        return;
    }
    let is_kept = |field: &&str| id(event, field, min_id_length).is_some();
    if ids.iter().any(is_kept) {
        return;
    }
    for field in ids {
        if text(event, field).is_some() {
            let why = "too short, and no other id is left (options.min_id_length)";
            flaws.push(flaw(Fault::ShortId, field, why));
        }
    }
}

/// A quantity alone is no revenue, but harmless; without price or revenue the other two are lost.
fn check_revenue(event: &Event, flaws: &mut Vec<Flaw>) {
    let has_amount = sent(event, "price").or(sent(event, "revenue")).is_some();
    for field in ["productId", "revenueType"] {
        if sent(event, field).is_some() && !has_amount {
            let why = "productId and revenueType need a price and quantity, or a revenue";
            flaws.push(flaw(Fault::Missing, "price", why));
            break;
        }
    }
    let is_code = |code: &str| code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase());
    if text(event, "currency").is_some_and(|code| !is_code(code)) {
        let why = "not a code of ISO 4217 in three upper-case letters";
        flaws.push(flaw(Fault::Invalid, "currency", why));
    }
}

/// Operations are for `$identify` and `$groupidentify` alone, and do not mix with plain keys.
fn check_properties(event: &Event, field: &'static str, owner: &str, flaws: &mut Vec<Flaw>) {
    let Some(Value::Object(properties)) = sent(event, field) else {
        return;
    };
    let is_owner = text(event, "event_type") == Some(owner);
    let operations = properties
        .keys()
        .filter(|key| OPERATIONS.contains(&key.as_str()))
        .count();
    let why = if depth(event.get(field).unwrap_or(&Value::Null)) > MAX_DEPTH {
        "deeper than 40 layers"
    } else if operations > 0 && !is_owner {
        "operations such as $set are for identify events"
    } else if operations > 0 && operations < properties.len() {
        "operations and plain keys do not mix"
    } else if is_owner && properties.keys().any(|key| key.starts_with('$')) && operations == 0 {
        "no such operation"
    } else if properties.iter().any(|(key, value)| !is_lawful(key, value)) {
        "an operation needs an object, and $add needs numbers"
    } else {
        return;
    };
    flaws.push(flaw(Fault::Invalid, field, why));
}

/// What is wrong with the properties of an identification, which are as those of such an event.
pub(super) fn wrong_properties(item: &Event, field: &'static str, owner: &str) -> Vec<String> {
    let mut event = item.clone();
    event.insert("event_type".to_owned(), owner.into());
    let mut flaws = Vec::new();
    check_properties(&event, field, owner, &mut flaws);
    let told = flaws
        .iter()
        .map(|flaw| format!("{}: {}", flaw.field, flaw.why));
    told.collect()
}

fn is_lawful(key: &str, value: &Value) -> bool {
    match key {
        // Its value has no meaning; Amplitude's own SDKs send "-".
        "$clearAll" => true,
        "$add" => value
            .as_object()
            .is_some_and(|numbers| numbers.values().all(Value::is_number)),
        key if OPERATIONS.contains(&key) => value.is_object(),
        _ => true,
    }
}

/// Fields beyond the documented ones are let through, as Amplitude does.
fn wrong_types(event: &Event) -> Vec<Flaw> {
    let found = fields::flaws(FIELDS, event).into_iter();
    found
        .filter(|found| found.fault == fields::Fault::Wrong)
        .map(|found| Flaw {
            fault: Fault::Invalid,
            field: found.path,
            why: found.why,
        })
        .collect()
}

fn flaw(fault: Fault, field: &str, why: &str) -> Flaw {
    Flaw {
        fault,
        field: field.to_owned(),
        why: why.to_owned(),
    }
}

fn sent<'a>(event: &'a Event, field: &str) -> Option<&'a Value> {
    event.get(field).filter(|value| !value.is_null())
}

fn text<'a>(event: &'a Event, field: &str) -> Option<&'a str> {
    event.get(field).and_then(Value::as_str)
}

/// Layers of objects and arrays. Bounded by the JSON parser, which stops at 128.
fn depth(value: &Value) -> usize {
    match value {
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Fault, REFUSED_IDS, check};

    fn flaws(event: &Value) -> Vec<(Fault, String)> {
        check(event.as_object().unwrap(), 5)
            .into_iter()
            .map(|flaw| (flaw.fault, flaw.field))
            .collect()
    }

    #[test]
    fn every_refused_id_is_refused_in_both_fields_and_beside_a_good_one() {
        for id in REFUSED_IDS {
            let user = json!({ "event_type": "x", "user_id": id, "device_id": "d-00001" });
            assert_eq!(
                flaws(&user),
                [(Fault::Invalid, "user_id".to_owned())],
                "{id}"
            );
            let device = json!({ "event_type": "x", "user_id": "u-00001", "device_id": id });
            assert_eq!(
                flaws(&device),
                [(Fault::Invalid, "device_id".to_owned())],
                "{id}"
            );
        }
    }

    #[test]
    fn forty_layers_pass_and_one_more_does_not() {
        let nested = |layers: usize| (1..layers).fold(json!({}), |inner, _| json!({ "a": inner }));
        for field in ["event_properties", "user_properties"] {
            let mut event = json!({ "event_type": "x", "user_id": "u-00001" });
            event[field] = nested(40);
            assert_eq!(flaws(&event), []);
            event[field] = nested(41);
            assert_eq!(flaws(&event).len(), 1, "{field}");
        }
    }

    #[test]
    fn a_long_text_passes_because_amplitude_cuts_it() {
        let long = "x".repeat(1025);
        assert_eq!(
            flaws(&json!({ "event_type": "x", "user_id": long, "city": long })),
            []
        );
    }
}
