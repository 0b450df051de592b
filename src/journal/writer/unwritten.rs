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

/// An event of more deliveries than this waits for none of them, as it would push out all others.
const MANY: usize = MOST / 4;

/// What was made of one event.
#[derive(Debug)]
pub(super) struct MadeOf {
    pub event: u64,
    pub rows: Vec<Row>,
    pub heard: Vec<Heard>,
    /// What need not be held any longer once this is on disk.
    pub released: Vec<Release>,
    since: Instant,
    /// For each row, whether its outcome is waited for.
    is_open: Vec<bool>,
    /// For how many that is so.
    open: usize,
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
        let is_open = |row: &Row| {
            let is_pending = row.delivery.state == State::Pending;
            rows.len() <= MANY && is_pending && row.delivery.due <= due
        };
        let is_open: Vec<bool> = rows.iter().map(is_open).collect();
        Self {
            event,
            open: is_open.iter().filter(|is_open| **is_open).count(),
            is_open,
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
        match made.open == 0 {
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
        let place = place.unwrap_or(usize::MAX);
        let (Some(row), Some(is_open)) = (made.rows.get_mut(place), made.is_open.get_mut(place))
        else {
            return Err(settlement);
        };
        if row.delivery.state != settlement.from {
            return Ok(()); // it comes too late
        }
        row.settle(&settlement);
        made.released.extend(Release::of(&settlement));
        if std::mem::take(is_open) {
            made.open -= 1;
            match made.open == 0 {
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
        // What has begun and is taken by now waits for nothing.
        let events = &self.events;
        self.begun.retain(|event| events.contains_key(event));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::{Delivery, DeliveryId};

    const NOW: Millis = 1_720_602_000_000;

    /// What was made of an event: deliveries that are due after so many milliseconds.
    fn made(event: u64, due: &[Millis]) -> MadeOf {
        let row = |(index, due): (usize, &Millis)| Row {
            number: delivery_number(event, index),
            attempts: 0,
            delivery: Delivery {
                id: DeliveryId([0; 16]),
                event_id: "e".into(),
                received_at: NOW,
                tag: "t".into(),
                destination: "d".into(),
                payload: "{}".into(),
                due: NOW + due,
                expires: None,
                state: State::Pending,
            },
            class: None,
            note: None,
        };
        let rows = due.iter().enumerate().map(row).collect();
        MadeOf::new(event, rows, Vec::new(), NOW)
    }

    fn outcome(event: u64, index: usize, state: State) -> Settlement {
        Settlement {
            number: delivery_number(event, index),
            destination: "d".into(),
            tag: "t".into(),
            from: State::Pending,
            state,
            class: None,
            attempts: 1,
            due: NOW,
            note: None,
        }
    }

    fn events(taken: &[MadeOf]) -> Vec<u64> {
        taken.iter().map(|made| made.event).collect()
    }

    #[test]
    fn an_event_waits_for_all_its_outcomes_and_is_written_with_them() {
        let (mut unwritten, now) = (Unwritten::default(), Instant::now());
        unwritten.add(made(1, &[0, 0]));
        unwritten.add(made(2, &[0]));
        assert!(unwritten.take_ripe(now).is_empty());
        unwritten.settle(outcome(1, 0, State::Delivered)).unwrap();
        assert!(unwritten.take_ripe(now).is_empty() && unwritten.has_begun());
        unwritten.settle(outcome(1, 1, State::Dead)).unwrap();
        let taken = unwritten.take_ripe(now);
        assert_eq!(events(&taken), [1]);
        let states = taken[0].rows.iter().map(|row| row.delivery.state);
        assert_eq!(states.collect::<Vec<_>>(), [State::Delivered, State::Dead]);
        assert_eq!(taken[0].released.len(), 2);
        assert!(!unwritten.has_begun(), "it does not wait any more");
    }

    #[test]
    fn what_is_not_to_be_expected_does_not_wait() {
        let (mut unwritten, now) = (Unwritten::default(), Instant::now());
        let many = vec![0; MANY + 1];
        for (event, due) in [(1, &[][..]), (2, &[60_000]), (3, &many)] {
            unwritten.add(made(event, due));
        }
        assert_eq!(events(&unwritten.take_ripe(now)), [1, 2, 3]);
        assert!(unwritten.is_empty() && unwritten.deadline().is_none());
    }

    #[test]
    fn nothing_waits_longer_than_it_may_nor_with_too_many_others() {
        let (mut unwritten, now) = (Unwritten::default(), Instant::now());
        unwritten.add(made(1, &[0]));
        let deadline = unwritten.deadline().unwrap();
        assert!(deadline >= now + PATIENCE);
        assert_eq!(events(&unwritten.take_ripe(deadline)), [1]);
        for event in 0..MOST as u64 + 3 {
            unwritten.add(made(event, &[0]));
        }
        assert!(unwritten.is_over());
        assert_eq!(events(&unwritten.take_ripe(now)), [0, 1, 2]);
        assert!(!unwritten.is_over());
        assert_eq!(unwritten.take_all().len(), MOST);
    }

    #[test]
    fn an_outcome_that_comes_elsewhere_or_late_is_told_apart() {
        let mut unwritten = Unwritten::default();
        unwritten.add(made(1, &[0, 0]));
        for (event, index) in [(2, 0), (1, 2)] {
            let given = outcome(event, index, State::Delivered);
            assert_eq!(unwritten.settle(given.clone()), Err(given), "it is on disk");
        }
        unwritten.settle(outcome(1, 0, State::Delivered)).unwrap();
        unwritten.settle(outcome(1, 0, State::Dead)).unwrap();
        let begun = unwritten.take_begun();
        assert_eq!(begun[0].rows[0].delivery.state, State::Delivered);
    }
}
