//! Where scripts run: on the script threads, a fixed number, each with its own engine and a stack
//! that no script can overflow. Where much is to be run this is cheapest, as each thread stays at
//! what it does. Where little is, to wake a thread costs more than the script: then a quick one runs
//! where it is asked for, on a thread of the runtime that has room for scripts.

use std::cell::RefCell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::oneshot;
use tracing::error;

use super::branches::Branches;
use super::json::parse_json;
use super::ready::ReadyScripts;
use super::recent::Recent;
use super::value::Map;
use super::variables::Memo;
use super::{engine, limits};
use crate::error::BoxError;
use crate::mailbox::{Found, Inbox, Mailbox, mailbox};
use crate::telemetry::Metrics;

/// What a thread that runs scripts owns.
pub struct Worker {
    engine: rhai::Engine,
    /// Of this engine.
    ready: ReadyScripts,
    /// The variables of the event that it is at.
    pub(super) memo: Memo,
    /// Whether a script asked for any.
    pub(super) has_memo: bool,
    /// Of the scripts that note theirs.
    branches: Option<Branches>,
    shared: Shared,
}

/// What the workers of one pool have in common.
#[derive(Clone, Default)]
struct Shared {
    metrics: Metrics,
    recent: Recent,
}

impl Worker {
    /// A worker for a thread of one's own: `trace`, tests, benchmarks. Scripts need
    /// [`limits::STACK_BYTES`] of stack.
    #[allow(clippy::new_without_default)] // it is not cheap
    pub fn new() -> Self {
        Self::of(Shared::default())
    }

    /// The same, for scripts that note the branches that run.
    pub fn noting(branches: Option<&Branches>) -> Self {
        Self {
            engine: engine_for(branches),
            branches: branches.cloned(),
            ..Self::new()
        }
    }

    fn of(shared: Shared) -> Self {
        Self {
            engine: engine::build_to_run(),
            ready: ReadyScripts::default(),
            memo: Memo::default(),
            has_memo: false,
            branches: None,
            shared,
        }
    }

    /// Where what its scripts do is counted.
    pub fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// Forgets the variables of the event that it was at.
    pub fn next_event(&mut self) {
        if std::mem::take(&mut self.has_memo) {
            self.memo.clear();
        }
    }

    /// Keeps event data, as a script made it, for whoever reads `text`, which was written from it.
    pub fn keep(&self, text: &Bytes, data: Map) {
        self.shared.recent.keep(text, data);
    }

    /// Event data from its JSON.
    ///
    /// # Errors
    /// If it is not JSON, or no object.
    pub fn read(&self, text: &Bytes) -> Result<Map, String> {
        if let Some(data) = self.shared.recent.take(text) {
            return Ok(data);
        }
        let value = parse_json(text).map_err(|error| error.to_string())?;
        value.try_cast().ok_or_else(|| "it is no object".to_owned())
    }

    /// Takes a new engine, where the old one may be in any state.
    pub(super) fn renew(&mut self) {
        self.engine = engine_for(self.branches.as_ref());
        self.ready = ReadyScripts::default();
    }

    pub(super) fn engine_and_ready(&mut self) -> (&rhai::Engine, &mut ReadyScripts) {
        (&self.engine, &mut self.ready)
    }
}

fn engine_for(branches: Option<&Branches>) -> rhai::Engine {
    let mut engine = engine::build_to_run();
    if let Some(branches) = branches {
        branches.register(&mut engine);
    }
    engine
}

/// A handle to the places where scripts run. The script threads end when the last is dropped.
#[derive(Clone)]
pub struct Pool {
    jobs: Mailbox<Job>,
    shared: Shared,
    crowd: Arc<Crowd>,
}

/// How much is asked for at the same time.
struct Crowd {
    begun: Instant,
    /// There is one thread that runs jobs where they are asked for: none meets another there.
    is_narrow: bool,
    /// Of that thread, in microseconds: see [`Crowd::ran_here`].
    ran_here: Mutex<RanHere>,
    /// Until then that thread runs none, in microseconds after `begun`.
    apart_until: AtomicU64,
    /// Jobs that somebody waits for, here or there.
    under_way: AtomicUsize,
    /// When two were last seen at once, in microseconds after `begun`.
    seen_at: AtomicU64,
}

/// What jobs took of a thread that has others to serve.
#[derive(Default)]
struct RanHere {
    /// When the last ended, in microseconds.
    ended: u64,
    /// What they took above their share, in microseconds.
    excess: u64,
}

impl Crowd {
    /// Of the runtime that this is called in.
    fn new() -> Self {
        let runtime = tokio::runtime::Handle::try_current();
        let threads = runtime.map_or(0, |runtime| runtime.metrics().num_workers());
        Self {
            begun: Instant::now(),
            is_narrow: threads == 1,
            ran_here: Mutex::default(),
            apart_until: AtomicU64::new(0),
            under_way: AtomicUsize::new(0),
            seen_at: AtomicU64::new(0),
        }
    }

    /// Counts a job in. True if it may run where it is asked for: it is alone, and those just before it
    /// were. `now` is after `begun`.
    fn enter(&self, now: Duration) -> bool {
        let others = self.under_way.fetch_add(1, Ordering::Relaxed);
        let now = micros(now);
        if self.is_narrow {
            return now >= self.apart_until.load(Ordering::Relaxed);
        }
        if others > 0 {
            self.seen_at.store(now, Ordering::Relaxed);
            return false;
        }
        let seen_at = self.seen_at.load(Ordering::Relaxed);
        seen_at == 0 || now.saturating_sub(seen_at) > QUIET_MICROSECONDS
    }

    /// Notes that a job ran where it was asked for. Where there is one thread for that, and jobs take
    /// too much of it, they run apart for a while: it has sockets to serve, and script threads to help.
    fn ran_here(&self, began: Duration, ended: Duration) {
        if !self.is_narrow {
            return;
        }
        let (began, ended) = (micros(began), micros(ended));
        let mut ran = self.ran_here.lock().unwrap_or_else(PoisonError::into_inner);
        let between = began.saturating_sub(ran.ended);
        let took = ended.saturating_sub(began);
        ran.excess = (ran.excess + took).saturating_sub(between * SHARE);
        ran.ended = ended;
        if ran.excess > MOST_EXCESS_MICROSECONDS {
            ran.excess = 0;
            let until = ended + APART_MICROSECONDS;
            self.apart_until.store(until, Ordering::Relaxed);
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// One of those that are under way.
struct UnderWay<'a>(&'a Crowd);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

type Job = Box<dyn FnOnce(&mut Worker) + Send>;

/// Why a job gave no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotRun {
    /// Too many wait for the script threads.
    Busy,
    /// It panicked, or the threads have ended.
    Broken,
}

/// Jobs that may wait. At 40 µs each this is 40 ms of work for one thread: past that, more waiting
/// only makes senders time out, so they are told to come back.
const QUEUE: usize = 1_024;

/// How long no two jobs must have met before one runs where it is asked for. Under load some are
/// alone for a moment, and one more engine in the processor's caches costs more than it saves.
const QUIET_MICROSECONDS: u64 = 1_000;

/// Jobs may take so many times as long as all else that their thread does. Light ones take twice as
/// long, and to hand them over would cost a tenth of an event.
const SHARE: u64 = 4;

/// By how much they may exceed that: a few that wait for the processor's cores, or one that is long.
const MOST_EXCESS_MICROSECONDS: u64 = 50_000;

/// How long they run apart then.
const APART_MICROSECONDS: u64 = 1_000_000;

thread_local! {
    /// The worker of a thread of the runtime that has room for scripts, from its first script on.
    static HERE: RefCell<Option<Here>> = const { RefCell::new(None) };
}

/// A thread that has room for scripts.
#[derive(Default)]
struct Here {
    worker: Option<Worker>,
}

/// Says that this thread has [`limits::STACK_BYTES`] of stack, so that scripts may run on it.
pub fn make_room_here() {
    HERE.set(Some(Here::default()));
}

impl Pool {
    /// Starts `threads` script threads, which count for nobody.
    pub fn start(threads: usize) -> Result<Self, BoxError> {
        Self::start_counting(threads, &Metrics::new())
    }

    /// Starts `threads` script threads.
    pub fn start_counting(threads: usize, metrics: &Metrics) -> Result<Self, BoxError> {
        let (jobs, inbox) = mailbox(QUEUE);
        let shared = Shared {
            metrics: metrics.clone(),
            recent: Recent::default(),
        };
        for index in 0..threads.max(1) {
            let (inbox, shared) = (inbox.clone(), shared.clone());
            thread::Builder::new()
                .name(format!("script-{index}"))
                .stack_size(limits::STACK_BYTES)
                .spawn(move || work(&inbox, &shared))?;
        }
        Ok(Self {
            jobs,
            shared,
            crowd: Crowd::new().into(),
        })
    }

    /// Runs a job: here and now if it is quick, it is quiet, and this thread has room for scripts;
    /// else on a script thread when its turn comes.
    ///
    /// # Errors
    /// [`NotRun::Busy`] at once if too much waits for the script threads, [`NotRun::Broken`].
    pub async fn run_near<T: Send + 'static>(
        &self,
        is_quick: bool,
        job: impl FnOnce(&mut Worker) -> T + Send + 'static,
    ) -> Result<T, NotRun> {
        let now = self.crowd.begun.elapsed();
        let is_alone = self.crowd.enter(now);
        let _under_way = UnderWay(&self.crowd);
        let job = match is_quick && is_alone {
            true => match self.run_here(job) {
                Ok(result) => {
                    self.crowd.ran_here(now, self.crowd.begun.elapsed());
                    return result.ok_or(NotRun::Broken);
                }
                Err(job) => job,
            },
            false => job,
        };
        let (run, result) = boxed(job);
        self.jobs.try_post(run).map_err(|_| NotRun::Busy)?;
        result.await.map_err(|_| NotRun::Broken)
    }

    /// Runs a job on a script thread when its turn comes. `None` if it panicked or the threads have
    /// ended.
    pub async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Worker) -> T + Send + 'static,
    ) -> Option<T> {
        let (run, result) = boxed(job);
        self.jobs.post(run).await.ok()?;
        result.await.ok()
    }

    /// Gives the job back if this thread has no room for it; `None` if it panicked.
    fn run_here<T, F: FnOnce(&mut Worker) -> T>(&self, job: F) -> Result<Option<T>, F> {
        HERE.with_borrow_mut(|here| match here {
            Some(here) => {
                let worker = here
                    .worker
                    .get_or_insert_with(|| Worker::of(self.shared.clone()));
                Ok(guarded(worker, job))
            }
            None => Err(job),
        })
    }
}

/// A job that hands over its result. Whoever asked may have gone; then nobody wants it.
fn boxed<T: Send + 'static>(
    job: impl FnOnce(&mut Worker) -> T + Send + 'static,
) -> (Job, oneshot::Receiver<T>) {
    let (sender, receiver) = oneshot::channel();
    (
        Box::new(move |worker| drop(sender.send(job(worker)))),
        receiver,
    )
}

/// A panic would be our defect, and must cost its own job only: `None`.
fn guarded<T>(worker: &mut Worker, job: impl FnOnce(&mut Worker) -> T) -> Option<T> {
    let result = catch_unwind(AssertUnwindSafe(|| job(worker)));
    if result.is_err() {
        error!("a script job panicked; its thread goes on with a new engine");
        worker.renew();
    }
    result.ok()
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

fn work(inbox: &Inbox<Job>, shared: &Shared) {
    let mut worker = None;
    while let Found::Letter(run) = inbox.wait(None) {
        // An engine is half a MiB, and most of these threads are never asked.
        let worker = worker.get_or_insert_with(|| Worker::of(shared.clone()));
        guarded(worker, run); // whoever waits sees the answer's channel close
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

    /// Where a job ran: the name of its thread.
    async fn place(pool: &Pool, is_quick: bool) -> Result<String, NotRun> {
        let name = |_: &mut Worker| thread::current().name().unwrap_or_default().to_owned();
        pool.run_near(is_quick, name).await
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_quick_job_runs_where_there_is_room_and_others_apart() {
        let pool = Pool::start(1).unwrap();
        let here = thread::current().name().unwrap_or_default().to_owned();
        assert_eq!(place(&pool, true).await.as_deref(), Ok("script-0"));
        make_room_here();
        assert_eq!(place(&pool, true).await, Ok(here.clone()));
        let broken = pool.run_near(true, |_| -> i32 { panic!("a defect") }).await;
        assert_eq!(broken, Err(NotRun::Broken));
        assert_eq!(place(&pool, true).await, Ok(here));
        assert_eq!(place(&pool, false).await.as_deref(), Ok("script-0"));

        let pool = Pool::start(2).unwrap();
        let (go_on, may_go_on) = oneshot::channel::<()>();
        let blocks = |_: &mut Worker| may_go_on.blocking_recv().unwrap();
        let while_blocked = async {
            let place = place(&pool, true).await.unwrap();
            go_on.send(()).unwrap();
            place
        };
        let (_, place) = tokio::join!(pool.run_near(false, blocks), while_blocked);
        assert!(
            place.starts_with("script-"),
            "another is under way: {place}"
        );
    }

    #[test]
    fn for_a_while_after_two_met_nobody_counts_as_alone() {
        let crowd = Crowd::new();
        let at = Duration::from_micros;
        assert!(crowd.enter(at(5)));
        assert!(!crowd.enter(at(10)));
        drop((UnderWay(&crowd), UnderWay(&crowd)));
        assert!(!crowd.enter(at(10 + QUIET_MICROSECONDS)));
        drop(UnderWay(&crowd));
        assert!(crowd.enter(at(11 + QUIET_MICROSECONDS)));
    }

    #[tokio::test]
    async fn jobs_that_leave_one_thread_no_time_run_apart_for_a_while() {
        let (crowd, at) = (Crowd::new(), Duration::from_micros);
        assert!(crowd.is_narrow);
        // So many jobs of 100 µs, one every so many µs.
        let work = |from: u64, every: u64| {
            for began in (from..).step_by(every as usize).take(10_000) {
                crowd.ran_here(at(began), at(began + 100));
            }
            from + 10_000 * every
        };
        assert!(crowd.enter(at(0)));
        assert!(crowd.enter(at(1)), "though another is under way");
        let now = work(0, 130);
        assert!(crowd.enter(at(now)), "a quarter is left for others");
        let now = work(now, 110);
        assert!(!crowd.enter(at(now)));
        assert!(crowd.enter(at(now + APART_MICROSECONDS)));
        crowd.ran_here(at(now), at(now + 2 * MOST_EXCESS_MICROSECONDS));
        assert!(
            !crowd.enter(at(now + 2 * MOST_EXCESS_MICROSECONDS)),
            "one that was long"
        );
    }

    #[tokio::test]
    async fn a_full_queue_refuses() {
        let pool = Pool::start(1).unwrap();
        let (begun, has_begun) = oneshot::channel();
        let (go_on, may_go_on) = oneshot::channel::<()>();
        let (blocks, ended) = boxed(move |_: &mut Worker| {
            begun.send(()).unwrap();
            may_go_on.blocking_recv().unwrap();
        });
        assert!(pool.jobs.try_post(blocks).is_ok());
        has_begun.await.unwrap();
        assert!((0..QUEUE).all(|_| pool.jobs.try_post(Box::new(|_| {})).is_ok()));
        assert_eq!(place(&pool, true).await, Err(NotRun::Busy));
        go_on.send(()).unwrap();
        ended.await.unwrap();
        assert_eq!(pool.run(|_| 17).await, Some(17));
    }
}
