//! What the writer thread needs of a place to keep things, and the rows that go in and out. The
//! order of things and who gets what is the writer's and the hand-over's business.
//!
//! Rows have numbers: events count up; the deliveries of event `n` are `n × 65,536 + 0, 1, 2, …`.
//! So an event needs no mark of its own: it is processed if the watermark has passed it or a
//! delivery stands under its number.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::error::Error;
use crate::clock::Millis;
use crate::delivery::{Delivery, State};
use crate::event::Event;

/// An event to append.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The event.
    pub event: Event,
    /// Its deliveries, if it was processed already (a preview session that sends); they are
    /// appended with it and it is not handed to a processor.
    pub deliveries: Option<Vec<(Delivery, Option<String>)>>,
}

/// An event in the hands of a processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenEvent {
    /// Its number.
    pub number: u64,
    /// The event.
    pub event: Event,
}

/// What became of an event.
#[derive(Clone, Debug)]
pub struct Processed {
    /// The number it was taken under.
    pub number: u64,
    /// Its deliveries, at most [`MAX_DELIVERIES`], each with why it is not to be sent if it is not.
    pub deliveries: Vec<(Delivery, Option<String>)>,
}

/// Deliveries of one event, so that their numbers do not run into the next event's.
pub const MAX_DELIVERIES: usize = 1 << NUMBER_BITS;

const NUMBER_BITS: u32 = 16;

/// The number of an event's `index`-th delivery.
pub(super) fn delivery_number(event: u64, index: usize) -> u64 {
    (event << NUMBER_BITS) | index as u64
}

/// The event of a delivery.
pub(super) fn event_number(delivery: u64) -> u64 {
    delivery >> NUMBER_BITS
}

/// A delivery in the hands of a sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Its number.
    pub number: u64,
    /// How often it was tried.
    pub attempts: u32,
    /// The delivery.
    pub delivery: Delivery,
}

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The number it was taken under.
    pub number: u64,
    /// The destination it was taken for.
    pub destination: Arc<str>,
    /// Where it stands now.
    pub state: State,
    /// How often it was tried by now.
    pub attempts: u32,
    /// When to try again, if it is still pending.
    pub due: Millis,
    /// What the vendor said.
    pub note: Option<String>,
}

/// A delivery beside its event, to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The number of its event.
    pub event: u64,
    /// Event data.
    pub data: Bytes,
    /// How often it was tried.
    pub attempts: u32,
    /// The delivery.
    pub delivery: Delivery,
    /// What the vendor said last, or why it is not sent.
    pub note: Option<String>,
}

/// A request that was acknowledged though its client failed: a dead letter to replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedRequest {
    /// When it arrived.
    pub received_at: Millis,
    /// The client that failed.
    pub client: String,
    /// What went wrong, with file and line.
    pub fault: String,
    /// The request, as an HTTP message without secrets.
    pub message: Bytes,
}

/// Deliveries by destination and state, and what else waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Deliveries by destination and state.
    pub deliveries: BTreeMap<(String, &'static str), u64>,
    /// Events that no processor has finished.
    pub unprocessed: u64,
    /// Requests whose client failed.
    pub failed_requests: u64,
    /// The number of the newest event; events count up from 1.
    pub newest_event: u64,
}

impl Counts {
    /// Deliveries in a state, over all destinations.
    pub fn total(&self, state: State) -> u64 {
        let of_state = self
            .deliveries
            .iter()
            .filter(|((_, name), _)| *name == state.as_str());
        of_state.map(|(_, count)| count).sum()
    }
}

/// A delivery as a row.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub number: u64,
    pub attempts: u32,
    pub delivery: Delivery,
    pub note: Option<String>,
}

/// All that one commit makes durable.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub events: Vec<TakenEvent>,
    pub rows: Vec<Row>,
    pub settlements: Vec<Settlement>,
    pub requests: Vec<FailedRequest>,
    /// All events up to this number are processed.
    pub watermark: u64,
}

/// A place to keep things. Used by the writer thread alone.
pub(super) trait Store: Send {
    /// Makes a batch durable as a whole, or changes nothing.
    fn commit(&mut self, batch: &Batch) -> Result<(), Error>;

    /// After a commit failed: whatever it takes to be able to try again.
    fn recover(&mut self) -> Result<(), Error>;

    /// The number of the newest event, and the watermark.
    fn ends(&mut self) -> Result<(u64, u64), Error>;

    /// Events with numbers above `number` that are not processed, oldest first.
    fn events_after(&mut self, number: u64, most: usize) -> Result<Vec<TakenEvent>, Error>;

    /// Pending deliveries of a destination that are due at `now`, longest due first.
    fn due(
        &mut self,
        destination: &Arc<str>,
        now: Millis,
        most: usize,
    ) -> Result<Vec<Pending>, Error>;

    /// When the first pending delivery of a destination falls due after `now`.
    fn next_due(&mut self, destination: &str, now: Millis) -> Result<Option<Millis>, Error>;

    /// The deliveries of an event, in the order in which they were made.
    fn deliveries_of(&mut self, event: u64) -> Result<Vec<Record>, Error>;

    /// Counts rows. `unprocessed` and `newest_event` are the writer's to fill in.
    fn counts(&mut self) -> Result<Counts, Error>;
}
