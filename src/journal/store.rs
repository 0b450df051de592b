//! What the writer thread needs of a place to keep things. A store decides nothing: who gets what,
//! and when, is the writer's and the hand-over's business.

use std::collections::HashSet;
use std::sync::Arc;

use super::error::Error;
use super::record::{DedupeKey, FailedRequest, Pending, Settlement};
use crate::clock::Millis;
use crate::config;
use crate::delivery::{Delivery, DeliveryId, ErrorClass, State};
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

    /// True if something was appended under this key then or later.
    fn has_seen(&mut self, key: DedupeKey, since: Millis) -> Result<bool, Error>;

    /// Those of these failed requests that are kept.
    fn kept_requests(&mut self, numbers: &[u64]) -> Result<Vec<u64>, Error>;

    /// Those of these deliveries that are kept.
    fn standings(&mut self, numbers: &[u64]) -> Result<Vec<Standing>, Error>;

    /// The deliveries of an event that is kept and processed.
    fn standings_of(&mut self, event: u64) -> Result<Option<Vec<Standing>>, Error>;

    /// Bytes that are in use, give or take some that came last.
    fn size(&self) -> u64;

    /// The file system that it writes to, if it can be asked.
    fn disk(&self) -> Option<Disk>;

    /// Forgets some of what has expired.
    fn sweep(&mut self, expiry: Expiry) -> Result<Swept, Error>;
}

/// All that one commit makes durable.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Commits count up from 1: how one that failed is found, or found missing, afterwards.
    pub number: u64,
    /// The time of day.
    pub at: Millis,
    pub events: Vec<NewEvent>,
    /// Under which keys they came, and when.
    pub keys: Vec<(DedupeKey, Millis)>,
    pub requests: Vec<FailedRequest>,
    pub rows: Vec<Row>,
    /// Of deliveries that are not in `rows`.
    pub settlements: Vec<Settlement>,
    /// Of the events that are processed: which tags were handed them.
    pub heard: Vec<Heard>,
    /// Of the events that are processed: those without deliveries.
    pub empty: Vec<u64>,
    /// What people changed. It holds nothing that is in `rows`.
    pub edits: Edits,
    /// All events up to this number are processed.
    pub watermark: u64,
}

/// What a row weighs beside its texts, roughly.
const ROW_BYTES: usize = 100;

impl Batch {
    /// How much it makes durable.
    pub(super) fn records(&self) -> usize {
        self.events.len() + self.rows.len() + self.settlements.len() + self.requests.len()
    }

    /// True if it holds new events and nothing else but their keys. Then the events themselves say
    /// that it happened, and how far the store has come: most commits of a quiet server are of this
    /// kind, and each page that one leaves alone is a good part of it.
    pub(super) fn is_only_events(&self) -> bool {
        !self.events.is_empty()
            && self.requests.is_empty()
            && self.rows.is_empty()
            && self.settlements.is_empty()
            && self.heard.is_empty()
            && self.empty.is_empty()
            && self.edits.is_empty()
    }

    /// How many bytes it adds, roughly.
    pub(super) fn weight(&self) -> usize {
        let events = self.events.iter().map(|new| new.event.data.len());
        let rows = self.rows.iter().chain(&self.edits.added);
        let payloads = rows.map(|row| row.delivery.payload.len());
        let messages = self.requests.iter().map(|request| request.message.len());
        let bytes = events.chain(payloads).chain(messages);
        bytes.map(|bytes| bytes + ROW_BYTES).sum()
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

/// A tag that was handed an event.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    pub event: u64,
    pub tag: Arc<str>,
    /// It made a delivery of it.
    pub has_fired: bool,
}

/// What people changed by hand. Unlike marks, it is dropped if its commit did not happen, and who
/// asked for it is told so.
#[derive(Debug, Default)]
pub(super) struct Edits {
    /// Dead letters that are discarded.
    pub discarded: Vec<Settlement>,
    /// Dead letters that are to be sent again.
    pub revived: Vec<Settlement>,
    pub replaced: Vec<Replacement>,
    pub added: Vec<Row>,
    /// Tags that made the first delivery of an event when they were run again.
    pub fired_late: Vec<(u64, Arc<str>)>,
    pub forgotten_requests: Vec<u64>,
}

impl Edits {
    pub(super) fn is_empty(&self) -> bool {
        self.discarded.is_empty()
            && self.revived.is_empty()
            && self.replaced.is_empty()
            && self.added.is_empty()
            && self.fired_late.is_empty()
            && self.forgotten_requests.is_empty()
    }
}

/// A delivery that was made anew, and what it was.
#[derive(Clone, Debug)]
pub(super) struct Replacement {
    pub row: Row,
    pub of: Standing,
}

/// Where a delivery stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub number: u64,
    pub id: DeliveryId,
    pub tag: Arc<str>,
    pub destination: Arc<str>,
    pub state: State,
    pub attempts: u32,
    pub class: Option<ErrorClass>,
    pub note: Option<String>,
}

impl Standing {
    /// The settlement that leads from here to another state.
    pub(super) fn settled(&self, state: State, at: Millis) -> Settlement {
        Settlement {
            number: self.number,
            destination: self.destination.clone(),
            tag: self.tag.clone(),
            from: self.state,
            state,
            class: self.class,
            attempts: self.attempts,
            due: at,
            note: self.note.clone(),
        }
    }
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
    /// The number of the last commit that held more than events.
    pub commits: u64,
    /// The number of the newest event that ever was; it may be gone by now.
    pub newest: u64,
    /// All events up to this number are processed.
    pub watermark: u64,
}

impl Progress {
    /// True if the last commit that was tried is among what is there.
    pub(super) fn has(&self, batch: &Batch) -> bool {
        match batch.events.last() {
            Some(last) => self.newest >= last.number,
            None => self.commits == batch.number,
        }
    }
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
    /// Keys of appends before this.
    pub keys: Millis,
    /// What arrived after this arrived when the clock was wrong.
    pub now: Millis,
}

impl Expiry {
    pub(super) fn at(now: Millis, settings: &config::Journal) -> Self {
        let before = |retention: std::time::Duration| {
            now.saturating_sub(Millis::try_from(retention.as_millis()).unwrap_or(Millis::MAX))
        };
        Self {
            events: before(settings.retention),
            dead_letters: before(settings.dead_letter_retention),
            keys: now.saturating_sub(DedupeKey::WINDOW),
            now,
        }
    }
}

/// A file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Disk {
    pub total: u64,
    /// What is left for us, in bytes.
    pub free: u64,
}

/// How a sweep ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Swept {
    /// There may be more to forget.
    Some,
    /// That was all for now.
    All,
}
