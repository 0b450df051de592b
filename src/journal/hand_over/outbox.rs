//! Deliveries that wait in memory for the sender of one destination, and what waits on disk.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::Notify;

use crate::clock::Millis;
use crate::journal::record::Pending;
use crate::journal::store::{Due, Room, Wanted};

/// Deliveries in memory, sent or not: some seconds' worth for a fast vendor.
const MAX_HELD: usize = 8_192;

/// Bytes of their payloads; few large ones count as many small ones.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// One read from disk: enough that it is rare, few enough that appends do not wait for it.
const READ_ROWS: usize = 1_000;

pub(super) struct Outbox {
    ready: VecDeque<Pending>,
    /// Ready, or with a sender, or settled and not yet on disk; with the bytes of each.
    held: HashMap<u64, usize>,
    bytes: usize,
    /// When the first delivery falls due that is on disk and not held. If that is past, new ones
    /// go to the disk too and come back in their turn.
    unread_from: Option<Millis>,
    pub(super) is_reading: bool,
    pub(super) changed: Arc<Notify>,
}

impl Default for Outbox {
    /// Of a destination that nobody asked for yet, nothing is known but what is on disk.
    fn default() -> Self {
        Self {
            ready: VecDeque::new(),
            held: HashMap::new(),
            bytes: 0,
            unread_from: Some(Millis::MIN),
            is_reading: false,
            changed: Arc::default(),
        }
    }
}

impl Outbox {
    pub(super) fn take(&mut self, most: usize) -> Vec<Pending> {
        let count = most.min(self.ready.len());
        self.ready.drain(..count).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ready.is_empty()
    }

    pub(super) fn holds(&self, number: u64) -> bool {
        self.held.contains_key(&number)
    }

    /// True if what is settled should soon be on disk, as its places are wanted.
    pub(super) fn is_filling(&self) -> bool {
        self.held.len() >= MAX_HELD / 2 || self.bytes >= MAX_BYTES / 2
    }

    /// True if the caller must have more read from disk; asks only one of them at a time. If there
    /// is no room, the next release is what to wait for.
    pub(super) fn start_reading(&mut self, now: Millis) -> bool {
        let must_read = self.is_behind(now) && !self.is_reading && !self.room().is_full();
        self.is_reading |= must_read;
        must_read
    }

    /// When to come back, if nothing changes before.
    pub(super) fn next_due(&self, now: Millis) -> Option<Millis> {
        self.unread_from.filter(|due| *due > now)
    }

    /// What to read from disk.
    pub(super) fn wanted(&self) -> Wanted {
        let room = self.room();
        Wanted {
            held: self.held.keys().copied().collect(),
            room: Room {
                rows: room.rows.min(READ_ROWS),
                ..room
            },
        }
    }

    /// Adds a delivery before it is on disk, if it is due and there is room.
    pub(super) fn offer(&mut self, pending: Pending, now: Millis) {
        let is_due = pending.delivery.due <= now;
        if is_due && !self.is_behind(now) && !self.room().is_full() {
            self.hold(pending);
            self.changed.notify_one();
        }
    }

    /// Notes a pending delivery that is on disk now.
    pub(super) fn note(&mut self, number: u64, due: Millis) {
        if !self.held.contains_key(&number) {
            self.wait_until(due);
            self.changed.notify_one();
        }
    }

    /// Adds deliveries that were read from disk.
    pub(super) fn refill(&mut self, due: Due) {
        self.unread_from = due.next;
        for pending in due.ready {
            self.hold(pending);
        }
        self.changed.notify_one();
    }

    /// Forgets a delivery whose settlement is on disk; `again` is when it falls due once more.
    pub(super) fn release(&mut self, number: u64, again: Option<Millis>) {
        self.bytes -= self.held.remove(&number).unwrap_or_default();
        if let Some(due) = again {
            self.wait_until(due);
        }
        if self.unread_from.is_some() {
            self.changed.notify_one(); // there is room for it now
        }
    }

    fn is_behind(&self, now: Millis) -> bool {
        self.unread_from.is_some_and(|due| due <= now)
    }

    fn room(&self) -> Room {
        Room {
            rows: MAX_HELD.saturating_sub(self.held.len()),
            bytes: MAX_BYTES.saturating_sub(self.bytes),
        }
    }

    fn hold(&mut self, pending: Pending) {
        let bytes = pending.delivery.payload.len();
        if self.held.insert(pending.number, bytes).is_none() {
            self.bytes += bytes;
            self.ready.push_back(pending);
        }
    }

    fn wait_until(&mut self, due: Millis) {
        self.unread_from = Some(self.unread_from.map_or(due, |earlier| earlier.min(due)));
    }
}
