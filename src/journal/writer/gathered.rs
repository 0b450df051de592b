//! What waits for the next commit.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use tracing::error;

use super::command::{Answer, Append};
use super::unwritten::{MadeOf, Unwritten};
use crate::clock::Millis;
use crate::journal::LAZY;
use crate::journal::error::Error;
use crate::journal::hand_over::Release;
use crate::journal::record::{
    DedupeKey, Entry, FailedRequest, MAX_DELIVERIES, Made, NewDelivery, Processed, Settlement,
    delivery_number,
};
use crate::journal::store::{Batch, Edits, Heard, NewEvent, Row};
use crate::journal::waiting::Waiting;

/// Marks that go without waiting longer.
const MAX_MARKS: usize = 1_000;

/// Tags that an event reaches, mostly.
const FEW: usize = 8;

/// New events are urgent: somebody waits for an answer. What became of events and deliveries is
/// lazy: these *marks* ride with the next append, or go alone after a short while.
#[derive(Default)]
pub(super) struct Gathered {
    pub batch: Batch,
    /// What became of events, and waits for more.
    unwritten: Unwritten,
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

/// How much of what is gathered goes with a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    /// What somebody waits for, and what has its outcome or has waited for it.
    Due,
    /// Somebody is to read what is on disk then.
    All,
}

impl Gathered {
    pub(super) fn is_empty(&self) -> bool {
        !self.is_awaited() && self.marks_since.is_none() && self.unwritten.is_empty()
    }

    /// True if it should be committed now.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.is_awaited()
            || self.released.len() >= MAX_MARKS
            || self.unwritten.is_over()
            || self.deadline().is_some_and(|deadline| deadline <= now)
    }

    /// When it should be committed even if nothing more comes.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let marks = self.marks_since.map(|since| since + LAZY);
        marks.into_iter().chain(self.unwritten.deadline()).min()
    }

    /// Takes out what goes with a commit now.
    pub(super) fn take(&mut self, share: Share, now: Instant) -> Self {
        let mut taken = std::mem::take(self);
        let mut unwritten = std::mem::take(&mut taken.unwritten);
        let ripe = match share {
            Share::All => unwritten.take_all(),
            Share::Due => unwritten.take_ripe(now),
        };
        taken.add_ripe(ripe, now);
        let are_late = taken.marks_since.is_some_and(|since| since + LAZY <= now);
        if are_late {
            taken.add_ripe(unwritten.take_begun(), now);
        }
        if unwritten.has_begun() {
            self.marks_since = taken.marks_since;
        }
        self.unwritten = unwritten;
        taken
    }

    fn add_ripe(&mut self, ripe: Vec<MadeOf>, now: Instant) {
        for made in ripe {
            self.marks_since.get_or_insert(now);
            if made.rows.is_empty() {
                self.batch.empty.push(made.event);
            }
            self.closed.push(made.event);
            self.batch.rows.extend(made.rows);
            self.batch.heard.extend(made.heard);
            self.released.extend(made.released);
        }
    }

    /// Somebody waits for an answer.
    pub(super) fn is_awaited(&self) -> bool {
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

    /// Notes what became of an event; `now` is when its deliveries were handed on.
    pub(super) fn close(&mut self, processed: Processed, now: Millis) {
        let Processed { number, made } = processed;
        let heard = heard(number, &made.deliveries, made.filtered);
        let rows = rows(number, made.deliveries);
        if rows.is_empty() {
            self.marks_since.get_or_insert_with(Instant::now);
        }
        self.unwritten.add(MadeOf::new(number, rows, heard, now));
    }

    pub(super) fn settle(&mut self, settlement: Settlement) {
        self.marks_since.get_or_insert_with(Instant::now);
        if let Err(settlement) = self.unwritten.settle(settlement) {
            self.released.extend(Release::of(&settlement));
            self.batch.settlements.push(settlement);
        }
    }

    /// Those who wait, and what each is to be told. Nothing may be called a repeat of what is not on
    /// disk.
    pub(super) fn answers(
        &mut self,
        result: &Result<(), Error>,
    ) -> Vec<(Waiting, Result<(), Error>)> {
        let told = self.waiting.drain(..);
        let told = told.map(|waiting| (waiting, result.clone()));
        let repeats = self.repeats.drain(..);
        let repeats = repeats.map(|waiting| (waiting, result.clone().and(Err(Error::Duplicate))));
        told.chain(repeats).collect()
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
        self.unwritten = later.unwritten;
    }

    fn add_made(&mut self, event: u64, made: Made) {
        if made.deliveries.is_empty() {
            self.batch.empty.push(event);
        }
        let heard = heard(event, &made.deliveries, made.filtered);
        self.batch.heard.extend(heard);
        self.batch.rows.extend(rows(event, made.deliveries));
    }
}

/// Which tags were handed an event.
fn heard(event: u64, deliveries: &[NewDelivery], filtered: Vec<Arc<str>>) -> Vec<Heard> {
    let one = |tag, has_fired| Heard {
        event,
        tag,
        has_fired,
    };
    let mut heard = Vec::with_capacity(deliveries.len().min(FEW) + filtered.len());
    let mut fired = HashSet::new();
    let mut last = None;
    for NewDelivery { delivery, .. } in deliveries {
        // A tag's deliveries stand together, mostly.
        if last != Some(&delivery.tag) && fired.insert(&delivery.tag) {
            heard.push(one(delivery.tag.clone(), true));
        }
        last = Some(&delivery.tag);
    }
    heard.extend(filtered.into_iter().map(|tag| one(tag, false)));
    heard
}

fn rows(event: u64, deliveries: Vec<NewDelivery>) -> Vec<Row> {
    if deliveries.len() > MAX_DELIVERIES {
        error!(
            event,
            most = MAX_DELIVERIES,
            "an event made too many deliveries; the rest is not kept"
        );
    }
    let numbered = deliveries.into_iter().take(MAX_DELIVERIES).enumerate();
    let row = |(index, new): (usize, NewDelivery)| Row {
        number: delivery_number(event, index),
        attempts: 0,
        delivery: new.delivery,
        class: new.class,
        note: new.note,
    };
    numbered.map(row).collect()
}
