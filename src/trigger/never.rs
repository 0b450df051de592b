//! Triggers that no event can pass: conditions that exclude each other, an `EXCEPT` that blocks whatever
//! `WHEN` lets through, a schedule that ends before it begins. Only what is certain from the header
//! alone; what the clients make is not known here.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::Trigger;
use super::condition::{Condition, Operator, compare_numbers};
use crate::script::Value;
use crate::script::value::number;

/// Why no event can pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Never {
    /// The header constant that is to be changed.
    pub constant: &'static str,
    /// What is wrong.
    pub why: String,
    /// How to mend it.
    pub hint: &'static str,
}

/// The key that `ON` is about.
const EVENT_NAME: &str = "event_name";

impl Trigger {
    /// Why no event of these names can pass, if none can; `None` for names stands for any.
    pub fn never(&self, names: Option<&[&str]>) -> Option<Never> {
        if self
            .from
            .zip(self.until)
            .is_some_and(|(from, until)| from >= until)
        {
            return Some(Never {
                constant: "UNTIL",
                why: "it ends before FROM begins, so the tag can never fire".to_owned(),
                hint: "the tag fires from FROM until just before UNTIL",
            });
        }
        let mut keys: BTreeMap<&str, Key<'_>> = BTreeMap::new();
        for condition in &self.when {
            keys.entry(&condition.key).or_default().when.push(condition);
        }
        for condition in &self.except {
            keys.entry(&condition.key)
                .or_default()
                .except
                .push(condition);
        }
        keys.iter()
            .find_map(|(key, of_key)| of_key.never(key, names))
    }
}

/// The conditions on one key.
#[derive(Default)]
struct Key<'a> {
    when: Vec<&'a Condition>,
    except: Vec<&'a Condition>,
}

impl Key<'_> {
    fn never(&self, key: &str, names: Option<&[&str]>) -> Option<Never> {
        if let Some(empty) = self.when.iter().find(|one| one.has_no_choice()) {
            return Some(Never {
                constant: "WHEN",
                why: format!("`{key}` {empty} holds for no value, so the tag can never fire"),
                hint: "name the values, or leave the condition out",
            });
        }
        let names = names.filter(|_| key == EVENT_NAME);
        if !self.fits_none(names) && !self.is_empty_range() && !self.is_absent() {
            return self.is_repeated().then(|| Never {
                constant: "EXCEPT",
                why: format!("it blocks what WHEN asks of `{key}`, so the tag can never fire"),
                hint: "take the condition out of one of the two",
            });
        }
        Some(match (names, self.when.is_empty()) {
            (Some(_), false) => Never {
                constant: "WHEN",
                why: format!(
                    "{} fits none of the names in ON, so the tag can never fire",
                    self.said(key)
                ),
                hint: "ON says which events; leave the condition out",
            },
            (_, true) => Never {
                constant: "EXCEPT",
                why: format!("{} blocks every event that ON lets through", self.said(key)),
                hint: "take the name out of ON, or the condition out of EXCEPT",
            },
            _ => Never {
                constant: "WHEN",
                why: format!(
                    "{} exclude each other, so the tag can never fire",
                    self.said(key)
                ),
                hint: "all conditions of WHEN must hold at once, and none of EXCEPT",
            },
        })
    }

    /// What the conditions say, for a person: `` `value` gt 100 and lt 50 ``.
    fn said(&self, key: &str) -> String {
        let when = self.when.iter().map(|condition| condition.to_string());
        let except = self
            .except
            .iter()
            .map(|condition| format!("except {condition}"));
        let all: Vec<String> = when.chain(except).collect();
        format!("`{key}` {}", all.join(" and "))
    }

    /// True if the value can be one of a few only, and none of these passes.
    fn fits_none(&self, names: Option<&[&str]>) -> bool {
        let named: Option<Vec<Value>> = names.map(|names| {
            names
                .iter()
                .map(|name| Value::from((*name).to_owned()))
                .collect()
        });
        let choices = self.when.iter().filter_map(|condition| condition.choices());
        let mut sets = choices.chain(named);
        let all_fit = self.when.len() + self.except.len() + usize::from(names.is_some()) > 1;
        all_fit
            && sets.any(|set| {
                !set.iter()
                    .flat_map(in_both_kinds)
                    .any(|value| self.passes(&value, names))
            })
    }

    fn passes(&self, value: &Value, names: Option<&[&str]>) -> bool {
        let is_named = names.is_none_or(|names| names.contains(&value.to_string().as_str()));
        is_named
            && self.when.iter().all(|condition| condition.fits(value))
            && !self.except.iter().any(|condition| condition.fits(value))
    }

    /// True if no number is in all ranges.
    fn is_empty_range(&self) -> bool {
        let bounds = |operators: [Operator; 2]| {
            let of = self
                .when
                .iter()
                .filter(move |condition| operators.contains(&condition.operator) && !condition.not);
            of.copied().collect::<Vec<&Condition>>()
        };
        let above = bounds([Operator::Gt, Operator::Gte]);
        let below = bounds([Operator::Lt, Operator::Lte]);
        above.iter().any(|low| {
            below.iter().any(|high| {
                let is_open = low.operator == Operator::Gt || high.operator == Operator::Lt;
                match compare_numbers(&low.expected, &high.expected) {
                    Some(Ordering::Greater) => true,
                    Some(Ordering::Equal) => is_open,
                    _ => false,
                }
            })
        })
    }

    /// True if the value must be missing and must not be.
    fn is_absent(&self) -> bool {
        let must_be_missing = self.when.iter().any(|condition| condition.wants_absence())
            || self
                .except
                .iter()
                .any(|condition| condition.wants_presence_only());
        must_be_missing && self.when.iter().any(|condition| condition.wants_presence())
    }

    /// True if a condition stands in both.
    fn is_repeated(&self) -> bool {
        self.when
            .iter()
            .any(|when| self.except.iter().any(|except| when.is_same_as(except)))
    }
}

/// A number counts as its text and the other way round, so both are tried.
fn in_both_kinds(value: &Value) -> Vec<Value> {
    let text = Value::from(value.to_string());
    let number = number(value).map(|number| Value::from(number.as_f64()));
    [value.clone(), text].into_iter().chain(number).collect()
}

impl Condition {
    fn fits(&self, value: &Value) -> bool {
        self.compare(Some(value)) != self.not
    }

    fn has_no_choice(&self) -> bool {
        self.choices().is_some_and(|choices| choices.is_empty())
    }

    /// The values that it lets through, if these are few.
    fn choices(&self) -> Option<Vec<Value>> {
        if self.not || self.ignore_case {
            return None;
        }
        match self.operator {
            Operator::Eq if !self.expected.is_unit() => Some(vec![self.expected.clone()]),
            Operator::OneOf => self
                .expected
                .as_array_ref()
                .ok()
                .map(|items| items.to_vec()),
            _ => None,
        }
    }

    fn wants_absence(&self) -> bool {
        self.operator == Operator::Exists && self.expected.as_bool() == Ok(self.not)
    }

    /// `exists: true`, or any other operator that a missing value does not pass.
    fn wants_presence(&self) -> bool {
        self.compare(None) == self.not
    }

    fn wants_presence_only(&self) -> bool {
        self.operator == Operator::Exists && self.expected.as_bool() == Ok(!self.not)
    }

    fn is_same_as(&self, other: &Self) -> bool {
        self.operator == other.operator
            && (self.not, self.ignore_case) == (other.not, other.ignore_case)
            && format!("{:?}", self.expected) == format!("{:?}", other.expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::{Map, parse_json};
    use crate::trigger::parse_conditions;

    fn trigger(when: &str, except: &str) -> Trigger {
        let read = |json: &str| {
            let map: Map = parse_json(json.as_bytes()).unwrap().cast();
            parse_conditions(&map).unwrap()
        };
        Trigger {
            when: read(when),
            except: read(except),
            ..Trigger::default()
        }
    }

    #[test]
    fn what_no_event_can_pass_is_found() {
        for (when, except) in [
            (r#"{"value":{"gt":100,"lt":50}}"#, "{}"),
            (r#"{"value":{"gte":100,"lt":"100"}}"#, "{}"),
            (r#"{"value":{"eq":5,"gt":5}}"#, "{}"),
            (r#"{"currency":{"eq":"EUR","ne":"EUR"}}"#, "{}"),
            (r#"{"currency":{"eq":"EUR","one_of":["USD","CHF"]}}"#, "{}"),
            (
                r#"{"currency":["USD","CHF"]}"#,
                r#"{"currency":["CHF","USD","EUR"]}"#,
            ),
            (
                r#"{"currency":"EUR"}"#,
                r#"{"currency":{"starts_with":"E"}}"#,
            ),
            (
                r#"{"coupon":{"exists":true}}"#,
                r#"{"coupon":{"exists":true}}"#,
            ),
            (r#"{"coupon":{"exists":false,"starts_with":"A"}}"#, "{}"),
            (
                r#"{"coupon":{"matches":"^A"}}"#,
                r#"{"coupon":{"exists":true}}"#,
            ),
            (
                r#"{"coupon":{"matches":"^A"}}"#,
                r#"{"coupon":{"matches":"^A"}}"#,
            ),
            (r#"{"event_name":"refund"}"#, "{}"),
            ("{}", r#"{"event_name":["purchase","order"]}"#),
        ] {
            let found = trigger(when, except).never(Some(&["purchase", "order"]));
            assert!(found.is_some(), "{when} except {except}");
        }
        let season = Trigger {
            from: Some(20),
            until: Some(20),
            ..Trigger::default()
        };
        assert_eq!(
            season.never(None).map(|never| never.constant),
            Some("UNTIL")
        );
    }

    #[test]
    fn what_some_event_can_pass_is_left_alone() {
        for (when, except) in [
            ("{}", "{}"),
            (r#"{"value":{"gte":100,"lte":100}}"#, "{}"),
            (r#"{"value":{"gt":"5","lt":6}}"#, "{}"),
            (r#"{"value":{"eq":5,"gte":5}}"#, "{}"),
            (r#"{"value":{"eq":"5","starts_with":"5"}}"#, "{}"),
            (r#"{"value":{"eq":5,"starts_with":"5"}}"#, "{}"),
            (
                r#"{"currency":{"eq":"eur","starts_with":"E","ignore_case":true}}"#,
                "{}",
            ),
            (r#"{"currency":["USD","CHF"]}"#, r#"{"currency":"USD"}"#),
            (r#"{"coupon":{"exists":true,"ne":"A"}}"#, "{}"),
            (r#"{"coupon":{"exists":false,"ne":"A"}}"#, "{}"),
            (r#"{"coupon":{"gt":5,"not":true},"value":{"lt":4}}"#, "{}"),
            (r#"{"event_name":"purchase"}"#, r#"{"event_name":"order"}"#),
        ] {
            let found = trigger(when, except).never(Some(&["purchase", "order"]));
            assert_eq!(found, None, "{when} except {except}");
        }
        assert_eq!(
            trigger(r#"{"event_name":"refund"}"#, "{}").never(None),
            None
        );
    }
}
