//! What one call may use up, time and steps; asked before every operation, and so nearly for nothing.
//!
//! Steps are counted here, because Rhai's own count starts anew in every callback and misses loops
//! such as `array.map(…)`. Of time, what counts is how long the thread was on a processor: on a busy
//! machine a thread waits for its turn, and a delivery must not become a dead letter because of that.

use std::time::{Duration, Instant};

use super::limits;
use crate::clock::thread_time;

/// The clock is read at most once in so many steps while they are quick. A reading costs about as
/// much as one of Rhai's operations, and 64 of them take a few microseconds.
const MOST_STEPS: u32 = 64;

/// How many steps go by before the first reading.
const FIRST_STEPS: u32 = 2;

/// If more time than this passed between two readings, the script may be busy in functions that
/// take milliseconds each (searching a text of 8 MiB); then the clock is read at every step. The
/// processor's time is asked for, by a system call, only in calls that last longer than this.
const LONG: Duration = Duration::from_millis(1);

/// A call that was on the processor for this long, as far as that is known, holds up others: some
/// hundred times what a tag takes.
const SLOW: Duration = Duration::from_millis(2);

/// One that took this long was slow, even if it was in one function all the time and no step was
/// taken by which to see how long it was on the processor.
const SURELY_SLOW: Duration = Duration::from_millis(20);

/// What a call used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    /// Its time, see [`limits::DEADLINE`].
    Time,
    /// Its steps, see [`limits::STEPS`].
    Steps,
}

/// The budget of one call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    time: Duration,
    steps: u32,
    begun: Instant,
    last_reading: Instant,
    /// The thread's processor time when the call turned out to be a long one.
    busy_before: Option<Duration>,
    /// How long it was on the processor by then, if it was a long one.
    used: Duration,
    /// Steps between this reading and the next.
    stride: u32,
}

impl Budget {
    pub(super) fn new(time: Duration) -> Self {
        let now = Instant::now();
        Self {
            time,
            steps: 0,
            begun: now,
            last_reading: now,
            busy_before: None,
            used: Duration::ZERO,
            stride: FIRST_STEPS,
        }
    }

    /// How long the call may last.
    pub(super) fn time(&self) -> Duration {
        self.time
    }

    /// How many steps may be taken before the budget is looked at again.
    pub(super) fn stride(&self) -> u32 {
        self.stride
    }

    /// Looks at the budget, `stride` steps after the last time; says what is used up.
    pub(super) fn look(&mut self) -> Option<Spent> {
        self.read(Instant::now(), thread_time)
    }

    fn read(&mut self, now: Instant, thread_time: impl Fn() -> Duration) -> Option<Spent> {
        self.steps = self.steps.saturating_add(self.stride);
        let is_slow = now.duration_since(self.last_reading) > LONG;
        self.stride = if is_slow {
            1
        } else {
            (self.stride * 2).min(MOST_STEPS)
        };
        self.last_reading = now;
        let elapsed = now.duration_since(self.begun);
        if elapsed >= LONG.min(self.time) && self.is_time_up(elapsed, thread_time()) {
            return Some(Spent::Time);
        }
        (self.steps >= limits::STEPS).then_some(Spent::Steps)
    }

    /// What was used before the call was known to be long counts as [`LONG`].
    fn is_time_up(&mut self, elapsed: Duration, busy: Duration) -> bool {
        let before = *self.busy_before.get_or_insert(busy);
        self.used = busy.saturating_sub(before) + LONG;
        elapsed >= self.time && self.used >= self.time
    }

    /// Whether the call, which ends now, was a slow one.
    pub(super) fn was_slow(&self, now: Instant) -> bool {
        self.used >= SLOW || now.duration_since(self.begun) >= SURELY_SLOW
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Duration = Duration::from_millis(50);

    /// Reads a budget at these moments: milliseconds that passed, milliseconds on the processor.
    fn readings(moments: &[(u64, u64)]) -> Vec<Option<Spent>> {
        let mut budget = Budget::new(TIME);
        let begun = budget.begun;
        let moments = moments.iter();
        let read = moments.map(|(passed, busy)| {
            let now = begun + Duration::from_millis(*passed);
            budget.read(now, || Duration::from_millis(*busy))
        });
        read.collect()
    }

    #[test]
    fn time_is_up_when_the_thread_was_busy_for_so_long() {
        let busy = [(2, 1_002), (49, 1_049), (51, 1_051)];
        assert_eq!(readings(&busy), [None, None, Some(Spent::Time)]);
    }

    #[test]
    fn waiting_for_a_processor_does_not_count() {
        let waiting = [(2, 1_002), (300, 1_004), (390, 1_049), (400, 1_052)];
        assert_eq!(readings(&waiting), [None, None, None, Some(Spent::Time)]);
    }

    #[test]
    fn the_clock_is_read_more_often_when_steps_are_slow() {
        let mut budget = Budget::new(TIME);
        let quick: Vec<u32> = (0..5)
            .map(|_| {
                budget.read(budget.begun, || Duration::ZERO);
                budget.stride()
            })
            .collect();
        assert_eq!(quick, [4, 8, 16, 32, 64]);
        budget.read(budget.begun + 2 * LONG, || Duration::ZERO);
        assert_eq!(budget.stride(), 1);
    }

    #[test]
    fn no_time_at_all_is_up_at_the_first_reading() {
        let mut budget = Budget::new(Duration::ZERO);
        assert_eq!(budget.look(), Some(Spent::Time));
    }

    #[test]
    fn a_slow_call_is_one_that_is_busy_or_takes_very_long() {
        let was_slow = |moments: &[(u64, u64)], end| {
            let mut budget = Budget::new(TIME);
            let begun = budget.begun;
            for (passed, busy) in moments {
                let now = begun + Duration::from_millis(*passed);
                budget.read(now, || Duration::from_millis(*busy));
            }
            budget.was_slow(begun + Duration::from_millis(end))
        };
        assert!(!was_slow(&[], 1));
        assert!(!was_slow(&[(2, 1_002), (12, 1_002)], 13), "it waited");
        assert!(was_slow(&[(2, 1_002), (4, 1_004)], 4), "it was busy");
        assert!(was_slow(&[], 20), "in one function");
    }

    #[test]
    fn steps_are_counted() {
        let mut budget = Budget::new(Duration::MAX);
        let mut taken = budget.stride();
        while budget.look().is_none() {
            taken += budget.stride();
        }
        let most = limits::STEPS + MOST_STEPS;
        assert!((limits::STEPS..most).contains(&taken), "{taken:?}");
    }
}
