//! The newest traces, in memory, bounded in bytes: old ones make room for new ones. What happens to
//! their events and deliveries later on is noted here, and whoever looks is told of every change.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::watch;

use super::record::{DeliveryRecord, Fate, Record, TagRecord};
use crate::clock::Millis;
use crate::delivery::{DeliveryId, State};
use crate::event::Event;
use crate::request::Response;

/// Bytes of all traces together.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// Traces, however small they are.
const MAX_TRACES: usize = 1_000;

/// A bounded ring of traces.
#[derive(Debug)]
pub struct Ring {
    state: Mutex<Kept>,
    /// Counts up with everything that happens to a trace.
    changed: watch::Sender<u64>,
    /// Events that a processor is waited for. Read by live traffic, so that it need not wait here.
    awaited: AtomicUsize,
    /// Deliveries that are not settled.
    open: AtomicUsize,
}

/// A trace in the ring.
#[derive(Debug)]
pub struct Entry {
    /// Counts up with the traces.
    pub seq: u64,
    /// The change with which it came.
    pub since: u64,
    /// The change that touched it last.
    pub changed: u64,
    /// What was seen.
    pub record: Record,
    bytes: usize,
}

/// What became of what a request asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// It is durable.
    Kept,
    /// It was there before.
    Repeat,
    /// It could not be made durable.
    Unkept,
}

#[derive(Debug, Default)]
struct Kept {
    entries: VecDeque<Entry>,
    bytes: usize,
    next_seq: u64,
    change: u64,
    by_id: HashMap<String, u64>,
    events: HashMap<(Arc<str>, Millis), u64>,
    /// A repeat makes deliveries of the same ids, so there may be several.
    deliveries: HashMap<DeliveryId, Vec<u64>>,
}

impl Default for Ring {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            changed: watch::Sender::new(0),
            awaited: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
        }
    }
}

impl Ring {
    /// Keeps a trace.
    pub fn push(&self, record: Record) {
        self.change(|kept| kept.push(record));
    }

    /// Looks at the trace of that id, if it is still there.
    pub fn with<T>(&self, id: &str, look: impl FnOnce(&Entry) -> T) -> Option<T> {
        let kept = self.lock();
        let seq = *kept.by_id.get(id)?;
        kept.entry(seq).map(look)
    }

    /// Looks at traces, the newest first, and keeps what `look` makes of the first `most`.
    pub fn newest<T>(&self, most: usize, look: impl FnMut(&Entry) -> Option<T>) -> Vec<T> {
        let kept = self.lock();
        let newest = kept.entries.iter().rev();
        newest.filter_map(look).take(most).collect()
    }

    /// What has changed after a change, in the order of the changes, and the newest change.
    pub fn since<T>(&self, change: u64, look: impl FnMut(&Entry) -> T) -> (Vec<T>, u64) {
        let kept = self.lock();
        let touched = kept.entries.iter().filter(|entry| entry.changed > change);
        let mut touched: Vec<&Entry> = touched.collect();
        touched.sort_unstable_by_key(|entry| entry.changed);
        (touched.into_iter().map(look).collect(), kept.change)
    }

    /// Tells of every change.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// How many traces there are, and their bytes.
    pub fn size(&self) -> (usize, usize) {
        let kept = self.lock();
        (kept.entries.len(), kept.bytes)
    }

    /// True if a processor is waited for.
    pub(super) fn awaits_events(&self) -> bool {
        self.awaited.load(Ordering::Relaxed) > 0
    }

    /// True if deliveries are not settled.
    pub(super) fn awaits_deliveries(&self) -> bool {
        self.open.load(Ordering::Relaxed) > 0
    }

    /// True if this event is waited for.
    pub(super) fn awaits(&self, event: &Event) -> bool {
        let key = (event.id.clone(), event.received_at);
        self.lock().events.contains_key(&key)
    }

    pub(super) fn answered(&self, id: &str, response: &Response, answered: Answered) {
        self.change(|kept| kept.answered(id, response, answered));
    }

    pub(super) fn processed(&self, event: &Event, begun: Instant, tags: Vec<TagRecord>) {
        self.change(|kept| kept.processed(event, begun, tags));
    }

    /// Notes what became of deliveries, of those that are here.
    pub(super) fn note<T>(
        &self,
        notes: &[T],
        id: impl Fn(&T) -> DeliveryId,
        apply: impl Fn(&T, &mut DeliveryRecord),
    ) {
        self.change(|kept| {
            for note in notes {
                kept.delivery(id(note), |one| apply(note, one));
            }
        });
    }

    fn change(&self, change: impl FnOnce(&mut Kept)) {
        let mut kept = self.lock();
        let before = kept.change;
        change(&mut kept);
        self.awaited.store(kept.events.len(), Ordering::Relaxed);
        self.open.store(kept.deliveries.len(), Ordering::Relaxed);
        let now = kept.change;
        drop(kept);
        if now != before {
            self.changed.send_replace(now);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn entry(&self, seq: u64) -> Option<&Entry> {
        self.entries.get(self.place(seq)?)
    }

    fn place(&self, seq: u64) -> Option<usize> {
        let first = self.entries.front()?.seq;
        usize::try_from(seq.checked_sub(first)?).ok()
    }

    fn push(&mut self, record: Record) {
        self.change += 1;
        self.next_seq += 1;
        let (seq, bytes) = (self.next_seq, record.bytes());
        self.by_id.insert(record.request.id.clone(), seq);
        for event in &record.events {
            if event.fate == Fate::Waiting {
                let key = (event.event.id.clone(), event.event.received_at);
                self.events.insert(key, seq);
            }
        }
        let open = record
            .deliveries()
            .filter(|one| one.state == State::Pending);
        for one in open {
            self.deliveries
                .entry(one.delivery.id)
                .or_default()
                .push(seq);
        }
        self.bytes += bytes;
        self.entries.push_back(Entry {
            seq,
            since: self.change,
            changed: self.change,
            record,
            bytes,
        });
        self.make_room();
    }

    fn make_room(&mut self) {
        while self.bytes > MAX_BYTES || self.entries.len() > MAX_TRACES {
            let Some(oldest) = self.entries.pop_front() else {
                break;
            };
            self.bytes -= oldest.bytes;
            self.forget(&oldest);
        }
    }

    fn forget(&mut self, entry: &Entry) {
        let id = &entry.record.request.id;
        if self.by_id.get(id) == Some(&entry.seq) {
            self.by_id.remove(id);
        }
        for event in &entry.record.events {
            let key = (event.event.id.clone(), event.event.received_at);
            if self.events.get(&key) == Some(&entry.seq) {
                self.events.remove(&key);
            }
        }
        for one in entry.record.deliveries() {
            self.close(one.delivery.id, entry.seq);
        }
    }

    /// Nothing more will happen to a delivery of a trace.
    fn close(&mut self, id: DeliveryId, seq: u64) {
        let Some(traces) = self.deliveries.get_mut(&id) else {
            return;
        };
        traces.retain(|one| *one != seq);
        if traces.is_empty() {
            self.deliveries.remove(&id);
        }
    }

    /// Changes a trace, and what is known of its size.
    fn touch(&mut self, seq: u64, change: impl FnOnce(&mut Record)) {
        let Some(place) = self.place(seq) else { return };
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        self.change += 1;
        entry.changed = self.change;
        change(&mut entry.record);
        let bytes = entry.record.bytes();
        self.bytes = self.bytes - entry.bytes + bytes;
        entry.bytes = bytes;
    }

    fn answered(&mut self, id: &str, response: &Response, answered: Answered) {
        let Some(seq) = self.by_id.get(id).copied() else {
            return;
        };
        let fate = match answered {
            Answered::Kept => None,
            Answered::Repeat => Some(Fate::Repeat),
            Answered::Unkept => Some(Fate::Unkept),
        };
        let mut settled = Vec::new();
        self.touch(seq, |record| {
            record.times.answered = Some(Instant::now());
            record.response = response.clone();
            for event in &mut record.events {
                if let (Fate::Waiting, Some(fate)) = (event.fate, fate) {
                    event.fate = fate;
                    settled.push((event.event.id.clone(), event.event.received_at));
                }
            }
        });
        for key in settled {
            self.events.remove(&key);
        }
    }

    fn processed(&mut self, event: &Event, begun: Instant, tags: Vec<TagRecord>) {
        let key = (event.id.clone(), event.received_at);
        let Some(seq) = self.events.remove(&key) else {
            return;
        };
        let made = tags.iter().flat_map(|tag| &tag.deliveries);
        let open = made.filter(|one| one.state == State::Pending);
        for one in open {
            self.deliveries
                .entry(one.delivery.id)
                .or_default()
                .push(seq);
        }
        self.touch(seq, |record| {
            let mut events = record.events.iter_mut();
            if let Some(waiting) = events.find(|one| one.event.id == event.id) {
                waiting.processed(begun, tags);
            }
        });
        self.make_room();
    }

    /// Changes a delivery in the oldest trace in which it is open.
    fn delivery(&mut self, id: DeliveryId, note: impl FnOnce(&mut DeliveryRecord)) {
        let traces = self.deliveries.get(&id);
        let Some(seq) = traces.and_then(|traces| traces.first()).copied() else {
            return;
        };
        let mut is_open = true;
        self.touch(seq, |record| {
            if let Some(one) = record.delivery_mut(id) {
                note(one);
                is_open = one.state == State::Pending;
            }
        });
        if !is_open {
            self.close(id, seq);
        }
        self.make_room();
    }
}
