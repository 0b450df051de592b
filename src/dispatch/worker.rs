//! The worker of one destination: waits for deliveries, and for leave to send them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::pace::Pace;
use super::{Dispatch, send};
use crate::clock::Millis;
use crate::delivery::State;
use crate::destination::Destination;
use crate::journal::{Pending, Settlement};

/// How long a destination that needs a person waits before it is tried once more, besides at each
/// change of the configuration.
const PAUSE: Duration = Duration::from_secs(60);

/// Runs until stopped, then waits for what is being sent.
pub(super) async fn run(dispatch: Dispatch, name: Arc<str>, stop: CancellationToken) {
    let worker = Worker {
        dispatch,
        name,
        tracker: TaskTracker::new(),
        pause: Arc::default(),
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = worker.work() => {}
    }
    worker.tracker.close();
    worker.tracker.wait().await;
}

struct Worker {
    dispatch: Dispatch,
    name: Arc<str>,
    tracker: TaskTracker,
    /// Told by a send that got a 401 or the like.
    pause: Arc<std::sync::atomic::AtomicBool>,
}

impl Worker {
    async fn work(&self) {
        let mut pace = Pace::new();
        let mut slots = Slots::new(1);
        loop {
            let destination = self.ready_destination().await;
            slots.resize(destination.options.concurrency);
            let Ok(slot) = slots.semaphore.clone().acquire_owned().await else {
                return;
            };
            let taken = self
                .dispatch
                .journal
                .take_deliveries(&self.name, destination.batch_items())
                .await;
            let batch = self.fit(&destination, taken).await;
            if destination.options.dry_run {
                self.rehearse(batch).await;
                continue;
            }
            while let Some(wait) = pace.wait(destination.rate()) {
                tokio::time::sleep(wait).await;
            }
            let job = send::Send {
                dispatch: self.dispatch.clone(),
                destination,
                pause: self.pause.clone(),
            };
            self.tracker.spawn(async move {
                job.run(batch).await;
                drop(slot);
            });
        }
    }

    /// The destination as it is configured now, once it can be sent to.
    async fn ready_destination(&self) -> Arc<Destination> {
        let mut changed = self.dispatch.live.subscribe();
        loop {
            let current = self.dispatch.live.current();
            let configured = current.destinations.get(&self.name);
            let paused = self.pause.swap(false, std::sync::atomic::Ordering::Relaxed);
            match configured {
                Some(destination) if destination.missing.is_empty() && !paused => {
                    return destination.clone();
                }
                Some(destination) if !destination.missing.is_empty() => {
                    info!(destination = %self.name, missing = ?destination.missing, "not configured; its deliveries wait");
                }
                Some(_) => {
                    warn!(destination = %self.name, "paused until its configuration changes; tried again in {PAUSE:?}")
                }
                None => {
                    info!(destination = %self.name, "no longer configured; its deliveries wait")
                }
            }
            let changed = changed.changed();
            if paused {
                drop(tokio::time::timeout(PAUSE, changed).await); // either way it is tried again
            } else if changed.await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// As many as fit the vendor's bytes; the rest goes back to wait a moment.
    async fn fit(&self, destination: &Destination, mut taken: Vec<Pending>) -> Vec<Pending> {
        let most = destination.vendor.limits().bytes;
        let mut bytes = 0;
        let fits = taken.iter().take_while(|pending| {
            bytes += pending.delivery.payload.len();
            bytes <= most
        });
        let count = fits.count().max(1).min(taken.len());
        let rest = taken.split_off(count);
        if !rest.is_empty() {
            let now = self.dispatch.clock.now();
            self.settle(rest.iter().map(|pending| postponed(pending, now)).collect())
                .await;
        }
        taken
    }

    async fn rehearse(&self, batch: Vec<Pending>) {
        let settled = batch.iter().map(|pending| Settlement {
            number: pending.number,
            destination: self.name.clone(),
            state: State::DryRun,
            attempts: pending.attempts,
            due: pending.delivery.due,
            note: Some("dry_run is set for this destination".to_owned()),
        });
        self.settle(settled.collect()).await;
    }

    async fn settle(&self, settlements: Vec<Settlement>) {
        if let Err(error) = self.dispatch.journal.settle(settlements).await {
            warn!(destination = %self.name, %error, "deliveries could not be settled; they will be sent again");
        }
    }
}

/// Pending as before, at another time.
pub(super) fn postponed(pending: &Pending, due: Millis) -> Settlement {
    Settlement {
        number: pending.number,
        destination: pending.delivery.destination.clone(),
        state: State::Pending,
        attempts: pending.attempts,
        due,
        note: None,
    }
}

/// Requests that may be under way at once, a number that a reload may change.
struct Slots {
    semaphore: Arc<Semaphore>,
    count: usize,
}

impl Slots {
    fn new(count: usize) -> Self {
        Self {
            semaphore: Arc::new(Semaphore::new(count)),
            count,
        }
    }

    fn resize(&mut self, count: usize) {
        if count != self.count {
            // Requests under way keep their old slots; for their time there may be more of them.
            *self = Self::new(count);
        }
    }
}
