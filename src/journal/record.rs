//! What goes into the journal and what comes out of it. How it is kept is the stores' business.
//!
//! Records have numbers: events count up from 1; the deliveries of event `n` are
//! `n × 65,536 + 0, 1, 2, …`. So an event needs no mark of its own when it has become deliveries:
//! there stands one under its number.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::clock::Millis;
use crate::delivery::{Delivery, ErrorClass, State};
use crate::event::Event;

/// An event to append.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The event.
    pub event: Event,
    /// What became of it, if it was processed already (a preview session that sends); it is
    /// appended with that and not handed to a processor.
    pub made: Option<Made>,
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
    /// What its tags made of it.
    pub made: Made,
}

/// What tags made of an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// At most [`MAX_DELIVERIES`].
    pub deliveries: Vec<NewDelivery>,
    /// The tags that were handed the event and made nothing of it.
    pub filtered: Vec<Arc<str>>,
}

/// A delivery as it comes into the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDelivery {
    /// The delivery.
    pub delivery: Delivery,
    /// Why it is dead, if it is.
    pub class: Option<ErrorClass>,
    /// Why it is not to be sent, for a person, if it is not.
    pub note: Option<String>,
}

impl FromIterator<Delivery> for Made {
    fn from_iter<I: IntoIterator<Item = Delivery>>(deliveries: I) -> Self {
        Self {
            deliveries: deliveries.into_iter().map(NewDelivery::from).collect(),
            filtered: Vec::new(),
        }
    }
}

impl From<Delivery> for NewDelivery {
    fn from(delivery: Delivery) -> Self {
        Self {
            delivery,
            class: None,
            note: None,
        }
    }
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
    /// The tag that made it.
    pub tag: Arc<str>,
    /// Where it stood: pending, or dead if it was marked so before it was sent.
    pub from: State,
    /// Where it stands now.
    pub state: State,
    /// Why it is dead, if it is.
    pub class: Option<ErrorClass>,
    /// How often it was tried by now.
    pub attempts: u32,
    /// When to try again, if it is still pending; else the time of this settlement, from which on
    /// it is kept for the retention.
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
    /// Its number: pages are asked for with it.
    pub number: u64,
    /// The delivery.
    pub delivery: Delivery,
    /// Why it is dead, if it is.
    pub class: Option<ErrorClass>,
    /// What the vendor said last, or why it is not sent.
    pub note: Option<String>,
}

/// A request that was acknowledged though its client failed: a dead letter to replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedRequest {
    /// The request's id, which its sender was told.
    pub id: String,
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
    /// When the oldest event arrived that is not processed, or has a pending delivery.
    pub oldest_undelivered: Option<Millis>,
    /// Bytes in use.
    pub size: u64,
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
