//! Whether there is room for new events: within `[journal] max_size`, and on the disk. What is kept
//! back on the disk is for what was acknowledged: its marks, and moving the log into the file.

use std::time::{Duration, Instant};

use tracing::{info, warn};

use crate::journal::store::{Disk, Store};

/// Kept free on the disk: many times what the log may hold before it is moved.
const RESERVE: u64 = 64 * 1024 * 1024;

/// On a small disk it is one part in so many of it.
const RESERVE_SHARE: u64 = 10;

/// The disk is asked so often: in that time it takes a small part of the reserve.
const LOOK: Duration = Duration::from_millis(100);

pub(super) struct Space {
    max_size: u64,
    disk_is_full: bool,
    looked_at: Option<Instant>,
    is_full: bool,
}

impl Space {
    pub(super) fn new(max_size: u64, store: &dyn Store) -> Self {
        let mut space = Self {
            max_size,
            disk_is_full: false,
            looked_at: None,
            is_full: false,
        };
        space.note(store);
        space
    }

    /// True while new events are to be refused.
    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }

    /// Looks again, after what has been written or forgotten.
    pub(super) fn note(&mut self, store: &dyn Store) {
        if self.looked_at.is_none_or(|at| at.elapsed() >= LOOK) {
            self.looked_at = Some(Instant::now());
            self.disk_is_full = store.disk().is_some_and(is_short);
        }
        let size = store.size();
        let is_full = self.disk_is_full || size >= self.max_size;
        if is_full == self.is_full {
            return;
        }
        self.is_full = is_full;
        let max_size = self.max_size;
        match is_full {
            false => info!("the journal takes new events again"),
            true if self.disk_is_full => warn!(
                size,
                "the disk is nearly full: new events are refused, so that what was acknowledged can be finished; make room on it"
            ),
            true => warn!(
                size,
                max_size,
                "the journal is full: new events are refused until old ones have been delivered and forgotten; see [journal] max_size and retention"
            ),
        }
    }
}

fn is_short(disk: Disk) -> bool {
    disk.free < RESERVE.min(disk.total / RESERVE_SHARE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_disk_is_kept_back() {
        const MIB: u64 = 1024 * 1024;
        for (total, free, expected) in [
            (100_000 * MIB, 64 * MIB, false),
            (100_000 * MIB, 63 * MIB, true),
            (64 * MIB, 7 * MIB, false),
            (64 * MIB, 6 * MIB, true),
            (0, 0, false),
        ] {
            assert_eq!(
                is_short(Disk { total, free }),
                expected,
                "{free} of {total}"
            );
        }
    }
}
