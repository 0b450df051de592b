//! Words for the call of a function that is not there: misspelt, with the wrong number of values,
//! or with values of another kind. Rhai says "Function not found: sha256 (())" to all of them.

use super::Words;
use crate::config::suggest;
use crate::script::api::{self, TOPICS};

/// What Rhai calls a type, and what users call a value of it.
const KINDS: [(&str, &str); 11] = [
    ("()", "a missing value, ()"),
    ("i64", "a whole number"),
    ("f64", "a number with decimals"),
    ("bool", "true or false"),
    ("char", "a character"),
    ("&str", "a text"),
    ("string", "a text"),
    ("map", "a map"),
    ("array", "an array"),
    ("Fn", "a function"),
    ("Request", "the request"),
];

/// Operators, which are functions to Rhai.
const OPERATORS: [&str; 16] = [
    "+", "-", "*", "/", "%", "**", "+=", "-=", "*=", "/=", "%=", "<", "<=", ">", ">=", "in",
];

/// Names that people bring from other languages, and what they are here.
const ELSEWHERE: [(&str, &str); 9] = [
    ("length", "len"),
    ("size", "len"),
    ("toString", "to_string"),
    ("toUpperCase", "to_upper"),
    ("toLowerCase", "to_lower"),
    ("parseInt", "num"),
    ("parseFloat", "num"),
    ("includes", "contains"),
    ("forEach", "for_each"),
];

/// The hint for whoever uses what the sender left out.
pub(super) const MAY_BE_MISSING: &str = "write `?.` where a value may be missing";

/// `signature` is Rhai's: `name (type, type)`. `own` are the script's functions and how many
/// parameters they take.
pub(super) fn not_found(signature: &str, own: &[(&str, usize)]) -> Words {
    let (name, types) = take_apart(signature);
    if OPERATORS.contains(&name) {
        return operator(name, &types);
    }
    if let Some(words) = wrong_call(name, types.len()) {
        return words;
    }
    if let Some(words) = own_function(name, types.len(), own) {
        return words;
    }
    let mut known: Vec<&str> = api::function_names().collect();
    known.extend(own.iter().map(|(name, _)| *name));
    let hint = translated(name)
        .or_else(|| nearest(name, &known))
        .or_else(|| types.contains(&"()").then(|| MAY_BE_MISSING.to_owned()))
        .unwrap_or_else(|| "`tagwerk docs` lists what there is".to_owned());
    Words::new(unknown(name, &types)).hint(hint)
}

/// What is wrong with calling the host function `name` with so many values; `None` if nothing is,
/// or if it is none of the host's.
pub(super) fn wrong_call(name: &str, values: usize) -> Option<Words> {
    let signatures = signatures(name);
    if signatures.iter().any(|known| parameters(known) == values) {
        return None;
    }
    if !signatures.is_empty() {
        let written: Vec<String> = signatures
            .iter()
            .map(|known| format!("`{known}`"))
            .collect();
        let hint = format!("it is {}", written.join(" or "));
        return Some(Words::new(format!("{name} is called with {}", so_many(values))).hint(hint));
    }
    let (namespace, _) = name.split_once("::")?;
    let topic = TOPICS.iter().find(|topic| topic.name == namespace)?;
    let names: Vec<&str> = api::function_names()
        .filter(|known| known.starts_with(&format!("{namespace}::")))
        .collect();
    let hint = suggest(name, names.iter().copied())
        .unwrap_or_else(|| format!("{} has {}", topic.name, listed(&names)));
    Some(Words::new(format!("there is no function {name}")).hint(hint))
}

/// True if the host has a function of this name, with whatever number of values.
pub(super) fn is_host(name: &str) -> bool {
    !signatures(name).is_empty()
}

/// What to say of a function that there is not, before anything was run.
pub(super) fn not_there(name: &str, known: &[&str], may_be_key: bool) -> Words {
    let mut all: Vec<&str> = api::function_names().collect();
    all.extend(known);
    let hint = translated(name).or_else(|| nearest(name, &all));
    let hint = hint.unwrap_or_else(|| match may_be_key {
        true => format!("if `{name}` is the key of a map, leave `()` out"),
        false => "`tagwerk docs` lists what there is".to_owned(),
    });
    Words::new(unknown(name, &[])).hint(hint)
}

/// What to say of a script's own function that is called with another number of values.
pub(super) fn wrong_count(name: &str, values: usize, takes: usize) -> Words {
    Words::new(format!(
        "fn {name} takes {}, it is called with {}",
        so_many(takes),
        so_many(values)
    ))
}

/// The host functions of this name as users read about them, one an arity.
fn signatures(name: &str) -> Vec<&'static str> {
    let functions = TOPICS.iter().flat_map(|topic| topic.functions);
    let signatures = functions.map(|function| function.signature);
    signatures
        .filter(|signature| signature.split('(').next() == Some(name))
        .collect()
}

fn parameters(signature: &str) -> usize {
    let inside = signature
        .split_once('(')
        .and_then(|(_, rest)| rest.split_once(')'))
        .map_or("", |(inside, _)| inside);
    inside
        .split(',')
        .filter(|name| !name.trim().is_empty())
        .count()
}

fn own_function(name: &str, values: usize, own: &[(&str, usize)]) -> Option<Words> {
    let (_, takes) = own.iter().find(|(known, _)| *known == name)?;
    (*takes != values).then(|| wrong_count(name, values, *takes))
}

fn operator(name: &str, types: &[&str]) -> Words {
    let kinds: Vec<&str> = types.iter().map(|kind| in_words(kind)).collect();
    let words = Words::new(format!(
        "`{name}` does not work with {}",
        kinds.join(" and ")
    ));
    if types.contains(&"()") {
        return words.hint(
            "write `value ?? 0` to put something else where a value may be missing".to_owned(),
        );
    }
    let is_text = |kind: &&str| in_words(kind) == "a text";
    let hint = types
        .iter()
        .any(is_text)
        .then(|| "`num(value)` makes a number of a text".to_owned());
    words.hint(hint)
}

fn unknown(name: &str, types: &[&str]) -> String {
    if types.is_empty() {
        return format!("there is no function `{name}`");
    }
    let kinds: Vec<&str> = types.iter().map(|kind| in_words(kind)).collect();
    format!("there is no function `{name}` for {}", kinds.join(" and "))
}

fn translated(name: &str) -> Option<String> {
    let is_meant = |there: &str| {
        there == name || there.len() > 4 && strsim::damerau_levenshtein(there, name) == 1
    };
    let (_, here) = ELSEWHERE.iter().find(|(there, _)| is_meant(there))?;
    Some(format!("it is called `{here}` here"))
}

/// `sha256` is near to `hash::sha256`: people forget the namespace.
fn nearest(name: &str, known: &[&str]) -> Option<String> {
    let ending = format!("::{name}");
    let forgot = known.iter().find(|full| full.ends_with(&ending));
    if let Some(full) = forgot {
        return Some(format!("did you mean `{full}`?"));
    }
    suggest(name, known.iter().copied()).or_else(|| {
        // Both at once.
        let slip = |full: &&&str| {
            let last = full.rsplit_once("::").map(|(_, last)| last);
            last.is_some_and(|last| last.len() > 3 && strsim::damerau_levenshtein(last, name) == 1)
        };
        let full = known.iter().find(slip)?;
        Some(format!("did you mean `{full}`?"))
    })
}

fn take_apart(signature: &str) -> (&str, Vec<&str>) {
    let Some((name, rest)) = signature.split_once(" (") else {
        return (signature, Vec::new());
    };
    let inside = rest.strip_suffix(')').unwrap_or(rest);
    (
        name,
        inside.split(", ").filter(|kind| !kind.is_empty()).collect(),
    )
}

/// Rhai writes a text as `&str | ImmutableString | String`.
pub(super) fn in_words(kind: &str) -> &str {
    let first = kind.split(" | ").next().unwrap_or(kind);
    KINDS
        .iter()
        .find(|(theirs, _)| *theirs == first)
        .map_or(kind, |(_, ours)| ours)
}

fn so_many(values: usize) -> String {
    match values {
        0 => "no values".to_owned(),
        1 => "1 value".to_owned(),
        more => format!("{more} values"),
    }
}

fn listed(names: &[&str]) -> String {
    let plain = names
        .iter()
        .map(|name| name.rsplit("::").next().unwrap_or(name));
    plain.collect::<Vec<_>>().join(", ")
}
