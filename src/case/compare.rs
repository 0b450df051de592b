//! Where what was made differs from what was expected, value by value. Pure.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use super::VARIES;
use super::expected::Expected;

/// Differences that are listed; the first few say what is wrong.
const MAX_DIFFERENCES: usize = 200;

/// One value that is another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// `event`, `delivery` or `answer`.
    pub what: &'static str,
    /// `events/0/value`, `deliveries/crm_order/0/request/body/total`.
    #[serde(rename = "where")]
    pub place: String,
    /// `changed`, `new`, `gone`.
    pub kind: &'static str,
    /// What was expected, or was made before.
    pub before: Option<Value>,
    /// What is made now.
    pub after: Option<Value>,
}

/// What differs. What is not expected at all is not compared.
pub fn differences(expected: &Expected, made: &Expected) -> Vec<Difference> {
    let mut found = Vec::new();
    if let (Some(before), Some(after)) = (&expected.events, &made.events) {
        let mut differ = Differ {
            what: "event",
            found: &mut found,
        };
        differ.values("events", Some(before), Some(after));
    }
    let before = expected.deliveries_by_name();
    let after = made.deliveries_by_name();
    if let (Some(before), Some(after)) = (before, after) {
        let mut differ = Differ {
            what: "delivery",
            found: &mut found,
        };
        let names = before.iter().chain(&after).map(|(name, _)| name.as_str());
        let mut seen = BTreeSet::new();
        for name in names.filter(|name| seen.insert(*name)) {
            let of = |list: &[(String, &Value)]| {
                let found = list.iter().find(|(known, _)| known == name);
                found.map(|(_, value)| (*value).clone())
            };
            let (before, after) = (of(&before), of(&after));
            let place = format!("deliveries/{name}");
            differ.values(&place, before.as_ref(), after.as_ref());
        }
    }
    found.truncate(MAX_DIFFERENCES);
    found
}

impl Difference {
    /// Of the answer to the sender.
    pub fn of_answer(place: &str, before: Value, after: Value) -> Self {
        Self {
            what: "answer",
            place: place.to_owned(),
            kind: "changed",
            before: Some(before),
            after: Some(after),
        }
    }
}

struct Differ<'a> {
    what: &'static str,
    found: &'a mut Vec<Difference>,
}

impl Differ<'_> {
    fn values(&mut self, place: &str, before: Option<&Value>, after: Option<&Value>) {
        match (before, after) {
            (Some(Value::Object(was)), Some(Value::Object(is))) => {
                let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
                for name in names {
                    self.values(&format!("{place}/{name}"), was.get(name), is.get(name));
                }
            }
            (Some(Value::Array(was)), Some(Value::Array(is))) => {
                for at in 0..was.len().max(is.len()) {
                    self.values(&format!("{place}/{at}"), was.get(at), is.get(at));
                }
            }
            (before, after) if is_same(before, after) => {}
            (before, after) => self.add(place, before, after),
        }
    }

    fn add(&mut self, place: &str, before: Option<&Value>, after: Option<&Value>) {
        let kind = match (before, after) {
            (None, _) => "new",
            (_, None) => "gone",
            _ => "changed",
        };
        self.found.push(Difference {
            what: self.what,
            place: place.to_owned(),
            kind,
            before: before.cloned(),
            after: after.cloned(),
        });
    }
}

/// What varies from run to run need not be expected, and if it is, only that it varies.
fn is_same(before: Option<&Value>, after: Option<&Value>) -> bool {
    let varies = |value: Option<&Value>| value.is_some_and(|value| value == VARIES);
    match (before, after) {
        (None, after) if varies(after) => true,
        (before, Some(_)) if varies(before) => true,
        (Some(Value::Number(one)), Some(Value::Number(other))) => one.as_f64() == other.as_f64(),
        (before, after) => before == after,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn expected(events: Value, deliveries: Value) -> Expected {
        Expected {
            events: Some(events),
            deliveries: Some(deliveries),
        }
    }

    #[test]
    fn each_value_that_differs_is_named() {
        let before = expected(
            json!([{ "a": 1, "b": [1, 2], "gone": true }]),
            json!([{ "tag": "t", "request": { "body": { "total": 1 } } }, { "tag": "u" }]),
        );
        let after = expected(
            json!([{ "a": 1.0, "b": [1, 3], "new": null }]),
            json!([{ "tag": "t", "request": { "body": { "total": "1" } } }, { "tag": "t" }]),
        );
        let found = differences(&before, &after);
        let found: Vec<_> = found.iter().map(|one| (&*one.place, one.kind)).collect();
        assert_eq!(
            found,
            [
                ("events/0/b/1", "changed"),
                ("events/0/gone", "gone"),
                ("events/0/new", "new"),
                ("deliveries/t/0/request/body/total", "changed"),
                ("deliveries/u/0", "gone"),
                ("deliveries/t/1", "new"),
            ]
        );
    }

    #[test]
    fn what_varies_need_not_be_expected() {
        let made = expected(json!([{ "id": VARIES, "at": VARIES, "n": 1 }]), json!([]));
        let same = expected(json!([{ "id": VARIES, "n": 1 }]), json!([]));
        assert_eq!(differences(&same, &made), []);
        let given = expected(json!([{ "id": "given", "n": VARIES }]), json!([]));
        let found = differences(&given, &made);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].place, "events/0/id");
        let silent = Expected::default();
        assert_eq!(differences(&silent, &made), []);
    }
}
