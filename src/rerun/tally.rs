//! Why things could not be run again, counted: a thousand dead letters die of few causes.

use std::collections::BTreeMap;
use std::ops::AddAssign;

/// Reasons, and how often each was given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reasons(BTreeMap<String, u64>);

/// Different reasons that are told apart. Texts may name an event, so there is no end to them.
const MOST: usize = 20;

/// What all further ones are called.
const OTHERS: &str = "other reasons";

impl Reasons {
    /// Notes one.
    pub fn add(&mut self, reason: String) {
        self.count(reason, 1);
    }

    /// Reasons with their counts, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(reason, count)| (&**reason, *count))
    }

    fn count(&mut self, reason: String, count: u64) {
        let is_known = self.0.contains_key(&reason) || self.0.len() < MOST;
        let reason = if is_known { reason } else { OTHERS.to_owned() };
        *self.0.entry(reason).or_default() += count;
    }
}

impl AddAssign for Reasons {
    fn add_assign(&mut self, others: Self) {
        for (reason, count) in others.0 {
            self.count(reason, count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_reasons_become_few_and_none_is_lost() {
        let mut reasons = Reasons::default();
        for number in 0..100 {
            reasons.add(format!("reason {}", number % 40));
        }
        let mut all = Reasons::default();
        all += reasons.clone();
        all += reasons;
        assert!(all.iter().count() <= MOST + 1);
        assert_eq!(all.iter().map(|(_, count)| count).sum::<u64>(), 200);
        assert!(all.iter().any(|(reason, _)| reason == OTHERS));
    }
}
