//! Durations, sizes and rates as people write them: `250ms`, `10GiB`, `50/s`. One number and one
//! unit, nothing compound, so that there is one way to read each.

use std::time::Duration;

/// What to write for a duration, for hints.
pub(super) const DURATION_HINT: &str =
    "write a whole number and a unit, such as \"250ms\", \"5s\", \"2m\", \"1h\" or \"14d\"";

/// What to write for a size, for hints.
pub(super) const SIZE_HINT: &str =
    "write a whole number and a unit, such as \"256KiB\", \"1MiB\" or \"10GiB\"";

/// Milliseconds per unit, the largest first.
const DURATION_UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Bytes per unit, the largest first.
const SIZE_UNITS: [(&str, u64); 5] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];

/// `250ms`, `5s`, `2m`, `1h`, `14d`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    parse(text, &DURATION_UNITS).map(Duration::from_millis)
}

/// The shortest exact way to write a duration; what is finer than a millisecond is left out.
pub(crate) fn duration_text(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if millis == 0 {
        return "0s".to_owned();
    }
    write(millis, &DURATION_UNITS)
}

/// `256KiB`, `1MiB`, `10GiB`, or plain bytes: `512` and `512B`.
pub fn parse_size(text: &str) -> Option<u64> {
    parse(text, &SIZE_UNITS).or_else(|| number(text))
}

/// The shortest exact way to write a size.
pub(crate) fn size_text(bytes: u64) -> String {
    write(bytes, &SIZE_UNITS)
}

/// `50/s`, `300/m`, `1000/h`: how many per period. Zero per period is not a rate.
pub(crate) fn parse_rate(text: &str) -> Option<(u32, Duration)> {
    let (count, unit) = text.split_once('/')?;
    let count = u32::try_from(number(count)?).ok().filter(|n| *n > 0)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => return None,
    };
    Some((count, Duration::from_secs(seconds)))
}

fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (count, unit) = text.split_at_checked(digits)?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number(count)?.checked_mul(*factor)
}

/// Digits only: `u64::from_str` would also take a plus sign.
fn number(text: &str) -> Option<u64> {
    let digits_only = text.bytes().all(|byte| byte.is_ascii_digit());
    digits_only.then(|| text.parse().ok()).flatten()
}

fn write(amount: u64, units: &[(&str, u64)]) -> String {
    let exact = |(_, factor): &&(&str, u64)| amount >= *factor && amount.is_multiple_of(*factor);
    match units.iter().find(exact) {
        Some((unit, factor)) => format!("{}{unit}", amount / factor),
        None => amount.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_people_write() {
        let millis = |text| parse_duration(text).map(|d| d.as_millis());
        assert_eq!(millis("250ms"), Some(250));
        assert_eq!(millis("14d"), Some(14 * 86_400_000));
        assert_eq!(parse_size("1MiB"), Some(1_048_576));
        assert_eq!(parse_size("512"), Some(512));
        assert_eq!(parse_size("512B"), Some(512));
        assert_eq!(parse_rate("50/s"), Some((50, Duration::from_secs(1))));
        assert_eq!(parse_rate("300/m"), Some((300, Duration::from_secs(60))));
    }

    #[test]
    fn refuses_what_could_be_read_in_two_ways() {
        for text in [
            "",
            "5",
            "s",
            "-5s",
            "+5s",
            "5 s",
            "1.5s",
            "1h30m",
            "5S",
            "99999999999999999d",
        ] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
        for text in [
            "",
            "1MB",
            "1M",
            "1 MiB",
            "-1",
            "+1",
            "1mib",
            "99999999999TiB",
        ] {
            assert_eq!(parse_size(text), None, "{text}");
        }
        for text in [
            "",
            "/s",
            "0/s",
            "50",
            "50/",
            "50/d",
            "-1/s",
            "1.5/s",
            "9999999999/s",
        ] {
            assert_eq!(parse_rate(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn durations_round_trip(millis in any::<u64>()) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse_duration(&duration_text(duration)), Some(duration));
        }

        #[test]
        fn sizes_round_trip(bytes in any::<u64>()) {
            prop_assert_eq!(parse_size(&size_text(bytes)), Some(bytes));
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            parse_duration(&text);
            parse_size(&text);
            parse_rate(&text);
        }

        #[test]
        fn near_misses_do_not_panic(text in "[0-9]{0,25}(ms|s|m|d|MiB|/s|ä)?") {
            parse_duration(&text);
            parse_size(&text);
            parse_rate(&text);
        }
    }
}
