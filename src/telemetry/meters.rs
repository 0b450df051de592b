//! What counts, for each thing that is counted: found once by `Metrics`, then one atomic addition a
//! count. Names and help are in `metrics`.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use serde::Serialize;
use serde_json::Value;

use super::families::{Counters, Labels};
use super::histogram::{Buckets, Histogram, Time};
use super::words::{Attempt, ClientResult, Status, TagResult, VendorAnswer, Word};
use crate::clock::Millis;

/// One counter for each of a fixed list of words.
#[derive(Debug)]
pub(super) struct ByWord<W>(Box<[Counter]>, PhantomData<W>);

impl<W: Word> ByWord<W> {
    /// A family's counters, one for each word, `labels` being what it is shown with. They are there
    /// from the start, so that the first count is seen as an increase.
    pub(super) fn new<const N: usize>(
        family: &Counters<N>,
        labels: impl Fn(&'static str) -> Labels<N>,
    ) -> Self {
        let counter = |case: &W| family.get_or_create_owned(&labels(case.word()));
        Self(W::LIST.iter().map(counter).collect(), PhantomData)
    }

    /// The words with their counts; none that are 0.
    fn all(&self) -> Vec<(&'static str, u64)> {
        let pairs = W::LIST.iter().zip(self.0.iter());
        let pairs = pairs.map(|(word, counter)| (word.word(), counter.get()));
        pairs.filter(|(_, count)| *count > 0).collect()
    }

    pub(super) fn get(&self, case: W) -> u64 {
        self.0.get(case.place()).map_or(0, Counter::get)
    }

    pub(super) fn add(&self, case: W, count: u64) {
        if let Some(counter) = self.0.get(case.place()) {
            counter.inc_by(count);
        }
    }
}

/// Counts of answers to requests.
#[derive(Debug)]
pub struct AnswerMeter {
    pub(super) requests: ByWord<Status>,
    pub(super) duration: Histogram,
}

impl AnswerMeter {
    /// A request was answered; `took` is from its last byte to its answer.
    pub fn answered(&self, status: u16, took: Duration) {
        self.requests.add(Status::of(status), 1);
        self.duration.add_duration(took);
    }

    /// How many answers, by the hundred of their status.
    pub fn by_status(&self) -> Vec<(&'static str, u64)> {
        self.requests.all()
    }

    /// How long answers took.
    pub fn durations(&self) -> Buckets {
        self.duration.buckets()
    }
}

/// What went wrong last in a script, as JSON for whoever asks. Nothing else is this rare.
#[derive(Debug, Default)]
pub struct LastFault(Mutex<Option<(Millis, Value)>>);

impl LastFault {
    /// It was this.
    pub fn set(&self, at: Millis, fault: &impl Serialize) {
        let fault = serde_json::to_value(fault).unwrap_or_default();
        *self.lock() = Some((at, fault));
    }

    /// When it was, and what.
    pub fn get(&self) -> Option<(Millis, Value)> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Option<(Millis, Value)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts for one client.
#[derive(Debug)]
pub struct ClientMeter {
    /// Answers to what it took.
    pub answers: AnswerMeter,
    pub(super) events: Counter,
    pub(super) duplicates: Counter,
    pub(super) kept: Counter,
    pub(super) unverified: Counter,
    pub(super) runs: ByWord<ClientResult>,
    pub(super) run_time: Time,
    pub(super) last_fault: LastFault,
}

impl ClientMeter {
    /// Events are durable.
    pub fn acknowledged(&self, events: u64) {
        self.events.inc_by(events);
    }

    /// The sender's own id was seen before: nothing was run again.
    pub fn duplicate(&self) {
        self.duplicates.inc();
    }

    /// A request whose client failed is durable.
    pub fn kept(&self) {
        self.kept.inc();
    }

    /// Events that are durable.
    pub fn events(&self) -> u64 {
        self.events.get()
    }

    /// How often the script has read a request with this result.
    pub fn runs(&self, what: ClientResult) -> u64 {
        self.runs.get(what)
    }

    /// How long the script took in all.
    pub fn run_time(&self) -> Duration {
        self.run_time.total()
    }

    /// What went wrong last.
    pub fn last_fault(&self) -> &LastFault {
        &self.last_fault
    }

    /// A request was refused because `VERIFY` did not hold.
    pub fn unverified(&self) {
        self.unverified.inc();
    }

    /// The script has read a request, in this time.
    pub fn parsed(&self, what: ClientResult, took: Duration) {
        self.runs.add(what, 1);
        self.run_time.add(took);
    }
}

/// Counts for one tag.
#[derive(Debug)]
pub struct TagMeter {
    pub(super) runs: ByWord<TagResult>,
    pub(super) run_time: Time,
    /// Events for which the script ran: a trigger that blocks takes no time.
    pub(super) timed: AtomicU64,
    pub(super) last_fault: LastFault,
}

impl TagMeter {
    /// How many events came to this.
    pub fn runs(&self, what: TagResult) -> u64 {
        self.runs.get(what)
    }

    /// How long its script takes, on average.
    pub fn mean_time(&self) -> Option<Duration> {
        let runs = u32::try_from(self.timed.load(Ordering::Relaxed)).ok()?;
        self.run_time.total().checked_div(runs)
    }

    /// What went wrong last.
    pub fn last_fault(&self) -> &LastFault {
        &self.last_fault
    }

    /// The tag was handed an event. `took` is how long its script ran, if it did.
    pub fn ran(&self, what: TagResult, took: Option<Duration>) {
        self.runs.add(what, 1);
        if let Some(took) = took {
            self.timed.fetch_add(1, Ordering::Relaxed);
            self.run_time.add(took);
        }
    }
}

/// Counts for one destination.
#[derive(Debug)]
pub struct DestinationMeter {
    pub(super) requests: ByWord<VendorAnswer>,
    pub(super) duration: Histogram,
    pub(super) batch: Histogram,
    pub(super) attempts: ByWord<Attempt>,
}

impl DestinationMeter {
    /// A request was sent with so many deliveries, and came to this in this time.
    pub fn request(&self, answer: VendorAnswer, took: Duration, deliveries: usize) {
        self.requests.add(answer, 1);
        self.duration.add_duration(took);
        self.batch.add(deliveries as u64);
    }

    /// How many requests, by what came of them.
    pub fn by_answer(&self) -> Vec<(&'static str, u64)> {
        self.requests.all()
    }

    /// How long requests took, in seconds.
    pub fn durations(&self) -> &Histogram {
        &self.duration
    }

    /// How many attempts came to this.
    pub fn attempts(&self, what: Attempt) -> u64 {
        self.attempts.get(what)
    }

    /// Attempts to deliver came to this.
    pub fn attempted(&self, what: Attempt, deliveries: u64) {
        self.attempts.add(what, deliveries);
    }
}

/// Counts for the journal's writer. Cheap to clone.
#[derive(Clone, Debug)]
pub struct JournalMeter(pub(super) Arc<Commits>);

#[derive(Debug)]
pub(super) struct Commits {
    pub(super) duration: Histogram,
    pub(super) records: Histogram,
}

impl JournalMeter {
    /// So many records were made durable by one commit, in this time.
    pub fn committed(&self, records: usize, took: Duration) {
        self.0.duration.add_duration(took);
        self.0.records.add(records as u64);
    }

    /// How long commits took, in seconds.
    pub fn durations(&self) -> &Histogram {
        &self.0.duration
    }
}
