//! When to try again. Pure: the jitter is passed in.

use std::time::Duration;

use crate::config::Retry;

/// The waits after the first, second, … attempt: 13 attempts over 71.7 hours. Long enough for a
/// weekend's outage, in line with Standard Webhooks (75.6 h) and Stripe (three days).
const DEFAULT_WAITS: [Duration; 12] = [
    seconds(5),
    seconds(30),
    minutes(2),
    minutes(10),
    minutes(30),
    hours(1),
    hours(2),
    hours(4),
    hours(8),
    hours(12),
    hours(20),
    hours(24),
];

/// What a vendor may ask for. Less than a second would hammer it, more than an hour is better
/// found out by asking.
const RETRY_AFTER: (Duration, Duration) = (seconds(1), hours(1));

/// How far a wait strays to either side, so that a thousand failures do not come back as one.
const JITTER: f64 = 0.2;

/// How long to wait after the `attempts`-th attempt (from 1) failed; `None` if it was the last.
/// `jitter` is 0 to 1, `after` what the vendor asked for.
///
/// Never sooner than the vendor asks, nor than the schedule says: one who asks for a second each
/// time, and is down for an hour, would have used up all attempts in a few.
pub fn next_wait(
    retry: &Retry,
    attempts: u32,
    after: Option<Duration>,
    jitter: f64,
) -> Option<Duration> {
    let waits = match retry {
        Retry::Default => &DEFAULT_WAITS[..],
        Retry::Off => &[],
        Retry::Schedule(waits) => waits,
    };
    let index = usize::try_from(attempts.max(1) - 1).ok()?;
    let planned = waits
        .get(index)?
        .mul_f64(1.0 - JITTER + 2.0 * JITTER * jitter.clamp(0.0, 1.0));
    Some(after.map(obeyed).unwrap_or_default().max(planned))
}

/// How far we go along with what a vendor asks for.
pub(super) fn obeyed(after: Duration) -> Duration {
    after.clamp(RETRY_AFTER.0, RETRY_AFTER.1)
}

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

const fn minutes(count: u64) -> Duration {
    seconds(60 * count)
}

const fn hours(count: u64) -> Duration {
    minutes(60 * count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_default_schedule_takes_about_three_days() {
        let waits = (1..).map_while(|attempt| next_wait(&Retry::Default, attempt, None, 0.5));
        let waits: Vec<Duration> = waits.collect();
        assert_eq!(waits.len(), 12);
        let total: Duration = waits.iter().sum();
        assert!(
            (71.0..72.0).contains(&(total.as_secs_f64() / 3600.0)),
            "{total:?}"
        );
    }

    #[test]
    fn the_vendor_is_obeyed_within_reason() {
        let quick = Retry::Schedule(vec![Duration::from_millis(100)]);
        for (retry, attempts, asked, expected) in [
            (&Retry::Default, 1, seconds(30), Some(seconds(30))),
            (&Retry::Default, 1, seconds(2), Some(seconds(5))),
            (&Retry::Default, 4, seconds(30), Some(minutes(10))),
            (&Retry::Default, 1, hours(24), Some(hours(1))),
            (&Retry::Default, 13, seconds(30), None),
            (&Retry::Off, 1, seconds(30), None),
            (&quick, 1, seconds(0), Some(seconds(1))),
            (&quick, 2, seconds(0), None),
        ] {
            let wait = next_wait(retry, attempts, Some(asked), 0.5);
            assert_eq!(wait, expected, "{retry:?} {attempts} {asked:?}");
        }
    }

    proptest! {
        #[test]
        fn waits_stray_by_a_fifth_at_most(attempt in 1_u32..=12, jitter in -1.0..2.0_f64) {
            let wait = next_wait(&Retry::Default, attempt, None, jitter).unwrap().as_secs_f64();
            let planned = DEFAULT_WAITS[attempt as usize - 1].as_secs_f64();
            prop_assert!((planned * 0.799..planned * 1.201).contains(&wait));
        }
    }
}
