//! What the writer is asked to do, and what it is told at its start.

use std::time::Duration;

use tokio::sync::oneshot;

use crate::clock::{Clock, Millis};
use crate::config;
use crate::journal::error::Error;
use crate::journal::hand_over::Ticket;
use crate::journal::look::{Reran, Rerun};
use crate::journal::record::{Counts, Entry, FailedRequest, Known, Processed, Settlement};
use crate::journal::waiting::Waiting;
use crate::telemetry::{JournalMeter, Metrics};
use crate::workers::Workers;

/// What the writer is asked to do. Where times count, the asker brings its own.
pub(in crate::journal) enum Command {
    Append(Append),
    KeepRequest {
        request: Box<FailedRequest>,
        waiting: Waiting,
    },
    Processed {
        processed: Vec<Processed>,
        now: Millis,
    },
    Settle(Vec<Settlement>),
    Read {
        ticket: Ticket,
        now: Millis,
    },
    Edit(Edit),
    /// What only the writer knows, once everything that was given before is on disk.
    Count(Answer<Counts>),
    Flush(Waiting),
    Close(Waiting),
}

/// Whoever asked may have gone.
pub(in crate::journal) type Answer<T> = oneshot::Sender<Result<T, Error>>;

pub(in crate::journal) struct Append {
    pub entries: Vec<Entry>,
    /// How it is recognised when it comes again.
    pub known: Known,
    /// When it came.
    pub at: Millis,
    /// The kept request that it replaces.
    pub instead_of: Option<u64>,
    pub waiting: Waiting,
}

/// What people change by hand.
pub(in crate::journal) enum Edit {
    SendAgain {
        numbers: Vec<u64>,
        now: Millis,
        answer: Answer<u64>,
    },
    Discard {
        numbers: Vec<u64>,
        now: Millis,
        answer: Answer<u64>,
    },
    ForgetRequests {
        numbers: Vec<u64>,
        answer: Answer<u64>,
    },
    Rerun {
        reruns: Vec<Rerun>,
        now: Millis,
        answer: Answer<Reran>,
    },
}

/// What the writer is told at its start.
#[derive(Clone, Debug)]
pub(in crate::journal) struct Settings {
    pub journal: config::Journal,
    pub clock: Clock,
    /// How long a store that failed is left alone: long enough not to make a full disk worse,
    /// short enough that senders who come back find it mended.
    pub pause: Duration,
    /// From the end of one round of forgetting to the start of the next.
    pub sweep_every: Duration,
    pub meter: JournalMeter,
    /// While they are all busy, commits are made for more at once.
    pub workers: Workers,
}

/// So often is looked for what has expired; where that is soon, oftener.
const SWEEP_EVERY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

fn sweep_every(journal: &config::Journal) -> Duration {
    let shortest = journal.retention.min(journal.dead_letter_retention);
    shortest.clamp(SWEEP_EVERY.0, SWEEP_EVERY.1)
}

impl Settings {
    pub(in crate::journal) fn new(journal: config::Journal, clock: Clock) -> Self {
        Self {
            sweep_every: sweep_every(&journal),
            journal,
            clock,
            pause: Duration::from_secs(1),
            meter: Metrics::new().journal().clone(),
            workers: Workers::default(),
        }
    }
}
