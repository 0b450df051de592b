//! What tests assert with. Where values differ, each place is named with what is there and what was
//! expected, so that nobody has to compare two long texts.

use rhai::{Dynamic, Engine, EvalAltResult, NativeCallContext};

use crate::script::json;
use crate::script::value::number;

/// Differences that are named; the first few say what is wrong.
const MOST_SHOWN: usize = 10;

/// How much of a value is shown, in characters.
const SHOWN_CHARACTERS: usize = 200;

type Asserted = Result<(), Box<EvalAltResult>>;

pub(super) fn register(engine: &mut Engine) {
    engine
        .register_fn(
            "assert",
            |context: NativeCallContext<'_>, holds: Dynamic| assert(&context, &holds, None),
        )
        .register_fn(
            "assert",
            |context: NativeCallContext<'_>, holds: Dynamic, message: Dynamic| {
                assert(&context, &holds, Some(&message))
            },
        )
        .register_fn(
            "assert_eq",
            |context: NativeCallContext<'_>, is: Dynamic, expected: Dynamic| {
                assert_eq(&context, &is, &expected, None)
            },
        )
        .register_fn(
            "assert_eq",
            |context: NativeCallContext<'_>, is: Dynamic, expected: Dynamic, message: Dynamic| {
                assert_eq(&context, &is, &expected, Some(&message))
            },
        )
        .register_fn(
            "assert_ne",
            |context: NativeCallContext<'_>, is: Dynamic, other: Dynamic| match differ(
                &is, &other, true,
            )
            .is_empty()
            {
                true => fail(&context, None, &format!("both are {}", shown(&is))),
                false => Ok(()),
            },
        )
        .register_fn(
            "assert_contains",
            |context: NativeCallContext<'_>, is: Dynamic, part: Dynamic| {
                told(&context, None, &differ(&is, &part, false))
            },
        )
        .register_fn(
            "assert_missing",
            |context: NativeCallContext<'_>, is: Dynamic| match is.is_unit() {
                true => Ok(()),
                false => fail(
                    &context,
                    None,
                    &format!("is {}, expected nothing", shown(&is)),
                ),
            },
        );
}

fn assert(context: &NativeCallContext<'_>, holds: &Dynamic, message: Option<&Dynamic>) -> Asserted {
    match holds.as_bool() {
        Ok(true) => Ok(()),
        Ok(false) => fail(context, message, "it does not hold"),
        Err(_) => fail(
            context,
            message,
            &format!("wants true or false, is {}", shown(holds)),
        ),
    }
}

fn assert_eq(
    context: &NativeCallContext<'_>,
    is: &Dynamic,
    expected: &Dynamic,
    message: Option<&Dynamic>,
) -> Asserted {
    told(context, message, &differ(is, expected, true))
}

fn told(context: &NativeCallContext<'_>, message: Option<&Dynamic>, found: &[String]) -> Asserted {
    if found.is_empty() {
        return Ok(());
    }
    let more = match found.len().saturating_sub(MOST_SHOWN) {
        0 => String::new(),
        more => format!("\nand {more} more"),
    };
    let few: Vec<&str> = found.iter().take(MOST_SHOWN).map(String::as_str).collect();
    fail(context, message, &format!("{}{more}", few.join("\n")))
}

#[cold]
fn fail(context: &NativeCallContext<'_>, message: Option<&Dynamic>, why: &str) -> Asserted {
    let text = match message {
        Some(message) => format!("{message}: {why}"),
        None => why.to_owned(),
    };
    Err(EvalAltResult::ErrorRuntime(text.into(), context.call_position()).into())
}

/// Each place at which `is` is not what is expected; of a map or text with more in it than that, if
/// it need not be the whole.
fn differ(is: &Dynamic, expected: &Dynamic, whole: bool) -> Vec<String> {
    let mut found = Vec::new();
    compare("", is, expected, whole, &mut found);
    found
}

fn compare(place: &str, is: &Dynamic, expected: &Dynamic, whole: bool, found: &mut Vec<String>) {
    if let (Ok(is), Ok(expected)) = (is.as_map_ref(), expected.as_map_ref()) {
        for (key, expected) in expected.iter() {
            let is = is.get(key).unwrap_or(&Dynamic::UNIT);
            compare(&below(place, key), is, expected, whole, found);
        }
        let more = is
            .iter()
            .filter(|(key, value)| whole && !expected.contains_key(*key) && !value.is_unit());
        found.extend(more.map(|(key, value)| said(&below(place, key), value, &Dynamic::UNIT)));
        return;
    }
    if let (Ok(is), Ok(expected)) = (is.as_array_ref(), expected.as_array_ref()) {
        if !whole {
            let is_there =
                |wanted: &&Dynamic| !is.iter().any(|item| differ(item, wanted, false).is_empty());
            let missing = expected.iter().filter(is_there);
            found.extend(
                missing.map(|wanted| format!("{}no element is {}", before(place), shown(wanted))),
            );
            return;
        }
        for at in 0..is.len().max(expected.len()) {
            let [is, expected] =
                [&is, &expected].map(|items| items.get(at).unwrap_or(&Dynamic::UNIT));
            compare(&below(place, &at.to_string()), is, expected, whole, found);
        }
        return;
    }
    if !whole && is.is_array() {
        let one = Dynamic::from_array(vec![expected.clone()]);
        return compare(place, is, &one, whole, found);
    }
    if !is_same(is, expected) && (whole || !is_part(is, expected)) {
        found.push(said(place, is, expected));
    }
}

/// Numbers are compared as such, so that 5 is 5.0; a text is never a number.
fn is_same(is: &Dynamic, expected: &Dynamic) -> bool {
    let is_number = |value: &Dynamic| value.is_int() || value.is_float();
    if is_number(is) && is_number(expected) {
        return number(is).map(|number| number.as_f64())
            == number(expected).map(|number| number.as_f64());
    }
    is.type_name() == expected.type_name() && shown_whole(is) == shown_whole(expected)
}

fn is_part(is: &Dynamic, expected: &Dynamic) -> bool {
    let (is, expected) = (
        is.as_immutable_string_ref(),
        expected.as_immutable_string_ref(),
    );
    is.is_ok_and(|is| expected.is_ok_and(|expected| is.contains(expected.as_str())))
}

fn said(place: &str, is: &Dynamic, expected: &Dynamic) -> String {
    format!(
        "{}is {}, expected {}",
        before(place),
        shown(is),
        shown(expected)
    )
}

fn before(place: &str) -> String {
    match place {
        "" => String::new(),
        place => format!("{place}: "),
    }
}

fn below(place: &str, key: &str) -> String {
    match place {
        "" => key.to_owned(),
        place => format!("{place}.{key}"),
    }
}

fn shown_whole(value: &Dynamic) -> String {
    if value.is_unit() {
        return "missing, ()".to_owned();
    }
    match json::to_json(value) {
        Ok(text) => String::from_utf8_lossy(&text).into_owned(),
        Err(_) => value.to_string(),
    }
}

fn shown(value: &Dynamic) -> String {
    let text = shown_whole(value);
    match text.char_indices().nth(SHOWN_CHARACTERS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::parse_json;

    fn differences(is: &str, expected: &str, whole: bool) -> Vec<String> {
        let read = |json: &str| parse_json(json.as_bytes()).unwrap();
        differ(&read(is), &read(expected), whole)
    }

    #[test]
    fn each_difference_is_named_with_its_place() {
        for (is, expected, found) in [
            ("1", "1.0", &[][..]),
            (r#""1""#, "1", &[r#"is "1", expected 1"#]),
            (r#"{"a":[1,{"b":2}],"c":null}"#, r#"{"a":[1,{"b":2}]}"#, &[]),
            (
                r#"{"a":[1,{"b":2}]}"#,
                r#"{"a":[1,{"b":3}]}"#,
                &["a.1.b: is 2, expected 3"],
            ),
            (
                r#"{"a":1,"b":2}"#,
                r#"{"a":1}"#,
                &["b: is 2, expected missing, ()"],
            ),
            ("[1]", "[1,2]", &["1: is missing, (), expected 2"]),
            ("true", "null", &["is true, expected missing, ()"]),
        ] {
            assert_eq!(differences(is, expected, true), found, "{is} {expected}");
        }
    }

    #[test]
    fn a_part_is_enough() {
        for (is, part, found) in [
            (
                r#"{"a":1,"b":{"c":"Order 7"}}"#,
                r#"{"b":{"c":"der"}}"#,
                &[][..],
            ),
            (r#"[1,{"a":1,"b":2}]"#, r#"{"a":1}"#, &[]),
            (r#"[1,2]"#, "[2]", &[]),
            (r#"[1,2]"#, "[3]", &["no element is 3"]),
            (
                r#""Order 7""#,
                r#""Order 8""#,
                &[r#"is "Order 7", expected "Order 8""#],
            ),
            (
                r#"{"a":1}"#,
                r#"{"b":1}"#,
                &["b: is missing, (), expected 1"],
            ),
        ] {
            assert_eq!(differences(is, part, false), found, "{is} {part}");
        }
    }
}
