//! What counts, for each thing that is counted: found once by `Metrics`, then one atomic addition a
//! count. Names and help are in `metrics`.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;

use super::families::{Counters, Labels};
use super::histogram::{Histogram, Time};
use super::words::{Attempt, ClientResult, Status, TagResult, VendorAnswer, Word};

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
}

impl TagMeter {
    /// The tag was handed an event. `took` is how long its script ran, if it did.
    pub fn ran(&self, what: TagResult, took: Option<Duration>) {
        self.runs.add(what, 1);
        if let Some(took) = took {
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
