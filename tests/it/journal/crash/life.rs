//! A journal, all that was ever seen of it, and what it must be.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use tagwerk::clock::Clock;
use tagwerk::delivery::{ErrorClass, State};
use tagwerk::journal::{
    DedupeKey, Error, Filter, Journal, Made, Page, Pending, Processed, Rerun, Resend, Settlement,
    TakenEvent,
};
use tempfile::TempDir;

use super::Step;
use super::model::Model;
use crate::journal::{START, at_once, delivery, entry, event, name, retried, settled, soon};

/// Of so many events, the tag makes nothing of one.
const FILTERED: u64 = 5;

/// At 2 MiB the log is moved into the database file, and its length says nothing of what was promised
/// any more. So a life whose log becomes half as long ends before.
const FULL: u64 = 1024 * 1024;

pub(super) struct Life {
    folder: TempDir,
    journal: Journal,
    /// Goes on from life to life.
    clock: Clock,
    slack: Arc<str>,
    /// Events that were acknowledged.
    appended: usize,
    keys: BTreeSet<usize>,
    deliveries: Model,
    /// How often each delivery was handed out and may have been sent, in all lives.
    sent: BTreeMap<u64, usize>,
    /// How long the log was when something was promised last.
    promised: u64,
    /// What is in hand, in this life.
    events: Vec<TakenEvent>,
    taken: Vec<Pending>,
    marked: Vec<Pending>,
    handed_out: BTreeSet<u64>,
}

impl Life {
    pub(super) fn begin() -> Self {
        let (folder, clock) = (folder(), Clock::tokio(START));
        Self {
            journal: Journal::sqlite(folder.path(), clock).unwrap(),
            folder,
            clock,
            slack: name("slack"),
            appended: 0,
            keys: BTreeSet::new(),
            deliveries: Model::default(),
            sent: BTreeMap::new(),
            promised: 0,
            events: Vec::new(),
            taken: Vec::new(),
            marked: Vec::new(),
            handed_out: BTreeSet::new(),
        }
    }

    pub(super) async fn step(&mut self, step: Step) {
        match step {
            Step::Append(count) => self.append(count).await,
            Step::AppendKeyed(key) => self.append_keyed(key).await,
            Step::TakeEvents(most) => self.take_events(most).await,
            Step::Process(most) => self.process(most).await,
            Step::TakeDeliveries(most) => self.take_deliveries(most).await,
            Step::Settle(most, state) => self.settle(most, state).await,
            Step::Mark(most) => self.mark(most).await,
            Step::Confirm(most, state) => self.confirm(most, state).await,
            Step::SendAgain(most) => self.send_again(most).await,
            Step::Discard(most) => self.discard(most).await,
            Step::Rerun(which, resend) => self.rerun(which, resend).await,
            Step::Flush => self.flush().await,
            Step::Crash(cut) => self.crash(cut).await,
        }
        if length(&log(self.folder.path())) > FULL {
            self.crash(1.0).await;
        }
    }

    /// All that was given until now is on disk, and the journal has said so.
    fn promise(&mut self) {
        self.deliveries.promise();
        self.promised = length(&log(self.folder.path()));
    }

    /// New events are on disk, and with them what has its outcome.
    fn promise_outcomes(&mut self) {
        self.deliveries.promise_outcomes();
        self.promised = length(&log(self.folder.path()));
    }

    async fn append(&mut self, count: usize) {
        let new = self.appended..self.appended + count;
        let entries = new.map(entry).collect();
        self.journal.append(entries, None).await.unwrap();
        self.appended += count;
        self.promise_outcomes(); // they ride along
    }

    async fn append_keyed(&mut self, id: usize) {
        let key = Some(DedupeKey::of("shop", &id.to_string()));
        let entries = vec![entry(self.appended)];
        let result = self.journal.append(entries, key).await;
        if self.keys.insert(id) {
            assert_eq!(result, Ok(()));
            self.appended += 1;
            self.promise_outcomes();
        } else {
            assert_eq!(
                result,
                Err(Error::Duplicate),
                "in all lives after it was taken"
            );
        }
    }

    async fn take_events(&mut self, most: usize) {
        let taken = at_once(&self.journal, self.journal.take_events(most)).await;
        for one in taken.unwrap_or_default() {
            let is_first = self.handed_out.insert(one.number);
            assert!(is_first, "event {} came twice in a life", one.number);
            let id = usize::try_from(one.number).unwrap() - 1;
            assert!(id < self.appended, "event {id} was never appended");
            assert_eq!(one.event, event(id));
            self.events.push(one);
        }
    }

    async fn process(&mut self, most: usize) {
        let count = most.min(self.events.len());
        let mut made = Vec::new();
        for one in self.events.drain(..count) {
            if one.number % FILTERED == 0 {
                let filtered = Made {
                    deliveries: Vec::new(),
                    filtered: vec!["tag".into()],
                };
                made.push(Processed {
                    number: one.number,
                    made: filtered,
                });
            } else {
                self.deliveries.change(one.number << 16, State::Pending);
                made.push(crate::journal::processed(&one, &["slack"]));
            }
        }
        self.journal.append_deliveries(made).await.unwrap();
    }

    async fn take_deliveries(&mut self, most: usize) {
        let take = self.journal.take_deliveries(&self.slack, most);
        for one in at_once(&self.journal, take).await.unwrap_or_default() {
            let number = one.number;
            let state = self.deliveries.state(number);
            assert_eq!(state, Some(State::Pending), "{number} is not to be sent");
            let is_held = self.taken.iter().any(|held| held.number == number);
            assert!(!is_held, "{number} came again before it was settled");
            *self.sent.entry(number).or_default() += 1;
            self.taken.push(one);
        }
    }

    async fn settle(&mut self, most: usize, state: State) {
        let count = most.min(self.taken.len());
        let mut settlements = Vec::new();
        for one in self.taken.drain(..count) {
            self.deliveries.settle(one.number, State::Pending, state);
            settlements.push(match state {
                State::Pending => retried(&one, START),
                state => settled(&one, state),
            });
        }
        self.journal.settle(settlements).await.unwrap();
    }

    async fn mark(&mut self, most: usize) {
        let count = most.min(self.taken.len());
        let marked: Vec<Pending> = self.taken.drain(..count).collect();
        let settlements = marked.iter().map(|one| Settlement {
            class: Some(ErrorClass::Unconfirmed),
            ..settled(one, State::Dead)
        });
        self.journal.settle(settlements.collect()).await.unwrap();
        for one in &marked {
            let number = one.number;
            self.deliveries.settle(number, State::Pending, State::Dead);
        }
        self.marked.extend(marked);
        self.flush().await;
    }

    async fn confirm(&mut self, most: usize, state: State) {
        let count = most.min(self.marked.len());
        let mut settlements = Vec::new();
        for one in self.marked.drain(..count) {
            self.deliveries.settle(one.number, State::Dead, state);
            settlements.push(Settlement {
                from: State::Dead,
                due: START,
                ..settled(&one, state)
            });
        }
        self.journal.settle(settlements).await.unwrap();
    }

    /// Dead letters that are nobody's business but ours.
    fn dead(&self, most: usize) -> Vec<u64> {
        let dead = self.deliveries.all_in(State::Dead);
        let free = dead.filter(|number| !self.is_marked(*number));
        free.take(most).collect()
    }

    fn is_marked(&self, number: u64) -> bool {
        self.marked.iter().any(|one| one.number == number)
    }

    async fn send_again(&mut self, most: usize) {
        let dead = self.dead(most);
        let count = self.journal.send_again(dead.clone()).await;
        assert_eq!(count, Ok(dead.len() as u64));
        for number in dead {
            self.deliveries.change(number, State::Pending);
        }
        self.promise_edit(count).await;
    }

    async fn discard(&mut self, most: usize) {
        let dead = self.dead(most);
        let count = self.journal.discard(dead.clone()).await;
        assert_eq!(count, Ok(dead.len() as u64));
        for number in dead {
            self.deliveries.change(number, State::Skipped);
        }
        self.promise_edit(count).await;
    }

    /// Nothing to change is nothing to promise.
    async fn promise_edit(&mut self, count: Result<u64, Error>) {
        if count != Ok(0) {
            self.promise();
        }
    }

    /// The tag makes what it made, and one more.
    async fn rerun(&mut self, which: usize, resend: Resend) {
        let processed: BTreeSet<u64> = self
            .deliveries
            .numbers()
            .map(|number| number >> 16)
            .collect();
        let Some(number) = processed
            .iter()
            .nth(which % processed.len().max(1))
            .copied()
        else {
            return;
        };
        let id = usize::try_from(number).unwrap() - 1;
        let deliveries = [0, 1].map(|ordinal| delivery(&event(id), "slack", ordinal, START));
        let rerun = Rerun {
            event: number,
            tag: "tag".into(),
            deliveries: deliveries.into_iter().map(Into::into).collect(),
            resend,
        };
        let reran = self.journal.rerun(vec![rerun]).await.unwrap();
        let (mut surely, mut perhaps) = (0, 0);
        for number in [number << 16, (number << 16) + 1] {
            match self.deliveries.state(number) {
                // Unless it is in memory.
                Some(State::Pending) => perhaps += 1,
                _ if self.is_marked(number) => {}
                Some(State::Delivered | State::Skipped) if resend == Resend::Dead => {}
                _ => {
                    surely += 1;
                    self.deliveries.change(number, State::Pending);
                }
            }
        }
        let is_right = (surely..=surely + perhaps).contains(&reran.to_send);
        assert!(is_right, "{reran:?}, not {surely} and perhaps {perhaps}");
        assert_eq!(reran.left, 2 - reran.to_send);
        self.promise();
    }

    async fn flush(&mut self) {
        soon(self.journal.flush()).await.unwrap();
        self.promise();
    }

    async fn crash(&mut self, cut: f64) {
        let copy = folder();
        // The log last: until it is full, nothing is moved from it into the other.
        for file in [file(self.folder.path()), log(self.folder.path())] {
            fs::copy(&file, copy.path().join(file.file_name().unwrap())).unwrap();
        }
        let log = log(copy.path());
        let torn = (length(&log) - self.promised) as f64 * cut;
        let whole = fs::File::options().write(true).open(&log).unwrap();
        whole.set_len(self.promised + torn as u64).unwrap();
        self.journal = Journal::sqlite(copy.path(), self.clock).unwrap();
        self.folder = copy;
        self.events.clear();
        self.taken.clear();
        self.marked.clear();
        self.handed_out.clear();
        self.find().await;
        self.promise();
    }

    /// Looks at all that is there after a crash.
    async fn find(&mut self) {
        let mut found = BTreeMap::new();
        let mut page = Page {
            after: 0,
            limit: usize::MAX,
        };
        loop {
            let part = self.journal.deliveries(Filter::default(), page).await;
            let part = part.unwrap();
            let Some(last) = part.last() else { break };
            page.after = last.number;
            found.extend(part.iter().map(|one| (one.number, one.delivery.state)));
        }
        self.deliveries.find(&found);
        let recount = self.journal.verify().await.unwrap();
        assert_eq!(recount.problems, [""; 0]);
        assert_eq!(recount.acknowledged, self.appended as u64);
        let handed: u64 = recount.tags.iter().map(|tag| tag.handed).sum();
        assert_eq!(handed, recount.acknowledged - recount.unprocessed);
    }

    /// Crashes once more, then does all that is left to do.
    pub(super) async fn end(mut self) {
        self.crash(0.5).await;
        loop {
            self.take_events(100).await;
            self.take_deliveries(100).await;
            if self.events.is_empty() && self.taken.is_empty() {
                break;
            }
            self.process(100).await;
            self.settle(100, State::Delivered).await;
        }
        let counts = self.journal.counts().await.unwrap();
        assert_eq!((counts.unprocessed, counts.total(State::Pending)), (0, 0));
        let sent: Vec<u64> = self.sent.keys().copied().collect();
        let made: Vec<u64> = self.deliveries.numbers().collect();
        assert_eq!(sent, made, "each was sent, and no other");
        let events = (1..=self.appended as u64).filter(|event| event % FILTERED != 0);
        let first: Vec<u64> = events.map(|event| event << 16).collect();
        assert!(first.iter().all(|number| sent.contains(number)));
        self.find().await;
    }
}

/// In memory where there is such a place: that a commit is on disk is not what is tested here.
fn folder() -> TempDir {
    match TempDir::new_in("/dev/shm") {
        Ok(folder) => folder,
        Err(_) => TempDir::new().unwrap(),
    }
}

fn file(folder: &Path) -> std::path::PathBuf {
    folder.join("journal.sqlite")
}

fn log(folder: &Path) -> std::path::PathBuf {
    folder.join("journal.sqlite-wal")
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).unwrap().len()
}
