//! What waits for the next commit.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::error;

use super::command::{Answer, Append};
use crate::clock::Millis;
use crate::journal::error::Error;
use crate::journal::hand_over::Release;
use crate::journal::record::{
    DedupeKey, Entry, FailedRequest, MAX_DELIVERIES, Made, NewDelivery, Processed, Settlement,
    delivery_number,
};
use crate::journal::store::{Batch, Edits, Heard, NewEvent, Row};
use crate::journal::waiting::Waiting;

/// How long a completion mark may wait for company. Marks that are lost in a crash mean deliveries
/// that are sent twice, so this bounds their number.
const LAZY: Duration = Duration::from_millis(100);

/// Marks that go without waiting longer.
const MAX_MARKS: usize = 1_000;

/// New events are urgent: somebody waits for an answer. What became of events and deliveries is
/// lazy: these *marks* ride with the next append, or go alone after a short while.
#[derive(Default)]
pub(super) struct Gathered {
    pub batch: Batch,
    /// Where a delivery's row is in `batch.rows`: settled before it was written, it is written once.
    row_of: HashMap<u64, usize>,
    /// Those in `batch.keys`.
    keys: HashSet<DedupeKey>,
    /// Events that are processed.
    pub closed: Vec<u64>,
    pub released: Vec<Release>,
    pub waiting: Vec<Waiting>,
    /// Who gave once more what is on disk only then, if it is.
    repeats: Vec<Waiting>,
    marks_since: Option<Instant>,
}

impl Gathered {
    pub(super) fn is_empty(&self) -> bool {
        !self.is_awaited() && self.marks_since.is_none()
    }

    /// True if it should be committed now.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        let marks = self.batch.rows.len() + self.released.len();
        self.is_awaited()
            || marks >= MAX_MARKS
            || self.deadline().is_some_and(|deadline| deadline <= now)
    }

    /// When it should be committed even if nothing more comes.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.marks_since.map(|since| since + LAZY)
    }

    fn is_awaited(&self) -> bool {
        !self.waiting.is_empty() || !self.repeats.is_empty()
    }

    /// Adds what an append, or one of its events, will be recognised by.
    pub(super) fn add_key(&mut self, key: DedupeKey, at: Millis) {
        self.keys.insert(key);
        self.batch.keys.push((key, at));
    }

    /// Adds events; `newest` is the number of the last one on disk.
    pub(super) fn append(&mut self, newest: u64, append: Append) {
        for Entry { event, made } in append.entries {
            let number = newest + 1 + self.batch.events.len() as u64;
            self.batch.events.push(NewEvent {
                number,
                event,
                came_processed: made.is_some(),
            });
            if let Some(made) = made {
                self.add_made(number, made);
            }
        }
        self.batch
            .edits
            .forgotten_requests
            .extend(append.instead_of);
        self.waiting.push(append.waiting);
    }

    /// Adds no events: they are on disk, or will be with the others.
    pub(super) fn repeat(&mut self, append: Append) {
        self.batch
            .edits
            .forgotten_requests
            .extend(append.instead_of);
        self.repeats.push(append.waiting);
    }

    pub(super) fn has_key(&self, key: DedupeKey) -> bool {
        self.keys.contains(&key)
    }

    pub(super) fn forgets(&self, request: u64) -> bool {
        self.batch.edits.forgotten_requests.contains(&request)
    }

    /// Somebody who is to get a value when it is on disk.
    pub(super) fn owe<T: Send + 'static>(&mut self, answer: Answer<T>, value: T) {
        let done = move |result: Result<(), Error>| drop(answer.send(result.map(|()| value)));
        self.waiting.push(Waiting::new(Box::new(done)));
    }

    pub(super) fn keep(&mut self, request: FailedRequest, waiting: Waiting) {
        self.batch.requests.push(request);
        self.waiting.push(waiting);
    }

    pub(super) fn close(&mut self, processed: Processed) {
        self.add_made(processed.number, processed.made);
        self.closed.push(processed.number);
        self.marks_since.get_or_insert_with(Instant::now);
    }

    pub(super) fn settle(&mut self, settlement: Settlement) {
        self.released.extend(Release::of(&settlement));
        let row = self.row_of.get(&settlement.number).copied();
        match row.and_then(|at| self.batch.rows.get_mut(at)) {
            Some(row) if row.delivery.state == settlement.from => row.settle(&settlement),
            Some(_) => {} // it comes too late
            None => self.batch.settlements.push(settlement),
        }
        self.marks_since.get_or_insert_with(Instant::now);
    }

    /// Tells all who wait. Nothing may be called a repeat of what is not on disk.
    pub(super) fn tell(&mut self, result: &Result<(), Error>) {
        for waiting in self.waiting.drain(..) {
            waiting.tell(result.clone());
        }
        for waiting in self.repeats.drain(..) {
            waiting.tell(result.clone().and(Err(Error::Duplicate)));
        }
    }

    /// What stays of a commit that did not happen: the marks. What was appended has been refused,
    /// and with it the deliveries that came along, and what people changed; `newest` is the last
    /// event on disk.
    pub(super) fn keep_marks(&mut self, newest: u64) {
        let batch = &mut self.batch;
        batch.events.clear();
        batch.keys.clear();
        batch.requests.clear();
        batch.edits = Edits::default();
        let first_refused = delivery_number(newest + 1, 0);
        batch.rows.retain(|row| row.number < first_refused);
        batch.heard.retain(|heard| heard.event <= newest);
        batch.empty.retain(|event| *event <= newest);
        self.keys.clear();
        self.index_rows();
    }

    /// Adds the marks that were gathered later. There is nothing else: until it is known what became
    /// of the earlier ones, all else is refused.
    pub(super) fn absorb(&mut self, later: Self) {
        self.batch.rows.extend(later.batch.rows);
        self.batch.settlements.extend(later.batch.settlements);
        self.batch.heard.extend(later.batch.heard);
        self.batch.empty.extend(later.batch.empty);
        self.closed.extend(later.closed);
        self.released.extend(later.released);
        self.marks_since = self.marks_since.or(later.marks_since);
        self.index_rows();
    }

    fn add_made(&mut self, event: u64, made: Made) {
        if made.deliveries.is_empty() {
            self.batch.empty.push(event);
        }
        self.hear(event, &made.deliveries, made.filtered);
        self.add_rows(event, made.deliveries);
    }

    /// Notes which tags were handed an event.
    fn hear(&mut self, event: u64, deliveries: &[NewDelivery], filtered: Vec<Arc<str>>) {
        let mut fired = HashSet::new();
        let mut last = None;
        for NewDelivery { delivery, .. } in deliveries {
            // A tag's deliveries stand together, mostly.
            if last != Some(&delivery.tag) && fired.insert(&delivery.tag) {
                self.batch.heard.push(Heard {
                    event,
                    tag: delivery.tag.clone(),
                    has_fired: true,
                });
            }
            last = Some(&delivery.tag);
        }
        self.batch
            .heard
            .extend(filtered.into_iter().map(|tag| Heard {
                event,
                tag,
                has_fired: false,
            }));
    }

    fn add_rows(&mut self, event: u64, deliveries: Vec<NewDelivery>) {
        if deliveries.len() > MAX_DELIVERIES {
            error!(
                event,
                most = MAX_DELIVERIES,
                "an event made too many deliveries; the rest is not kept"
            );
        }
        for (index, new) in deliveries.into_iter().take(MAX_DELIVERIES).enumerate() {
            let number = delivery_number(event, index);
            self.row_of.insert(number, self.batch.rows.len());
            self.batch.rows.push(Row {
                number,
                attempts: 0,
                delivery: new.delivery,
                class: new.class,
                note: new.note,
            });
        }
    }

    fn index_rows(&mut self) {
        let numbers = self.batch.rows.iter().map(|row| row.number);
        self.row_of = numbers
            .enumerate()
            .map(|(at, number)| (number, at))
            .collect();
    }
}
