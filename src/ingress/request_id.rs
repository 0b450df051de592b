//! Names for requests: 16 hex digits, unique in this process and unlike those of another one.
//! They are no secret, but do not show how many requests there were.

use std::sync::atomic::{AtomicU64, Ordering};

/// Where request ids come from.
#[derive(Debug)]
pub(super) struct RequestIds {
    next: AtomicU64,
}

impl RequestIds {
    /// A row of ids that begins at `seed`, which should be random.
    pub(super) fn new(seed: u64) -> Self {
        Self {
            next: AtomicU64::new(seed),
        }
    }

    pub(super) fn make(&self) -> String {
        let id = scramble(self.next.fetch_add(1, Ordering::Relaxed));
        format!("{id:016x}")
    }
}

/// A one-to-one map of the numbers that looks random (the finaliser of `SplitMix64`).
fn scramble(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::RequestIds;
    use std::collections::HashSet;

    #[test]
    fn ids_are_short_and_unique() {
        let ids = RequestIds::new(u64::MAX - 10);
        let made: HashSet<String> = (0..1_000).map(|_| ids.make()).collect();
        assert_eq!(made.len(), 1_000);
        assert!(made.iter().all(|id| id.len() == 16));
    }
}
