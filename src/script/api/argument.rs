//! From what a script passed to what a host function wants, with problems that say which argument
//! is wrong, what it is, and what is wanted.
//!
//! A *text* argument takes text, a character or an integer. It takes no float, because `5.0` and
//! `5` are the same number and different texts, and so different hashes.

use rhai::{Array, Dynamic, ImmutableString, Map};

use super::namespace::Problem;
use super::number::{self, Number};

/// So much of a wrong text is repeated in a problem, in characters.
const MAX_SHOWN_CHARS: usize = 40;

/// The argument as text: text, a character or an integer.
pub(super) fn text(name: &str, value: Dynamic) -> Result<ImmutableString, Problem> {
    if value.is_string() {
        let text = value.into_immutable_string();
        return text.map_err(|given| Problem(format!("the {name} is a {given}")));
    }
    if let Ok(integer) = value.as_int() {
        return Ok(integer.to_string().into());
    }
    match value.as_char() {
        Ok(character) => Ok(character.to_string().into()),
        Err(_) => Err(wrong(name, &value, "text")),
    }
}

/// The argument as an integer. A float without a fraction is taken too, and so is either as text.
pub(super) fn integer(name: &str, value: &Dynamic) -> Result<i64, Problem> {
    let integer = match number(name, value)? {
        Number::Integer(integer) => Some(integer),
        Number::Float(float) => number::whole(float),
    };
    integer.ok_or_else(|| wrong(name, value, "an integer"))
}

/// The argument as a number: an integer, a float, or either as text. Never infinite or NaN.
pub(super) fn number(name: &str, value: &Dynamic) -> Result<Number, Problem> {
    number::from_dynamic(value).ok_or_else(|| match value.as_immutable_string_ref() {
        Ok(text) if text.contains(',') => {
            let shown = quote(&text);
            Problem(format!(
                "the {name} is {shown}: a comma may mark decimals or thousands; \
                 use text::replace to say which"
            ))
        }
        _ => wrong(name, value, "a number"),
    })
}

/// The argument as an array.
pub(super) fn array(name: &str, value: Dynamic) -> Result<Array, Problem> {
    value
        .try_cast_result::<Array>()
        .map_err(|value| wrong(name, &value, "an array"))
}

/// The argument as a map.
pub(super) fn map(name: &str, value: Dynamic) -> Result<Map, Problem> {
    value
        .try_cast_result::<Map>()
        .map_err(|value| wrong(name, &value, "a map"))
}

/// The problem with an argument that is missing or of the wrong kind.
#[cold]
pub(super) fn wrong(name: &str, value: &Dynamic, wanted: &str) -> Problem {
    if value.is_unit() {
        return Problem(format!("the {name} is missing (it is ())"));
    }
    let given = describe(value);
    Problem(format!("the {name} is {given}; {wanted} is wanted"))
}

/// A value in a few words, for an error.
pub(super) fn describe(value: &Dynamic) -> String {
    if let Ok(text) = value.as_immutable_string_ref() {
        return quote(&text);
    }
    if value.is_int() {
        return format!("the integer {value}");
    }
    if value.is_float() {
        return format!("the float {value}");
    }
    if value.is_map() {
        return "a map".to_owned();
    }
    if value.is_array() {
        return "an array".to_owned();
    }
    if value.is_bool() || value.is_unit() {
        return value.to_string();
    }
    format!("a value of type {}", value.type_name())
}

/// A text in quotes, cut if it is long.
pub(super) fn quote(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN_CHARS) {
        Some((end, _)) => format!("\"{}…\"", text.get(..end).unwrap_or_default()),
        None => format!("\"{text}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message<T: std::fmt::Debug>(result: Result<T, Problem>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn values_that_closures_share_are_taken_out() {
        let shared = Dynamic::from(Map::new()).into_shared();
        assert!(map("map", shared).unwrap().is_empty());
        let shared = Dynamic::from(Array::new()).into_shared();
        assert!(array("array", shared).unwrap().is_empty());
    }

    #[test]
    fn text_takes_text_characters_and_integers() {
        for (value, expected) in [
            (Dynamic::from("abc"), "abc"),
            (Dynamic::from('x'), "x"),
            (Dynamic::from(-7_i64), "-7"),
            (Dynamic::from("shared").into_shared(), "shared"),
        ] {
            assert_eq!(text("text", value).unwrap(), expected);
        }
    }

    #[test]
    fn errors_say_what_is_given_and_what_is_wanted() {
        for (value, expected) in [
            (Dynamic::UNIT, "the text is missing (it is ())"),
            (
                Dynamic::from(5.0),
                "the text is the float 5.0; text is wanted",
            ),
            (Dynamic::from(true), "the text is true; text is wanted"),
            (Map::new().into(), "the text is a map; text is wanted"),
            (Array::new().into(), "the text is an array; text is wanted"),
            (
                Dynamic::from(Map::new()).into_shared(),
                "the text is a map; text is wanted",
            ),
        ] {
            assert_eq!(message(text("text", value)), expected);
        }
    }

    #[test]
    fn numbers_come_as_numbers_or_as_text() {
        assert_eq!(integer("n", &Dynamic::from(" 12 ")).unwrap(), 12);
        assert_eq!(integer("n", &Dynamic::from(12.0)).unwrap(), 12);
        assert_eq!(
            message(integer("n", &Dynamic::from(12.5))),
            "the n is the float 12.5; an integer is wanted"
        );
        assert_eq!(
            message(number("n", &Dynamic::from("12,50"))),
            "the n is \"12,50\": a comma may mark decimals or thousands; \
             use text::replace to say which"
        );
    }

    #[test]
    fn a_long_text_is_cut_in_errors() {
        let long = Dynamic::from("é".repeat(5_000));
        assert!(message(number("n", &long)).chars().count() < 100);
    }
}
