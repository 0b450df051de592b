//! What goes into the journal and what comes out of it. How it is kept is the stores' business.
//!
//! Records have numbers: events count up from 1; the deliveries of event `n` are
//! `n × 65,536 + 0, 1, 2, …`. So an event needs no mark of its own when it has become deliveries:
//! there stands one under its number.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest, Sha256};

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

/// What an append is recognised by when its sender repeats it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DedupeKey([u8; 16]);

impl DedupeKey {
    /// How long it is recognised, in milliseconds: a day. Senders repeat what they got no answer to
    /// within minutes or hours, and 5 million keys of a day fit into 200 MB.
    pub const WINDOW: Millis = 24 * 60 * 60 * 1_000;

    /// The key of what `client` was sent under an id of its sender's: the first 16 bytes of
    /// SHA-256 over both. Ids of different clients have nothing to do with one another.
    pub fn of(client: &str, sender_id: &str) -> Self {
        // A zero byte between the two, which no file name holds.
        let digest = Sha256::new()
            .chain_update(client)
            .chain_update([0])
            .chain_update(sender_id)
            .finalize();
        let mut key = [0; 16];
        key.copy_from_slice(&digest[..16]);
        Self(key)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// How it is known that an append came before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Known {
    /// It is not: each is new.
    #[default]
    Not,
    /// As a whole: all that share the key are one append and its repeats.
    By(DedupeKey),
    /// Each event by its id, among those of this client. Those that came before are left out; if all
    /// did, it is a repeat.
    ByEvent(Arc<str>),
}

impl From<Option<DedupeKey>> for Known {
    fn from(key: Option<DedupeKey>) -> Self {
        key.map_or(Self::Not, Self::By)
    }
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

impl Settlement {
    /// It is about to be sent, and must not be sent again unless another settlement follows. Until
    /// then it stays in its sender's hands.
    pub fn is_mark(&self) -> bool {
        self.from == State::Pending && self.class == Some(ErrorClass::Unconfirmed)
    }
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

/// What is kept, and the books.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Deliveries by destination and state; none that are 0.
    pub deliveries: BTreeMap<(String, &'static str), u64>,
    /// One line a tag and destination.
    pub tallies: Vec<Tally>,
    /// One line a tag.
    pub tags: Vec<TagBook>,
    /// Events that no processor has finished.
    pub unprocessed: u64,
    /// Requests whose client failed.
    pub failed_requests: u64,
    /// The number of the newest event; events count up from 1, so this is how many were ever
    /// acknowledged.
    pub newest_event: u64,
    /// Events that were forgotten after the retention.
    pub forgotten: u64,
    /// When the oldest event arrived that has a pending delivery, or is not processed.
    pub oldest_undelivered: Option<Millis>,
    /// Bytes that are in use on disk, to 64 KiB or so.
    pub size: u64,
}

/// A tag's deliveries for one destination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// The tag.
    pub tag: String,
    /// The destination.
    pub destination: String,
    /// How many are kept, of each state, in the order of [`State::ALL`].
    pub deliveries: Vec<(State, u64)>,
    /// How many are forgotten.
    pub forgotten: u64,
}

/// What a tag did with the events it was handed, ever. `handed = filtered + fired`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagBook {
    /// The tag.
    pub tag: String,
    /// Events that it was handed.
    pub handed: u64,
    /// Events of which it made nothing.
    pub filtered: u64,
    /// Events of which it made deliveries.
    pub fired: u64,
    /// Of these, events that are forgotten.
    pub forgotten: u64,
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

#[cfg(test)]
mod tests {
    use super::DedupeKey;

    #[test]
    fn a_key_is_the_clients_and_the_senders() {
        let key = DedupeKey::of("shop", "1");
        assert_eq!(key, DedupeKey::of("shop", "1"));
        for (client, id) in [("shop", "2"), ("shop1", ""), ("sho", "p1"), ("", "shop1")] {
            assert_ne!(key, DedupeKey::of(client, id), "{client} {id}");
        }
    }
}
