//! How many requests may be under way to one destination: what the user allows, and fewer while the
//! vendor cannot keep up. Additive increase, multiplicative decrease, as TCP does it. Pure.

use tokio::time::Instant;

pub(super) struct Concurrency {
    /// What the user allows.
    most: usize,
    limit: usize,
    /// Since the limit changed last.
    successes: usize,
    cut_at: Option<Instant>,
}

impl Concurrency {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            limit: most,
            successes: 0,
            cut_at: None,
        }
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// A request was answered: one more may be under way after as many of these as are under way.
    pub(super) fn grow(&mut self) {
        if self.limit == self.most {
            return;
        }
        self.successes += 1;
        if self.successes >= self.limit {
            self.limit += 1;
            self.successes = 0;
        }
    }

    /// A request that had begun at `begun` was too much: half as many from now on. What began before
    /// the last cut says nothing new, or sixteen that fail together would leave one.
    pub(super) fn cut(&mut self, begun: Instant, now: Instant) {
        if self.cut_at.is_some_and(|cut_at| begun < cut_at) {
            return;
        }
        self.limit = (self.limit / 2).max(1);
        self.successes = 0;
        self.cut_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(milliseconds: u64) -> Instant {
        thread_local!(static START: Instant = Instant::now());
        START.with(|start| *start) + Duration::from_millis(milliseconds)
    }

    #[test]
    fn halves_down_to_one_and_grows_back_to_what_is_allowed() {
        let mut concurrency = Concurrency::new(16);
        for (round, expected) in [8, 4, 2, 1, 1].into_iter().enumerate() {
            let begun = at(10 * round as u64);
            concurrency.cut(begun, begun);
            assert_eq!(concurrency.limit(), expected);
        }
        let grow = |concurrency: &mut Concurrency| {
            (1..).find(|_| {
                let before = concurrency.limit();
                concurrency.grow();
                concurrency.limit() > before
            })
        };
        for limit in 1..16 {
            assert_eq!(grow(&mut concurrency), Some(limit), "from {limit}");
        }
        concurrency.grow();
        assert_eq!(concurrency.limit(), 16);
    }

    #[test]
    fn those_that_fail_together_count_once() {
        let mut concurrency = Concurrency::new(16);
        for ended in 50..66 {
            concurrency.cut(at(ended - 50), at(ended));
        }
        assert_eq!(concurrency.limit(), 8);
        concurrency.cut(at(51), at(70));
        assert_eq!(concurrency.limit(), 4, "this one began with the new limit");
    }
}
