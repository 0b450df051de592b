//! The delivery loop: one worker per destination takes what is due, batches it, sends it, and
//! settles it in the journal. Workers share nothing, so a vendor that is slow or dead delays no
//! other. This module does not know what a tag is, nor what a vendor's reply means.

mod backoff;
mod breaker;
mod concurrency;
mod gate;
mod gather;
mod onlooker;
mod pace;
mod send;
mod settle;
mod standing;
mod worker;

pub use backoff::next_wait;
pub use onlooker::{Attempt, Nobody, Noticed, Onlooker};
pub use standing::{Standing, Standings};

use std::collections::HashSet;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

use crate::clock::Clock;
use crate::destination::Courier;
use crate::generation::Live;
use crate::journal::{Journal, Settlement};
use crate::telemetry::Metrics;

/// What every worker needs.
#[derive(Clone)]
pub struct Dispatch {
    /// Where deliveries come from and go back to.
    pub journal: Journal,
    /// Which destinations there are, and their settings.
    pub live: Arc<Live>,
    /// How to reach them.
    pub courier: Courier,
    /// The time of day.
    pub clock: Clock,
    /// Where the workers write how their destinations stand.
    pub standings: Standings,
    /// Where requests are counted.
    pub metrics: Metrics,
    /// Who watches.
    pub onlooker: Arc<dyn Onlooker>,
}

impl Dispatch {
    /// Runs until stopped; deliveries that are being sent then are finished first.
    pub async fn run(self, stop: CancellationToken) {
        let tracker = TaskTracker::new();
        let mut workers: HashSet<Arc<str>> = HashSet::new();
        let mut changed = self.live.subscribe();
        loop {
            for name in self.live.current().destinations.keys() {
                if workers.insert(name.clone()) {
                    tracker.spawn(worker::run(self.clone(), name.clone(), stop.clone()));
                }
            }
            tokio::select! {
                () = stop.cancelled() => break,
                result = changed.changed() => if result.is_err() { break },
            }
        }
        tracker.close();
        tracker.wait().await;
    }

    async fn settle(&self, settlements: Vec<Settlement>) {
        if let Err(error) = self.journal.settle(settlements).await {
            warn!(%error, "deliveries could not be settled; they will be sent again");
        }
    }
}
