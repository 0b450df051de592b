//! `regex::`: regular expressions in time linear in the text, so none can hang a call. Triggers
//! compile theirs at load; these are compiled at first use and kept for the thread.

use std::cell::RefCell;
use std::collections::HashMap;

use ::regex::{Captures, Regex, RegexBuilder};
use rhai::{Array, Dynamic, ImmutableString};

use super::argument;
use super::host::Host;
use super::namespace::{Namespace, Problem};
use super::{Function, MAX_TEXT_BYTES, Topic};

pub(super) const TOPIC: Topic = Topic {
    name: "regex",
    about: "Regular expressions, in the syntax of Rust's regex crate: Unicode, `(?i)` to ignore \
            case, no look-around and no back-references. Write patterns in backticks, where a \
            backslash is a backslash. Each is compiled once.",
    functions: &[
        Function {
            signature: "regex::is_match(text, pattern) -> bool",
            about: "Whether the pattern is found anywhere in the text; anchor with `^` and `$`.",
            example: r#"regex::is_match("SKU-1234", `^SKU-\d+$`) && !regex::is_match("sku", `SKU`)"#,
        },
        Function {
            signature: "regex::find(text, pattern) -> text",
            about: "The first place that matches; `()` if there is none.",
            example: r#"regex::find("order 727 of 2017", `\d+`) == "727" && regex::find("none", `\d+`) == ()"#,
        },
        Function {
            signature: "regex::captures(text, pattern) -> array",
            about: "The first match, whole at index 0, then its groups by number, `()` for a group \
                    that took no part; `()` if nothing matches.",
            example: r#"regex::captures("GA1.2.123.456", `^GA1\.\d\.(\d+)\.(\d+)$`) == ["GA1.2.123.456", "123", "456"]"#,
        },
        Function {
            signature: "regex::replace(text, pattern, replacement) -> text",
            about: "Replaces every match; `$1` and `${name}` stand for groups, `$$` for a dollar.",
            example: r#"regex::replace("(555) 555-5555", `\D`, "") == "5555555555" && regex::replace("a-b", `(\w)-(\w)`, "${2}-${1}") == "b-a""#,
        },
    ],
    register,
};

/// So many compiled patterns are kept on a thread. Scripts write theirs as literals, so this is
/// enough for all of them; one that makes patterns of data empties the cache, and is slow.
const MAX_CACHED: usize = 128;

/// The longest pattern, in bytes.
const MAX_PATTERN_BYTES: usize = 1_000;

/// The largest compiled pattern, in bytes. The default, 10 MiB, lets 20 characters such as
/// `\w{100}{100}` cost a second.
const MAX_COMPILED_BYTES: usize = 512 * 1_024;

thread_local! {
    static COMPILED: RefCell<HashMap<ImmutableString, Regex>> = RefCell::new(HashMap::new());
}

fn register(host: &mut Host) {
    Namespace::new(TOPIC.name)
        .two("is_match", is_match)
        .two("find", find)
        .two("captures", captures)
        .three("replace", replace)
        .add_to(host);
}

fn is_match(text: Dynamic, pattern: Dynamic) -> Result<bool, Problem> {
    let text = argument::text("text", text)?;
    with(pattern, |regex| Ok(regex.is_match(&text)))
}

fn find(text: Dynamic, pattern: Dynamic) -> Result<Dynamic, Problem> {
    let text = argument::text("text", text)?;
    with(pattern, |regex| {
        let found = regex.find(&text);
        Ok(found.map_or(Dynamic::UNIT, |found| found.as_str().into()))
    })
}

fn captures(text: Dynamic, pattern: Dynamic) -> Result<Dynamic, Problem> {
    let text = argument::text("text", text)?;
    with(pattern, |regex| {
        Ok(regex
            .captures(&text)
            .map_or(Dynamic::UNIT, |found| groups(&found).into()))
    })
}

fn groups(found: &Captures<'_>) -> Array {
    let group = |group: Option<::regex::Match<'_>>| {
        group.map_or(Dynamic::UNIT, |group| group.as_str().into())
    };
    found.iter().map(group).collect()
}

fn replace(
    text: Dynamic,
    pattern: Dynamic,
    replacement: Dynamic,
) -> Result<ImmutableString, Problem> {
    let text = argument::text("text", text)?;
    let replacement = argument::text("replacement", replacement)?;
    with(pattern, |regex| {
        let references = replacement.matches('$').count();
        let mut replaced = String::with_capacity(text.len());
        let mut done = 0;
        for found in regex.captures_iter(&text) {
            let whole = found.get_match();
            replaced.push_str(text.get(done..whole.start()).unwrap_or_default());
            // Before it is written, since one replacement alone can be huge; no group is longer
            // than the whole match.
            let most = references
                .saturating_mul(whole.len())
                .saturating_add(replacement.len());
            if replaced.len().saturating_add(most) > MAX_TEXT_BYTES {
                return Err(Problem::from("the result is too long"));
            }
            found.expand(&replacement, &mut replaced);
            done = whole.end();
        }
        replaced.push_str(text.get(done..).unwrap_or_default());
        Ok(replaced.into())
    })
}

/// Runs `work` with the compiled pattern.
fn with<T>(
    pattern: Dynamic,
    work: impl FnOnce(&Regex) -> Result<T, Problem>,
) -> Result<T, Problem> {
    let pattern = argument::text("pattern", pattern)?;
    COMPILED.with_borrow_mut(|compiled| {
        if let Some(regex) = compiled.get(&pattern) {
            return work(regex);
        }
        let regex = compile(&pattern).map_err(|reason| {
            let shown = argument::quote(&pattern);
            Problem(format!("the pattern is {shown}: {reason}"))
        })?;
        if compiled.len() >= MAX_CACHED {
            compiled.clear();
        }
        work(compiled.entry(pattern).or_insert(regex))
    })
}

fn compile(pattern: &str) -> Result<Regex, String> {
    if pattern.len() > MAX_PATTERN_BYTES {
        return Err(format!("it is longer than {MAX_PATTERN_BYTES} bytes"));
    }
    RegexBuilder::new(pattern)
        .size_limit(MAX_COMPILED_BYTES)
        .dfa_size_limit(MAX_COMPILED_BYTES)
        .build()
        .map_err(|cause| match cause {
            ::regex::Error::CompiledTooBig(_) => {
                "it is too large when compiled; use smaller repetitions".to_owned()
            }
            // The crate draws the place over several lines and ends with the reason.
            other => {
                let drawn = other.to_string();
                let reason = drawn.lines().last().unwrap_or_default();
                reason.trim_start_matches("error: ").to_owned()
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_pattern_is_named() {
        for (pattern, expected) in [
            ("(a", "the pattern is \"(a\": unclosed group"),
            (r"a\1", "backreferences are not supported"),
            ("(?=a)", "look-around"),
            (r"(\w{100}){100}", "too large when compiled"),
            (&"a".repeat(1_001), "longer than 1000 bytes"),
        ] {
            let error = is_match("text".into(), pattern.into())
                .unwrap_err()
                .to_string();
            assert!(error.contains(expected), "{error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }

    #[test]
    fn an_unmatched_group_is_unit() {
        let groups = captures("b".into(), "(a)|(b)".into())
            .unwrap()
            .into_array()
            .unwrap();
        let shown: Vec<String> = groups.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["b", "", "b"]);
        assert!(groups.get(1).unwrap().is_unit());
        assert!(captures("c".into(), "(a)|(b)".into()).unwrap().is_unit());
    }

    #[test]
    fn replacing_agrees_with_the_crate() {
        for (text, pattern, replacement) in [
            ("aXbXc", "X", "-"),
            ("äöü", "", "|"),
            ("2024-06-21", r"(\d+)-(\d+)-(\d+)", "$3.$2.$1"),
            ("none", "X", "-"),
            ("price", "^", "$$"),
            ("", ".*", "x"),
        ] {
            let expected = Regex::new(pattern)
                .unwrap()
                .replace_all(text, replacement)
                .into_owned();
            let replaced = replace(text.into(), pattern.into(), replacement.into()).unwrap();
            assert_eq!(replaced.as_str(), expected);
        }
    }

    #[test]
    fn a_result_that_explodes_is_stopped() {
        let long = "x".repeat(100_000);
        for (pattern, replacement) in [("x", long.clone()), ("x+", "$0".repeat(100_000))] {
            let result = replace(long.clone().into(), pattern.into(), replacement.into());
            let error = result.unwrap_err().to_string();
            assert!(error.contains("the result is too long"), "{error}");
        }
    }

    #[test]
    fn the_cache_is_bounded() {
        for n in 0..MAX_CACHED * 3 {
            assert!(is_match(format!("a{n}").into(), format!("^a{n}$").into()).unwrap());
        }
        assert!(COMPILED.with_borrow(HashMap::len) <= MAX_CACHED);
    }
}
