//! How much of the processors' time may go into saying no. It says when to rest; the sleeping is done
//! by [`Door`](super::door::Door).

use std::time::{Duration, Instant};

/// One rest after so many refusals, so that as many more have come by its end: what is done for many in
/// a row costs less each.
const IN_A_ROW: u32 = 64;
/// Of all processors' time; a refusal takes 9 µs, and the kernel's interrupts besides. Those who are served
/// lose more than that. On one core, with three times its capacity from 1,000 connections of one address, 118 %
/// of capacity were taken and the slowest hundredth told within 70 to 85 ms beside a share of 0.15; 93 to 97 %
/// and 15 to 25 ms beside 0.25; 90 to 100 % and 8 to 11 ms beside this.
const SHARE: f64 = 0.35;

/// Counts the refusals of one thread.
#[derive(Debug)]
pub(super) struct Pace {
    /// Of one processor's time; more than all of it where there are several.
    share: f64,
    refused: u32,
    before: Reading,
}

/// What a thread's clocks show.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) at: Instant,
    /// How long it has been on a processor.
    pub(super) worked: Duration,
}

impl Pace {
    pub(super) fn new(processors: usize, begin: Reading) -> Self {
        let processors = u32::try_from(processors).unwrap_or(u32::MAX);
        Self {
            share: SHARE * f64::from(processors),
            refused: 0,
            before: begin,
        }
    }

    /// One more was refused. How long to rest now, if at all.
    pub(super) fn refused(&mut self, read: impl FnOnce() -> Reading) -> Option<Duration> {
        self.refused += 1;
        if self.refused < IN_A_ROW {
            return None;
        }
        self.refused = 0;
        let now = read();
        let worked = now.worked.saturating_sub(self.before.worked);
        // It has rested already while others were on its processor.
        let passed = now.at.saturating_duration_since(self.before.at);
        let rest = worked.div_f64(self.share).saturating_sub(passed);
        self.before = Reading {
            at: now.at + rest,
            worked: now.worked,
        };
        (!rest.is_zero()).then_some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rests after each of these: milliseconds that passed, milliseconds on the processor.
    fn rests(processors: usize, moments: &[(u64, u64)]) -> Vec<Option<u128>> {
        let mut now = Reading {
            at: Instant::now(),
            worked: Duration::ZERO,
        };
        let mut pace = Pace::new(processors, now);
        let mut rests = Vec::new();
        for (passed, worked) in moments {
            now.at += Duration::from_millis(*passed);
            now.worked += Duration::from_millis(*worked);
            for _ in 1..IN_A_ROW {
                assert_eq!(pace.refused(|| unreachable!("it is not asked yet")), None);
            }
            let rest = pace.refused(|| now);
            now.at += rest.unwrap_or_default();
            let rounded = rest.map(|rest| (rest + Duration::from_micros(500)).as_millis());
            rests.push(rounded);
        }
        rests
    }

    #[test]
    fn refusals_have_their_share_of_the_time() {
        assert_eq!(rests(1, &[(3, 3), (6, 6)]), [Some(6), Some(11)]);
        let busy = [(6, 3), (30, 3), (1_000, 3)];
        assert_eq!(rests(1, &busy), [Some(3), None, None]);
        assert_eq!(rests(2, &[(3, 3), (6, 6)]), [Some(1), Some(3)]);
        assert_eq!(rests(7, &[(3, 3), (6, 6)]), [None, None]);
    }
}
