//! Events that wait in memory for a processor, and which ones are unfinished.

use std::collections::{BTreeSet, VecDeque};

use crate::journal::record::TakenEvent;
use crate::journal::store::{EventPage, Room};

/// Events in memory. At 2 KiB each this is 20 MiB.
const MAX_EVENTS: usize = 10_000;

/// Bytes of event data in memory; few large events count as many small ones.
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// One read from disk: enough that it is rare, few enough that appends do not wait for it (1 ms).
const READ: Room = Room {
    rows: 256,
    bytes: 4 * 1024 * 1024,
};

#[derive(Default)]
pub(super) struct Events {
    ready: VecDeque<TakenEvent>,
    bytes: usize,
    /// Handed out or ready, and not processed.
    open: BTreeSet<u64>,
    /// The newest number that ever was in `ready`.
    newest: u64,
    /// There are newer ones on disk that were never in `ready`.
    behind: bool,
    pub(super) is_reading: bool,
}

impl Events {
    /// After a restart: everything above the watermark is on disk.
    pub(super) fn start_behind(watermark: u64) -> Self {
        Self {
            newest: watermark,
            behind: true,
            ..Self::default()
        }
    }

    pub(super) fn take(&mut self, most: usize) -> Vec<TakenEvent> {
        let count = most.min(self.ready.len());
        let taken: Vec<TakenEvent> = self.ready.drain(..count).collect();
        self.bytes -= taken
            .iter()
            .map(|taken| taken.event.data.len())
            .sum::<usize>();
        taken
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ready.is_empty()
    }

    pub(super) fn is_behind(&self) -> bool {
        self.behind
    }

    /// True if the caller must have more read from disk; asks only one of them at a time.
    pub(super) fn start_reading(&mut self) -> bool {
        let must_read = self.behind && !self.is_reading;
        self.is_reading |= must_read;
        must_read
    }

    /// From where to read on, and how much.
    pub(super) fn wanted(&self) -> (u64, Room) {
        (self.newest, READ)
    }

    /// Adds events that were just committed, as long as there is room. The others wait on disk,
    /// and with them all that come later, so that the order is kept.
    pub(super) fn offer(&mut self, new: impl Iterator<Item = TakenEvent>) {
        for event in new {
            let is_full = self.ready.len() >= MAX_EVENTS || self.bytes >= MAX_BYTES;
            if self.behind || is_full {
                self.behind = true;
                return;
            }
            self.push(event);
        }
    }

    /// Adds events that were read from disk.
    pub(super) fn refill(&mut self, page: EventPage) {
        self.behind = !page.all;
        for event in page.events {
            self.push(event);
        }
    }

    /// Notes that an event is processed.
    pub(super) fn close(&mut self, number: u64) {
        self.open.remove(&number);
    }

    /// All events up to this number are processed.
    pub(super) fn watermark(&self, newest_on_disk: u64) -> u64 {
        match self.open.first() {
            Some(oldest) => oldest - 1,
            None if self.behind => self.newest,
            None => newest_on_disk,
        }
    }

    /// How many events are not processed. While there are some on disk that were never in memory,
    /// those that came processed count too.
    pub(super) fn unprocessed(&self, newest_on_disk: u64) -> u64 {
        let unread = match self.behind {
            true => newest_on_disk.saturating_sub(self.newest),
            false => 0,
        };
        self.open.len() as u64 + unread
    }

    fn push(&mut self, event: TakenEvent) {
        self.bytes += event.event.data.len();
        self.newest = event.number;
        self.open.insert(event.number);
        self.ready.push_back(event);
    }
}
