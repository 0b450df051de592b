//! How fast requests may leave to one destination.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::time::{Instant, sleep_until};

use crate::config::Rate;

/// Lets requests leave evenly, one at a time: a burst at the start of each second is what vendors
/// refuse. Follows the configured rate, also when that changes.
pub(super) struct Pace {
    rate: Rate,
    limiter: Option<Limiter>,
}

struct Limiter {
    start: Instant,
    cells: RateLimiter<NotKeyed, InMemoryState, Since, NoOpMiddleware<Duration>>,
}

/// Tokio's time for the limiter, which otherwise reads a clock that no test can hold.
struct Since(Instant);

impl Clock for Since {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Tokio's timer counts in milliseconds, and is up to one late.
const TICK: Duration = Duration::from_millis(1);

/// Requests that are further apart than this do not feel how late the timer is. Others may make up
/// for it, or 300 a second would be 250.
const COARSE: Duration = Duration::from_millis(100);

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            rate: Rate::Off,
            limiter: None,
        }
    }

    /// Returns when the next request may leave, and counts it. Given up before, it counts nothing.
    pub(super) async fn leave(&mut self, rate: Rate) {
        if rate != self.rate {
            self.rate = rate;
            self.limiter = Limiter::new(rate);
        }
        let Some(Limiter { start, cells }) = &self.limiter else {
            return;
        };
        while let Err(not_until) = cells.check() {
            sleep_until(*start + not_until.earliest_possible()).await;
        }
    }
}

impl Limiter {
    fn new(rate: Rate) -> Option<Self> {
        let Rate::Per { count, period } = rate else {
            return None;
        };
        let one = period.checked_div(count)?;
        let quota = Quota::with_period(one)?.allow_burst(together(one));
        let start = Instant::now();
        Some(Self {
            start,
            cells: RateLimiter::direct_with_clock(quota, Since(start)),
        })
    }
}

/// How many requests may leave together, if they are on average so far apart.
fn together(one: Duration) -> NonZeroU32 {
    if one >= COARSE {
        return NonZeroU32::MIN;
    }
    let late = TICK.as_nanos().div_ceil(one.as_nanos().max(1));
    let late = u32::try_from(late).unwrap_or(u32::MAX);
    NonZeroU32::MIN.saturating_add(late)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn per_second(count: u32) -> Rate {
        Rate::Per {
            count,
            period: Duration::from_secs(1),
        }
    }

    /// Milliseconds after `start`.
    async fn leave(pace: &mut Pace, rate: Rate, start: Instant) -> u128 {
        pace.leave(rate).await;
        start.elapsed().as_millis()
    }

    #[tokio::test(start_paused = true)]
    async fn requests_leave_evenly_and_the_first_at_once() {
        let (mut pace, start) = (Pace::new(), Instant::now());
        for expected in [0, 500, 1_000, 1_500] {
            assert_eq!(leave(&mut pace, per_second(2), start).await, expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_is_not_made_up_for() {
        let (mut pace, start) = (Pace::new(), Instant::now());
        leave(&mut pace, per_second(2), start).await;
        tokio::time::advance(Duration::from_millis(3_200)).await;
        for expected in [3_200, 3_700, 4_200] {
            assert_eq!(leave(&mut pace, per_second(2), start).await, expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_given_up_counts_nothing() {
        let (mut pace, start) = (Pace::new(), Instant::now());
        leave(&mut pace, per_second(1), start).await;
        for _ in 0..3 {
            let given_up = pace.leave(per_second(1));
            let soon = Duration::from_millis(100);
            assert!(tokio::time::timeout(soon, given_up).await.is_err());
        }
        assert_eq!(leave(&mut pace, per_second(1), start).await, 1_000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_rate_holds_from_now_on() {
        let (mut pace, start) = (Pace::new(), Instant::now());
        for (rate, expected) in [
            (Rate::Off, 0),
            (Rate::Off, 0),
            (per_second(1), 0),
            (per_second(1), 1_000),
            (per_second(4), 1_000),
            (per_second(4), 1_250),
            (Rate::Off, 1_250),
        ] {
            assert_eq!(leave(&mut pace, rate, start).await, expected, "{rate:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_that_is_finer_than_the_timer_is_kept_too() {
        for count in [11, 300, 999, 1_000, 1_001, 5_000, 100_000] {
            let (mut pace, start) = (Pace::new(), Instant::now());
            for _ in 0..2 * count {
                pace.leave(per_second(count)).await;
            }
            let took = start.elapsed().as_secs_f64();
            assert!((1.8..2.02).contains(&took), "{count}: {took}");
        }
    }
}
