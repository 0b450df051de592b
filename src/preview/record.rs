//! What was seen of one request's way, as data: cheap to keep, made into JSON when somebody asks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::Deserialize;

use super::trace::{AttemptTrace, ClientTrace, Mode, TagTrace};
use crate::clock::Millis;
use crate::delivery::{Delivery, DeliveryId, ErrorClass, State};
use crate::destination::Destination;
use crate::event::Event;
use crate::request::{Request, Response, SecretNames};

/// One request's way.
#[derive(Debug)]
pub struct Record {
    /// What gives access, besides what is known by its name.
    pub secret_names: SecretNames,
    /// The session it was watched in; none on the command line, and for a replay.
    pub session: Option<Arc<str>>,
    /// The trace whose request was run again.
    pub replay_of: Option<String>,
    /// What was really done.
    pub mode: Mode,
    /// The generation that handled it.
    pub generation: Arc<str>,
    /// What came in; its id is the trace's.
    pub request: Arc<Request>,
    /// Why no client was asked at all.
    pub unasked: Option<Unasked>,
    /// The clients that were asked, in order.
    pub clients: Vec<ClientTrace>,
    /// The script of the one that took it.
    pub script: Option<Arc<str>>,
    /// What was answered.
    pub response: Response,
    /// What was made of it.
    pub events: Vec<EventRecord>,
    /// When what happened.
    pub times: Times,
}

/// Why a request never came to a client: the listener refused it, or there was no room for it.
#[derive(Clone, Debug)]
pub struct Unasked {
    /// In words.
    pub why: &'static str,
    /// The head as it came, if that is what was wrong.
    pub head: Option<Bytes>,
    /// The request was read to its end, so it can be run again.
    pub is_whole: bool,
}

/// When what happened to a request.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// When it was handed to us whole.
    pub begun: Instant,
    /// When a script thread took it up.
    pub taken: Instant,
    /// When its client was done.
    pub made: Instant,
    /// When it was answered.
    pub answered: Option<Instant>,
}

/// An event, and what its tags did.
#[derive(Debug)]
pub struct EventRecord {
    /// The event.
    pub event: Event,
    /// Its name.
    pub name: String,
    /// How far it has come.
    pub fate: Fate,
    /// When its tags began to run.
    pub begun: Option<Instant>,
    /// The tags that listen to it, in running order.
    pub tags: Vec<TagRecord>,
}

/// How far an event has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// No processor has had it yet.
    Waiting,
    /// Its tags have run.
    Processed,
    /// It was there before: nothing is run for it.
    Repeat,
    /// It could not be journalled, and its sender was told to come back.
    Unkept,
}

/// What a tag did with an event.
#[derive(Clone, Debug)]
pub struct TagRecord {
    /// All but its deliveries.
    pub trace: TagTrace,
    /// What it made.
    pub deliveries: Vec<DeliveryRecord>,
}

/// A delivery, and what became of it.
#[derive(Clone, Debug)]
pub struct DeliveryRecord {
    /// As it was made.
    pub delivery: Delivery,
    /// Where it goes; none if there is no such destination.
    pub destination: Option<Arc<Destination>>,
    /// Where it stands.
    pub state: State,
    /// Why it was given up, if it was.
    pub class: Option<ErrorClass>,
    /// What its last attempt came to, if it was not delivered.
    pub note: Option<String>,
    /// When it is tried next.
    pub next_try_at: Option<Millis>,
    /// What was tried, the first 30 times at most.
    pub attempts: Vec<AttemptTrace>,
}

/// Attempts that are kept: more than any schedule has.
const MAX_ATTEMPTS: usize = 30;

/// What a trace weighs besides the texts in it: its own structures.
const OVERHEAD_BYTES: usize = 1_024;

/// The same of a tag, with its conditions and log.
const TAG_BYTES: usize = 512;

impl Times {
    /// It begins now.
    pub fn now() -> Self {
        let now = Instant::now();
        Self {
            begun: now,
            taken: now,
            made: now,
            answered: None,
        }
    }

    /// From the beginning to a moment.
    pub(super) fn until(&self, moment: Instant) -> Duration {
        moment.saturating_duration_since(self.begun)
    }
}

impl Record {
    /// Of a request that no client was asked for, and what was answered.
    pub fn unasked(
        request: Arc<Request>,
        generation: Arc<str>,
        unasked: Unasked,
        response: Response,
    ) -> Self {
        Self {
            secret_names: SecretNames::default(),
            session: None,
            replay_of: None,
            mode: Mode::Capture,
            generation,
            request,
            unasked: Some(unasked),
            clients: Vec::new(),
            script: None,
            response,
            events: Vec::new(),
            times: Times::now(),
        }
    }

    /// The client that took it.
    pub fn client(&self) -> Option<&str> {
        let claimed = self.clients.iter().find(|client| client.claimed);
        claimed.map(|client| &*client.name)
    }

    /// All deliveries.
    pub(super) fn deliveries(&self) -> impl Iterator<Item = &DeliveryRecord> {
        let tags = self.events.iter().flat_map(|event| &event.tags);
        tags.flat_map(|tag| &tag.deliveries)
    }

    pub(super) fn delivery_mut(&mut self, id: DeliveryId) -> Option<&mut DeliveryRecord> {
        let tags = self.events.iter_mut().flat_map(|event| &mut event.tags);
        let mut deliveries = tags.flat_map(|tag| &mut tag.deliveries);
        deliveries.find(|one| one.delivery.id == id)
    }

    /// About how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        let request = &self.request;
        let headers = request.headers.iter();
        let headers = headers.map(|(name, value)| name.as_str().len() + value.len());
        let events = self.events.iter().map(EventRecord::bytes);
        let texts = request.path.len() + request.query.len() + request.body.len();
        let head = self.unasked.as_ref().and_then(|one| one.head.as_ref());
        OVERHEAD_BYTES
            + texts
            + head.map_or(0, Bytes::len)
            + headers.sum::<usize>()
            + self.response.body.len()
            + events.sum::<usize>()
    }
}

impl EventRecord {
    /// An event that no processor has had.
    pub fn waiting(event: Event) -> Self {
        Self {
            name: event_name(&event),
            event,
            fate: Fate::Waiting,
            begun: None,
            tags: Vec::new(),
        }
    }

    /// What its tags did, which began at that moment.
    pub fn processed(&mut self, begun: Instant, tags: Vec<TagRecord>) {
        self.fate = Fate::Processed;
        self.begun = Some(begun);
        self.tags = tags;
    }

    fn bytes(&self) -> usize {
        let tags = self.tags.iter().map(TagRecord::bytes);
        self.event.data.len() + tags.sum::<usize>()
    }
}

impl TagRecord {
    fn bytes(&self) -> usize {
        let log = self.trace.log.iter().map(|line| line.text.len());
        let payloads = self.deliveries.iter().map(|one| {
            let attempts = one.attempts.iter().map(|attempt| attempt.body.len());
            one.delivery.payload.len() + attempts.sum::<usize>() + TAG_BYTES
        });
        TAG_BYTES + log.sum::<usize>() + payloads.sum::<usize>()
    }
}

impl DeliveryRecord {
    /// One that was not tried yet.
    pub fn new(delivery: Delivery, destination: Option<Arc<Destination>>) -> Self {
        Self {
            state: delivery.state,
            next_try_at: (delivery.state == State::Pending).then_some(delivery.due),
            delivery,
            destination,
            class: None,
            note: None,
            attempts: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, attempt: AttemptTrace) {
        if self.attempts.len() < MAX_ATTEMPTS {
            self.attempts.push(attempt);
        }
    }
}

/// The name in an event's data; the client has made sure that there is one.
pub fn event_name(event: &Event) -> String {
    #[derive(Deserialize)]
    struct Named {
        event_name: String,
    }
    let named: Result<Named, _> = serde_json::from_slice(&event.data);
    named.map(|named| named.event_name).unwrap_or_default()
}
