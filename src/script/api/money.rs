//! `money::`: amounts between the smallest unit that payment providers count in and the unit that
//! people and analytics know. No exchange rates, no symbols, no grouping.

use rhai::{Dynamic, ImmutableString};

use super::argument;
use super::host::Host;
use super::namespace::{Namespace, Problem};
use super::number::{self, Number};
use super::{Function, Topic};

pub(super) const TOPIC: Topic = Topic {
    name: "money",
    about: "Amounts by currency: Stripe says 3998, Amplitude wants 39.98. A currency has two \
            decimals, but JPY, KRW and the others of Stripe's zero-decimal list none, and BHD, \
            JOD, KWD and their like three. Amounts may be text, as shops send them.",
    functions: &[
        Function {
            signature: "money::from_minor(amount, currency) -> float",
            about: "From the smallest unit, an integer, to the currency's unit.",
            example: r#"money::from_minor(3998, "eur") == 39.98 && money::from_minor(500, "JPY") == 500.0"#,
        },
        Function {
            signature: "money::to_minor(amount, currency) -> integer",
            about: "From the currency's unit to the smallest one, halves away from zero.",
            example: r#"money::to_minor(39.98, "EUR") == 3998 && money::to_minor("1.005", "KWD") == 1005"#,
        },
        Function {
            signature: "money::format(amount, currency) -> text",
            about: "An amount in the currency's unit with as many decimals as the currency has and \
                    a decimal point.",
            example: r#"money::format(100, "EUR") == "100.00" && money::format(500.4, "JPY") == "500""#,
        },
        Function {
            signature: "money::total(items) -> number",
            about: "The sum of `price` times `quantity` of items; a quantity that is missing or 0 \
                    is one. Numbers may be texts; what is no number counts nothing, and `()` is the \
                    total of items without any price.",
            example: r#"money::total([#{ price: "10.5", quantity: "2" }, #{ price: 4 }]) == 25.0 && money::total([#{}]) == ()"#,
        },
    ],
    register,
};

/// What a currency is here: how many decimals its amounts have.
#[derive(Clone, Copy)]
struct Currency {
    decimals: u8,
}

impl Currency {
    /// By ISO 4217 code in either case. A code that is not listed has two decimals, so that a new
    /// currency works; Stripe's special cases HUF, ISK and TWD have two there as well.
    fn from_code(code: &str) -> Option<Self> {
        let code = code.trim();
        if code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return None;
        }
        let decimals = match code.to_ascii_uppercase().as_str() {
            "BIF" | "CLP" | "DJF" | "GNF" | "JPY" | "KMF" | "KRW" | "MGA" | "PYG" | "RWF"
            | "UGX" | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
            "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
            _ => 2,
        };
        Some(Self { decimals })
    }

    /// How many of the smallest unit make one.
    fn scale(self) -> i64 {
        10_i64.pow(u32::from(self.decimals))
    }

    /// The amount in the smallest unit, halves away from zero; none if it does not fit.
    fn minor(self, amount: Number) -> Option<i64> {
        match amount {
            Number::Integer(units) => units.checked_mul(self.scale()),
            Number::Float(amount) => self.minor_of_decimal(&amount.to_string()),
        }
    }

    /// Counts in decimal digits, since 1.005 × 1000 is 1004.9999999999999 in floats. Rust writes a
    /// float as the shortest decimal that reads as the same float, and never with an exponent.
    fn minor_of_decimal(self, amount: &str) -> Option<i64> {
        let (sign, digits) = match amount.strip_prefix('-') {
            Some(digits) => (-1, digits),
            None => (1, amount),
        };
        let (units, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let mut minor: i64 = units.parse().ok()?;
        let mut decimals = fraction.bytes().map(|digit| i64::from(digit - b'0'));
        for _ in 0..self.decimals {
            let digit = decimals.next().unwrap_or(0);
            minor = minor.checked_mul(10)?.checked_add(digit)?;
        }
        let half_or_more = decimals.next().is_some_and(|digit| digit >= 5);
        Some(sign * minor.checked_add(i64::from(half_or_more))?)
    }

    /// An amount in the smallest unit, written in the currency's unit.
    fn write(self, minor: i64) -> String {
        let sign = if minor < 0 { "-" } else { "" };
        let scale = self.scale().unsigned_abs();
        let (units, rest) = (minor.unsigned_abs() / scale, minor.unsigned_abs() % scale);
        match usize::from(self.decimals) {
            0 => format!("{sign}{units}"),
            width => format!("{sign}{units}.{rest:0width$}"),
        }
    }
}

fn register(host: &mut Host) {
    Namespace::new(TOPIC.name)
        .two("from_minor", from_minor)
        .two("to_minor", to_minor)
        .two("format", format)
        .one("total", total)
        .add_to(host);
}

fn from_minor(amount: Dynamic, currency: Dynamic) -> Result<f64, Problem> {
    let minor = argument::integer("amount", &amount)?;
    let currency = known(currency)?;
    // Exact up to 2^53 of the smallest unit, which no order reaches.
    Ok(minor as f64 / currency.scale() as f64)
}

fn to_minor(amount: Dynamic, currency: Dynamic) -> Result<i64, Problem> {
    counted(&amount, currency).map(|(minor, _)| minor)
}

pub(super) fn format(amount: Dynamic, currency: Dynamic) -> Result<ImmutableString, Problem> {
    let (minor, currency) = counted(&amount, currency)?;
    Ok(currency.write(minor).into())
}

fn counted(amount: &Dynamic, currency: Dynamic) -> Result<(i64, Currency), Problem> {
    let number = argument::number("amount", amount)?;
    let currency = known(currency)?;
    let minor = currency.minor(number).ok_or_else(|| {
        let shown = argument::describe(amount);
        Problem(format!("the amount is {shown}, which is too large"))
    })?;
    Ok((minor, currency))
}

fn known(currency: Dynamic) -> Result<Currency, Problem> {
    let code = argument::text("currency", currency)?;
    Currency::from_code(&code).ok_or_else(|| {
        let shown = argument::quote(&code);
        Problem(format!(
            "the currency is {shown}; a three-letter code such as \"EUR\" is wanted"
        ))
    })
}

fn total(items: Dynamic) -> Result<Dynamic, Problem> {
    let Ok(items) = items.as_array_ref() else {
        return Err(argument::wrong("items", &items, "an array of items"));
    };
    let prices = items.iter().filter_map(price_of);
    let sum = prices.reduce(|sum, price| {
        whole(sum, price, i64::checked_add)
            .unwrap_or_else(|| Number::Float(sum.as_f64() + price.as_f64()))
    });
    Ok(sum.map_or(Dynamic::UNIT, Number::into_dynamic))
}

/// Price times quantity; none if there is no price.
fn price_of(item: &Dynamic) -> Option<Number> {
    let item = item.as_map_ref().ok()?;
    let price = number::from_dynamic(item.get("price")?)?;
    let quantity = item.get("quantity").and_then(number::from_dynamic);
    let quantity = quantity.filter(|quantity| quantity.as_f64() != 0.0);
    let quantity = quantity.unwrap_or(Number::Integer(1));
    let product = whole(price, quantity, i64::checked_mul)
        .unwrap_or_else(|| Number::Float(price.as_f64() * quantity.as_f64()));
    Some(product).filter(|product| product.as_f64().is_finite())
}

/// Whole numbers stay whole as long as they fit.
fn whole(a: Number, b: Number, operation: fn(i64, i64) -> Option<i64>) -> Option<Number> {
    match (a, b) {
        (Number::Integer(a), Number::Integer(b)) => operation(a, b).map(Number::Integer),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_are_counted_exactly() {
        for (amount, currency, minor, written) in [
            (Dynamic::from(39.98), "EUR", 3_998, "39.98"),
            (Dynamic::from(100_i64), "eur", 10_000, "100.00"),
            (Dynamic::from("29.35"), "USD", 2_935, "29.35"),
            (Dynamic::from(1.005), "EUR", 101, "1.01"),
            (Dynamic::from(1.115), "EUR", 112, "1.12"),
            (Dynamic::from(-0.005), "EUR", -1, "-0.01"),
            (Dynamic::from(-0.004), "EUR", 0, "0.00"),
            (Dynamic::from(-0.5), "EUR", -50, "-0.50"),
            (Dynamic::from(0.1 + 0.2), "EUR", 30, "0.30"),
            (Dynamic::from(1e-7), "EUR", 0, "0.00"),
            (Dynamic::from(1_500_i64), "JPY", 1_500, "1500"),
            (Dynamic::from(1_499.5), "krw", 1_500, "1500"),
            (Dynamic::from(1.2345), "KWD", 1_235, "1.235"),
            (Dynamic::from(7.0), "ISK", 700, "7.00"),
        ] {
            let label = format!("{amount} {currency}");
            assert_eq!(
                to_minor(amount.clone(), currency.into()).unwrap(),
                minor,
                "{label}"
            );
            assert_eq!(format(amount, currency.into()).unwrap(), written, "{label}");
        }
    }

    #[test]
    fn nonsense_is_named() {
        for (amount, currency, expected) in [
            (
                Dynamic::from("39,98"),
                "EUR",
                "a comma may mark decimals or thousands",
            ),
            (
                Dynamic::from("abc"),
                "EUR",
                "the amount is \"abc\"; a number is wanted",
            ),
            (
                Dynamic::from(1.0),
                "euro",
                "the currency is \"euro\"; a three-letter code",
            ),
            (
                Dynamic::from(1.0),
                "",
                "the currency is \"\"; a three-letter code",
            ),
            (Dynamic::from(1e300), "EUR", "which is too large"),
            (Dynamic::from(i64::MAX), "EUR", "which is too large"),
            (Dynamic::from(f64::NAN), "EUR", "a number is wanted"),
        ] {
            let error = to_minor(amount, currency.into()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_part_of_the_smallest_unit_is_refused() {
        let error = from_minor(Dynamic::from(39.98), "EUR".into()).unwrap_err();
        assert!(
            error.to_string().contains("an integer is wanted"),
            "{error}"
        );
    }

    proptest! {
        #[test]
        fn minor_units_survive_the_round_trip(
            minor in -9_000_000_000_000_i64..9_000_000_000_000,
            currency in prop::sample::select(vec!["EUR", "JPY", "KWD"]),
        ) {
            let amount = from_minor(minor.into(), currency.into()).unwrap();
            prop_assert_eq!(to_minor(amount.into(), currency.into()).unwrap(), minor);
            let written = format(amount.into(), currency.into()).unwrap();
            prop_assert_eq!(to_minor(written.into(), currency.into()).unwrap(), minor);
        }

        #[test]
        fn nothing_panics(amount: f64, integer: i64, currency: String) {
            for value in [Dynamic::from(amount), Dynamic::from(integer)] {
                for code in ["EUR", "JPY", "KWD", &currency] {
                    let counted = to_minor(value.clone(), code.into());
                    prop_assert_eq!(counted.is_ok(), format(value.clone(), code.into()).is_ok());
                }
            }
        }
    }
}
