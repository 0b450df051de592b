//! What waits for the next commit.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tracing::error;

use crate::delivery::State;
use crate::journal::error::Error;
use crate::journal::hand_over::Release;
use crate::journal::record::{
    Entry, FailedRequest, MAX_DELIVERIES, Made, Processed, Settlement, delivery_number,
};
use crate::journal::store::{Batch, NewEvent, Row};
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
    /// Events that are processed.
    pub closed: Vec<u64>,
    pub released: Vec<Release>,
    pub waiting: Vec<Waiting>,
    marks_since: Option<Instant>,
}

impl Gathered {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.marks_since.is_none()
    }

    /// True if it should be committed now.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        let marks = self.batch.rows.len() + self.released.len();
        !self.waiting.is_empty()
            || marks >= MAX_MARKS
            || self.deadline().is_some_and(|deadline| deadline <= now)
    }

    /// When it should be committed even if nothing more comes.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.marks_since.map(|since| since + LAZY)
    }

    /// Adds events; `newest` is the number of the last one on disk.
    pub(super) fn append(&mut self, newest: u64, entries: Vec<Entry>, waiting: Waiting) {
        for Entry { event, made } in entries {
            let number = newest + 1 + self.batch.events.len() as u64;
            self.batch.events.push(NewEvent {
                number,
                event,
                came_processed: made.is_some(),
            });
            self.add_rows(number, made.unwrap_or_default());
        }
        self.waiting.push(waiting);
    }

    pub(super) fn keep(&mut self, request: FailedRequest, waiting: Waiting) {
        self.batch.requests.push(request);
        self.waiting.push(waiting);
    }

    pub(super) fn close(&mut self, processed: Processed) {
        self.add_rows(processed.number, processed.made);
        self.closed.push(processed.number);
        self.marks_since.get_or_insert_with(Instant::now);
    }

    pub(super) fn settle(&mut self, settlement: Settlement) {
        self.released.push(Release {
            destination: settlement.destination.clone(),
            number: settlement.number,
            again: (settlement.state == State::Pending).then_some(settlement.due),
        });
        let row = self.row_of.get(&settlement.number).copied();
        match row.and_then(|at| self.batch.rows.get_mut(at)) {
            Some(row) => row.settle(&settlement),
            None => self.batch.settlements.push(settlement),
        }
        self.marks_since.get_or_insert_with(Instant::now);
    }

    /// Tells all who wait.
    pub(super) fn tell(&mut self, result: &Result<(), Error>) {
        for waiting in self.waiting.drain(..) {
            waiting.tell(result.clone());
        }
    }

    /// What stays of a commit that did not happen: the marks. What was appended has been refused,
    /// and with it the deliveries that came along; `newest` is the last event on disk.
    pub(super) fn keep_marks(&mut self, newest: u64) {
        self.batch.events.clear();
        self.batch.requests.clear();
        let first_refused = delivery_number(newest + 1, 0);
        self.batch.rows.retain(|row| row.number < first_refused);
        self.index_rows();
    }

    /// Adds what was gathered later.
    pub(super) fn absorb(&mut self, later: Self) {
        self.batch.events.extend(later.batch.events);
        self.batch.rows.extend(later.batch.rows);
        self.batch.settlements.extend(later.batch.settlements);
        self.batch.requests.extend(later.batch.requests);
        self.closed.extend(later.closed);
        self.released.extend(later.released);
        self.waiting.extend(later.waiting);
        self.marks_since = self.marks_since.or(later.marks_since);
        self.index_rows();
    }

    fn add_rows(&mut self, event: u64, made: Made) {
        let deliveries = made.deliveries;
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
