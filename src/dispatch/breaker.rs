//! Whether it makes sense to send to a destination at all. One that fails is left alone and probed
//! now and then, one that wants a person too, and one that is gone is not even probed. Pure: the
//! time is passed in.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// So many failures in a row, and nothing else works either.
const CONSECUTIVE: u32 = 10;

/// Of so many requests within [`WINDOW`] half may fail before it is the destination's fault.
const LEAST_REQUESTS: u32 = 20;

/// The time that is looked back on.
const WINDOW: Duration = Duration::from_secs(60);

/// The window moves in steps, so that it is a handful of numbers and not a list of requests.
const STEP: Duration = Duration::from_secs(10);

/// Between two probes: the first wait, and what doubling it ends at.
const PROBE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(10 * 60));

#[derive(Debug)]
pub(super) enum Breaker {
    /// Requests leave.
    Closed(Window),
    /// None leave but a probe now and then.
    Open(Open),
    /// None leave.
    Disabled { why: String },
}

#[derive(Debug)]
pub(super) struct Open {
    pub cause: Cause,
    /// What the last request said.
    pub why: String,
    /// When the next probe may leave.
    pub until: Instant,
    wait: Duration,
    is_probing: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// Requests fail.
    Failing,
    /// Requests are refused until a person has acted.
    Refused,
}

/// What a request says of its destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health<'a> {
    /// It answers. Also if it refused a delivery: that is an answer.
    Good,
    /// Nothing: it is busy, or nothing was sent.
    Unknown,
    /// It fails.
    Failing(&'a str),
    /// It wants a person.
    Refused(&'a str),
    /// It is gone.
    Gone(&'a str),
}

/// Whether a request may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leave {
    Now {
        is_probe: bool,
    },
    /// Not before this.
    At(Instant),
    /// When something has happened: a request has ended, or a person has acted.
    Later,
}

impl Breaker {
    pub(super) fn new(now: Instant) -> Self {
        Self::Closed(Window::new(now))
    }

    pub(super) fn leave(&self, in_flight: usize, now: Instant) -> Leave {
        match self {
            Self::Closed(_) => Leave::Now { is_probe: false },
            // A probe that is not under way any more without having ended has panicked.
            Self::Open(open) if open.is_probing && in_flight > 0 => Leave::Later,
            Self::Open(open) if now < open.until => Leave::At(open.until),
            Self::Open(_) => Leave::Now { is_probe: true },
            Self::Disabled { .. } => Leave::Later,
        }
    }

    /// Notes that a probe leaves.
    pub(super) fn probe(&mut self) {
        if let Self::Open(open) = self {
            open.is_probing = true;
        }
    }

    /// A person has done something: if it waits for one, it may be probed at once.
    pub(super) fn hope(&mut self, now: Instant) {
        if let Self::Open(open) = self
            && open.cause == Cause::Refused
        {
            open.until = open.until.min(now);
        }
    }

    /// Notes what a request said. While open only the probe counts: the others had left before.
    pub(super) fn ended(&mut self, is_probe: bool, health: Health<'_>, now: Instant) {
        match self {
            _ if let Health::Gone(why) = health => {
                *self = Self::Disabled {
                    why: why.to_owned(),
                }
            }
            Self::Closed(window) => {
                if let Some((cause, why)) = window.judge(health, now) {
                    *self = Self::Open(Open::new(cause, why, now));
                }
            }
            Self::Open(open) if is_probe => match health {
                Health::Good => *self = Self::new(now),
                Health::Failing(why) => open.probed(Cause::Failing, why, now),
                Health::Refused(why) => open.probed(Cause::Refused, why, now),
                Health::Unknown | Health::Gone(_) => open.is_probing = false,
            },
            Self::Open(_) | Self::Disabled { .. } => {}
        }
    }
}

impl Open {
    fn new(cause: Cause, why: &str, now: Instant) -> Self {
        Self {
            cause,
            why: why.to_owned(),
            until: now + PROBE.0,
            wait: PROBE.0,
            is_probing: false,
        }
    }

    /// A probe has failed.
    fn probed(&mut self, cause: Cause, why: &str, now: Instant) {
        let wait = (self.wait * 2).min(PROBE.1);
        *self = Self {
            wait,
            until: now + wait,
            ..Self::new(cause, why, now)
        };
    }
}

/// How the last minute went.
#[derive(Debug)]
pub(super) struct Window {
    consecutive: u32,
    start: Instant,
    steps: VecDeque<Step>,
}

#[derive(Debug)]
struct Step {
    /// Counted from the window's start.
    number: u128,
    requests: u32,
    failures: u32,
}

impl Window {
    fn new(start: Instant) -> Self {
        Self {
            consecutive: 0,
            start,
            steps: VecDeque::new(),
        }
    }

    /// Adds a request; why it is enough, if it is.
    fn judge<'a>(&mut self, health: Health<'a>, now: Instant) -> Option<(Cause, &'a str)> {
        match health {
            Health::Unknown | Health::Gone(_) => None,
            Health::Refused(why) => Some((Cause::Refused, why)),
            Health::Good => {
                self.add(false, now);
                self.consecutive = 0;
                None
            }
            Health::Failing(why) => {
                self.add(true, now);
                self.consecutive += 1;
                self.is_too_much().then_some((Cause::Failing, why))
            }
        }
    }

    fn add(&mut self, is_failure: bool, now: Instant) {
        let number = now.duration_since(self.start).as_nanos() / STEP.as_nanos();
        let kept = WINDOW.as_nanos() / STEP.as_nanos();
        while self
            .steps
            .front()
            .is_some_and(|first| first.number + kept <= number)
        {
            self.steps.pop_front();
        }
        if self.steps.back().is_none_or(|last| last.number != number) {
            self.steps.push_back(Step {
                number,
                requests: 0,
                failures: 0,
            });
        }
        if let Some(step) = self.steps.back_mut() {
            step.requests = step.requests.saturating_add(1);
            step.failures = step.failures.saturating_add(u32::from(is_failure));
        }
    }

    fn is_too_much(&self) -> bool {
        let sum = |of: fn(&Step) -> u32| self.steps.iter().map(|step| u64::from(of(step))).sum();
        let requests: u64 = sum(|step| step.requests);
        let failures: u64 = sum(|step| step.failures);
        self.consecutive >= CONSECUTIVE
            || (requests >= u64::from(LEAST_REQUESTS) && 2 * failures >= requests)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOWN: Health<'_> = Health::Failing("503");

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    fn is_open(breaker: &Breaker) -> bool {
        matches!(breaker, Breaker::Open(_))
    }

    /// The probe that may leave at `at`, and not a millisecond earlier, ends with `health`.
    fn probe(breaker: &mut Breaker, at: Instant, health: Health<'_>) {
        let before = at - Duration::from_millis(1);
        assert_eq!(breaker.leave(0, before), Leave::At(at));
        assert_eq!(breaker.leave(0, at), Leave::Now { is_probe: true });
        breaker.probe();
        assert_eq!(breaker.leave(1, at), Leave::Later, "one probe at a time");
        breaker.ended(true, health, at);
    }

    #[test]
    fn opens_at_the_tenth_failure_in_a_row() {
        let now = Instant::now();
        let mut breaker = Breaker::new(now);
        for _ in 0..2 {
            (0..9).for_each(|_| breaker.ended(false, DOWN, now));
            assert!(!is_open(&breaker));
            breaker.ended(false, Health::Unknown, now);
            breaker.ended(false, Health::Good, now + seconds(100));
        }
        let later = now + seconds(200);
        (0..10).for_each(|_| breaker.ended(false, DOWN, later));
        assert!(is_open(&breaker));
    }

    #[test]
    fn opens_when_half_of_twenty_within_a_minute_fail() {
        // Good and bad requests by turns, so many seconds apart, and which one opens it.
        for (apart, opens_at) in [(0, Some(20)), (2, Some(20)), (4, None), (60, None)] {
            let start = Instant::now();
            let mut breaker = Breaker::new(start);
            let opened = (1..=60).find(|count| {
                let health = if count % 2 == 0 { DOWN } else { Health::Good };
                breaker.ended(false, health, start + seconds(apart * count));
                is_open(&breaker)
            });
            assert_eq!(opened, opens_at, "{apart}");
        }
        let now = Instant::now();
        let mut breaker = Breaker::new(now);
        for count in 0..300 {
            let health = if count % 3 == 0 { DOWN } else { Health::Good };
            breaker.ended(false, health, now);
        }
        assert!(!is_open(&breaker), "a third is a vendor's bad day");
    }

    #[test]
    fn probes_come_later_and_later_until_one_succeeds() {
        let mut now = Instant::now();
        let mut breaker = Breaker::new(now);
        (0..10).for_each(|_| breaker.ended(false, DOWN, now));
        for wait in [30, 60, 120, 240, 480, 600, 600] {
            now += seconds(wait);
            probe(&mut breaker, now, DOWN);
        }
        now += seconds(600);
        probe(&mut breaker, now, Health::Unknown);
        assert_eq!(breaker.leave(0, now), Leave::Now { is_probe: true });
        breaker.ended(true, Health::Good, now);
        assert_eq!(breaker.leave(9, now), Leave::Now { is_probe: false });
        (0..9).for_each(|_| breaker.ended(false, DOWN, now));
        assert!(!is_open(&breaker), "it begins anew");
    }

    #[test]
    fn what_left_before_says_nothing_once_it_is_open() {
        let now = Instant::now();
        let mut breaker = Breaker::new(now);
        breaker.ended(false, Health::Refused("401"), now);
        for health in [Health::Good, DOWN, Health::Refused("401")] {
            breaker.ended(false, health, now + seconds(1));
            assert_eq!(breaker.leave(1, now), Leave::At(now + seconds(30)));
        }
    }

    #[test]
    fn one_that_refuses_is_probed_and_one_that_is_gone_is_not() {
        let now = Instant::now();
        let mut breaker = Breaker::new(now);
        breaker.ended(false, Health::Refused("401"), now);
        probe(&mut breaker, now + seconds(30), DOWN);
        let Breaker::Open(open) = &breaker else {
            panic!("{breaker:?}");
        };
        assert_eq!((open.cause, &*open.why), (Cause::Failing, "503"));
        probe(&mut breaker, now + seconds(90), Health::Gone("410"));
        assert_eq!(breaker.leave(0, now + seconds(999_999)), Leave::Later);
        breaker.ended(true, Health::Good, now);
        assert!(matches!(breaker, Breaker::Disabled { why } if why == "410"));
    }

    #[test]
    fn one_that_waits_for_a_person_is_probed_when_one_has_acted() {
        let now = Instant::now();
        let mut breaker = Breaker::new(now);
        (0..10).for_each(|_| breaker.ended(false, DOWN, now));
        breaker.hope(now + seconds(1));
        assert_eq!(breaker.leave(0, now), Leave::At(now + seconds(30)));
        let mut breaker = Breaker::new(now);
        breaker.ended(false, Health::Refused("401"), now);
        breaker.hope(now + seconds(1));
        probe(&mut breaker, now + seconds(1), Health::Refused("401"));
        let next = now + seconds(1 + 60);
        assert_eq!(breaker.leave(0, now), Leave::At(next));
    }

    #[test]
    fn a_probe_that_was_lost_is_made_up_for() {
        let now = Instant::now();
        let mut breaker = Breaker::new(now);
        breaker.ended(false, Health::Refused("401"), now);
        breaker.probe();
        let later = now + seconds(30);
        assert_eq!(breaker.leave(1, later), Leave::Later);
        assert_eq!(breaker.leave(0, later), Leave::Now { is_probe: true });
    }
}
