//! The one thread that writes. It gathers what has come while it wrote, makes all of it durable in
//! one commit, then answers: group commit without a timer. (Waiting 1 ms to gather more was
//! measured to be four times worse.)
//!
//! Appends are urgent: somebody waits for an answer. Processed events and settlements are lazy:
//! they ride with the next append, or go alone after a short while.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tracing::{error, info};

use super::Done;
use super::error::Error;
use super::hand_over::HandOver;
use super::store::{
    Batch, Counts, Entry, FailedRequest, Processed, Record, Row, Settlement, Store, TakenEvent,
    delivery_number,
};
use crate::clock::Millis;
use crate::delivery::{Delivery, State};
use crate::mailbox::{Found, Inbox};

/// What the writer is asked to do.
pub(super) enum Command {
    Append {
        entries: Vec<Entry>,
        done: Done,
    },
    KeepRequest {
        request: Box<FailedRequest>,
        done: Done,
    },
    Processed(Vec<Processed>),
    Settle(Vec<Settlement>),
    ReadEvents,
    ReadDeliveries {
        destination: Arc<str>,
        now: Millis,
    },
    Count(oneshot::Sender<Result<Counts, Error>>),
    DeliveriesOf {
        event: u64,
        answer: oneshot::Sender<Result<Vec<Record>, Error>>,
    },
    Flush(Done),
}

/// How long a completion mark may wait for company. Marks that are lost in a crash mean deliveries
/// that are sent twice, so this bounds their number.
pub(super) const LAZY_MILLIS: u64 = 100;

/// Marks that go without waiting longer.
const MAX_LAZY: usize = 1_000;

/// Commands of one commit: enough for a burst, few enough that nobody waits long.
const MAX_COMMANDS: usize = 512;

/// Rows of one read from disk.
const READ_ROWS: usize = 1_000;

/// After a failed write, before marks are tried again.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

pub(super) fn start(
    mut store: Box<dyn Store>,
    inbox: Inbox<Command>,
    hand_over: Arc<HandOver>,
) -> Result<(), Error> {
    let (newest, watermark) = store.ends()?;
    hand_over.start_behind(watermark);
    let writer = Writer {
        store,
        hand_over,
        newest,
        pending: Gathered::default(),
    };
    thread::Builder::new()
        .name("journal".to_owned())
        .spawn(move || writer.run(&inbox))
        .map_err(|error| Error::Storage(format!("cannot start the journal's thread: {error}")))?;
    Ok(())
}

struct Writer {
    store: Box<dyn Store>,
    hand_over: Arc<HandOver>,
    /// The number of the newest event on disk.
    newest: u64,
    pending: Gathered,
}

/// What waits for the next commit.
#[derive(Default)]
struct Gathered {
    batch: Batch,
    /// Where a delivery's row is in `batch.rows`: settled before it was written, it is written once.
    row_of: HashMap<u64, usize>,
    settled: Vec<Settlement>,
    closed: Vec<u64>,
    handed_on: Vec<TakenEvent>,
    waiting: Vec<Done>,
    lazy_since: Option<Instant>,
}

impl Writer {
    fn run(mut self, inbox: &Inbox<Command>) {
        loop {
            match inbox.wait(self.pending.deadline()) {
                Found::Letter(command) => self.take(command),
                Found::Nothing => self.commit(),
                Found::End => break,
            }
            let more = std::iter::from_fn(|| inbox.take()).take(MAX_COMMANDS);
            for command in more {
                self.take(command);
            }
            if self.pending.is_urgent() {
                self.commit();
            }
        }
        self.commit();
    }

    fn take(&mut self, command: Command) {
        match command {
            Command::Append { entries, done } => self.append(entries, done),
            Command::KeepRequest { request, done } => {
                self.pending.batch.requests.push(*request);
                self.pending.waiting.push(done);
            }
            Command::Processed(processed) => self.pending.processed(processed),
            Command::Settle(settlements) => self.pending.settle(settlements),
            Command::Flush(done) => self.pending.waiting.push(done),
            Command::ReadEvents => self.read_events(),
            Command::ReadDeliveries { destination, now } => self.read_deliveries(&destination, now),
            Command::DeliveriesOf { event, answer } => {
                let records = self.deliveries_of(event);
                drop(answer.send(records)); // whoever asked may have gone
            }
            Command::Count(answer) => {
                let counts = self.count();
                drop(answer.send(counts)); // whoever asked may have gone
            }
        }
    }

    fn deliveries_of(&mut self, event: u64) -> Result<Vec<Record>, Error> {
        self.commit();
        self.store.deliveries_of(event)
    }

    fn append(&mut self, entries: Vec<Entry>, done: Done) {
        for Entry { event, deliveries } in entries {
            let number = self.newest + 1 + self.pending.batch.events.len() as u64;
            let taken = TakenEvent { number, event };
            match deliveries {
                None => self.pending.handed_on.push(taken.clone()),
                Some(deliveries) => self.pending.add_rows(number, deliveries),
            }
            self.pending.batch.events.push(taken);
        }
        self.pending.waiting.push(done);
    }

    fn commit(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        for number in &self.pending.closed {
            self.hand_over.close_event(*number);
        }
        self.pending.batch.watermark = self.hand_over.watermark(self.newest);
        match self.store.commit(&self.pending.batch) {
            Ok(()) => self.committed(),
            Err(error) => self.failed(&error),
        }
    }

    fn committed(&mut self) {
        let done = mem::take(&mut self.pending);
        self.newest += done.batch.events.len() as u64;
        for answer in done.waiting {
            answer(Ok(()));
        }
        if !done.handed_on.is_empty() {
            self.hand_over.offer_events(done.handed_on);
        }
        self.hand_over.note_rows(&done.batch.rows);
        for settlement in done.settled {
            let again = (settlement.state == State::Pending).then_some(settlement.due);
            self.hand_over
                .release(&settlement.destination, settlement.number, again);
        }
        if !self.hand_over.is_healthy() {
            info!("the journal can be written again");
            self.hand_over.set_healthy(true);
        }
    }

    /// Those who wait are told, so nothing was promised. Marks stay for the next try.
    fn failed(&mut self, why: &Error) {
        error!(error = %why, "the journal could not be written; senders are told to come back");
        self.hand_over.set_healthy(false);
        self.pending.batch.events.clear();
        self.pending.batch.requests.clear();
        self.pending.handed_on.clear();
        // Events that came processed are refused with the rest; their rows must not stay behind.
        let newest = self.newest;
        self.pending.drop_rows_above(newest);
        for answer in mem::take(&mut self.pending.waiting) {
            answer(Err(why.clone()));
        }
        self.pending.lazy_since = Some(Instant::now() + PAUSE_AFTER_FAILURE);
        if let Err(error) = self.store.recover() {
            error!(%error, "the journal could not be opened again; trying on");
        }
    }

    fn read_events(&mut self) {
        self.commit();
        let after = self.hand_over.newest_event();
        match self.store.events_after(after, READ_ROWS) {
            Ok(read) => {
                let all = read.len() < READ_ROWS;
                self.hand_over.refill_events(read, all);
            }
            Err(error) => {
                error!(%error, "events could not be read from the journal");
                self.hand_over.refill_events(Vec::new(), false);
            }
        }
    }

    fn read_deliveries(&mut self, destination: &Arc<str>, now: Millis) {
        // What is read must not lack what was given before.
        self.commit();
        let most = READ_ROWS + self.hand_over.held(destination);
        let read = self.store.due(destination, now, most).and_then(|read| {
            let next_due = self.store.next_due(destination, now)?;
            Ok((read, next_due))
        });
        match read {
            Ok((read, next_due)) => {
                let all = read.len() < most;
                self.hand_over.refill(destination, read, all, next_due);
            }
            Err(error) => {
                error!(%error, %destination, "deliveries could not be read from the journal");
                let later =
                    now + Millis::try_from(PAUSE_AFTER_FAILURE.as_millis()).unwrap_or(1_000);
                self.hand_over
                    .refill(destination, Vec::new(), true, Some(later));
            }
        }
    }

    fn count(&mut self) -> Result<Counts, Error> {
        self.commit();
        let mut counts = self.store.counts()?;
        counts.newest_event = self.newest;
        counts.unprocessed = self
            .newest
            .saturating_sub(self.hand_over.watermark(self.newest));
        Ok(counts)
    }
}

impl Gathered {
    fn is_empty(&self) -> bool {
        self.waiting.is_empty()
            && self.closed.is_empty()
            && self.settled.is_empty()
            && self.batch.rows.is_empty()
    }

    fn is_urgent(&self) -> bool {
        let many = self.batch.rows.len() + self.settled.len() >= MAX_LAZY
            && self.lazy_since <= Some(Instant::now());
        !self.waiting.is_empty() || many
    }

    fn deadline(&self) -> Option<Instant> {
        self.lazy_since
            .map(|since| since + Duration::from_millis(LAZY_MILLIS))
    }

    fn processed(&mut self, processed: Vec<Processed>) {
        for Processed { number, deliveries } in processed {
            self.add_rows(number, deliveries);
            self.closed.push(number);
        }
        self.lazy_since.get_or_insert_with(Instant::now);
    }

    fn add_rows(&mut self, event: u64, deliveries: Vec<(Delivery, Option<String>)>) {
        for (index, (delivery, note)) in deliveries.into_iter().enumerate() {
            let number = delivery_number(event, index);
            self.row_of.insert(number, self.batch.rows.len());
            self.batch.rows.push(Row {
                number,
                attempts: 0,
                delivery,
                note,
            });
        }
    }

    fn settle(&mut self, settlements: Vec<Settlement>) {
        for settlement in settlements {
            match self
                .row_of
                .get(&settlement.number)
                .and_then(|at| self.batch.rows.get_mut(*at))
            {
                Some(row) => row.settle(&settlement),
                None => self.batch.settlements.push(settlement.clone()),
            }
            self.settled.push(settlement);
        }
        self.lazy_since.get_or_insert_with(Instant::now);
    }

    fn drop_rows_above(&mut self, newest_event: u64) {
        let first = delivery_number(newest_event + 1, 0);
        self.batch.rows.retain(|row| row.number < first);
        self.row_of = self
            .batch
            .rows
            .iter()
            .enumerate()
            .map(|(at, row)| (row.number, at))
            .collect();
    }
}

impl Row {
    pub(super) fn settle(&mut self, settlement: &Settlement) {
        self.attempts = settlement.attempts;
        self.delivery.state = settlement.state;
        self.delivery.due = settlement.due;
        self.note.clone_from(&settlement.note);
    }
}
