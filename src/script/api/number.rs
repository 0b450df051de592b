//! `num`: numbers out of what shops send, which is text as often as not. Rhai's `"12.50" > 5` is
//! silently false, so scripts say `num(order.total) > 5`; conditions read numbers by the same rule.
//!
//! The decimal mark is a point. A comma is refused, not guessed: `1,234` is 1234 in one shop and
//! 1.234 in another, and a wrong guess is a thousandfold wrong revenue that nobody notices.

use rhai::Dynamic;

use super::argument;
use super::host::Host;
use super::namespace::{Namespace, Problem};
use super::{Function, Topic};

pub(super) const TOPIC: Topic = Topic {
    name: "",
    about: "Numbers out of text.",
    functions: &[
        Function {
            signature: "num(value) -> number",
            about: "The number that a number or a text is. Integers stay integers, beyond 64 bits \
                    they become floats; spaces around it are ignored. An error if it is no number, \
                    is missing, or has a comma: replace a decimal comma by a point first.",
            example: r#"num("29.35") > 29 && num("7") == 7 && num(1.5) == 1.5"#,
        },
        Function {
            signature: "num(value, default) -> number",
            about: "The same, but gives the default where `num(value)` is an error.",
            example: r#"num((), 0) == 0 && num("n/a", -1) == -1 && num("3", 0) == 3"#,
        },
    ],
    register,
};

/// A finite number, as scripts and JSON know it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// Without a fraction, and within 64 bits.
    Integer(i64),
    /// Anything else; never infinite, never NaN.
    Float(f64),
}

impl Number {
    /// The number as a script's value. No `From`: `Dynamic::from` would take a `Number` whole, as a
    /// custom type that equals nothing.
    pub fn into_dynamic(self) -> Dynamic {
        match self {
            Self::Integer(integer) => Dynamic::from_int(integer),
            Self::Float(float) => Dynamic::from_float(float),
        }
    }
}

impl Number {
    /// The nearest floating point number.
    #[allow(clippy::cast_precision_loss)] // the nearest is what is asked for
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Integer(integer) => integer as f64,
            Self::Float(float) => float,
        }
    }
}

/// Reads a number with a decimal point, such as `12`, `-0.5`, `+3`, `1e3`; spaces around it are
/// ignored. No comma, no grouping, no hex, no `inf`.
pub fn parse(text: &str) -> Option<Number> {
    let text = text.trim();
    if let Ok(integer) = text.parse() {
        return Some(Number::Integer(integer));
    }
    // Rust also reads "inf" and "nan" as floats.
    let plain = |byte: u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    if !text.bytes().all(plain) {
        return None;
    }
    let float: f64 = text.parse().ok()?;
    float.is_finite().then_some(Number::Float(float))
}

/// The number that a script's value is: an integer, a finite float, or text that [`parse`] reads.
pub fn from_dynamic(value: &Dynamic) -> Option<Number> {
    if let Ok(integer) = value.as_int() {
        return Some(Number::Integer(integer));
    }
    if let Ok(float) = value.as_float() {
        return float.is_finite().then_some(Number::Float(float));
    }
    parse(&value.as_immutable_string_ref().ok()?)
}

/// The integer that a float without a fraction is, if it is within 64 bits.
pub(super) fn whole(float: f64) -> Option<i64> {
    // 2^63 is exact as a float, i64::MAX is not.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    let fits = float.fract() == 0.0 && (-LIMIT..LIMIT).contains(&float);
    fits.then_some(float as i64)
}

fn register(host: &mut Host) {
    Namespace::new(TOPIC.name)
        .one("num", num)
        .two("num", num_or)
        .add_to(host);
}

fn num(value: Dynamic) -> Result<Dynamic, Problem> {
    if value.is_unit() {
        return Err(Problem::from(
            "the value is missing (it is ()); num(x, 0) gives 0 then",
        ));
    }
    argument::number("value", &value).map(Number::into_dynamic)
}

fn num_or(value: Dynamic, default: Dynamic) -> Result<Dynamic, Problem> {
    Ok(from_dynamic(&value).map_or(default, Number::into_dynamic))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_read() {
        for (text, expected) in [
            ("0", Number::Integer(0)),
            (" 727\n", Number::Integer(727)),
            ("-5", Number::Integer(-5)),
            ("+5", Number::Integer(5)),
            ("007", Number::Integer(7)),
            ("29.35", Number::Float(29.35)),
            ("6.00", Number::Float(6.0)),
            (".5", Number::Float(0.5)),
            ("1e3", Number::Float(1_000.0)),
            ("9223372036854775807", Number::Integer(i64::MAX)),
            (
                "9223372036854775808",
                Number::Float(9_223_372_036_854_775_808.0),
            ),
        ] {
            assert_eq!(parse(text), Some(expected), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "", " ", "abc", "39,98", "1,234.56", "1_000", "1 000", "0x10", "inf", "-inf", "NaN",
            "infinity", "1e999", "--1", "1.2.3", "e5", ".", "€5", "٣",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn floats_become_integers_only_within_64_bits() {
        assert_eq!(whole(-3.0), Some(-3));
        assert_eq!(whole(3.5), None);
        assert_eq!(whole(9.3e18), None);
        assert_eq!(whole(-9_223_372_036_854_775_808.0), Some(i64::MIN));
        assert_eq!(whole(f64::NAN), None);
        assert_eq!(whole(f64::INFINITY), None);
    }

    proptest! {
        #[test]
        fn every_integer_survives(integer: i64) {
            prop_assert_eq!(parse(&integer.to_string()), Some(Number::Integer(integer)));
        }

        #[test]
        fn every_finite_float_survives(float in -1e300..1e300_f64) {
            let read = parse(&format!("{float:?}"));
            prop_assert_eq!(read, Some(Number::Float(float)));
        }

        #[test]
        fn nothing_panics(text: String) {
            let read = parse(&text);
            prop_assert!(!matches!(read, Some(Number::Float(float)) if !float.is_finite()));
        }
    }
}
