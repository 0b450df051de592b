//! How fast requests may leave to one destination.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use crate::config::Rate;

/// A limiter that follows the configured rate, also when that changes.
pub(super) struct Pace {
    rate: Rate,
    limiter: Option<DefaultDirectRateLimiter>,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            rate: Rate::Off,
            limiter: None,
        }
    }

    /// How long until the next request may leave; if that is not at all, it counts as sent.
    pub(super) fn wait(&mut self, rate: Rate) -> Option<Duration> {
        if rate != self.rate {
            self.rate = rate;
            self.limiter = limiter(rate);
        }
        let limiter = self.limiter.as_ref()?;
        let refused = limiter.check().err()?;
        Some(refused.wait_time_from(governor::clock::Clock::now(limiter.clock())))
    }
}

fn limiter(rate: Rate) -> Option<DefaultDirectRateLimiter> {
    let Rate::Per { count, period } = rate else {
        return None;
    };
    let count = NonZeroU32::new(count)?;
    // Evenly, one at a time: a burst at the start of each second is what vendors refuse.
    let quota = Quota::with_period(period / count.get())?.allow_burst(NonZeroU32::MIN);
    Some(RateLimiter::direct(quota))
}
