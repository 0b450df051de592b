//! One condition of `WHEN` or `EXCEPT`: a dotted path, an operator, a value to compare with.
//! Numbers in texts compare as numbers, because shops send totals as texts.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use regex::Regex;

use crate::config::suggest;
use crate::script::value::{self, Number, kind, lookup, number};
use crate::script::{Map, Value};

/// A condition, checked when the script was loaded.
#[derive(Debug)]
pub struct Condition {
    /// A dotted path into event data.
    pub key: String,
    pub(super) operator: Operator,
    pub(super) expected: Value,
    pattern: Option<Regex>,
    pub(super) not: bool,
    pub(super) ignore_case: bool,
}

/// A condition beside the actual value.
#[derive(Clone, Debug)]
pub struct Check {
    /// The dotted path.
    pub key: String,
    /// The operator's name.
    pub operator: &'static str,
    /// What it is compared with.
    pub expected: Value,
    /// What the event has there; `()` if nothing.
    pub actual: Value,
    /// True if the operator's answer is turned round.
    pub not: bool,
    /// True if this is an `EXCEPT`, which blocks when it holds.
    pub except: bool,
    /// Whether it holds.
    pub holds: bool,
    /// What one should know to understand the answer.
    pub note: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Eq,
    Ne,
    OneOf,
    Contains,
    StartsWith,
    EndsWith,
    Matches,
    Gt,
    Gte,
    Lt,
    Lte,
    Exists,
}

const OPERATORS: [(&str, Operator); 12] = [
    ("eq", Operator::Eq),
    ("ne", Operator::Ne),
    ("one_of", Operator::OneOf),
    ("contains", Operator::Contains),
    ("starts_with", Operator::StartsWith),
    ("ends_with", Operator::EndsWith),
    ("matches", Operator::Matches),
    ("gt", Operator::Gt),
    ("gte", Operator::Gte),
    ("lt", Operator::Lt),
    ("lte", Operator::Lte),
    ("exists", Operator::Exists),
];

const MODIFIERS: [&str; 2] = ["not", "ignore_case"];

/// A mistake in a map of conditions: what is wrong, and a hint.
pub(super) type Mistake = (String, Option<String>);

/// Reads `#{ key: value, "dotted.key": #{ operator: value, … } }`. A bare value means `eq`.
pub fn parse_conditions(map: &Map) -> Result<Vec<Condition>, Vec<(String, Option<String>)>> {
    let mut conditions = Vec::new();
    let mut mistakes = Vec::new();
    for (key, value) in map {
        match parse_key(key, value) {
            Ok(parsed) => conditions.extend(parsed),
            Err(mistake) => mistakes.push(mistake),
        }
    }
    if mistakes.is_empty() {
        Ok(conditions)
    } else {
        Err(mistakes)
    }
}

fn parse_key(key: &str, value: &Value) -> Result<Vec<Condition>, Mistake> {
    let Ok(map) = value.as_map_ref() else {
        let operator = if value.is_array() {
            Operator::OneOf
        } else {
            Operator::Eq
        };
        return Ok(vec![Condition::new(key, operator, value, false, false)?]);
    };
    let flag = |name: &str| match map.get(name) {
        None => Ok(false),
        Some(flag) => flag
            .as_bool()
            .map_err(|_| (format!("`{key}`: `{name}` wants true or false"), None)),
    };
    let (not, ignore_case) = (flag("not")?, flag("ignore_case")?);
    let operators = map
        .iter()
        .filter(|(name, _)| !MODIFIERS.contains(&name.as_str()));
    let conditions: Vec<_> = operators
        .map(|(name, expected)| {
            Condition::new(key, operator(key, name)?, expected, not, ignore_case)
        })
        .collect::<Result<_, _>>()?;
    if conditions.is_empty() {
        return Err((
            format!("`{key}`: no operator"),
            Some(format!("there are {}", operator_names())),
        ));
    }
    Ok(conditions)
}

fn operator(key: &str, name: &str) -> Result<Operator, Mistake> {
    if let Some((_, operator)) = OPERATORS.iter().find(|(known, _)| *known == name) {
        return Ok(*operator);
    }
    let known = OPERATORS.iter().map(|(known, _)| *known).chain(MODIFIERS);
    let hint = suggest(name, known).unwrap_or_else(|| format!("there are {}", operator_names()));
    Err((format!("`{key}`: unknown operator `{name}`"), Some(hint)))
}

fn operator_names() -> String {
    OPERATORS.map(|(name, _)| name).join(", ")
}

impl Condition {
    fn new(
        key: &str,
        operator: Operator,
        expected: &Value,
        not: bool,
        ignore_case: bool,
    ) -> Result<Self, Mistake> {
        let name = name_of(operator);
        let wrong = |wanted: &str| {
            Err((
                format!("`{key}`: `{name}` wants {wanted}, is {}", kind(expected)),
                None,
            ))
        };
        let is_text = value::text(expected).is_some();
        match operator {
            Operator::OneOf if !expected.is_array() => return wrong("an array"),
            Operator::Gt | Operator::Gte | Operator::Lt | Operator::Lte
                if number(expected).is_none() =>
            {
                return wrong("a number");
            }
            Operator::StartsWith | Operator::EndsWith | Operator::Matches if !is_text => {
                return wrong("a text");
            }
            Operator::Exists if !expected.is_bool() => return wrong("true or false"),
            _ => {}
        }
        let pattern = match operator {
            Operator::Matches => Some(pattern(key, expected, ignore_case)?),
            _ => None,
        };
        Ok(Self {
            key: key.to_owned(),
            operator,
            expected: expected.clone(),
            pattern,
            not,
            ignore_case,
        })
    }

    /// Whether the condition holds for this event.
    pub fn holds(&self, event: &Map) -> bool {
        self.compare(lookup(event, &self.key).as_deref()) != self.not
    }

    /// The same, with all that one wants to see.
    pub fn check(&self, event: &Map, except: bool) -> Check {
        let actual = lookup(event, &self.key).map(Cow::into_owned);
        Check {
            key: self.key.clone(),
            operator: name_of(self.operator),
            expected: self.expected.clone(),
            not: self.not,
            except,
            holds: self.compare(actual.as_ref()) != self.not,
            note: self.note(actual.as_ref()),
            actual: actual.unwrap_or(Value::UNIT),
        }
    }

    pub(super) fn compare(&self, actual: Option<&Value>) -> bool {
        let Some(actual) = actual else {
            return match self.operator {
                Operator::Exists => self.expected.as_bool() == Ok(false),
                Operator::Ne => !self.expected.is_unit(),
                Operator::Eq => self.expected.is_unit(),
                _ => false,
            };
        };
        match self.operator {
            Operator::Exists => self.expected.as_bool() == Ok(true),
            Operator::Eq => self.same(actual, &self.expected),
            Operator::Ne => !self.same(actual, &self.expected),
            Operator::OneOf => self.any_of(&self.expected, actual),
            Operator::Contains if actual.is_array() => self.any_of(actual, &self.expected),
            Operator::Contains => self.texts(actual, |actual, expected| actual.contains(expected)),
            Operator::StartsWith => {
                self.texts(actual, |actual, expected| actual.starts_with(expected))
            }
            Operator::EndsWith => self.texts(actual, |actual, expected| actual.ends_with(expected)),
            Operator::Matches => self
                .pattern
                .as_ref()
                .is_some_and(|pattern| pattern.is_match(&actual.to_string())),
            Operator::Gt => self.ordered(actual, Ordering::is_gt),
            Operator::Gte => self.ordered(actual, Ordering::is_ge),
            Operator::Lt => self.ordered(actual, Ordering::is_lt),
            Operator::Lte => self.ordered(actual, Ordering::is_le),
        }
    }

    fn any_of(&self, items: &Value, wanted: &Value) -> bool {
        items
            .as_array_ref()
            .is_ok_and(|items| items.iter().any(|item| self.same(wanted, item)))
    }

    fn texts(&self, actual: &Value, test: impl Fn(&str, &str) -> bool) -> bool {
        if actual.is_map() || actual.is_array() {
            return false;
        }
        test(&self.fold(actual), &self.fold(&self.expected))
    }

    fn ordered(&self, actual: &Value, test: impl Fn(Ordering) -> bool) -> bool {
        compare_numbers(actual, &self.expected).is_some_and(test)
    }

    /// Equal as numbers if one of them is a number and the other can be read as one.
    fn same(&self, a: &Value, b: &Value) -> bool {
        if is_number(a) || is_number(b) {
            return compare_numbers(a, b) == Some(Ordering::Equal);
        }
        match (a.as_bool(), b.as_bool()) {
            (Ok(a), Ok(b)) => return a == b,
            (Ok(_), _) | (_, Ok(_)) => return false,
            _ => {}
        }
        if is_compound(a) || is_compound(b) {
            return is_compound(a) == is_compound(b) && a.to_string() == b.to_string();
        }
        self.fold(a) == self.fold(b)
    }

    fn fold(&self, value: &Value) -> String {
        let text = value.to_string();
        if self.ignore_case {
            text.to_lowercase()
        } else {
            text
        }
    }

    fn note(&self, actual: Option<&Value>) -> Option<String> {
        let text = actual?.as_immutable_string_ref().ok()?.to_string();
        let numeric = is_number(&self.expected)
            && !matches!(self.operator, Operator::Contains | Operator::Exists);
        if !numeric {
            return None;
        }
        Some(match number(actual?) {
            Some(_) => format!("the text \"{text}\" is compared as a number"),
            None => format!("the text \"{text}\" is not a number"),
        })
    }
}

/// `not gte 100`, as messages name it.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not = if self.not { "not " } else { "" };
        let expected = match value::text(&self.expected) {
            Some(text) => format!("\"{text}\""),
            None => format!("{:?}", self.expected),
        };
        write!(f, "{not}{} {expected}", name_of(self.operator))
    }
}

fn pattern(key: &str, expected: &Value, ignore_case: bool) -> Result<Regex, Mistake> {
    regex::RegexBuilder::new(&expected.to_string())
        .case_insensitive(ignore_case)
        .build()
        .map_err(|error| {
            let why = regex_mistake(&error);
            (
                format!("`{key}`: `matches` is not a regular expression: {why}"),
                None,
            )
        })
}

/// What is wrong with a regular expression in one line: the last of the error's text, which is
/// followed above by a drawing.
pub fn regex_mistake(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

/// Orders two values as numbers if both can be read as one; whole numbers exactly.
pub(super) fn compare_numbers(a: &Value, b: &Value) -> Option<Ordering> {
    match (number(a)?, number(b)?) {
        (Number::Integer(a), Number::Integer(b)) => Some(a.cmp(&b)),
        (a, b) => a.as_f64().partial_cmp(&b.as_f64()),
    }
}

fn name_of(operator: Operator) -> &'static str {
    OPERATORS
        .iter()
        .find(|(_, known)| *known == operator)
        .map_or("?", |(name, _)| name)
}

fn is_number(value: &Value) -> bool {
    value.is_int() || value.is_float()
}

fn is_compound(value: &Value) -> bool {
    value.is_map() || value.is_array()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::parse_json;

    fn map(json: &str) -> Map {
        parse_json(json.as_bytes()).unwrap().cast()
    }

    #[test]
    fn every_operator() {
        let event = map(
            r#"{"value":29.35,"total":"129.90","n":5,"name":"Anna B","tags":["a","B"],"ok":true,"none":null,"u":{"mail":"x@y.de"}}"#,
        );
        let cases = [
            (r#"{"value":29.35}"#, true),
            (r#"{"total":129.9}"#, true),
            (r#"{"n":{"eq":"5"}}"#, true),
            (r#"{"n":{"eq":"five"}}"#, false),
            (r#"{"ok":true}"#, true),
            (r#"{"ok":"true"}"#, false),
            (r#"{"value":{"ne":29.35}}"#, false),
            (r#"{"absent":{"ne":1}}"#, true),
            (r#"{"name":{"one_of":["x","Anna B"]}}"#, true),
            (r#"{"name":["x","Anna B"]}"#, true),
            (r#"{"name":{"contains":"na b"}}"#, false),
            (r#"{"name":{"contains":"na b","ignore_case":true}}"#, true),
            (r#"{"tags":{"contains":"a"}}"#, true),
            (r#"{"tags":{"contains":"b"}}"#, false),
            (r#"{"tags":{"contains":"b","ignore_case":true}}"#, true),
            (r#"{"name":{"starts_with":"Anna"}}"#, true),
            (r#"{"name":{"ends_with":"B"}}"#, true),
            (r#"{"name":{"matches":"^A.+B$"}}"#, true),
            (r#"{"name":{"matches":"^a","ignore_case":true}}"#, true),
            (r#"{"total":{"gt":100}}"#, true),
            (r#"{"total":{"gte":129.9,"lt":130}}"#, true),
            (r#"{"total":{"gte":129.9,"lt":129}}"#, false),
            (r#"{"name":{"gt":1}}"#, false),
            (r#"{"absent":{"lt":1}}"#, false),
            (r#"{"u.mail":{"exists":true}}"#, true),
            (r#"{"none":{"exists":true}}"#, false),
            (r#"{"absent":{"exists":false}}"#, true),
            (r#"{"value":{"gt":100,"not":true}}"#, true),
            (r#"{"tags.1":"B"}"#, true),
        ];
        for (conditions, expected) in cases {
            let parsed = parse_conditions(&map(conditions)).unwrap();
            let all = parsed.iter().all(|condition| condition.holds(&event));
            assert_eq!(all, expected, "{conditions}");
            let checks = parsed
                .iter()
                .all(|condition| condition.check(&event, false).holds);
            assert_eq!(checks, expected, "check {conditions}");
        }
    }

    #[test]
    fn says_when_a_text_was_taken_as_a_number() {
        let parsed = parse_conditions(&map(r#"{"total":{"gt":100}}"#)).unwrap();
        let note = parsed[0]
            .check(&map(r#"{"total":"12.5"}"#), false)
            .note
            .unwrap();
        assert_eq!(note, "the text \"12.5\" is compared as a number");
        let note = parsed[0]
            .check(&map(r#"{"total":"12 €"}"#), false)
            .note
            .unwrap();
        assert_eq!(note, "the text \"12 €\" is not a number");
    }

    #[test]
    fn mistakes_are_named() {
        let cases = [
            (r#"{"value":{"gtee":1}}"#, "unknown operator `gtee`"),
            (r#"{"value":{"gt":"much"}}"#, "`gt` wants a number"),
            (r#"{"value":{"matches":"("}}"#, "not a regular expression"),
            (r#"{"value":{"not":true}}"#, "no operator"),
            (r#"{"value":{"eq":1,"not":1}}"#, "`not` wants true or false"),
            (r#"{"value":{"exists":1}}"#, "`exists` wants true or false"),
            (r#"{"value":{"one_of":1}}"#, "`one_of` wants an array"),
        ];
        for (conditions, expected) in cases {
            let mistakes = parse_conditions(&map(conditions)).unwrap_err();
            assert!(
                mistakes[0].0.contains(expected),
                "{conditions}: {}",
                mistakes[0].0
            );
        }
        let hint = parse_conditions(&map(r#"{"value":{"gtee":1}}"#))
            .unwrap_err()
            .remove(0)
            .1;
        assert_eq!(hint.as_deref(), Some("did you mean `gte`?"));
    }
}
