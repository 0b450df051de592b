//! The script threads: a fixed number, each with its own engine and a stack that no script can
//! overflow. Tokio's workers never run a script.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

use tokio::sync::oneshot;
use tracing::error;

use super::{engine, limits};
use crate::error::BoxError;
use crate::mailbox::{Found, Inbox, Mailbox, mailbox};
use crate::telemetry::Metrics;

/// What a script thread owns.
pub struct Worker {
    pub(super) engine: rhai::Engine,
    metrics: Metrics,
}

impl Worker {
    /// A worker for a thread of one's own: `trace`, tests, benchmarks. Scripts need
    /// [`limits::STACK_BYTES`] of stack.
    #[allow(clippy::new_without_default)] // it is not cheap
    pub fn new() -> Self {
        Self::counting(Metrics::new())
    }

    fn counting(metrics: Metrics) -> Self {
        Self {
            engine: engine::build(),
            metrics,
        }
    }

    /// Where what its scripts do is counted.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Takes a new engine, where the old one may be in any state.
    pub(super) fn renew(&mut self) {
        self.engine = engine::build();
    }
}

/// A handle to the script threads. They end when the last handle is dropped.
#[derive(Clone)]
pub struct Pool(Mailbox<Job>);

type Job = Box<dyn FnOnce(&mut Worker) + Send>;

/// Jobs that may wait. At 40 µs each this is 40 ms of work for one thread: past that, more waiting
/// only makes senders time out, so they are told to come back.
const QUEUE: usize = 1_024;

impl Pool {
    /// Starts `threads` script threads, which count for nobody.
    pub fn start(threads: usize) -> Result<Self, BoxError> {
        Self::start_counting(threads, &Metrics::new())
    }

    /// Starts `threads` script threads.
    pub fn start_counting(threads: usize, metrics: &Metrics) -> Result<Self, BoxError> {
        let (jobs, inbox) = mailbox(QUEUE);
        for index in 0..threads.max(1) {
            let (inbox, metrics) = (inbox.clone(), metrics.clone());
            thread::Builder::new()
                .name(format!("script-{index}"))
                .stack_size(limits::STACK_BYTES)
                .spawn(move || work(&inbox, metrics))?;
        }
        Ok(Self(jobs))
    }

    /// Queues a job, or gives it up at once if the queue is full (`false`).
    pub fn try_submit(&self, run: impl FnOnce(&mut Worker) + Send + 'static) -> bool {
        self.0.try_post(Box::new(run)).is_ok()
    }

    /// Runs a job when its turn comes. `None` if it panicked or the threads have ended.
    pub async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Worker) -> T + Send + 'static,
    ) -> Option<T> {
        let (sender, receiver) = oneshot::channel();
        // Whoever asked may have gone; then nobody wants the result.
        let run: Job = Box::new(move |worker| drop(sender.send(job(worker))));
        self.0.post(run).await.ok()?;
        receiver.await.ok()
    }
}

/// Runs something on a thread that has room for scripts, and waits for it. For compiling, whose
/// recursion is as deep as a script is nested, and for callers that have no [`Pool`].
///
/// # Errors
/// If the thread cannot be started.
pub fn with_script_stack<T: Send>(run: impl FnOnce() -> T + Send) -> io::Result<T> {
    thread::scope(|scope| {
        let thread = thread::Builder::new()
            .name("compile".to_owned())
            .stack_size(limits::STACK_BYTES)
            .spawn_scoped(scope, run)?;
        Ok(thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

fn work(inbox: &Inbox<Job>, metrics: Metrics) {
    let mut worker = Worker::counting(metrics);
    while let Found::Letter(run) = inbox.wait(None) {
        // A panic would be our defect; the job's owner sees its answer channel close.
        if catch_unwind(AssertUnwindSafe(|| run(&mut worker))).is_err() {
            error!("a script job panicked; the thread goes on with a new engine");
            worker.renew();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_takes_down_its_own_job_only() {
        let pool = Pool::start(1).unwrap();
        assert_eq!(pool.run(|_| -> i32 { panic!("a defect") }).await, None);
        assert_eq!(pool.run(|_| 17).await, Some(17));
    }

    #[tokio::test]
    async fn a_full_queue_refuses() {
        let pool = Pool::start(1).unwrap();
        let (begun, has_begun) = oneshot::channel();
        let (go_on, may_go_on) = oneshot::channel::<()>();
        let blocks = move |_: &mut Worker| {
            begun.send(()).unwrap();
            may_go_on.blocking_recv().unwrap();
        };
        assert!(pool.try_submit(blocks));
        has_begun.await.unwrap();
        assert!((0..QUEUE).all(|_| pool.try_submit(|_| {})));
        assert!(!pool.try_submit(|_| {}));
        go_on.send(()).unwrap();
        assert_eq!(pool.run(|_| 17).await, Some(17));
    }
}
