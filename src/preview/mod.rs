//! Preview: watching requests pass through, step by step. Records of what was seen, the sessions in
//! which they are made, and a bounded ring that keeps the newest of them in memory. Nothing here is
//! ever written to disk, and nothing here handles a request: that is `intake`, `processor` and
//! `dispatch`, watched.
//!
//! Live traffic asks three times whether somebody watches, and each time that is one relaxed load of
//! a number: when a request comes (`may_capture`), when events are processed (`awaits`), and when an
//! attempt has ended (`is_watching`).

mod capture;
mod curl;
mod filter;
mod guess;
mod provenance;
mod record;
mod redact;
mod ring;
mod row;
mod session;
mod show;
mod trace;

pub use capture::{Capture, Sight};
pub use curl::redacted;
pub use filter::{PathFilter, TraceFilter};
pub use provenance::Origin;
pub use record::{
    DeliveryRecord, EventRecord, Fate, Record, TagRecord, Times, Unasked, event_name,
};
pub use redact::{HIDDEN, is_secret, is_secret_header};
pub use ring::{Answered, Entry, Ring};
pub use row::{OUTCOMES, Row};
pub use session::{
    End, Ended, Kind, Opened, PREVIEW_HEADERS, Session, Sessions, SessionsFull, Wish, has_token,
    remove_tokens,
};
pub use trace::{
    AttemptTrace, ClientTrace, ConditionTrace, ConsentTrace, DeliveryTrace, EventTrace, Mode,
    RequestTrace, ResponseTrace, SentTrace, StepTrace, TagTrace, Trace, TransformTrace,
    UnaskedTrace,
};

use std::sync::Arc;
use std::time::Instant;

use crate::clock::Clock;
use crate::delivery::State;
use crate::dispatch::{Attempt, Noticed, Onlooker};
use crate::event::Event;
use crate::request::Response;

/// What preview keeps while the server runs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Preview {
    /// Who may preview.
    pub sessions: Arc<Sessions>,
    /// What was seen.
    pub ring: Arc<Ring>,
}

impl Preview {
    /// No sessions, no traces.
    pub fn new(clock: Clock) -> Self {
        Self {
            sessions: Arc::new(Sessions::new(clock)),
            ring: Arc::default(),
        }
    }

    /// True if a capture session may want to see what comes on this path.
    pub fn may_capture(&self, path: &str) -> bool {
        self.sessions.may_capture(path)
    }

    /// Keeps the record of a live request, if a capture session wants it. Before its events are
    /// handed on, so that nothing that becomes of them is missed.
    pub fn capture(&self, mut record: Record) {
        let events: Vec<String> = record.events.iter().map(|one| one.name.clone()).collect();
        let sight = Sight {
            path: &record.request.path,
            client: record.client(),
            events: &events,
        };
        let Some(session) = self.sessions.capture(&sight) else {
            return;
        };
        record.session = Some(session);
        self.ring.push(record);
    }

    /// Notes what a watched request was answered.
    pub fn answered(&self, id: &str, response: &Response, answered: Answered) {
        self.ring.answered(id, response, answered);
    }

    /// True if somebody watches what becomes of this event.
    pub fn awaits(&self, event: &Event) -> bool {
        self.ring.awaits_events() && self.ring.awaits(event)
    }

    /// Notes what the tags of a watched event did, which began at that moment. Before its deliveries
    /// are handed on.
    pub fn processed(&self, event: &Event, begun: Instant, tags: Vec<TagRecord>) {
        self.ring.processed(event, begun, tags);
    }
}

impl Onlooker for Preview {
    fn is_watching(&self) -> bool {
        self.ring.awaits_deliveries()
    }

    fn noticed(&self, attempt: Option<&Attempt>, deliveries: &[Noticed]) {
        let id = |noticed: &Noticed| noticed.id;
        self.ring
            .note(deliveries, id, |noticed, one| note(one, attempt, noticed));
    }
}

fn note(one: &mut DeliveryRecord, attempt: Option<&Attempt>, noticed: &Noticed) {
    let settlement = noticed.settlement.as_ref();
    let mut next_try_at = None;
    if let Some(settlement) = settlement {
        one.state = settlement.state;
        one.class = settlement.class;
        one.note.clone_from(&settlement.note);
        next_try_at = (settlement.state == State::Pending).then_some(settlement.due);
        one.next_try_at = next_try_at;
    }
    let Some(attempt) = attempt else { return };
    let note = settlement.and_then(|settlement| settlement.note.clone());
    one.add(AttemptTrace {
        at: attempt.at,
        duration_us: show::micros(attempt.took),
        status: attempt.status,
        body: attempt.body.clone(),
        outcome: noticed.outcome,
        error: note.or_else(|| attempt.error.clone()),
        together: attempt.together,
        next_try_at,
        begun: attempt.begun,
    });
}
