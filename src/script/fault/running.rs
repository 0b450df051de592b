//! Words for a call that failed, and where it really failed: Rhai wraps an error once for each
//! function that it passes through.

use rhai::{Dynamic, EvalAltResult};

use super::functions::{MAY_BE_MISSING, in_words, not_found};
use super::{Cause, TEXT_MIB, Words, lower_first};
use crate::config::suggest;
use crate::script::frame::Spent;
use crate::script::request_view::{BadBody, property_names};
use crate::script::{json, limits};
use crate::telemetry::Killed;

/// Where an error arose.
pub(super) struct Place<'a> {
    pub(super) file: &'a str,
    pub(super) function: &'a str,
    pub(super) error: &'a EvalAltResult,
}

/// Follows the calls to where it went wrong. Of functions only the script's own are named: not
/// `map`, in whose closure it may have happened, and not the closure, which has no name.
pub(super) fn innermost<'a>(
    file: &'a str,
    function: &'a str,
    own: &[(&str, usize)],
    error: &'a EvalAltResult,
) -> Place<'a> {
    match error {
        EvalAltResult::ErrorInFunctionCall(name, source, inner, _) => {
            let source = if source.is_empty() { file } else { source };
            let is_named = source != file || own.iter().any(|(known, _)| known == name);
            let named = is_named && !name.starts_with("anon$");
            innermost(source, if named { name } else { function }, own, inner)
        }
        EvalAltResult::ErrorInModule(source, inner, _) => innermost(
            if source.is_empty() { file } else { source },
            function,
            own,
            inner,
        ),
        error => Place {
            file,
            function,
            error,
        },
    }
}

pub(super) fn cause(error: &EvalAltResult) -> Cause {
    match error {
        EvalAltResult::ErrorRuntime(value, _) if value.is::<BadBody>() => Cause::Request,
        _ => Cause::Script,
    }
}

/// The limit that a call was stopped at, if so.
pub(super) fn killed(error: &EvalAltResult) -> Option<Killed> {
    use EvalAltResult as E;
    match error {
        E::ErrorTerminated(spent, _) => Some(killed_by(spent_of(spent))),
        E::ErrorStackOverflow(_) => Some(Killed::Depth),
        E::ErrorTooManyVariables(_) => Some(Killed::Variables),
        E::ErrorDataTooLarge(..) => Some(Killed::Size),
        _ => None,
    }
}

pub(super) fn killed_by(spent: Spent) -> Killed {
    match spent {
        Spent::Time => Killed::Time,
        Spent::Steps => Killed::Steps,
    }
}

fn spent_of(token: &Dynamic) -> Spent {
    token.clone().try_cast().unwrap_or(Spent::Time)
}

/// `own` are the script's functions and how many parameters they take.
pub(super) fn words(error: &EvalAltResult, own: &[(&str, usize)]) -> Words {
    use EvalAltResult as E;
    match error {
        E::ErrorRuntime(value, _) => thrown(value),
        E::ErrorFunctionNotFound(signature, _) => not_found(signature, own),
        E::ErrorParsing(kind, position) => super::parsing::words(kind, "", *position),
        _ => limit(error)
            .or_else(|| missing_value(error))
            .unwrap_or_else(|| other(error)),
    }
}

/// What the script threw: a text, a map with `message` and perhaps `hint`, or anything else.
fn thrown(value: &Dynamic) -> Words {
    if let Some(body) = value.read_lock::<BadBody>() {
        return Words::new(body.0.clone());
    }
    if value.is_unit() || value.is_fnptr() {
        return Words::new("the script threw an error without a text");
    }
    if let Ok(map) = value.as_map_ref()
        && let Some(message) = map.get("message")
    {
        return Words::new(message.to_string()).hint(map.get("hint").map(ToString::to_string));
    }
    let as_json = || {
        json::to_json(value)
            .ok()
            .and_then(|text| String::from_utf8(text).ok())
    };
    let is_compound = value.is_map() || value.is_array();
    Words::new(
        is_compound
            .then(as_json)
            .flatten()
            .unwrap_or_else(|| value.to_string()),
    )
}

/// A call that used up its time or its steps.
pub(super) fn stopped(spent: Spent) -> Words {
    let used = match spent {
        Spent::Time => format!("{} ms", limits::DEADLINE.as_millis()),
        Spent::Steps => format!("{} steps", limits::STEPS),
    };
    Words::new(format!(
        "stopped after {used}, the most that one call may take"
    ))
    .hint("look for a loop that does not end, or do less in one call".to_owned())
}

fn limit(error: &EvalAltResult) -> Option<Words> {
    use EvalAltResult as E;
    let words = match error {
        E::ErrorTerminated(spent, _) => stopped(spent_of(spent)),
        E::ErrorStackOverflow(_) => Words::new(format!(
            "functions call one another more than {} deep",
            limits::CALL_LEVELS
        ))
        .hint("does a function call itself?".to_owned()),
        E::ErrorTooManyVariables(_) => {
            Words::new(format!("more than {} variables at once", limits::VARIABLES))
        }
        E::ErrorDataTooLarge(what, _) => too_large(what),
        _ => return None,
    };
    Some(words)
}

/// Rhai measures a value together with all that it holds.
fn too_large(what: &str) -> Words {
    match what {
        "Length of string" => Words::new(format!("a text would be larger than {TEXT_MIB} MiB"))
            .hint("the texts of an array or a map are measured together".to_owned()),
        "Size of object map" => Words::new(format!(
            "a map would have more than {} keys",
            limits::MAP_KEYS
        ))
        .hint("those of maps within it count, too".to_owned()),
        _ => Words::new(format!(
            "an array would have more than {} elements",
            limits::ARRAY_ITEMS
        ))
        .hint("those of arrays within it count, too".to_owned()),
    }
}

/// By far the most common mistake: the sender left something out.
fn missing_value(error: &EvalAltResult) -> Option<Words> {
    use EvalAltResult as E;
    let words = match error {
        E::ErrorDotExpr(text, _) if text.contains("'()'") => Words::new(format!(
            "`{}` is asked of a missing value, ()",
            property(text)
        ))
        .hint(MAY_BE_MISSING.to_owned()),
        E::ErrorDotExpr(text, _) if text.contains("setter") => {
            Words::new(format!("`{}` cannot be changed", property(text)))
        }
        E::ErrorDotExpr(text, _) if text.contains("'Request'") => {
            let hint = suggest(property(text), property_names()).unwrap_or_else(|| {
                format!(
                    "a request has {}",
                    property_names().collect::<Vec<_>>().join(", ")
                )
            });
            Words::new(format!("a request has no `{}`", property(text))).hint(hint)
        }
        E::ErrorIndexingType(text, _) if text.starts_with("()") => {
            Words::new("`[…]` is asked of a missing value, ()")
                .hint("write `?[` where the value may be missing".to_owned())
        }
        E::ErrorDotExpr(text, _) => {
            let kind = in_words(text.split('\'').nth(3).unwrap_or("value"));
            Words::new(format!("{kind} has no `{}`", property(text)))
        }
        E::ErrorIndexingType(text, _) => {
            let kind = in_words(text.split(' ').next().unwrap_or("value"));
            Words::new(format!("`[…]` is asked of {kind}"))
        }
        E::ErrorDataRace(text, _) => {
            let function = text.rsplit('\'').nth(1).unwrap_or("a function");
            Words::new(format!(
                "`{function}` works on a variable that its closure uses, too"
            ))
            .hint("let it work on a variable of its own: `let items = event.items;`".to_owned())
        }
        E::ErrorMismatchDataType(wanted, given, _) if wanted == "bool" => {
            let given = in_words(given);
            Words::new(format!("a condition must be true or false, it is {given}"))
                .hint("compare with `!= ()` to ask whether a value is there".to_owned())
        }
        E::ErrorFor(_) => Words::new("`for` needs an array, a map's `.keys()` or a range")
            .hint("write `value ?? []` where the value may be missing".to_owned()),
        E::ErrorArrayBounds(length, index, _) => Words::new(format!(
            "there is no element {index}, the array has {length}"
        ))
        .hint("elements are counted from 0; ask `.len()` first".to_owned()),
        _ => return None,
    };
    Some(words)
}

/// Rhai's texts name the property in quotes first.
fn property(text: &str) -> &str {
    text.split('\'').nth(1).unwrap_or(text)
}

/// Rhai's own text without the place, which we write before it.
fn other(error: &EvalAltResult) -> Words {
    let text = error.to_string();
    let place = format!(" ({})", error.position());
    Words::new(lower_first(text.strip_suffix(&place).unwrap_or(&text)))
}
