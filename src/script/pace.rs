//! Whether scripts are quick, so that they may run where they are asked for, or have been slow
//! and run on threads of their own for a while. It measures nothing itself.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long what was slow once runs apart. A script that is always slow holds up others for one
/// call (50 ms at most) in so much time.
const APART: Duration = Duration::from_secs(60);

/// How quick some scripts are. At first they are taken for quick.
#[derive(Debug)]
pub struct Pace {
    begun: Instant,
    /// Milliseconds after `begun`.
    apart_until: AtomicU64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            begun: Instant::now(),
            apart_until: AtomicU64::new(0),
        }
    }
}

impl Pace {
    /// True if none was slow of late.
    pub fn is_quick(&self) -> bool {
        let until = self.apart_until.load(Ordering::Relaxed);
        until == 0 || self.now() >= until // most are never slow, and look at no clock
    }

    /// Notes that one was slow.
    pub fn was_slow(&self) {
        let until = self.now().saturating_add(millis(APART));
        self.apart_until.store(until, Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        millis(self.begun.elapsed())
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::Pace;

    #[test]
    fn what_was_slow_runs_apart() {
        let pace = Pace::default();
        assert!(pace.is_quick());
        pace.was_slow();
        assert!(!pace.is_quick());
    }
}
