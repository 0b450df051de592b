//! What waits in memory between the writer thread and the loops: events to process, deliveries to
//! send. Bounded: what does not fit stays on disk and is read when there is room ("behind").

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::store::{Pending, Processed, Row, TakenEvent, delivery_number};
use crate::clock::Millis;
use crate::delivery::State;

/// Events in memory. At 2 KiB each this is 20 MiB.
const MAX_EVENTS: usize = 10_000;

/// Bytes of event data in memory; few large events count as many small ones.
const MAX_EVENT_BYTES: usize = 32 * 1024 * 1024;

/// Deliveries in memory for one destination, sent or not.
const MAX_HELD: usize = 4_096;

/// The queues. Locks are held for a few pushes at a time, never across a wait.
#[derive(Default)]
pub(super) struct HandOver {
    events: Mutex<Events>,
    events_changed: Arc<Notify>,
    outboxes: Mutex<HashMap<Arc<str>, Outbox>>,
    unhealthy: AtomicBool,
}

#[derive(Default)]
struct Events {
    ready: VecDeque<TakenEvent>,
    bytes: usize,
    /// Handed out or ready, and not processed.
    open: BTreeSet<u64>,
    /// The newest number that ever was in `ready`.
    newest: u64,
    /// There are newer ones on disk that were never in `ready`.
    behind: bool,
    reading: bool,
}

struct Outbox {
    ready: VecDeque<Pending>,
    /// Ready, or with a sender, or settled and not yet on disk.
    held: HashSet<u64>,
    behind: bool,
    reading: bool,
    next_due: Option<Millis>,
    changed: Arc<Notify>,
}

impl Default for Outbox {
    /// Of a destination that was not asked for yet, nothing is known but what is on disk.
    fn default() -> Self {
        Self {
            ready: VecDeque::new(),
            held: HashSet::new(),
            behind: true,
            reading: false,
            next_due: None,
            changed: Arc::default(),
        }
    }
}

/// What a sender got, and what to wait for if that is nothing.
pub(super) struct TakenDeliveries<F> {
    pub ready: Vec<Pending>,
    pub must_read: bool,
    pub next_due: Option<Millis>,
    pub changed: F,
}

impl HandOver {
    /// Resolves at the next change from now on.
    pub(super) fn events_changed(&self) -> impl Future<Output = ()> + use<> {
        listen(&self.events_changed)
    }

    /// Events to process, and whether the taker must have more read from disk.
    pub(super) fn take_events(&self, most: usize) -> (Vec<TakenEvent>, bool) {
        let mut events = lock(&self.events);
        let count = most.min(events.ready.len());
        let taken: Vec<TakenEvent> = events.ready.drain(..count).collect();
        events.bytes -= taken
            .iter()
            .map(|taken| taken.event.data.len())
            .sum::<usize>();
        if !events.ready.is_empty() {
            self.events_changed.notify_one(); // another taker may be waiting
        }
        let must_read = taken.is_empty() && events.behind && !events.reading;
        events.reading |= must_read;
        (taken, must_read)
    }

    /// Hands on events that were just committed, as long as there is room.
    pub(super) fn offer_events(&self, new: Vec<TakenEvent>) {
        let mut events = lock(&self.events);
        for event in new {
            let full = events.ready.len() >= MAX_EVENTS || events.bytes >= MAX_EVENT_BYTES;
            if events.behind || full {
                events.behind = true;
                break;
            }
            events.push(event);
        }
        drop(events);
        self.events_changed.notify_one();
    }

    /// The newest event in memory, from where to read on.
    pub(super) fn newest_event(&self) -> u64 {
        lock(&self.events).newest
    }

    /// Starts after a restart: everything above the watermark is on disk.
    pub(super) fn start_behind(&self, watermark: u64) {
        let mut events = lock(&self.events);
        events.newest = watermark;
        events.behind = true;
    }

    /// Events that were read from disk; `all` if these are all that there are.
    pub(super) fn refill_events(&self, read: Vec<TakenEvent>, all: bool) {
        let mut events = lock(&self.events);
        events.reading = false;
        events.behind = !all;
        for event in read {
            events.push(event);
        }
        drop(events);
        self.events_changed.notify_one();
    }

    /// Notes that an event is processed.
    pub(super) fn close_event(&self, number: u64) {
        lock(&self.events).open.remove(&number);
    }

    /// All events up to this number are processed. `newest_on_disk` is the last that was committed.
    pub(super) fn watermark(&self, newest_on_disk: u64) -> u64 {
        let events = lock(&self.events);
        match events.open.first() {
            Some(oldest) => oldest - 1,
            None if events.behind => events.newest,
            None => newest_on_disk,
        }
    }

    /// Makes room for deliveries that are due, to be offered once the writer knows of them. Those
    /// that find none, and those that are not due, are found again on disk.
    pub(super) fn hold(&self, processed: &[Processed], now: Millis) -> Vec<Pending> {
        let mut outboxes = lock(&self.outboxes);
        let mut due = Vec::new();
        for Processed { number, deliveries } in processed {
            for (index, (delivery, _)) in deliveries.iter().enumerate() {
                let outbox = outboxes.entry(delivery.destination.clone()).or_default();
                let waits = delivery.state != State::Pending || delivery.due > now;
                if waits || outbox.behind || !outbox.has_room() {
                    continue;
                }
                let number = delivery_number(*number, index);
                outbox.held.insert(number);
                due.push(Pending {
                    number,
                    attempts: 0,
                    delivery: delivery.clone(),
                });
            }
        }
        due
    }

    /// Rows that are on disk now: what waits there and is not in memory must be read in its time.
    pub(super) fn note_rows(&self, rows: &[Row]) {
        let mut outboxes = lock(&self.outboxes);
        for row in rows
            .iter()
            .filter(|row| row.delivery.state == State::Pending)
        {
            let outbox = outboxes
                .entry(row.delivery.destination.clone())
                .or_default();
            if !outbox.held.contains(&row.number) {
                outbox.wait_until(row.delivery.due);
                outbox.changed.notify_one();
            }
        }
    }

    /// Hands deliveries to their senders.
    pub(super) fn offer(&self, due: Vec<Pending>) {
        let mut outboxes = lock(&self.outboxes);
        for pending in due {
            if let Some(outbox) = outboxes.get_mut(&pending.delivery.destination) {
                outbox.ready.push_back(pending);
                outbox.changed.notify_one();
            }
        }
    }

    /// What a sender can have now.
    pub(super) fn take_deliveries(
        &self,
        destination: &Arc<str>,
        most: usize,
        now: Millis,
    ) -> TakenDeliveries<impl Future<Output = ()> + use<>> {
        let mut outboxes = lock(&self.outboxes);
        let outbox = outboxes.entry(destination.clone()).or_default();
        let count = most.min(outbox.ready.len());
        let ready: Vec<Pending> = outbox.ready.drain(..count).collect();
        let fell_due = outbox.next_due.is_some_and(|due| due <= now);
        let must_read =
            ready.is_empty() && (outbox.behind || fell_due) && !outbox.reading && outbox.has_room();
        outbox.reading |= must_read;
        let next_due = outbox.next_due.filter(|due| *due > now);
        TakenDeliveries {
            ready,
            must_read,
            next_due,
            changed: listen(&outbox.changed),
        }
    }

    /// How many more rows than wanted must be read, because these are in memory already.
    pub(super) fn held(&self, destination: &Arc<str>) -> usize {
        lock(&self.outboxes)
            .get(destination)
            .map_or(0, |outbox| outbox.held.len())
    }

    /// Deliveries that were read from disk; `all` if these are all that are due now.
    pub(super) fn refill(
        &self,
        destination: &Arc<str>,
        read: Vec<Pending>,
        all: bool,
        next_due: Option<Millis>,
    ) {
        let mut outboxes = lock(&self.outboxes);
        let outbox = outboxes.entry(destination.clone()).or_default();
        outbox.reading = false;
        outbox.behind = !all;
        outbox.next_due = next_due;
        for pending in read {
            if !outbox.has_room() {
                outbox.behind = true;
                break;
            }
            if outbox.held.insert(pending.number) {
                outbox.ready.push_back(pending);
            }
        }
        outbox.changed.notify_one();
    }

    /// A settlement is on disk.
    pub(super) fn release(&self, destination: &Arc<str>, number: u64, again: Option<Millis>) {
        let mut outboxes = lock(&self.outboxes);
        let outbox = outboxes.entry(destination.clone()).or_default();
        outbox.held.remove(&number);
        if let Some(due) = again {
            outbox.wait_until(due);
        }
        if again.is_some() || outbox.behind {
            outbox.changed.notify_one();
        }
    }

    pub(super) fn is_healthy(&self) -> bool {
        !self.unhealthy.load(Ordering::Relaxed)
    }

    pub(super) fn set_healthy(&self, healthy: bool) {
        self.unhealthy.store(!healthy, Ordering::Relaxed);
    }
}

impl Events {
    fn push(&mut self, event: TakenEvent) {
        self.bytes += event.event.data.len();
        self.newest = event.number;
        self.open.insert(event.number);
        self.ready.push_back(event);
    }
}

impl Outbox {
    fn has_room(&self) -> bool {
        self.held.len() < MAX_HELD
    }

    fn wait_until(&mut self, due: Millis) {
        self.next_due = Some(self.next_due.map_or(due, |earlier| earlier.min(due)));
    }
}

/// A wait that begins now, so that no change after this line is missed.
fn listen(notify: &Arc<Notify>) -> impl Future<Output = ()> + use<> {
    notify.clone().notified_owned()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
