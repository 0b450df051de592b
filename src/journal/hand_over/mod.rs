//! What waits in memory between the writer thread and the loops: events to process, deliveries to
//! send. Bounded: what does not fit stays on disk and is read when there is room.
//!
//! The writer thread adds what is on disk, a processor what it has made; senders take. So that nothing is handed out twice, a
//! delivery stays *held* here until its settlement is on disk, and an event stays *open* until its
//! deliveries are.

mod events;
mod outbox;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

use super::record::{Pending, Processed, Settlement, TakenEvent, delivery_number};
use super::store::{Due, Edits, EventPage, Room, Row, Wanted};
use crate::clock::Millis;
use crate::delivery::State;
use events::Events;
use outbox::Outbox;

/// The queues. Locks are held for a few pushes at a time, never across a wait.
pub(super) struct HandOver {
    events: Mutex<Events>,
    events_changed: Arc<Notify>,
    outboxes: Mutex<HashMap<Arc<str>, Outbox>>,
    is_healthy: AtomicBool,
    is_full: AtomicBool,
    is_closed: AtomicBool,
}

/// What a processor got, and what to do if that is nothing.
pub(super) struct TakenEvents {
    pub ready: Vec<TakenEvent>,
    pub must_read: Option<Ticket>,
    pub changed: OwnedNotified,
}

/// What a sender got, and what to do if that is nothing.
pub(super) struct TakenDeliveries {
    pub ready: Vec<Pending>,
    pub must_read: Option<Ticket>,
    pub next_due: Option<Millis>,
    pub changed: OwnedNotified,
}

/// One of the queues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Queue {
    Events,
    Deliveries(Arc<str>),
}

/// Leave to have one queue filled from disk; there is one at a time. Wherever it is dropped,
/// after the read or because whoever took it gave up, the next taker may ask again.
pub(super) struct Ticket {
    hand_over: Arc<HandOver>,
    pub queue: Queue,
}

/// A delivery that need not be held any longer.
#[derive(Debug)]
pub(super) struct Release {
    destination: Arc<str>,
    number: u64,
    /// When it falls due once more.
    again: Option<Millis>,
}

impl Release {
    /// None for what stays in its sender's hands.
    pub(super) fn of(settlement: &Settlement) -> Option<Self> {
        (!settlement.is_mark()).then(|| Self {
            destination: settlement.destination.clone(),
            number: settlement.number,
            again: (settlement.state == State::Pending).then_some(settlement.due),
        })
    }
}

impl HandOver {
    /// Nothing in memory yet; everything above the watermark is on disk.
    pub(super) fn new(watermark: u64) -> Self {
        Self {
            events: Mutex::new(Events::start_behind(watermark)),
            events_changed: Arc::default(),
            outboxes: Mutex::default(),
            is_healthy: AtomicBool::new(true),
            is_full: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
        }
    }

    /// For a processor.
    pub(super) fn take_events(self: &Arc<Self>, most: usize) -> TakenEvents {
        let changed = self.events_changed.clone().notified_owned();
        let mut events = lock(&self.events);
        let ready = events.take(most);
        if !events.is_empty() {
            self.events_changed.notify_one(); // another taker may be waiting
        }
        let must_read = ready.is_empty() && events.start_reading();
        TakenEvents {
            ready,
            must_read: must_read.then(|| self.ticket(Queue::Events)),
            changed,
        }
    }

    /// For a sender.
    pub(super) fn take_deliveries(
        self: &Arc<Self>,
        destination: &Arc<str>,
        most: usize,
        now: Millis,
    ) -> TakenDeliveries {
        let mut outboxes = lock(&self.outboxes);
        let outbox = outboxes.entry(destination.clone()).or_default();
        let changed = outbox.changed.clone().notified_owned();
        let ready = outbox.take(most);
        if !outbox.is_empty() {
            outbox.changed.notify_one(); // another taker may be waiting
        }
        let must_read = ready.is_empty() && outbox.start_reading(now);
        TakenDeliveries {
            ready,
            must_read: must_read.then(|| self.ticket(Queue::Deliveries(destination.clone()))),
            next_due: outbox.next_due(now),
            changed,
        }
    }

    fn ticket(self: &Arc<Self>, queue: Queue) -> Ticket {
        Ticket {
            hand_over: self.clone(),
            queue,
        }
    }

    /// Hands on events that were just committed.
    /// Whoever waits for them is to be woken by [`Self::wake_processor`].
    pub(super) fn offer_events(&self, new: impl Iterator<Item = TakenEvent>) {
        lock(&self.events).offer(new);
    }

    /// There are events to process.
    pub(super) fn wake_processor(&self) {
        self.events_changed.notify_one();
    }

    /// From which event to read on, and how much.
    pub(super) fn wanted_events(&self) -> (u64, Room) {
        lock(&self.events).wanted()
    }

    /// Hands on events that were read from disk.
    pub(super) fn refill_events(&self, page: EventPage) {
        lock(&self.events).refill(page);
        self.events_changed.notify_one();
    }

    /// True while there are events on disk that were never in memory.
    pub(super) fn is_behind(&self) -> bool {
        lock(&self.events).is_behind()
    }

    /// Notes that events are processed.
    pub(super) fn close_events(&self, numbers: &[u64]) {
        let mut events = lock(&self.events);
        for number in numbers {
            events.close(*number);
        }
    }

    /// All events up to this number are processed. `newest_on_disk` is the last that was committed.
    pub(super) fn watermark(&self, newest_on_disk: u64) -> u64 {
        lock(&self.events).watermark(newest_on_disk)
    }

    /// How many events are not processed.
    pub(super) fn unprocessed(&self, newest_on_disk: u64) -> u64 {
        lock(&self.events).unprocessed(newest_on_disk)
    }

    /// Hands on deliveries that are due, before they are on disk: should we crash until then,
    /// their event is processed again. All at once, so that they can travel together. `tell` has the
    /// writer know, before a sender can take any of them; what it says is given back.
    pub(super) fn offer_deliveries<T>(
        &self,
        processed: Vec<Processed>,
        now: Millis,
        tell: impl FnOnce(Vec<Processed>) -> T,
    ) -> T {
        let mut outboxes = lock(&self.outboxes);
        for Processed { number, made } in &processed {
            let deliveries = made.deliveries.iter().map(|new| &new.delivery);
            for (index, delivery) in deliveries.enumerate() {
                if delivery.state != State::Pending {
                    continue;
                }
                let pending = Pending {
                    number: delivery_number(*number, index),
                    attempts: 0,
                    delivery: delivery.clone(),
                };
                let outbox = outboxes.entry(delivery.destination.clone()).or_default();
                outbox.offer(pending, now);
            }
        }
        tell(processed)
    }

    /// Rows that are on disk now: what waits there and is not in memory is read in its time.
    pub(super) fn note_rows<'a>(&self, rows: impl IntoIterator<Item = &'a Row>) {
        let mut outboxes = lock(&self.outboxes);
        let is_pending = |row: &&Row| row.delivery.state == State::Pending;
        for row in rows.into_iter().filter(is_pending) {
            let outbox = outboxes
                .entry(row.delivery.destination.clone())
                .or_default();
            outbox.note(row.number, row.delivery.due);
        }
    }

    /// What to read from disk for a destination.
    pub(super) fn wanted_deliveries(&self, destination: &Arc<str>) -> Wanted {
        lock(&self.outboxes)
            .entry(destination.clone())
            .or_default()
            .wanted()
    }

    /// Hands on deliveries that were read from disk.
    pub(super) fn refill_deliveries(&self, destination: &Arc<str>, due: Due) {
        lock(&self.outboxes)
            .entry(destination.clone())
            .or_default()
            .refill(due);
    }

    /// Settlements that are on disk.
    pub(super) fn release(&self, released: Vec<Release>) {
        let mut outboxes = lock(&self.outboxes);
        for release in released {
            let outbox = outboxes.entry(release.destination).or_default();
            outbox.release(release.number, release.again);
        }
    }

    /// Changes by people that are on disk.
    pub(super) fn note_edits(&self, edits: Edits) {
        let replaced = edits.replaced.iter().map(|replacement| &replacement.row);
        self.note_rows(replaced.chain(&edits.added));
        self.release(edits.revived.iter().filter_map(Release::of).collect());
    }

    /// True if a delivery is in memory: waiting to be sent, or being sent, or settled and not yet
    /// on disk.
    pub(super) fn holds(&self, destination: &Arc<str>, number: u64) -> bool {
        let outboxes = lock(&self.outboxes);
        let outbox = outboxes.get(destination);
        outbox.is_some_and(|outbox| outbox.holds(number))
    }

    /// True if so much is in memory for a destination that its settlements should not lie about.
    pub(super) fn is_filling(&self, destination: &Arc<str>) -> bool {
        let outboxes = lock(&self.outboxes);
        outboxes.get(destination).is_some_and(Outbox::is_filling)
    }

    pub(super) fn is_healthy(&self) -> bool {
        self.is_healthy.load(Ordering::Relaxed) && !self.is_closed()
    }

    pub(super) fn set_healthy(&self, is_healthy: bool) {
        self.is_healthy.store(is_healthy, Ordering::Relaxed);
    }

    /// True while new events are refused for want of room.
    pub(super) fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Relaxed)
    }

    pub(super) fn set_full(&self, is_full: bool) {
        self.is_full.store(is_full, Ordering::Relaxed);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }

    /// The writer thread has ended; nothing comes any more.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }

    fn may_read_again(&self, queue: &Queue) {
        match queue {
            Queue::Events => {
                lock(&self.events).is_reading = false;
                self.events_changed.notify_one();
            }
            Queue::Deliveries(destination) => {
                if let Some(outbox) = lock(&self.outboxes).get_mut(destination) {
                    outbox.is_reading = false;
                    outbox.changed.notify_one();
                }
            }
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.hand_over.may_read_again(&self.queue);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while one is held; if something did, the queues are still whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
