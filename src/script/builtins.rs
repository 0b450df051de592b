//! Rhai's own functions that get another body here: the one that blocks, those whose result can be
//! far larger than what they are given (Rhai measures a value only when it is there), and the JSON
//! ones, which are slow and panic on a value that closures share.

use rhai::{Array, Dynamic, Engine, EvalAltResult, ImmutableString, Position};

use super::{json, limits};

type Given<T> = Result<T, Box<EvalAltResult>>;

/// What is registered with an engine wins over what its packages bring.
pub(super) fn replace(engine: &mut Engine) {
    engine.register_fn("sleep", |_: i64| no_sleep());
    engine.register_fn("sleep", |_: f64| no_sleep());
    engine.register_fn("parse_json", parse_json);
    engine.register_fn("to_json", to_json);
    engine
        .register_fn(
            "pad",
            |text: &mut ImmutableString, length: i64, with: &str| pad(text, length, with),
        )
        .register_fn(
            "pad",
            |text: &mut ImmutableString, length: i64, with: char| {
                pad(text, length, with.encode_utf8(&mut [0; 4]))
            },
        );
    replace_replace(engine);
    replace_split(engine);
    engine.register_fn("to_chars", |text: &str| gather(text.chars()));
}

fn no_sleep() -> Given<()> {
    Err("scripts cannot sleep; `const DELAY = \"30m\"` delays a tag's deliveries".into())
}

fn parse_json(text: &str) -> Given<Dynamic> {
    json::parse_json(text.as_bytes()).map_err(|error| format!("parse_json: {error}").into())
}

fn to_json(map: &mut rhai::Map) -> Given<ImmutableString> {
    let text = json::map_to_json(map).map_err(|error| format!("to_json: {error}"))?;
    Ok(String::from_utf8_lossy(&text).into_owned().into())
}

/// Until the text has `length` characters. Rhai's own takes a second for a few MiB.
fn pad(text: &mut ImmutableString, length: i64, with: &str) -> Given<()> {
    let missing = usize::try_from(length)
        .unwrap_or(0)
        .saturating_sub(text.chars().count());
    let width = with.chars().count();
    if missing == 0 || width == 0 {
        return Ok(());
    }
    let larger = (missing / width + 1).saturating_mul(with.len());
    if text.len().saturating_add(larger) > limits::STRING_BYTES {
        return Err(too_large("Length of string"));
    }
    let part: String = with.chars().take(missing % width).collect();
    *text = format!("{text}{}{part}", with.repeat(missing / width)).into();
    Ok(())
}

fn replace_replace(engine: &mut Engine) {
    type Text = ImmutableString;
    engine
        .register_fn("replace", |text: &mut Text, from: &str, to: &str| {
            put(text, from, to)
        })
        .register_fn("replace", |text: &mut Text, from: &str, to: char| {
            put(text, from, to.encode_utf8(&mut [0; 4]))
        })
        .register_fn("replace", |text: &mut Text, from: char, to: &str| {
            put(text, from.encode_utf8(&mut [0; 4]), to)
        })
        .register_fn("replace", |text: &mut Text, from: char, to: char| {
            put(
                text,
                from.encode_utf8(&mut [0; 4]),
                to.encode_utf8(&mut [0; 4]),
            )
        });
}

fn put(text: &mut ImmutableString, from: &str, to: &str) -> Given<()> {
    let found = text.matches(from).count();
    let larger = found.saturating_mul(to.len());
    if text.len().saturating_add(larger) > limits::STRING_BYTES {
        return Err(too_large("Length of string"));
    }
    *text = text.replace(from, to).into();
    Ok(())
}

fn replace_split(engine: &mut Engine) {
    engine
        .register_fn("split", |text: &str| gather(text.split_whitespace()))
        .register_fn("split", |text: &str, at: &str| gather(text.split(at)))
        .register_fn("split", |text: &str, at: char| gather(text.split(at)))
        .register_fn("split", |text: &str, at: &str, most: i64| {
            gather(text.splitn(count(most), at))
        })
        .register_fn("split", |text: &str, at: char, most: i64| {
            gather(text.splitn(count(most), at))
        })
        .register_fn("split_rev", |text: &str, at: &str| gather(text.rsplit(at)))
        .register_fn("split_rev", |text: &str, at: char| gather(text.rsplit(at)))
        .register_fn("split_rev", |text: &str, at: &str, most: i64| {
            gather(text.rsplitn(count(most), at))
        })
        .register_fn("split_rev", |text: &str, at: char, most: i64| {
            gather(text.rsplitn(count(most), at))
        });
}

/// As Rhai reads it: less than one is one.
fn count(most: i64) -> usize {
    usize::try_from(most).unwrap_or(1).max(1)
}

/// Stops at the first element too many, before millions of them are made.
fn gather<T: Into<Dynamic>>(parts: impl Iterator<Item = T>) -> Given<Array> {
    let array: Array = parts
        .take(limits::ARRAY_ITEMS + 1)
        .map(Into::into)
        .collect();
    if array.len() > limits::ARRAY_ITEMS {
        return Err(too_large("Size of array/BLOB"));
    }
    Ok(array)
}

/// In Rhai's own words for it, so that `fault` knows one kind only.
fn too_large(what: &str) -> Box<EvalAltResult> {
    EvalAltResult::ErrorDataTooLarge(what.to_owned(), Position::NONE).into()
}
