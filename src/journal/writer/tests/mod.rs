//! The writer over a store that fails. What a store does when it works is tested from outside, in
//! `tests/it/journal`.

mod promises;

use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;

use super::Settings;
use crate::clock::{Clock, Millis};
use crate::config;
use crate::delivery::{Delivery, DeliveryId, State};
use crate::event::Event;
use crate::journal::Journal;
use crate::journal::error::Error;
use crate::journal::record::{DedupeKey, Entry, Made, Pending, Processed, Settlement, TakenEvent};
use crate::journal::sqlite::Sqlite;
use crate::journal::store::{
    Batch, Disk, Due, EventPage, Expiry, Progress, Room, Standing, Store, Swept, Wanted,
};

const NOW: Millis = 1_720_602_000_000;

/// Far more than any of this takes, so that a hanging test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Works,
    Fails,
    /// A commit that is there although it failed, as after an fsync that went wrong.
    FailsAndHappens,
    Panics,
}

/// What becomes of the next calls; when it is used up, they work.
#[derive(Clone, Default)]
struct Plan(Arc<Mutex<VecDeque<Fate>>>);

impl Plan {
    fn next_are(&self, fates: &[Fate]) {
        self.0.lock().unwrap().extend(fates);
    }

    fn next(&self) -> Fate {
        self.0.lock().unwrap().pop_front().unwrap_or(Fate::Works)
    }

    fn is_used_up(&self) -> bool {
        self.0.lock().unwrap().is_empty()
    }
}

/// A store that fails as planned.
struct Moody {
    inner: Sqlite,
    plan: Plan,
}

impl Moody {
    fn call<T>(&mut self, call: impl FnOnce(&mut Sqlite) -> Result<T, Error>) -> Result<T, Error> {
        match self.plan.next() {
            Fate::Works => call(&mut self.inner),
            Fate::FailsAndHappens => call(&mut self.inner).and_then(|_| Err(broken())),
            Fate::Fails => Err(broken()),
            Fate::Panics => panic!("as planned"),
        }
    }
}

fn broken() -> Error {
    Error::Storage("input/output error".to_owned())
}

impl Store for Moody {
    fn commit(&mut self, batch: &Batch) -> Result<(), Error> {
        self.call(|store| store.commit(batch))
    }

    fn recover(&mut self) -> Result<(), Error> {
        self.call(Sqlite::recover)
    }

    fn progress(&mut self) -> Result<Progress, Error> {
        self.inner.progress()
    }

    fn events_after(&mut self, number: u64, room: Room) -> Result<EventPage, Error> {
        self.call(|store| store.events_after(number, room))
    }

    fn due(&mut self, to: &Arc<str>, now: Millis, wanted: Wanted) -> Result<Due, Error> {
        self.call(|store| store.due(to, now, wanted))
    }

    fn has_seen(&mut self, key: DedupeKey, since: Millis) -> Result<bool, Error> {
        self.call(|store| store.has_seen(key, since))
    }

    fn kept_requests(&mut self, numbers: &[u64]) -> Result<Vec<u64>, Error> {
        self.inner.kept_requests(numbers)
    }

    fn standings(&mut self, numbers: &[u64]) -> Result<Vec<Standing>, Error> {
        self.call(|store| store.standings(numbers))
    }

    fn standings_of(&mut self, event: u64) -> Result<Option<Vec<Standing>>, Error> {
        self.inner.standings_of(event)
    }

    fn size(&self) -> u64 {
        self.inner.size()
    }

    fn disk(&self) -> Option<Disk> {
        None
    }

    fn sweep(&mut self, expiry: Expiry) -> Result<Swept, Error> {
        self.inner.sweep(expiry)
    }
}

fn settings() -> Settings {
    Settings {
        pause: Duration::from_millis(1),
        ..Settings::new(config::Journal::default(), Clock::tokio(NOW))
    }
}

fn moody(settings: Settings) -> (Journal, Plan) {
    let plan = Plan::default();
    let inner = Sqlite::temporary().unwrap();
    let file = inner.file().to_owned();
    let store = Moody {
        inner,
        plan: plan.clone(),
    };
    let journal = Journal::start(Box::new(store), &file, settings);
    (journal.unwrap(), plan)
}

fn entry(id: usize) -> Entry {
    Entry {
        event: Event {
            id: id.to_string().into(),
            received_at: NOW,
            data: "{}".into(),
        },
        made: None,
    }
}

fn delivery(event: &Event) -> Delivery {
    Delivery {
        id: DeliveryId::of(&event.id, "tag", 0),
        event_id: event.id.clone(),
        received_at: NOW,
        tag: "tag".into(),
        destination: "slack".into(),
        payload: "{}".into(),
        due: NOW,
        expires: None,
        state: State::Pending,
    }
}

fn made_of(event: &Event) -> Made {
    Made::from_iter([delivery(event)])
}

fn processed(taken: &TakenEvent) -> Processed {
    Processed {
        number: taken.number,
        made: made_of(&taken.event),
    }
}

fn delivered(pending: &Pending) -> Settlement {
    Settlement {
        number: pending.number,
        destination: "slack".into(),
        tag: "tag".into(),
        from: State::Pending,
        state: State::Delivered,
        class: None,
        attempts: 1,
        due: NOW,
        note: None,
    }
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap()
}

/// Waits until the journal works again, of its own accord.
async fn healed(journal: &Journal) {
    soon(async {
        // What goes on beside may break it again in between.
        while journal.flush().await.is_err() || !journal.is_healthy() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn who_appends_is_told_and_the_next_one_succeeds() {
    let (journal, plan) = moody(settings());
    plan.next_are(&[Fate::Fails, Fate::Fails, Fate::Fails]);
    assert_eq!(journal.append(vec![entry(0)], None).await, Err(broken()));
    healed(&journal).await;
    assert!(plan.is_used_up());
    journal.append(vec![entry(1)], None).await.unwrap();
    let taken = soon(journal.take_events(9)).await;
    assert_eq!(taken.len(), 1);
    assert_eq!((taken[0].number, &*taken[0].event.id), (1, "1"));
    let counts = journal.counts().await.unwrap();
    assert_eq!((counts.newest_event, counts.unprocessed), (1, 1));
}

#[tokio::test]
async fn while_it_is_broken_appends_are_refused_without_a_try() {
    let (journal, plan) = moody(Settings {
        pause: PATIENCE,
        ..settings()
    });
    plan.next_are(&[Fate::Fails, Fate::Fails]);
    for id in 0..9 {
        assert_eq!(journal.append(vec![entry(id)], None).await, Err(broken()));
        assert!(!journal.is_healthy());
    }
    assert!(!plan.is_used_up(), "only the first was tried");
    assert!(!journal.is_healthy());
    // At the end it is tried once more, however little time has passed.
    assert_eq!(soon(journal.close()).await, Err(broken()));
    assert!(plan.is_used_up());
}

#[tokio::test]
async fn marks_are_made_when_the_store_works_again() {
    for fate in [Fate::Fails, Fate::FailsAndHappens] {
        let (journal, plan) = moody(settings());
        journal
            .append((0..3).map(entry).collect(), None)
            .await
            .unwrap();
        let taken = soon(journal.take_events(9)).await;
        soon(journal.counts()).await.unwrap();
        plan.next_are(&[fate, Fate::Fails]);
        let made = taken.iter().map(processed).collect();
        journal.append_deliveries(made).await.unwrap();
        assert_eq!(journal.flush().await, Err(broken()));
        // Meanwhile they may be sent.
        let sent = soon(journal.take_deliveries(&"slack".into(), 2)).await;
        let settlements = sent.iter().map(delivered).collect();
        journal.settle(settlements).await.unwrap();
        healed(&journal).await;
        let counts = journal.counts().await.unwrap();
        let totals = [State::Delivered, State::Pending].map(|state| counts.total(state));
        assert_eq!(
            totals,
            [sent.len() as u64, 3 - sent.len() as u64],
            "{fate:?}"
        );
        assert_eq!(counts.unprocessed, 0);
    }
}

#[tokio::test]
async fn an_append_that_failed_but_happened_is_handed_out_once() {
    let (journal, plan) = moody(settings());
    plan.next_are(&[Fate::FailsAndHappens, Fate::Fails]);
    let came_processed = Entry {
        made: Some(made_of(&entry(1).event)),
        ..entry(1)
    };
    let entries = vec![entry(0), came_processed];
    assert_eq!(journal.append(entries, None).await, Err(broken()));
    healed(&journal).await;
    journal.append(vec![entry(2)], None).await.unwrap();
    let taken = soon(journal.take_events(9)).await;
    let seen: Vec<_> = taken
        .iter()
        .map(|one| (one.number, &*one.event.id))
        .collect();
    assert_eq!(seen, [(1, "0"), (3, "2")]);
    let sent = soon(journal.take_deliveries(&"slack".into(), 9)).await;
    assert_eq!(&*sent[0].delivery.event_id, "1");
}

#[tokio::test]
async fn deliveries_of_a_refused_event_are_not_kept() {
    let (journal, plan) = moody(settings());
    plan.next_are(&[Fate::Fails]);
    let came_processed = Entry {
        made: Some(made_of(&entry(0).event)),
        ..entry(0)
    };
    assert_eq!(
        journal.append(vec![came_processed], None).await,
        Err(broken())
    );
    healed(&journal).await;
    journal.append(vec![entry(1)], None).await.unwrap();
    assert_eq!(soon(journal.take_events(9)).await[0].number, 1);
    assert_eq!(journal.counts().await.unwrap().total(State::Pending), 0);
}

#[tokio::test]
async fn a_read_that_failed_is_done_when_the_store_works_again() {
    let (journal, plan) = moody(settings());
    let came_processed = Entry {
        made: Some(made_of(&entry(0).event)),
        ..entry(0)
    };
    journal
        .append(vec![came_processed, entry(1)], None)
        .await
        .unwrap();
    plan.next_are(&[Fate::Fails, Fate::Fails]);
    assert_eq!(
        soon(journal.take_deliveries(&"slack".into(), 9))
            .await
            .len(),
        1
    );
    assert!(plan.is_used_up());
    plan.next_are(&[Fate::Fails, Fate::Fails]);
    assert_eq!(soon(journal.take_events(9)).await.len(), 1);
}

#[tokio::test]
async fn it_gets_well_although_nobody_asks() {
    let (journal, plan) = moody(settings());
    plan.next_are(&[Fate::Fails, Fate::Fails, Fate::Fails]);
    assert_eq!(journal.append(vec![entry(0)], None).await, Err(broken()));
    soon(async {
        while !journal.is_healthy() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_writer_that_dies_leaves_nobody_waiting() {
    let (journal, plan) = moody(settings());
    plan.next_are(&[Fate::Panics]);
    assert_eq!(
        soon(journal.append(vec![entry(0)], None)).await,
        Err(Error::Closed)
    );
    assert_eq!(
        soon(journal.append(vec![entry(0)], None)).await,
        Err(Error::Closed)
    );
    assert_eq!(soon(journal.flush()).await, Err(Error::Closed));
    assert!(!journal.is_healthy());
}

#[tokio::test]
async fn what_has_expired_makes_room_again() {
    let journal = config::Journal {
        max_size: 1 << 17,
        retention: Duration::from_secs(60),
        ..config::Journal::default()
    };
    let (journal, _) = moody(Settings {
        journal,
        sweep_every: Duration::from_millis(1),
        ..settings()
    });
    let old = |id| {
        let mut entry = entry(id);
        entry.event.received_at = NOW - 61_000;
        entry
    };
    let mut count = 0;
    while journal.append(vec![old(count)], None).await.is_ok() {
        count += 1;
    }
    assert_eq!(
        journal.append(vec![old(count)], None).await,
        Err(Error::Full)
    );
    assert!(journal.is_healthy(), "full is not broken");
    let mut left = count;
    while left > 0 {
        let taken = soon(journal.take_events(99)).await;
        left -= taken.len();
        let made = taken.iter().map(|taken| Processed {
            number: taken.number,
            made: Made::default(),
        });
        journal.append_deliveries(made.collect()).await.unwrap();
    }
    soon(async {
        while journal.append(vec![entry(0)], None).await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(
        journal.counts().await.unwrap().newest_event,
        count as u64 + 1
    );
}

/// Appends, processes and settles as one program does, whatever the store does.
async fn work(journal: &Journal, rounds: usize) -> (Vec<String>, Vec<String>) {
    let (mut accepted, mut refused) = (Vec::new(), Vec::new());
    for id in 0..rounds {
        match journal.append(vec![entry(id)], None).await {
            Ok(()) => accepted.push(id.to_string()),
            Err(_) => refused.push(id.to_string()),
        }
        tokio::task::yield_now().await;
    }
    (accepted, refused)
}

async fn process_all(journal: &Journal) {
    loop {
        let taken = journal.take_events(3).await;
        let made = taken.iter().map(processed).collect();
        journal.append_deliveries(made).await.unwrap();
    }
}

async fn send_all(journal: &Journal, sent: &Mutex<Vec<String>>) {
    loop {
        let taken = journal.take_deliveries(&"slack".into(), 3).await;
        let ids = taken.iter().map(|one| one.delivery.event_id.to_string());
        sent.lock().unwrap().extend(ids);
        journal
            .settle(taken.iter().map(delivered).collect())
            .await
            .unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever fails: what was accepted is sent exactly once, and what was refused at most once.
    #[test]
    fn nothing_accepted_is_lost_or_doubled(
        fates in prop::collection::vec(
            prop_oneof![6 => Just(Fate::Works), 1 => Just(Fate::Fails), 1 => Just(Fate::FailsAndHappens)],
            0..60,
        ),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (journal, plan) = moody(settings());
            plan.next_are(&fates);
            let sent = Mutex::new(Vec::new());
            let flow = async {
                let (accepted, refused) = work(&journal, 40).await;
                healed(&journal).await;
                soon(async {
                    while accepted.iter().any(|id| !sent.lock().unwrap().contains(id)) {
                        tokio::task::yield_now().await;
                    }
                })
                .await;
                healed(&journal).await;
                (accepted, refused)
            };
            let (accepted, refused) = tokio::select! {
                result = flow => result,
                () = process_all(&journal) => unreachable!(),
                () = send_all(&journal, &sent) => unreachable!(),
            };
            let sent = sent.into_inner().unwrap();
            for id in &accepted {
                assert_eq!(sent.iter().filter(|sent| *sent == id).count(), 1, "{id}");
            }
            for id in &refused {
                assert!(sent.iter().filter(|sent| *sent == id).count() <= 1, "{id}");
            }
        });
    }
}
