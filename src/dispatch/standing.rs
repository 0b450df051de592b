//! How each destination stands, for whoever looks: its worker writes it down here, and looks here
//! whether somebody wants it to go on. It decides nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::Instant;
use tracing::{debug, error, info, warn};

use crate::clock::Millis;
use crate::telemetry::DestinationState;

/// How all destinations stand. Cheap to clone.
#[derive(Clone, Default)]
pub struct Standings(Arc<Mutex<BTreeMap<Arc<str>, Arc<Board>>>>);

/// How a destination stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether requests leave.
    pub state: DestinationState,
    /// Since when that is so.
    pub since: Millis,
    /// When the next request may leave, if that is known.
    pub until: Option<Millis>,
    /// Why none may leave, for a person.
    pub why: Option<String>,
    /// Requests that are under way.
    pub in_flight: usize,
    /// How many may be under way: what is configured, or fewer while the vendor cannot keep up.
    pub concurrency: usize,
}

impl Standings {
    /// All destinations that were ever configured since the start.
    pub fn all(&self) -> BTreeMap<Arc<str>, Standing> {
        let boards = lock(&self.0);
        let read = |(name, board): (&Arc<str>, &Arc<Board>)| (name.clone(), board.read());
        boards.iter().map(read).collect()
    }

    /// Has a destination go on at once, whatever its vendor said. False if there is none of that
    /// name.
    pub fn resume(&self, name: &str) -> bool {
        let board = lock(&self.0).get(name).cloned();
        if let Some(board) = &board {
            board.resume.notify_one();
        }
        board.is_some()
    }

    /// Where the worker of a destination writes.
    pub(super) fn board(&self, name: &Arc<str>, now: Millis) -> Arc<Board> {
        let mut boards = lock(&self.0);
        let board = boards
            .entry(name.clone())
            .or_insert_with(|| Arc::new(Board::new(now)));
        board.clone()
    }
}

impl fmt::Debug for Standings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.all().fmt(f)
    }
}

/// What a worker knows of its destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stand<'a> {
    pub state: DestinationState,
    pub until: Option<Instant>,
    pub why: Option<&'a str>,
}

impl<'a> Stand<'a> {
    pub(super) fn new(state: DestinationState, until: Option<Instant>, why: &'a str) -> Self {
        Self {
            state,
            until,
            why: Some(why),
        }
    }

    pub(super) fn ready() -> Self {
        Self {
            state: DestinationState::Ready,
            until: None,
            why: None,
        }
    }
}

/// One destination's place. The counts change with each request and are apart from the rest, which
/// hardly ever does.
pub(super) struct Board {
    standing: Mutex<Standing>,
    in_flight: AtomicUsize,
    concurrency: AtomicUsize,
    resume: Notify,
}

impl Board {
    fn new(now: Millis) -> Self {
        Self {
            standing: Mutex::new(Standing {
                state: DestinationState::Ready,
                since: now,
                until: None,
                why: None,
                in_flight: 0,
                concurrency: 0,
            }),
            in_flight: AtomicUsize::new(0),
            concurrency: AtomicUsize::new(0),
            resume: Notify::new(),
        }
    }

    pub(super) fn count(&self, in_flight: usize, concurrency: usize) {
        self.in_flight.store(in_flight, Ordering::Relaxed);
        self.concurrency.store(concurrency, Ordering::Relaxed);
    }

    /// Writes down how it stands, and says so in the log if that is news. `now` and `time` are the
    /// same moment.
    pub(super) fn write(&self, name: &str, stand: &Stand<'_>, now: Instant, time: Millis) {
        let mut standing = lock(&self.standing);
        let (since, is_same) = (standing.since, standing.state == stand.state);
        let until = stand.until.map(|until| {
            let wait = until.duration_since(now).as_millis();
            time.saturating_add(Millis::try_from(wait).unwrap_or(Millis::MAX))
        });
        let why = stand.why.map(str::to_owned);
        let wants_others = stand.state == DestinationState::NotConfigured && standing.why != why;
        let before = std::mem::replace(
            &mut *standing,
            Standing {
                state: stand.state,
                since: if is_same { since } else { time },
                until,
                why,
                in_flight: 0,
                concurrency: 0,
            },
        );
        drop(standing);
        if !is_same || wants_others {
            announce(name, before.state, stand);
        }
    }

    /// Ends when somebody wants the destination to go on.
    pub(super) fn resumed(&self) -> Notified<'_> {
        self.resume.notified()
    }

    fn read(&self) -> Standing {
        Standing {
            in_flight: self.in_flight.load(Ordering::Relaxed),
            concurrency: self.concurrency.load(Ordering::Relaxed),
            ..lock(&self.standing).clone()
        }
    }
}

/// Says what a person may want to know.
fn announce(destination: &str, before: DestinationState, stand: &Stand<'_>) {
    let why = stand.why.unwrap_or_default();
    match stand.state {
        DestinationState::Ready if before == DestinationState::Throttled => {
            debug!(destination, "the vendor takes requests again");
        }
        DestinationState::Ready => info!(destination, "requests leave again"),
        DestinationState::Throttled => {
            debug!(destination, why, "the vendor has had enough for now")
        }
        DestinationState::Open => {
            warn!(
                destination,
                why, "requests fail; its deliveries wait, and a probe leaves now and then"
            );
        }
        DestinationState::Paused => {
            warn!(
                destination,
                why,
                "refused as a whole, check its settings; its deliveries wait, and a probe leaves now and then"
            );
        }
        DestinationState::Disabled => {
            error!(
                destination,
                why,
                "gone; disabled until its settings change or it is resumed by hand, and its deliveries wait"
            );
        }
        DestinationState::NotConfigured => {
            warn!(
                destination,
                wants = why,
                "not configured: its deliveries wait until this is set"
            );
        }
        DestinationState::Removed => {
            info!(destination, "no longer configured; its deliveries wait")
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while one is held; if something did, what it guards is still whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
