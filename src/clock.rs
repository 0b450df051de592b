//! The time of day, passed in so that tests can hold it, and a thread's time on the processor. It does
//! not sleep: waiting is tokio's.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

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

    /// The time of day for what waits: it never goes back while the process runs. When somebody
    /// sets the clock back by an hour, a delivery that is due in two seconds still is.
    pub fn steady(&self) -> Millis {
        match self {
            Self::System => steady(wall_clock(), to_millis(START.elapsed().as_millis()), &AHEAD),
            Self::Tokio { .. } => self.now(),
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

/// How long this thread has been on a processor.
#[cfg(unix)]
pub fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// Elsewhere the time that passed will do.
#[cfg(not(unix))]
pub fn thread_time() -> Duration {
    START.elapsed()
}

/// There is one wall clock, so there is one of each of these.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The furthest that the wall clock ever was ahead of the time since the start.
static AHEAD: AtomicI64 = AtomicI64::new(Millis::MIN);

/// `elapsed` never jumps.
fn steady(wall: Millis, elapsed: Millis, ahead: &AtomicI64) -> Millis {
    let now_ahead = wall.saturating_sub(elapsed);
    let before = ahead.fetch_max(now_ahead, Ordering::Relaxed);
    elapsed.saturating_add(before.max(now_ahead))
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
    use super::*;

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

    #[test]
    fn what_waits_is_not_held_up_when_the_clock_is_set_back() {
        let ahead = AtomicI64::new(Millis::MIN);
        // Milliseconds since the start, the wall clock then, and what timers go by.
        for (elapsed, wall, expected) in [
            (0, 1_000_000, 1_000_000),
            (10, 1_000_010, 1_000_010),
            (20, 500_020, 1_000_020), // set back
            (30, 500_030, 1_000_030),
            (40, 2_000_040, 2_000_040), // set forward
            (50, 1_000_050, 2_000_050),
            (60, 1_000_060, 2_000_060),
        ] {
            assert_eq!(steady(wall, elapsed, &ahead), expected, "{elapsed}");
        }
    }
}
