//! `time::`: times as senders write them, to and from milliseconds since 1970. No time zone has a
//! name here: a time without an offset is UTC. And nothing here reads the clock: `now` is the
//! event's time, so that a replayed event makes the same deliveries.

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::fmt::rfc2822;
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::fmt::temporal::{DateTimeParser, Pieces};
use jiff::tz::Offset;
use rhai::{Dynamic, ImmutableString};

use super::argument;
use super::host::Host;
use super::namespace::{Namespace, Problem};
use super::number::{self, Number};
use super::{Function, Topic};
use crate::clock::Millis;
use crate::script::frame;

pub(super) const TOPIC: Topic = Topic {
    name: "time",
    about: "Times, as milliseconds since 1970-01-01 00:00 UTC; UTC where no offset is given. \
            Patterns are those of strftime.",
    functions: &[
        Function {
            signature: "time::parse(value) -> ms",
            about: "Reads ISO 8601 and RFC 3339 with `T` or space, with or without time, fraction \
                    and offset; e-mail and HTTP dates; and Unix times as number or text, whose \
                    size says whether they are seconds, milli-, micro- or nanoseconds. Eight \
                    digits are a date. An error if it is none of them, as `06/21/2024`, which \
                    needs a pattern.",
            example: r#"time::parse("2017-03-22T19:28:02") == 1490210882000 && time::parse(1490210882) == 1490210882000 && time::parse("2017-03-22 20:28:02.5+01:00") == 1490210882500"#,
        },
        Function {
            signature: "time::parse(text, pattern) -> ms",
            about: "Reads a time that is written by a pattern. What the pattern has not is the \
                    start of the day, and UTC.",
            example: r#"time::parse("21.06.2024 12:36", "%d.%m.%Y %H:%M") == 1718973360000"#,
        },
        Function {
            signature: "time::format(ms, pattern) -> text",
            about: "Writes a time by a pattern, in UTC.",
            example: r#"time::format(1718973400000, "%d.%m.%Y %H:%M") == "21.06.2024 12:36""#,
        },
        Function {
            signature: "time::iso(ms) -> text",
            about: "Writes a time as most JSON APIs want it.",
            example: r#"time::iso(1718973400000) == "2024-06-21T12:36:40.000Z""#,
        },
        Function {
            signature: "time::now() -> ms",
            about: "The time of the event, which is when its request came. Not the clock: a replay \
                    a day later gives the same.",
            example: "time::now() == time::now()",
        },
    ],
    register,
};

/// The longest pattern, in bytes: each of its fields can be padded to 255 characters.
const MAX_PATTERN_BYTES: usize = 200;

/// Unix times from here on are milliseconds: in seconds it is the year 5138, in milliseconds 1973.
const FROM_MILLIS: i64 = 100_000_000_000;
/// From here on they are microseconds, such as GA4's `timestamp_micros`.
const FROM_MICROS: i64 = FROM_MILLIS * 1_000;
/// From here on they are nanoseconds.
const FROM_NANOS: i64 = FROM_MICROS * 1_000;

static ISO: DateTimeParser = DateTimeParser::new();
static MAIL: rfc2822::DateTimeParser = rfc2822::DateTimeParser::new();

/// Writes a time in milliseconds by a pattern, in UTC.
pub(super) fn write(ms: &Dynamic, pattern: &str) -> Result<ImmutableString, Problem> {
    let timestamp = timestamp(ms)?;
    strtime::format(pattern, timestamp)
        .map(ImmutableString::from)
        .map_err(|cause| Problem(cause.to_string()))
}

fn register(host: &mut Host) {
    Namespace::new(TOPIC.name)
        .one("parse", parse)
        .two("parse", parse_by)
        .two("format", format)
        .one("iso", iso)
        .zero("now", frame::now)
        .add_to(host);
}

pub(super) fn parse(value: Dynamic) -> Result<Millis, Problem> {
    if !value.is_string() {
        return number::from_dynamic(&value)
            .map(unix)
            .ok_or_else(|| argument::wrong("value", &value, "text or a number"));
    }
    let text = argument::text("value", value)?;
    read(text.trim()).ok_or_else(|| {
        let shown = argument::quote(&text);
        Problem(format!(
            "{shown} is no time that is known; time::parse(text, pattern) may help"
        ))
    })
}

fn parse_by(text: Dynamic, pattern: Dynamic) -> Result<Millis, Problem> {
    let text = argument::text("text", text)?;
    let pattern = bounded(pattern)?;
    let failed = |cause: jiff::Error| {
        let shown = argument::quote(&text);
        Problem(format!("{shown}: {cause}"))
    };
    let parsed = strtime::parse(pattern.as_str(), text.as_str()).map_err(failed)?;
    moment(&parsed).map_err(failed)
}

fn moment(parsed: &BrokenDownTime) -> Result<Millis, jiff::Error> {
    if parsed.timestamp().is_some() || parsed.offset().is_some() {
        return parsed.to_timestamp().map(Timestamp::as_millisecond);
    }
    let time = match parsed.hour() {
        Some(_) => parsed.to_time()?,
        None => Time::midnight(),
    };
    let timestamp = Offset::UTC.to_timestamp(parsed.to_date()?.to_datetime(time))?;
    Ok(timestamp.as_millisecond())
}

fn format(ms: Dynamic, pattern: Dynamic) -> Result<ImmutableString, Problem> {
    let pattern = bounded(pattern)?;
    write(&ms, &pattern)
}

pub(super) fn iso(ms: Dynamic) -> Result<ImmutableString, Problem> {
    let timestamp = timestamp(&ms)?;
    Ok(format!("{timestamp:.3}").into())
}

fn timestamp(ms: &Dynamic) -> Result<Timestamp, Problem> {
    let millis = argument::integer("ms", ms)?;
    Timestamp::from_millisecond(millis).map_err(|_| {
        Problem(format!(
            "the ms are {millis}, which is beyond the year 9999"
        ))
    })
}

fn bounded(pattern: Dynamic) -> Result<ImmutableString, Problem> {
    let pattern = argument::text("pattern", pattern)?;
    if pattern.len() > MAX_PATTERN_BYTES {
        return Err(Problem(format!(
            "the pattern is longer than {MAX_PATTERN_BYTES} bytes"
        )));
    }
    Ok(pattern)
}

/// The moment that a text names, as `time::parse` reads it. UTC where it names no zone.
pub fn read(text: &str) -> Option<Millis> {
    // As a Unix time, eight digits would be one of before March 1973.
    let date_only = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !date_only && let Some(number) = number::parse(text) {
        return Some(unix(number));
    }
    read_iso(text)
        .or_else(|| read_spaced(text))
        .or_else(|| read_mail(text))
}

fn read_iso(text: &str) -> Option<Millis> {
    of_pieces(&ISO.parse_pieces(text).ok()?)
}

fn read_mail(text: &str) -> Option<Millis> {
    let timestamp = MAIL.parse_timestamp(text).ok()?;
    Some(timestamp.as_millisecond())
}

fn of_pieces(pieces: &Pieces<'_>) -> Option<Millis> {
    let offset = match pieces.to_numeric_offset() {
        Some(offset) => offset,
        None if pieces.time_zone_annotation().is_none() => Offset::UTC,
        // `[Europe/Berlin]` without an offset: taking it for UTC would be hours off.
        None => return None,
    };
    let time = pieces.time().unwrap_or(Time::midnight());
    let timestamp = offset.to_timestamp(pieces.date().to_datetime(time)).ok()?;
    Some(timestamp.as_millisecond())
}

/// `2024-06-21 12:36:40 UTC` and `2024-06-21 12:36:40 +0200`, as Ruby and databases print times.
fn read_spaced(text: &str) -> Option<Millis> {
    let (time, zone) = text.rsplit_once(' ')?;
    let zone = match zone {
        "UTC" | "GMT" | "Z" => "Z",
        offset if offset.starts_with(['+', '-']) => offset,
        _ => return None,
    };
    read_iso(&format!("{time}{zone}"))
}

/// A Unix time in the unit that its size tells.
fn unix(number: Number) -> Millis {
    let integer = match number {
        Number::Integer(integer) => integer,
        // Seconds with a fraction.
        Number::Float(float) if float.abs() < FROM_MILLIS as f64 => {
            return (float * 1_000.0).round() as Millis;
        }
        // `as` saturates, at a time that no function here writes.
        Number::Float(float) => float as i64,
    };
    match integer.saturating_abs() {
        size if size < FROM_MILLIS => integer * 1_000,
        size if size < FROM_MICROS => integer,
        size if size < FROM_NANOS => integer / 1_000,
        _ => integer / 1_000_000,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    const NOON: Millis = 1_718_973_400_000;

    #[test]
    fn one_time_in_many_forms() {
        for text in [
            "2024-06-21T12:36:40Z",
            "2024-06-21T12:36:40",
            "2024-06-21 12:36:40",
            "2024-06-21t12:36:40z",
            "2024-06-21T12:36:40.000Z",
            "2024-06-21T12:36:40.000000+00:00",
            "2024-06-21T12:36:40,000Z",
            "2024-06-21T14:36:40+02:00",
            "2024-06-21T14:36:40+0200",
            "2024-06-21T14:36:40+02",
            "2024-06-21T14:36:40+02:00[Europe/Berlin]",
            "2024-06-21 12:36:40 UTC",
            "2024-06-21 14:36:40 +0200",
            "20240621T123640Z",
            "Fri, 21 Jun 2024 12:36:40 GMT",
            "Fri, 21 Jun 2024 14:36:40 +0200",
            "21 Jun 2024 12:36:40 +0000",
            "1718973400",
            "1718973400.000",
            "1718973400000",
            "1718973400000000",
            "1718973400000000000",
            "  2024-06-21T12:36:40Z\n",
        ] {
            assert_eq!(parse(text.into()).ok(), Some(NOON), "{text}");
        }
    }

    #[test]
    fn dates_begin_at_midnight_and_fractions_count() {
        for (text, expected) in [
            ("2024-06-21", 1_718_928_000_000),
            ("20240621", 1_718_928_000_000),
            ("2024-06-21T12:36", NOON - 40_000),
            ("2024-06-21T12:36:40.123456Z", NOON + 123),
            ("1718973400.25", NOON + 250),
            ("1969-12-31T23:59:59Z", -1_000),
            ("0", 0),
            ("-1", -1_000),
        ] {
            assert_eq!(parse(text.into()).ok(), Some(expected), "{text}");
        }
    }

    #[test]
    fn numbers_are_unix_times() {
        for (value, expected) in [
            (Dynamic::from(1_718_973_400_i64), NOON),
            (Dynamic::from(1_718_973_400.5), NOON + 500),
            (Dynamic::from(1_718_973_400_000.0), NOON),
            (Dynamic::from(1_718_973_400_000_123_i64), NOON),
        ] {
            assert_eq!(parse(value.clone()).ok(), Some(expected), "{value}");
        }
    }

    #[test]
    fn what_is_ambiguous_or_wrong_is_refused() {
        for text in [
            "",
            " ",
            "06/21/2024",
            "21.06.2024",
            "yesterday",
            "2024-13-01",
            "2024-02-30",
            "2024-06-21T25:00:00",
            "2024-06-21T12:36:40[Europe/Berlin]",
            "12:36:40",
            "20241399",
            "Fri, 21 Foo 2024 12:36:40 GMT",
            "2024-06-21 12:36:40 CEST",
        ] {
            let error = parse(text.into()).map(|ms| panic!("{text} became {ms}"));
            let error = error.unwrap_err().to_string();
            assert!(
                error.contains("is no time that is known"),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn patterns_read_what_they_say() {
        for (text, pattern, expected) in [
            ("06/21/2024", "%m/%d/%Y", 1_718_928_000_000),
            ("21.06.2024 14:36:40 +0200", "%d.%m.%Y %H:%M:%S %z", NOON),
            ("1718973400", "%s", NOON),
            ("Jun 21, 2024 12:36:40 PM", "%b %d, %Y %I:%M:%S %p", NOON),
        ] {
            assert_eq!(
                parse_by(text.into(), pattern.into()).ok(),
                Some(expected),
                "{text}"
            );
        }
        for (text, pattern) in [
            ("12:36", "%H:%M"),
            ("x", "%Y"),
            ("x", "%"),
            ("1", &"%Y".repeat(200)),
        ] {
            let error = parse_by(text.into(), pattern.into())
                .unwrap_err()
                .to_string();
            assert!(!error.is_empty());
        }
    }

    #[test]
    fn times_are_written_in_utc() {
        for (pattern, expected) in [
            ("%Y-%m-%d %H:%M:%S", "2024-06-21 12:36:40"),
            ("%a, %d %b %Y", "Fri, 21 Jun 2024"),
            ("%s", "1718973400"),
            ("%z", "+0000"),
            ("", ""),
        ] {
            assert_eq!(format(NOON.into(), pattern.into()).unwrap(), expected);
        }
        assert_eq!(
            iso(Dynamic::from(-1_i64)).unwrap(),
            "1969-12-31T23:59:59.999Z"
        );
        for (ms, pattern) in [(i64::MAX, "%Y"), (0, "%!"), (0, &"%Y".repeat(200))] {
            assert!(format(ms.into(), pattern.into()).is_err());
        }
    }

    #[test]
    fn now_is_the_events_time() {
        let engine = Host::engine_with(register);
        frame::begin(NOON, Duration::from_secs(3_600));
        assert_eq!(engine.eval::<Millis>("time::now()").unwrap(), NOON);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(ms in -62_135_596_800_000..253_402_300_799_999_i64) {
            let written = iso(ms.into()).unwrap();
            prop_assert_eq!(parse(written.into()).unwrap(), ms);
        }

        #[test]
        fn nothing_panics(text: String, integer: i64, float: f64) {
            for value in [Dynamic::from(text), Dynamic::from(integer), Dynamic::from(float)] {
                if let Ok(ms) = parse(value) {
                    prop_assert!(iso(ms.into()).is_ok());
                }
            }
        }

        #[test]
        fn no_pattern_panics(pattern in "[%A-Za-z0-9_:.^#-]{0,12}", text: String) {
            if let Ok(written) = format(NOON.into(), pattern.clone().into()) {
                prop_assert!(written.len() <= 255 * 12);
            }
            if let Ok(ms) = parse_by(text.into(), pattern.into()) {
                prop_assert!(iso(ms.into()).is_ok());
            }
        }
    }
}
