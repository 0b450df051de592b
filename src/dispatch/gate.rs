//! When the next request may leave to a destination, as far as the vendor's answers decide it: the
//! breaker, the hold after a 429, the number of requests under way. Pure: the time is passed in.

use std::time::Duration;

use tokio::time::Instant;

use super::breaker::{Breaker, Cause, Health, Leave};
use super::concurrency::Concurrency;
use super::send::End;
use super::standing::Stand;
use crate::telemetry::DestinationState;

pub(super) struct Gate {
    breaker: Breaker,
    hold: Hold,
    concurrency: Concurrency,
}

/// A request that has left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begun {
    pub at: Instant,
    pub is_probe: bool,
}

impl Gate {
    /// For settings that nothing is known of yet; `most` requests may be under way.
    pub(super) fn new(most: usize, now: Instant) -> Self {
        Self {
            breaker: Breaker::new(now),
            hold: Hold::default(),
            concurrency: Concurrency::new(most),
        }
    }

    pub(super) fn leave(&self, in_flight: usize, now: Instant) -> Leave {
        if in_flight >= self.concurrency.limit() {
            return Leave::Later;
        }
        match (self.breaker.leave(in_flight, now), self.hold.until(now)) {
            (Leave::Now { .. }, Some(until)) => Leave::At(until),
            (Leave::At(at), Some(until)) => Leave::At(at.max(until)),
            (leave, _) => leave,
        }
    }

    /// Notes that a request leaves.
    pub(super) fn begin(&mut self, is_probe: bool, now: Instant) -> Begun {
        if is_probe {
            self.breaker.probe();
        }
        Begun { at: now, is_probe }
    }

    /// Notes how a request ended.
    pub(super) fn ended(&mut self, begun: Begun, end: &End, now: Instant) {
        let health = match end {
            End::Answered => Health::Good,
            End::Failed { why, .. } => Health::Failing(why),
            End::Refused { why } => Health::Refused(why),
            End::Gone { why } => Health::Gone(why),
            End::Throttled { .. } | End::Unsent => Health::Unknown,
        };
        self.breaker.ended(begun.is_probe, health, now);
        match end {
            End::Answered => {
                self.hold.answered(begun.at);
                self.concurrency.grow();
            }
            End::Throttled { wait, why } => {
                self.hold.begin(begun.at, *wait, why, now);
                self.concurrency.cut(begun.at, now);
            }
            End::Failed { is_timeout, .. } if *is_timeout => self.concurrency.cut(begun.at, now),
            End::Failed { .. } | End::Refused { .. } | End::Gone { .. } | End::Unsent => {}
        }
    }

    /// Notes that a person has done something, which may have been what it waits for.
    pub(super) fn hope(&mut self, now: Instant) {
        self.breaker.hope(now);
    }

    /// How long to leave the vendor alone if it throttles the next request and does not say.
    pub(super) fn next_hold(&self) -> Duration {
        self.hold.next_wait()
    }

    pub(super) fn concurrency(&self) -> usize {
        self.concurrency.limit()
    }

    pub(super) fn stand(&self, now: Instant) -> Stand<'_> {
        match &self.breaker {
            Breaker::Disabled { why } => Stand::new(DestinationState::Disabled, None, why),
            Breaker::Open(open) => {
                let state = match open.cause {
                    Cause::Failing => DestinationState::Open,
                    Cause::Refused => DestinationState::Paused,
                };
                Stand::new(state, Some(open.until), &open.why)
            }
            Breaker::Closed(_) => match self.hold.until(now) {
                Some(until) => Stand::new(DestinationState::Throttled, Some(until), &self.hold.why),
                None => Stand::ready(),
            },
        }
    }
}

/// The first wait after a 429 that says nothing, and what doubling it ends at.
const HOLD: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// The vendor has had enough: nothing leaves until then.
#[derive(Default)]
struct Hold {
    until: Option<Instant>,
    /// When it began, and how often in a row.
    begun: Option<Instant>,
    streak: u32,
    why: String,
}

impl Hold {
    fn until(&self, now: Instant) -> Option<Instant> {
        self.until.filter(|until| now < *until)
    }

    /// A request that left at `begun` was one too many.
    fn begin(&mut self, begun: Instant, wait: Duration, why: &str, now: Instant) {
        if self.is_news(begun) {
            self.streak = self.streak.saturating_add(1);
            self.begun = Some(now);
        }
        let until = now + wait;
        self.until = Some(self.until.map_or(until, |earlier| earlier.max(until)));
        why.clone_into(&mut self.why);
    }

    fn answered(&mut self, begun: Instant) {
        if self.is_news(begun) {
            self.streak = 0;
        }
    }

    /// What had left before the hold says nothing new: sixteen that are refused together are one.
    fn is_news(&self, begun: Instant) -> bool {
        self.begun.is_none_or(|since| begun >= since)
    }

    fn next_wait(&self) -> Duration {
        let doubled = HOLD.0.saturating_mul(2_u32.saturating_pow(self.streak));
        doubled.min(HOLD.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(is_timeout: bool) -> End {
        let why = "down".to_owned();
        End::Failed { why, is_timeout }
    }

    fn throttled(seconds: u64) -> End {
        End::Throttled {
            wait: Duration::from_secs(seconds),
            why: "429".to_owned(),
        }
    }

    /// A request that takes no time.
    fn request(gate: &mut Gate, end: &End, now: Instant) {
        let Leave::Now { is_probe } = gate.leave(0, now) else {
            panic!("{:?}", gate.leave(0, now));
        };
        let begun = gate.begin(is_probe, now);
        gate.ended(begun, end, now);
    }

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn nothing_leaves_while_the_vendor_has_enough() {
        let now = Instant::now();
        let mut gate = Gate::new(16, now);
        let begun = [gate.begin(false, now), gate.begin(false, now)];
        gate.ended(begun[0], &throttled(7), now);
        gate.ended(begun[1], &throttled(3), now);
        assert_eq!(gate.leave(0, now), Leave::At(now + seconds(7)));
        assert_eq!(gate.stand(now).state, DestinationState::Throttled);
        let later = now + seconds(7);
        assert_eq!(gate.leave(0, later), Leave::Now { is_probe: false });
        assert_eq!(gate.stand(later).state, DestinationState::Ready);
    }

    #[test]
    fn without_a_word_from_the_vendor_the_wait_doubles() {
        let mut now = Instant::now();
        let mut gate = Gate::new(16, now);
        for expected in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(gate.next_hold(), seconds(expected));
            let together = [gate.begin(false, now), gate.begin(false, now)];
            for begun in together {
                now += Duration::from_millis(1);
                gate.ended(begun, &throttled(expected), now);
            }
            now += seconds(expected);
        }
        request(&mut gate, &End::Answered, now);
        assert_eq!(gate.next_hold(), seconds(1));
    }

    #[test]
    fn fewer_are_under_way_when_it_is_too_much() {
        let mut now = Instant::now();
        let mut gate = Gate::new(8, now);
        for (end, expected) in [
            (End::Answered, 8),
            (failed(false), 8),
            (failed(true), 4),
            (throttled(1), 2),
            (End::Unsent, 2),
            (End::Answered, 2),
            (End::Answered, 3),
        ] {
            request(&mut gate, &end, now);
            now += seconds(5);
            assert_eq!(gate.leave(expected, now), Leave::Later, "{end:?}");
            let one_less = gate.leave(expected - 1, now);
            assert_eq!(one_less, Leave::Now { is_probe: false }, "{end:?}");
        }
    }

    #[test]
    fn a_probe_that_is_throttled_is_repeated_when_the_vendor_says() {
        let mut now = Instant::now();
        let mut gate = Gate::new(16, now);
        (0..10).for_each(|_| request(&mut gate, &failed(false), now));
        assert_eq!(gate.stand(now).state, DestinationState::Open);
        now += seconds(30);
        request(&mut gate, &throttled(5), now);
        assert_eq!(gate.stand(now).state, DestinationState::Open);
        assert_eq!(gate.leave(0, now), Leave::At(now + seconds(5)));
        now += seconds(5);
        request(&mut gate, &End::Answered, now);
        assert_eq!(gate.stand(now).state, DestinationState::Ready);
    }

    #[test]
    fn a_key_that_is_refused_pauses_and_what_is_gone_disables() {
        let now = Instant::now();
        let mut gate = Gate::new(16, now);
        let why = "401 who are you".to_owned();
        request(&mut gate, &End::Refused { why }, now);
        let stand = gate.stand(now);
        assert_eq!(stand.state, DestinationState::Paused);
        assert_eq!(stand.until, Some(now + seconds(30)));
        assert_eq!(stand.why, Some("401 who are you"));
        let why = "410 gone".to_owned();
        request(&mut gate, &End::Gone { why }, now + seconds(30));
        assert_eq!(gate.stand(now).state, DestinationState::Disabled);
        assert_eq!(gate.leave(0, now + seconds(999_999)), Leave::Later);
    }
}
