//! How old a signature may be, so that one that was overheard is worth little.

use std::time::Duration;

use http::HeaderName;

use super::why::Why;
use crate::clock::Millis;

/// How old a signature may be, and how far in the future, if nothing else is said: what Stripe,
/// Slack, HubSpot and Standard Webhooks advise.
pub(super) const TOLERANCE: Duration = Duration::from_secs(300);

/// From here on a number is milliseconds: as seconds it would be the year 5138.
const FIRST_MILLISECONDS: i64 = 100_000_000_000;

/// Longer than any time is written.
const MAX_DIGITS: usize = 15;

/// Whether a time in seconds or milliseconds, as the sender wrote it into `header`, is near enough to
/// `now`: in both directions, to the second where it is in seconds.
pub(super) fn check(
    header: &HeaderName,
    stamp: &[u8],
    now: Millis,
    tolerance: Duration,
) -> Result<(), Why> {
    let stamp = read(stamp).ok_or_else(|| Why::malformed(header, "holds no time"))?;
    let (stamp, now) = match stamp < FIRST_MILLISECONDS {
        true => (stamp * 1_000, now.div_euclid(1_000) * 1_000),
        false => (stamp, now),
    };
    let apart = Duration::from_millis(now.abs_diff(stamp));
    if apart <= tolerance {
        return Ok(());
    }
    Err(match stamp < now {
        true => Why::TooOld(apart, tolerance),
        false => Why::Early(apart, tolerance),
    })
}

/// Plain digits only: no sign, no exponent, no blanks.
fn read(stamp: &[u8]) -> Option<i64> {
    let is_plain = !stamp.is_empty() && stamp.len() <= MAX_DIGITS;
    let digits = stamp.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(stamp).ok()?;
    text.parse().ok().filter(|_| is_plain && digits)
}

#[cfg(test)]
mod tests {
    use http::header::DATE;

    use super::*;

    #[test]
    fn the_edges_are_those_of_whole_seconds() {
        const NOW: Millis = 1_720_602_001_999;
        let five = Duration::from_secs(300);
        let of = |stamp: &str| check(&DATE, stamp.as_bytes(), NOW, five);
        assert_eq!(of("1720602001"), Ok(()));
        assert_eq!(of("1720601701"), Ok(()));
        assert_eq!(
            of("1720601700"),
            Err(Why::TooOld(Duration::from_secs(301), five))
        );
        assert_eq!(of("1720602301"), Ok(()));
        assert_eq!(
            of("1720602302"),
            Err(Why::Early(Duration::from_secs(301), five))
        );
        // In milliseconds.
        assert_eq!(of("1720601701999"), Ok(()));
        assert_eq!(
            of("1720601701998"),
            Err(Why::TooOld(Duration::from_millis(300_001), five))
        );
        assert!(of("1720602301999").is_ok() && of("1720602302000").is_err());
    }

    #[test]
    fn only_plain_digits_are_a_time() {
        for odd in [
            "",
            "1e9",
            "-1720602001",
            "+1720602001",
            " 1720602001",
            "1720602001.5",
            "now",
            "9999999999999999",
            "٣",
        ] {
            let why = check(&DATE, odd.as_bytes(), 0, Duration::MAX).unwrap_err();
            assert!(matches!(why, Why::Malformed(..)), "{odd}");
        }
    }
}
