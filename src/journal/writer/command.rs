//! What the writer is asked to do, and what it is told at its start.

use std::time::Duration;

use tokio::sync::oneshot;

use crate::clock::{Clock, Millis};
use crate::config;
use crate::journal::error::Error;
use crate::journal::hand_over::Ticket;
use crate::journal::record::{Counts, Entry, FailedRequest, Processed, Record, Settlement};
use crate::journal::waiting::Waiting;
use crate::telemetry::{JournalMeter, Metrics};

/// What the writer is asked to do. Where times count, the asker brings its own.
pub(in crate::journal) enum Command {
    Append {
        entries: Vec<Entry>,
        waiting: Waiting,
    },
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
    DeliveriesOf {
        event: u64,
        answer: oneshot::Sender<Result<Vec<Record>, Error>>,
    },
    Count(oneshot::Sender<Result<Counts, Error>>),
    Flush(Waiting),
    Close(Waiting),
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
}

impl Settings {
    pub(in crate::journal) fn new(journal: config::Journal, clock: Clock) -> Self {
        Self {
            journal,
            clock,
            pause: Duration::from_secs(1),
            sweep_every: Duration::from_secs(60),
            meter: Metrics::new().journal().clone(),
        }
    }
}
