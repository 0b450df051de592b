//! How long a connection has been waiting for its next request: written by its socket, read by who
//! looks for a seat. It closes nothing.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// Of one connection. One that was never asked anything is not idle: its head has a deadline.
#[derive(Debug)]
pub(super) struct Idle {
    connected: Instant,
    /// In milliseconds from then, and one more; 0 while it is not idle.
    since: AtomicU64,
}

impl Idle {
    /// Of a connection that begins now.
    pub(super) fn new() -> Self {
        Self {
            connected: Instant::now(),
            since: AtomicU64::new(0),
        }
    }

    /// It waits. Called again, it waits since the first time.
    pub(super) fn begin(&self) {
        if self.since.load(Ordering::Relaxed) == 0 {
            self.since.store(1 + self.now(), Ordering::Relaxed);
        }
    }

    /// Something came.
    pub(super) fn end(&self) {
        self.since.store(0, Ordering::Relaxed);
    }

    /// How long it has been waiting; none if it does not.
    pub(super) fn time(&self) -> Option<Duration> {
        let since = self.since.load(Ordering::Relaxed).checked_sub(1)?;
        Some(Duration::from_millis(self.now().saturating_sub(since)))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.connected.elapsed().as_millis()).unwrap_or(u64::MAX - 1)
    }
}
