//! What became of events and is not on disk yet, event by event. It waits there for the outcome of
//! its deliveries: one that is settled by then is written once, and never as pending. Bounded in
//! number and in time; it does not know where it is written to.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::clock::Millis;
use crate::delivery::State;
use crate::journal::hand_over::Release;
use crate::journal::record::{Settlement, delivery_number, event_number};
use crate::journal::store::{Heard, Row};

/// How long an event may wait for the outcomes of its deliveries. A crash before means that it is
/// processed again, which gives the same deliveries.
const PATIENCE: Duration = Duration::from_secs(1);

/// Deliveries that may wait. In a crash their number bounds what is sent a second time.
pub(super) const MOST: usize = 1_000;

/// An event of more deliveries than this waits for none of them: to look through them would cost
/// more than it saves.
const MANY: usize = 64;

/// What was made of one event.
#[derive(Debug)]
pub(super) struct MadeOf {
    pub event: u64,
    pub rows: Vec<Row>,
    pub heard: Vec<Heard>,
    /// What need not be held any longer once this is on disk.
    pub released: Vec<Release>,
    since: Instant,
    /// Deliveries without an outcome, by number.
    open: Vec<u64>,
}

/// What was made of events that wait.
#[derive(Default)]
pub(super) struct Unwritten {
    events: HashMap<u64, MadeOf>,
    /// As they came; some are gone by now.
    order: VecDeque<(Instant, u64)>,
    /// Those of which each delivery has an outcome.
    ripe: Vec<u64>,
    /// Those of which some have.
    begun: Vec<u64>,
    rows: usize,
}

impl MadeOf {
    /// Of those that are due by `due`, the outcome is to be expected.
    pub(super) fn new(event: u64, rows: Vec<Row>, heard: Vec<Heard>, due: Millis) -> Self {
        let mut open = Vec::new();
        if rows.len() <= MANY {
            let is_open =
                |row: &&Row| row.delivery.state == State::Pending && row.delivery.due <= due;
            open.extend(rows.iter().filter(is_open).map(|row| row.number));
        }
        Self {
            event,
            open,
            rows,
            heard,
            released: Vec::new(),
            since: Instant::now(),
        }
    }
}

impl Unwritten {
    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// True if some should be written, whatever time it is.
    pub(super) fn is_over(&self) -> bool {
        self.rows > MOST
    }

    /// True if some have outcomes and wait for others.
    pub(super) fn has_begun(&self) -> bool {
        !self.begun.is_empty()
    }

    /// When the oldest has waited long enough.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let mut waiting = self.order.iter();
        let oldest = waiting.find(|(_, event)| self.events.contains_key(event));
        oldest.map(|(since, _)| *since + PATIENCE)
    }

    pub(super) fn add(&mut self, made: MadeOf) {
        let event = made.event;
        self.rows += made.rows.len();
        match made.open.is_empty() {
            true => self.ripe.push(event),
            false => self.order.push_back((made.since, event)),
        }
        self.events.insert(event, made);
    }

    /// Notes an outcome; gives it back if its delivery is not here.
    pub(super) fn settle(&mut self, settlement: Settlement) -> Result<(), Settlement> {
        let event = event_number(settlement.number);
        let Some(made) = self.events.get_mut(&event) else {
            return Err(settlement);
        };
        // They stand in the order of their numbers, without a gap.
        let place = usize::try_from(settlement.number - delivery_number(event, 0));
        let row = place.ok().and_then(|place| made.rows.get_mut(place));
        let Some(row) = row else {
            return Err(settlement);
        };
        if row.delivery.state != settlement.from {
            return Ok(()); // it comes too late
        }
        row.settle(&settlement);
        made.released.extend(Release::of(&settlement));
        let open = &mut made.open;
        if let Some(place) = open.iter().position(|number| *number == settlement.number) {
            open.swap_remove(place);
            match open.is_empty() {
                true => self.ripe.push(event),
                false => self.begun.push(event),
            }
        }
        Ok(())
    }

    /// Takes out those that have all their outcomes, and what has waited long enough.
    pub(super) fn take_ripe(&mut self, now: Instant) -> Vec<MadeOf> {
        let ripe = std::mem::take(&mut self.ripe);
        let mut taken = self.take(ripe);
        while let Some((since, event)) = self.order.front().copied() {
            let is_gone = !self.events.contains_key(&event);
            if !is_gone && now < since + PATIENCE && !self.is_over() {
                break;
            }
            self.order.pop_front();
            taken.extend(self.take([event]));
        }
        taken
    }

    /// Takes out those that have some outcomes.
    pub(super) fn take_begun(&mut self) -> Vec<MadeOf> {
        let begun = std::mem::take(&mut self.begun);
        self.take(begun)
    }

    /// Takes out all.
    pub(super) fn take_all(&mut self) -> Vec<MadeOf> {
        let mut all: Vec<MadeOf> = std::mem::take(self).events.into_values().collect();
        all.sort_unstable_by_key(|made| made.event);
        all
    }

    fn take(&mut self, events: impl IntoIterator<Item = u64>) -> Vec<MadeOf> {
        let found = events
            .into_iter()
            .filter_map(|event| self.events.remove(&event));
        let taken: Vec<MadeOf> = found.collect();
        self.rows -= taken.iter().map(|made| made.rows.len()).sum::<usize>();
        taken
    }
}
