//! The worker of one destination: waits for deliveries, and for leave to send them. It does not
//! know what became of them.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::Dispatch;
use super::pace::Pace;
use super::pause::{PAUSE, Pause};
use super::send::{Send, postponed};
use crate::delivery::State;
use crate::destination::Destination;
use crate::journal::{Pending, Settlement};

/// Runs until stopped, then waits for what is being sent. What was taken and not yet sent is still
/// pending in the journal.
pub(super) async fn run(dispatch: Dispatch, name: Arc<str>, stop: CancellationToken) {
    let tracker = TaskTracker::new();
    let mut worker = Worker {
        changed: dispatch.live.subscribe(),
        dispatch,
        name,
        tracker: tracker.clone(),
        pause: Arc::default(),
        pace: Pace::new(),
        slots: Slots::new(1),
        taken: Vec::new(),
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = worker.work() => {}
    }
    tracker.close();
    tracker.wait().await;
}

struct Worker {
    dispatch: Dispatch,
    name: Arc<str>,
    changed: watch::Receiver<u64>,
    tracker: TaskTracker,
    pause: Arc<Pause>,
    pace: Pace,
    slots: Slots,
    /// Deliveries to send next. They stay here while the settings they would be sent with change.
    taken: Vec<Pending>,
}

impl Worker {
    async fn work(&mut self) {
        loop {
            let destination = self.ready_destination().await;
            let slot = self.slots.take(destination.options.concurrency).await;
            let mut changed = self.changed.clone();
            tokio::select! {
                // A change comes first: nothing may leave with settings that are not any more.
                biased;
                _ = changed.changed() => {}
                batch = self.next_batch(&destination) => {
                    if self.pause.holds(&destination) {
                        self.taken.splice(0..0, batch); // refused while we waited
                    } else {
                        self.start(destination, batch, slot);
                    }
                }
            }
        }
    }

    /// The destination as it is configured now, once it can be sent to.
    async fn ready_destination(&mut self) -> Arc<Destination> {
        let mut told = None;
        loop {
            self.changed.borrow_and_update();
            let current = self.dispatch.live.current();
            let configured = current.destinations.get(&self.name);
            let missing = configured.map(|destination| &destination.missing[..]);
            match configured {
                Some(destination) if self.pause.holds(destination) => {
                    warn!(destination = %self.name, "paused until the configuration changes; tried again in {PAUSE:?}");
                    // Either way it is tried again.
                    drop(tokio::time::timeout(PAUSE, self.changed.changed()).await);
                    self.pause.end();
                    continue;
                }
                Some(destination) if destination.missing.is_empty() => return destination.clone(),
                _ if told.as_deref() == Some(missing.unwrap_or_default()) => {}
                Some(_) => {
                    let wants = wants(missing.unwrap_or_default());
                    warn!(destination = %self.name, wants, "not configured: its deliveries wait until this is set");
                }
                None => {
                    info!(destination = %self.name, "no longer configured; its deliveries wait")
                }
            }
            told = Some(missing.unwrap_or_default().to_vec());
            if self.changed.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// Waits for deliveries, and until they may leave; those that go into one request. May be
    /// given up at any point.
    async fn next_batch(&mut self, destination: &Destination) -> Vec<Pending> {
        if self.taken.is_empty() {
            let most = destination.batch_items();
            self.taken = self
                .dispatch
                .journal
                .take_deliveries(&self.name, most)
                .await;
        }
        if !destination.options.dry_run {
            self.pace.leave(destination.rate()).await;
        }
        let count = fitting(destination, &self.taken);
        let rest = self.taken.split_off(count);
        std::mem::replace(&mut self.taken, rest)
    }

    fn start(
        &self,
        destination: Arc<Destination>,
        batch: Vec<Pending>,
        slot: OwnedSemaphorePermit,
    ) {
        let dispatch = self.dispatch.clone();
        let pause = self.pause.clone();
        self.tracker.spawn(async move {
            if destination.options.dry_run {
                rehearse(&dispatch, &batch).await;
            } else {
                let send = Send {
                    dispatch,
                    destination,
                    pause,
                };
                send.run(batch).await;
            }
            drop(slot);
        });
    }
}

/// How many of these go into one request, by number and by weight; at least one.
fn fitting(destination: &Destination, taken: &[Pending]) -> usize {
    let most = destination.vendor.limits().bytes;
    let mut bytes = 0_usize;
    let fits = taken.iter().take_while(|pending| {
        bytes = bytes.saturating_add(pending.delivery.payload.len());
        bytes <= most
    });
    let most = destination.batch_items().min(taken.len());
    fits.count().max(1).min(most)
}

async fn rehearse(dispatch: &Dispatch, batch: &[Pending]) {
    let now = dispatch.clock.now();
    let settled = batch.iter().map(|pending| Settlement {
        state: State::DryRun,
        note: Some("dry_run is set for this destination".to_owned()),
        ..postponed(pending, now)
    });
    dispatch.settle(settled.collect()).await;
}

/// Environment variables, as one writes them: `$SLACK_WEBHOOK_URL`.
fn wants(missing: &[String]) -> String {
    let names: Vec<String> = missing.iter().map(|name| format!("${name}")).collect();
    names.join(", ")
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

    async fn take(&mut self, count: usize) -> OwnedSemaphorePermit {
        if count != self.count {
            // Requests under way keep their old slots; for their time there may be more of them.
            *self = Self::new(count);
        }
        match self.semaphore.clone().acquire_owned().await {
            Ok(slot) => slot,
            Err(_) => std::future::pending().await, // it is never closed
        }
    }
}
