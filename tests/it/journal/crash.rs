//! Random lives of a journal that end in a crash, against a model of what it promised.
//!
//! A crash is a copy of the files as they are at that moment, opened as the next life: nothing of
//! what the process still had in memory is in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;

use proptest::prelude::*;
use tagwerk::delivery::State;
use tagwerk::journal::{Journal, Pending, TakenEvent};
use tempfile::TempDir;

use super::{START, at_once, entry, name, open, processed, retried, settled, soon};

/// What happens in a life.
#[derive(Clone, Debug)]
enum Step {
    Append(usize),
    TakeEvents(usize),
    /// Processes some of the events that were taken.
    Process(usize),
    TakeDeliveries(usize),
    /// Settles some of the deliveries that were taken.
    Settle(usize, State),
    Flush,
    Crash,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let count = || 1..20_usize;
    let state = prop_oneof![
        Just(State::Delivered),
        Just(State::Dead),
        Just(State::Pending)
    ];
    let step = prop_oneof![
        4 => count().prop_map(Step::Append),
        3 => count().prop_map(Step::TakeEvents),
        3 => count().prop_map(Step::Process),
        3 => count().prop_map(Step::TakeDeliveries),
        3 => (count(), state).prop_map(|(count, state)| Step::Settle(count, state)),
        1 => Just(Step::Flush),
        1 => Just(Step::Crash),
    ];
    prop::collection::vec(step, 1..60)
}

/// A journal, and all that was ever seen of it.
struct Life {
    folder: TempDir,
    journal: Journal,
    slack: Arc<str>,
    appended: usize,
    /// Of this life.
    events: Vec<TakenEvent>,
    deliveries: Vec<Pending>,
    handed_out: BTreeSet<u64>,
    /// How often each delivery was handed out and may have been sent, in all lives.
    sent: BTreeMap<u64, usize>,
    /// Settled for good; moves on to `gone` when that is on disk.
    settled: BTreeSet<u64>,
    gone: BTreeSet<u64>,
}

impl Life {
    fn begin() -> Self {
        let folder = TempDir::new().unwrap();
        Self {
            journal: open(folder.path()),
            folder,
            slack: name("slack"),
            appended: 0,
            events: Vec::new(),
            deliveries: Vec::new(),
            handed_out: BTreeSet::new(),
            sent: BTreeMap::new(),
            settled: BTreeSet::new(),
            gone: BTreeSet::new(),
        }
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Append(count) => self.append(count).await,
            Step::TakeEvents(most) => self.take_events(most).await,
            Step::Process(most) => self.process(most).await,
            Step::TakeDeliveries(most) => self.take_deliveries(most).await,
            Step::Settle(most, state) => self.settle(most, state).await,
            Step::Flush => self.flush().await,
            Step::Crash => self.crash(),
        }
    }

    async fn append(&mut self, count: usize) {
        let new = self.appended..self.appended + count;
        self.journal
            .append(new.map(entry).collect(), None)
            .await
            .unwrap();
        self.appended += count;
        self.gone.append(&mut self.settled); // marks ride along
    }

    async fn take_events(&mut self, most: usize) {
        let taken = at_once(&self.journal, self.journal.take_events(most)).await;
        for one in taken.unwrap_or_default() {
            let is_first = self.handed_out.insert(one.number);
            assert!(is_first, "event {} came twice in a life", one.number);
            let id = usize::try_from(one.number).unwrap() - 1;
            assert!(id < self.appended, "event {id} was never appended");
            assert_eq!(one.event, super::event(id));
            self.events.push(one);
        }
    }

    async fn process(&mut self, most: usize) {
        let count = most.min(self.events.len());
        let made = self.events.drain(..count);
        let made = made.map(|one| processed(&one, &["slack"])).collect();
        self.journal.append_deliveries(made).await.unwrap();
    }

    async fn take_deliveries(&mut self, most: usize) {
        let take = self.journal.take_deliveries(&self.slack, most);
        for one in at_once(&self.journal, take).await.unwrap_or_default() {
            let number = one.number;
            assert!(!self.gone.contains(&number), "{number} was settled");
            let is_held = self.deliveries.iter().any(|held| held.number == number);
            assert!(!is_held, "{number} came again before it was settled");
            *self.sent.entry(number).or_default() += 1;
            self.deliveries.push(one);
        }
    }

    async fn settle(&mut self, most: usize, state: State) {
        let count = most.min(self.deliveries.len());
        let mut settlements = Vec::new();
        for one in self.deliveries.drain(..count) {
            settlements.push(match state {
                State::Pending => retried(&one, START),
                state => settled(&one, state),
            });
            if state != State::Pending {
                self.settled.insert(one.number);
            }
        }
        self.journal.settle(settlements).await.unwrap();
    }

    async fn flush(&mut self) {
        soon(self.journal.flush()).await.unwrap();
        self.gone.append(&mut self.settled);
    }

    fn crash(&mut self) {
        let copy = TempDir::new().unwrap();
        // The log last: until it grows to 16 MiB, nothing is moved from it into the other.
        for file in ["journal.sqlite", "journal.sqlite-wal"] {
            fs::copy(self.folder.path().join(file), copy.path().join(file)).unwrap();
        }
        self.journal = open(copy.path());
        self.folder = copy;
        self.events.clear();
        self.deliveries.clear();
        self.handed_out.clear();
        self.settled.clear();
    }

    /// Crashes once more, then does all that is left to do.
    async fn end(mut self) {
        self.crash();
        loop {
            self.take_events(100).await;
            self.take_deliveries(100).await;
            if self.events.is_empty() && self.deliveries.is_empty() {
                break;
            }
            self.process(100).await;
            self.settle(100, State::Delivered).await;
        }
        let expected = (1..=self.appended as u64).map(|event| event << 16);
        let sent: Vec<u64> = self.sent.keys().copied().collect();
        assert_eq!(
            sent,
            expected.collect::<Vec<_>>(),
            "each was sent, and no other"
        );
        let counts = self.journal.counts().await.unwrap();
        assert_eq!(counts.unprocessed, 0);
        assert_eq!(counts.total(State::Pending), 0);
        let kept = counts.total(State::Delivered) + counts.total(State::Dead);
        assert_eq!(kept, self.appended as u64);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_acknowledged_event_is_lost(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut life = Life::begin();
            for step in steps {
                life.step(step).await;
            }
            life.end().await;
        });
    }
}
