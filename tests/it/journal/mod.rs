//! The journal's contract, held against every kind of it.

mod by_hand;
mod conformance;
mod crash;
mod disk;
mod look;
mod recount;
mod repeats;
mod oldest;

use std::future::{Future, poll_fn};
use std::path::Path;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tagwerk::clock::{Clock, Millis};
use tagwerk::delivery::{Delivery, DeliveryId, State};
use tagwerk::event::Event;
use tagwerk::journal::{Entry, Journal, Pending, Processed, Settlement, TakenEvent};
use tempfile::TempDir;

/// The time of day at which every test starts.
const START: Millis = 1_720_602_000_000;

/// Far more than any of this takes, so that a hanging test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// A journal, and the folder that must live as long as it does.
struct Fixture {
    journal: Journal,
    clock: Clock,
    _folder: Option<TempDir>,
}

impl Fixture {
    fn memory() -> Self {
        let clock = Clock::tokio(START);
        Self {
            journal: Journal::memory(clock).unwrap(),
            clock,
            _folder: None,
        }
    }

    fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let clock = Clock::tokio(START);
        Self {
            journal: open(folder.path()),
            clock,
            _folder: Some(folder),
        }
    }
}

fn open(folder: &Path) -> Journal {
    Journal::sqlite(folder, Clock::tokio(START)).unwrap()
}

fn event(id: usize) -> Event {
    Event {
        id: format!("event-{id}").into(),
        received_at: START,
        data: format!(r#"{{"event_name":"test","id":{id}}}"#).into(),
    }
}

fn entry(id: usize) -> Entry {
    Entry {
        event: event(id),
        made: None,
    }
}

fn delivery(event: &Event, destination: &str, ordinal: usize, due: Millis) -> Delivery {
    Delivery {
        id: DeliveryId::of(&event.id, "tag", ordinal),
        event_id: event.id.clone(),
        received_at: event.received_at,
        tag: "tag".into(),
        destination: destination.into(),
        payload: format!(r#"{{"ordinal":{ordinal}}}"#).into(),
        due,
        expires: None,
        state: State::Pending,
    }
}

/// One delivery for each of these destinations, due at once.
fn processed(taken: &TakenEvent, destinations: &[&str]) -> Processed {
    let deliveries = destinations.iter().enumerate();
    Processed {
        number: taken.number,
        made: deliveries
            .map(|(ordinal, to)| delivery(&taken.event, to, ordinal, START))
            .collect(),
    }
}

fn settled(pending: &Pending, state: State) -> Settlement {
    Settlement {
        number: pending.number,
        destination: pending.delivery.destination.clone(),
        tag: pending.delivery.tag.clone(),
        from: State::Pending,
        state,
        class: None,
        attempts: pending.attempts + 1,
        due: pending.delivery.due,
        note: None,
    }
}

fn retried(pending: &Pending, due: Millis) -> Settlement {
    Settlement {
        due,
        ..settled(pending, State::Pending)
    }
}

/// Changes the file of a journal that nobody has open.
fn tamper(folder: &Path, sql: &str) {
    let connection = rusqlite::Connection::open(folder.join("journal.sqlite")).unwrap();
    connection.execute_batch(sql).unwrap();
}

fn name(destination: &str) -> Arc<str> {
    destination.into()
}

/// Appends, takes and processes so many events, each with one delivery for `destination`.
async fn fill(journal: &Journal, destination: &str, count: usize) {
    let entries = (0..count).map(entry).collect();
    journal.append(entries, None).await.unwrap();
    let mut left = count;
    while left > 0 {
        let taken = soon(journal.take_events(1_000)).await;
        left -= taken.len();
        let made = taken.iter().map(|taken| processed(taken, &[destination]));
        journal.append_deliveries(made.collect()).await.unwrap();
    }
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap()
}

/// What the future gives when the journal has done all it was asked to; nothing if it would wait.
async fn at_once<T>(journal: &Journal, future: impl Future<Output = T>) -> Option<T> {
    tokio::pin!(future);
    for _ in 0..4 {
        let polled = poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await;
        if let Poll::Ready(value) = polled {
            return Some(value);
        }
        soon(journal.counts()).await.unwrap();
    }
    None
}

/// Moves tokio's time, and with it the journal's.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}
