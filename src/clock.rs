//! The time of day, passed in so that tests can hold it. It does not sleep: waiting is tokio's.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970-01-01T00:00:00Z: how Tagwerk writes times down.
pub type Millis = i64;

/// Where the current time comes from.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// The operating system's wall clock.
    System,
    /// Tokio's clock, counted from a fixed start; stands still when a test pauses tokio's time.
    Tokio {
        /// The time of day at `start`.
        base: Millis,
        /// The moment in tokio's time that `base` belongs to.
        start: tokio::time::Instant,
    },
}

impl Clock {
    /// A clock that follows tokio's time from `base` on.
    pub fn tokio(base: Millis) -> Self {
        Self::Tokio {
            base,
            start: tokio::time::Instant::now(),
        }
    }

    /// The time of day now.
    pub fn now(&self) -> Millis {
        match self {
            Self::System => wall_clock(),
            Self::Tokio { base, start } => base + to_millis(start.elapsed().as_millis()),
        }
    }
}

/// A moment as `2024-06-21 12:36:40`, in UTC.
pub fn utc_text(at: Millis) -> String {
    match jiff::Timestamp::from_millisecond(at) {
        Ok(moment) => moment.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => "1970-01-01 00:00:00".to_owned(),
    }
}

/// A moment as `2024-06-21T12:36:40.000Z`: what [`parse_rfc3339`] reads.
pub fn rfc3339(at: Millis) -> String {
    let moment = jiff::Timestamp::from_millisecond(at).unwrap_or_default();
    format!("{moment:.3}")
}

/// Reads a moment of RFC 3339, with any offset: `2024-06-21T12:36:40Z`, `2024-06-21 14:36:40+02:00`.
pub fn parse_rfc3339(text: &str) -> Option<Millis> {
    let moment: jiff::Timestamp = text.parse().ok()?;
    Some(moment.as_millisecond())
}

fn wall_clock() -> Millis {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| to_millis(since.as_millis()))
}

fn to_millis(value: u128) -> Millis {
    Millis::try_from(value).unwrap_or(Millis::MAX)
}

#[cfg(test)]
mod tests {
    use super::{parse_rfc3339, rfc3339};

    #[test]
    fn moments_are_read_as_they_are_written() {
        let at = 1_718_973_400_123;
        assert_eq!(rfc3339(at), "2024-06-21T12:36:40.123Z");
        for (text, expected) in [
            ("2024-06-21T12:36:40.123Z", Some(at)),
            ("2024-06-21 14:36:40.123+02:00", Some(at)),
            ("2024-06-21T12:36:40", None),
            ("2024-06-21", None),
            ("2h", None),
            ("", None),
        ] {
            assert_eq!(parse_rfc3339(text), expected, "{text}");
        }
    }
}
