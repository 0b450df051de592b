//! How fast requests may leave to one destination.

use tokio::time::{Interval, MissedTickBehavior};

use crate::config::Rate;

/// Lets requests leave evenly, one at a time: a burst at the start of each second is what vendors
/// refuse. Follows the configured rate, also when that changes.
pub(super) struct Pace {
    rate: Rate,
    ticks: Option<Interval>,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            rate: Rate::Off,
            ticks: None,
        }
    }

    /// Returns when the next request may leave, and counts it. Given up before, it counts nothing.
    pub(super) async fn leave(&mut self, rate: Rate) {
        if rate != self.rate {
            self.rate = rate;
            self.ticks = ticks(rate);
        }
        if let Some(ticks) = &mut self.ticks {
            ticks.tick().await;
        }
    }
}

fn ticks(rate: Rate) -> Option<Interval> {
    let Rate::Per { count, period } = rate else {
        return None;
    };
    let period = period.checked_div(count).filter(|one| !one.is_zero())?;
    let mut ticks = tokio::time::interval(period);
    // What was not used is gone.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    Some(ticks)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::Pace;
    use crate::config::Rate;

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
}
