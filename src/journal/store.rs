//! What the writer thread needs of a place to keep things. A store decides nothing: who gets what,
//! and when, is the writer's and the hand-over's business.

use std::collections::HashSet;
use std::sync::Arc;

use super::error::Error;
use super::record::{Counts, FailedRequest, Pending, Record, Settlement};
use crate::clock::Millis;
use crate::config;
use crate::delivery::{Delivery, ErrorClass};
use crate::event::Event;

/// A place to keep things. Used by the writer thread alone.
pub(super) trait Store: Send {
    /// Makes a batch durable as a whole. After an error it may be there or not; nothing but
    /// [`Store::recover`] may follow, which makes it certain.
    fn commit(&mut self, batch: &Batch) -> Result<(), Error>;

    /// Makes sure that the store can be written again, and that all it now holds is durable.
    fn recover(&mut self) -> Result<(), Error>;

    /// How far it has come.
    fn progress(&mut self) -> Result<Progress, Error>;

    /// Events to process with numbers above `number`, oldest first, as many as there is room for.
    fn events_after(&mut self, number: u64, room: Room) -> Result<EventPage, Error>;

    /// Pending deliveries that are due at `now` and not in memory, longest due first.
    fn due(&mut self, destination: &Arc<str>, now: Millis, wanted: Wanted) -> Result<Due, Error>;

    /// The deliveries of an event, in the order in which they were made.
    fn deliveries_of(&mut self, event: u64) -> Result<Vec<Record>, Error>;

    /// Counts deliveries and failed requests, without looking at each of them. The rest is the
    /// writer's to fill in.
    fn counts(&mut self) -> Result<Counts, Error>;

    /// When the oldest event arrived that has a pending delivery, or is above the watermark.
    fn oldest_undelivered(&mut self, watermark: u64) -> Result<Option<Millis>, Error>;

    /// Bytes that are in use.
    fn size(&self) -> u64;

    /// Forgets some of what has expired.
    fn sweep(&mut self, expiry: Expiry) -> Result<Swept, Error>;
}

/// All that one commit makes durable.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Commits count up from 1: how one that failed is found, or found missing, afterwards.
    pub number: u64,
    pub events: Vec<NewEvent>,
    pub rows: Vec<Row>,
    /// Of deliveries that are not in `rows`.
    pub settlements: Vec<Settlement>,
    pub requests: Vec<FailedRequest>,
    /// All events up to this number are processed.
    pub watermark: u64,
}

impl Batch {
    /// How much it makes durable.
    pub(super) fn records(&self) -> usize {
        self.events.len() + self.rows.len() + self.settlements.len() + self.requests.len()
    }
}

/// An event as a row.
#[derive(Clone, Debug)]
pub(super) struct NewEvent {
    pub number: u64,
    pub event: Event,
    /// It came with its deliveries, if only with none: no processor gets it.
    pub came_processed: bool,
}

/// A delivery as a row.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub number: u64,
    pub attempts: u32,
    pub delivery: Delivery,
    pub class: Option<ErrorClass>,
    pub note: Option<String>,
}

impl Row {
    pub(super) fn settle(&mut self, settlement: &Settlement) {
        self.attempts = settlement.attempts;
        self.delivery.state = settlement.state;
        self.delivery.due = settlement.due;
        self.class = settlement.class;
        self.note.clone_from(&settlement.note);
    }
}

/// How far a store has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// The number of the last commit.
    pub commits: u64,
    /// The number of the newest event that ever was; it may be gone by now.
    pub newest: u64,
    /// All events up to this number are processed.
    pub watermark: u64,
}

/// How much may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    pub rows: usize,
    pub bytes: usize,
}

impl Room {
    pub(super) fn is_full(self) -> bool {
        self.rows == 0 || self.bytes == 0
    }

    /// Takes a place. The last row may be larger than what was left, or a large one would never
    /// be read at all.
    pub(super) fn take(&mut self, bytes: usize) {
        self.rows = self.rows.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

/// Events that were read.
#[derive(Debug, Default)]
pub(super) struct EventPage {
    pub events: Vec<super::TakenEvent>,
    /// There are no more than these.
    pub all: bool,
}

/// Which deliveries are wanted.
#[derive(Debug)]
pub(super) struct Wanted {
    /// Not these: they are in memory already.
    pub held: HashSet<u64>,
    pub room: Room,
}

/// Deliveries that were read.
#[derive(Debug, Default)]
pub(super) struct Due {
    pub ready: Vec<Pending>,
    /// When the first of the others falls due, or fell due if there was no room for it.
    pub next: Option<Millis>,
}

/// What is old enough to be forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Expiry {
    /// Events that arrived before this, if their deliveries were settled before this too.
    pub events: Millis,
    /// The same for deliveries that are dead letters. (Of a settled delivery, `due` is when that
    /// was.)
    pub dead_letters: Millis,
}

impl Expiry {
    pub(super) fn at(now: Millis, settings: &config::Journal) -> Self {
        let before = |retention: std::time::Duration| {
            now.saturating_sub(Millis::try_from(retention.as_millis()).unwrap_or(Millis::MAX))
        };
        Self {
            events: before(settings.retention),
            dead_letters: before(settings.dead_letter_retention),
        }
    }
}

/// How a sweep ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Swept {
    /// There may be more to forget.
    Some,
    /// That was all for now.
    All,
}
