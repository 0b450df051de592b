//! A store in memory, for tests and rehearsals. It keeps the contract but for the disk.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::Error;
use super::record::{
    Counts, FailedRequest, Pending, Record, TakenEvent, delivery_number, event_number,
};
use super::store::{
    Batch, Due, EventPage, Expiry, NewEvent, Progress, Room, Row, Store, Swept, Wanted,
};
use crate::clock::Millis;
use crate::delivery::State;

#[derive(Default)]
pub(super) struct Memory {
    events: BTreeMap<u64, NewEvent>,
    rows: BTreeMap<u64, Row>,
    requests: Vec<FailedRequest>,
    progress: Progress,
    size: u64,
}

/// What an event or a delivery weighs beside its bytes, roughly.
const OVERHEAD: usize = 200;

impl Memory {
    fn rows_of(&self, event: u64) -> impl Iterator<Item = &Row> {
        let numbers = delivery_number(event, 0)..delivery_number(event + 1, 0);
        self.rows.range(numbers).map(|(_, row)| row)
    }

    fn is_processed(&self, event: &NewEvent) -> bool {
        event.came_processed || self.rows_of(event.number).next().is_some()
    }

    fn has_expired(&self, event: &NewEvent, expiry: Expiry) -> bool {
        let is_done = |row: &Row| match row.delivery.state {
            State::Pending => false,
            State::Dead => row.delivery.due < expiry.dead_letters,
            State::Delivered | State::DryRun | State::Skipped => row.delivery.due < expiry.events,
        };
        event.number <= self.progress.watermark
            && event.event.received_at < expiry.events
            && self.rows_of(event.number).all(is_done)
    }
}

fn size_of<'a>(
    events: impl IntoIterator<Item = &'a NewEvent>,
    rows: impl IntoIterator<Item = &'a Row>,
    requests: &[FailedRequest],
) -> u64 {
    let events = events.into_iter().map(|event| event.event.data.len());
    let rows = rows.into_iter().map(|row| row.delivery.payload.len());
    let requests = requests.iter().map(|request| request.message.len());
    let sizes = events.chain(rows).chain(requests);
    sizes.map(|size| (size + OVERHEAD) as u64).sum()
}

impl Store for Memory {
    fn commit(&mut self, batch: &Batch) -> Result<(), Error> {
        for event in &batch.events {
            self.events.insert(event.number, event.clone());
            self.progress.newest = event.number;
        }
        for row in &batch.rows {
            self.rows.insert(row.number, row.clone());
        }
        for settlement in &batch.settlements {
            let row = self.rows.get_mut(&settlement.number);
            if let Some(row) = row.filter(|row| row.delivery.state == State::Pending) {
                row.settle(settlement);
            }
        }
        self.requests.extend(batch.requests.iter().cloned());
        self.size += size_of(&batch.events, &batch.rows, &batch.requests);
        self.progress.watermark = batch.watermark;
        self.progress.commits = batch.number;
        Ok(())
    }

    fn recover(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn progress(&mut self) -> Result<Progress, Error> {
        Ok(self.progress)
    }

    fn events_after(&mut self, number: u64, mut room: Room) -> Result<EventPage, Error> {
        let mut page = EventPage::default();
        for event in self.events.range(number + 1..).map(|(_, event)| event) {
            if self.is_processed(event) {
                continue;
            }
            if room.is_full() {
                return Ok(page);
            }
            room.take(event.event.data.len());
            page.events.push(TakenEvent {
                number: event.number,
                event: event.event.clone(),
            });
        }
        page.all = true;
        Ok(page)
    }

    fn due(&mut self, destination: &Arc<str>, now: Millis, wanted: Wanted) -> Result<Due, Error> {
        let is_wanted = |row: &&Row| {
            row.delivery.destination == *destination
                && row.delivery.state == State::Pending
                && !wanted.held.contains(&row.number)
        };
        let mut rows: Vec<&Row> = self.rows.values().filter(is_wanted).collect();
        rows.sort_by_key(|row| (row.delivery.due, row.number));
        let mut room = wanted.room;
        let mut due = Due::default();
        for row in rows {
            if row.delivery.due > now || room.is_full() {
                due.next = Some(row.delivery.due);
                break;
            }
            room.take(row.delivery.payload.len());
            due.ready.push(Pending {
                number: row.number,
                attempts: row.attempts,
                delivery: row.delivery.clone(),
            });
        }
        Ok(due)
    }

    fn deliveries_of(&mut self, event: u64) -> Result<Vec<Record>, Error> {
        let Some(of) = self.events.get(&event) else {
            return Ok(Vec::new());
        };
        let record = |row: &Row| Record {
            event,
            data: of.event.data.clone(),
            attempts: row.attempts,
            number: row.number,
            delivery: row.delivery.clone(),
            class: row.class,
            note: row.note.clone(),
        };
        Ok(self.rows_of(event).map(record).collect())
    }

    fn counts(&mut self) -> Result<Counts, Error> {
        let mut counts = Counts {
            failed_requests: self.requests.len() as u64,
            ..Counts::default()
        };
        for row in self.rows.values() {
            let key = (
                row.delivery.destination.to_string(),
                row.delivery.state.as_str(),
            );
            *counts.deliveries.entry(key).or_default() += 1;
        }
        Ok(counts)
    }

    fn oldest_undelivered(&mut self, watermark: u64) -> Result<Option<Millis>, Error> {
        let is_open = |event: &&NewEvent| {
            let mut rows = self.rows_of(event.number);
            event.number > watermark || rows.any(|row| row.delivery.state == State::Pending)
        };
        let oldest = self.events.values().find(is_open);
        Ok(oldest.map(|event| event.event.received_at))
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn sweep(&mut self, expiry: Expiry) -> Result<Swept, Error> {
        let expired = |event: &&NewEvent| self.has_expired(event, expiry);
        let expired: Vec<u64> = self
            .events
            .values()
            .filter(expired)
            .map(|event| event.number)
            .collect();
        for number in &expired {
            self.events.remove(number);
        }
        let events = &self.events;
        self.rows
            .retain(|number, _| events.contains_key(&event_number(*number)));
        self.requests
            .retain(|request| request.received_at >= expiry.dead_letters);
        self.size = size_of(self.events.values(), self.rows.values(), &self.requests);
        Ok(Swept::All)
    }
}
