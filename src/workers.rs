//! Whether the runtime's worker threads all have something to do. Who gathers work so as to do it for
//! many at once asks this, and is told when one of them has nothing left. It knows of no other threads.

use std::fmt::{self, Debug, Formatter};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::runtime::Builder;

/// Workers that have been busy for so long will be for longer. With 16 connections that wait for their
/// answers one is idle every millisecond, with 64 every seven.
const SURE_AFTER: Duration = Duration::from_millis(2);

/// The worker threads of one runtime. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Workers(Arc<State>);

struct State {
    idle: AtomicUsize,
    start: Instant,
    /// Since when there is no idle one, unless there is; in microseconds from `start`.
    busy_since: AtomicU64,
    on_idle: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl Default for Workers {
    /// Of a runtime that nobody watches: never all busy.
    fn default() -> Self {
        Self::with_idle(1)
    }
}

impl Workers {
    /// Watches the threads of the runtime that will be built.
    pub fn of(runtime: &mut Builder) -> Self {
        let workers = Self::with_idle(0);
        let (parking, unparking) = (workers.clone(), workers.clone());
        runtime
            .on_thread_park(move || parking.one_is_idle())
            .on_thread_unpark(move || unparking.one_is_busy());
        workers
    }

    /// True if all of them have been busy for two milliseconds.
    pub fn are_all_busy(&self) -> bool {
        let busy_for = self
            .now()
            .saturating_sub(self.0.busy_since.load(Ordering::Relaxed));
        !self.has_idle() && Duration::from_micros(busy_for) >= SURE_AFTER
    }

    /// True if one of them waits for something to do.
    pub fn has_idle(&self) -> bool {
        self.0.idle.load(Ordering::SeqCst) > 0
    }

    /// Has `tell` called whenever one begins to wait. Only the first who asks is told.
    pub fn when_idle(&self, tell: impl Fn() + Send + Sync + 'static) {
        self.0.on_idle.set(Box::new(tell)).ok();
    }

    fn with_idle(idle: usize) -> Self {
        Self(Arc::new(State {
            idle: AtomicUsize::new(idle),
            start: Instant::now(),
            busy_since: AtomicU64::new(0),
            on_idle: OnceLock::new(),
        }))
    }

    fn one_is_idle(&self) {
        // Before anybody is told: who then looks must see it.
        self.0.idle.fetch_add(1, Ordering::SeqCst);
        if let Some(tell) = self.0.on_idle.get() {
            tell();
        }
    }

    fn one_is_busy(&self) {
        self.0.busy_since.store(self.now(), Ordering::Relaxed);
        self.0.idle.fetch_sub(1, Ordering::SeqCst);
    }

    fn now(&self) -> u64 {
        u64::try_from(self.0.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

impl Debug for State {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Workers")
            .field("idle", &self.idle)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::thread;

    #[test]
    fn they_are_all_busy_while_none_waits() {
        let mut builder = Builder::new_multi_thread();
        let workers = Workers::of(&mut builder);
        let (idle, became_idle) = mpsc::sync_channel(1);
        workers.when_idle(move || {
            let _told_already = idle.try_send(());
        });
        let runtime = builder.worker_threads(1).build().unwrap();
        let wait_for_idle = || {
            while !workers.has_idle() {
                became_idle.recv().unwrap();
            }
        };
        wait_for_idle();
        assert!(!workers.are_all_busy());

        let (begun, has_begun) = mpsc::sync_channel(1);
        let (end, ending) = mpsc::sync_channel::<()>(1);
        runtime.spawn(async move {
            begun.send(()).unwrap();
            ending.recv().unwrap();
        });
        has_begun.recv().unwrap();
        assert!(!workers.has_idle());
        while !workers.are_all_busy() {
            thread::yield_now();
        }
        end.send(()).unwrap();
        wait_for_idle();
        assert!(!workers.are_all_busy());
    }

    #[test]
    fn those_that_nobody_watches_are_never_all_busy() {
        let workers = Workers::default();
        assert!(workers.has_idle() && !workers.are_all_busy());
    }
}
