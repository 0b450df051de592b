//! A store in memory, for tests and rehearsals. It keeps the contract but for the disk.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::Error;
use super::store::{
    Batch, Counts, FailedRequest, Pending, Record, Row, Store, TakenEvent, delivery_number,
    event_number,
};
use crate::clock::Millis;
use crate::delivery::State;
use crate::event::Event;

#[derive(Default)]
pub(super) struct Memory {
    events: BTreeMap<u64, Event>,
    rows: BTreeMap<u64, Row>,
    requests: Vec<FailedRequest>,
    watermark: u64,
}

impl Memory {
    fn pending<'a>(&'a self, destination: &'a str) -> impl Iterator<Item = &'a Row> {
        let of = move |row: &&Row| &*row.delivery.destination == destination;
        self.rows
            .values()
            .filter(of)
            .filter(|row| row.delivery.state == State::Pending)
    }

    fn is_processed(&self, event: u64) -> bool {
        let rows = delivery_number(event, 0)..delivery_number(event + 1, 0);
        event <= self.watermark || self.rows.range(rows).next().is_some()
    }
}

impl Store for Memory {
    fn commit(&mut self, batch: &Batch) -> Result<(), Error> {
        self.events.extend(
            batch
                .events
                .iter()
                .map(|taken| (taken.number, taken.event.clone())),
        );
        self.rows
            .extend(batch.rows.iter().map(|row| (row.number, row.clone())));
        for settlement in &batch.settlements {
            if let Some(row) = self.rows.get_mut(&settlement.number) {
                row.settle(settlement);
            }
        }
        self.requests.extend(batch.requests.iter().cloned());
        self.watermark = batch.watermark;
        Ok(())
    }

    fn recover(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn ends(&mut self) -> Result<(u64, u64), Error> {
        let newest = self
            .events
            .last_key_value()
            .map_or(0, |(number, _)| *number);
        Ok((newest, self.watermark))
    }

    fn events_after(&mut self, number: u64, most: usize) -> Result<Vec<TakenEvent>, Error> {
        let above = self
            .events
            .range(number + 1..)
            .filter(|(number, _)| !self.is_processed(**number));
        Ok(above
            .take(most)
            .map(|(number, event)| TakenEvent {
                number: *number,
                event: event.clone(),
            })
            .collect())
    }

    fn due(
        &mut self,
        destination: &Arc<str>,
        now: Millis,
        most: usize,
    ) -> Result<Vec<Pending>, Error> {
        let mut due: Vec<&Row> = self
            .pending(destination)
            .filter(|row| row.delivery.due <= now)
            .collect();
        due.sort_by_key(|row| (row.delivery.due, row.number));
        let pending = |row: &Row| Pending {
            number: row.number,
            attempts: row.attempts,
            delivery: row.delivery.clone(),
        };
        Ok(due.into_iter().take(most).map(pending).collect())
    }

    fn next_due(&mut self, destination: &str, now: Millis) -> Result<Option<Millis>, Error> {
        Ok(self
            .pending(destination)
            .map(|row| row.delivery.due)
            .filter(|due| *due > now)
            .min())
    }

    fn deliveries_of(&mut self, event: u64) -> Result<Vec<Record>, Error> {
        let Some(data) = self.events.get(&event).map(|event| event.data.clone()) else {
            return Ok(Vec::new());
        };
        let rows = self
            .rows
            .range(delivery_number(event, 0)..delivery_number(event + 1, 0));
        let record = |row: &Row| Record {
            event,
            data: data.clone(),
            attempts: row.attempts,
            delivery: row.delivery.clone(),
            note: row.note.clone(),
        };
        Ok(rows.map(|(_, row)| record(row)).collect())
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
        debug_assert!(
            self.rows
                .keys()
                .all(|number| self.events.contains_key(&event_number(*number)))
        );
        Ok(counts)
    }
}
