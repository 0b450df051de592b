//! What belongs to the one script call that runs on this thread: its time, its log, its budget.
//! Not what the call computes, and no limit but time, steps and log size.
//!
//! Thread-local, because Rhai calls host functions and its progress hook with no place to hand
//! such things along, and because a call never leaves its thread.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::budget::Budget;
pub use super::budget::Spent;
use super::tables::Tables;
use super::variables::Variables;
use crate::clock::Millis;

/// The most log lines of one call: enough to follow a loop over an order's items, and small
/// enough that a loop gone wild does not fill memory or the preview page.
pub const MAX_LINES: usize = 100;

/// The longest log line, in characters; what is beyond is cut and marked with `…`.
pub const MAX_LINE_CHARS: usize = 1_000;

/// How loud a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// For whoever writes the script.
    Debug,
    /// Worth knowing.
    Info,
    /// Odd, but the call went on.
    Warn,
    /// Wrong, though the call went on.
    Error,
}

/// One line that a script logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// How loud it is.
    pub level: Level,
    /// What the script wrote, at most [`MAX_LINE_CHARS`] characters and a `…`.
    pub text: String,
}

struct Frame {
    now: Cell<Millis>,
    budget: Cell<Option<Budget>>,
    /// Steps until the budget is looked at. Apart from it, so that a step is one number counted down.
    left: Cell<u32>,
    spent: Cell<Option<Spent>>,
    lines: RefCell<Vec<LogLine>>,
    dropped: Cell<usize>,
    /// Of the set that the last script which looks something up belongs to.
    tables: RefCell<Option<Arc<Tables>>>,
    /// Of the event that is handled, for the last script that asks for variables.
    variables: RefCell<Option<Variables>>,
}

thread_local! {
    static FRAME: Frame = const {
        Frame {
            now: Cell::new(0),
            budget: Cell::new(None),
            left: Cell::new(0),
            spent: Cell::new(None),
            lines: RefCell::new(Vec::new()),
            dropped: Cell::new(0),
            tables: RefCell::new(None),
            variables: RefCell::new(None),
        }
    };
}

/// Starts a call on this thread: `now` is the event's time, and the call may use `time` from here
/// on. Whatever an earlier call left behind, because it panicked, is forgotten.
pub fn begin(now: Millis, time: Duration) {
    FRAME.with(|frame| {
        frame.now.set(now);
        let budget = Budget::new(time);
        frame.left.set(budget.stride());
        frame.budget.set(Some(budget));
        frame.spent.set(None);
        frame.lines.borrow_mut().clear();
        frame.dropped.set(0);
    });
}

/// Forgets what the call did so far: it is run from its beginning once more.
pub(super) fn start_over() {
    FRAME.with(|frame| {
        if let Some(budget) = frame.budget.get() {
            begin(frame.now.get(), budget.time());
        }
    });
}

/// Ends the call and hands out what it logged, oldest line first. If lines were dropped, a last
/// line says how many.
pub fn finish() -> Vec<LogLine> {
    FRAME.with(|frame| {
        frame.budget.set(None);
        frame.spent.set(None);
        let mut lines = frame.lines.take();
        let dropped = frame.dropped.replace(0);
        if dropped > 0 {
            lines.push(LogLine {
                level: Level::Warn,
                text: format!("…{dropped} more lines dropped (a call may log {MAX_LINES})"),
            });
        }
        lines
    })
}

/// The tables that the next call on this thread looks things up in.
pub(super) fn use_tables(tables: &Arc<Tables>) {
    FRAME.with(|frame| frame.tables.replace(Some(tables.clone())));
}

/// Looks something up in them. Without any there are none.
pub(super) fn with_tables<T>(look: impl FnOnce(&Tables) -> T) -> T {
    let tables = FRAME.with(|frame| frame.tables.borrow().clone());
    look(&tables.unwrap_or_default())
}

/// The variables that the next call on this thread may ask for.
pub(super) fn use_variables(variables: Variables) {
    FRAME.with(|frame| frame.variables.replace(Some(variables)));
}

/// They, if the call is about an event.
pub(super) fn variables() -> Option<Variables> {
    FRAME.with(|frame| frame.variables.borrow().clone())
}

/// Does something that makes calls of its own, in the middle of a call on this thread, which goes on
/// afterwards with what it had.
pub fn aside<T>(run: impl FnOnce() -> T) -> T {
    let kept = FRAME.with(|frame| {
        (
            frame.now.get(),
            frame.budget.get(),
            frame.left.get(),
            frame.spent.get(),
            frame.lines.take(),
            frame.dropped.get(),
        )
    });
    let result = run();
    FRAME.with(|frame| {
        let (now, budget, left, spent, lines, dropped) = kept;
        frame.now.set(now);
        frame.budget.set(budget);
        frame.left.set(left);
        frame.spent.set(spent);
        frame.lines.replace(lines);
        frame.dropped.set(dropped);
    });
    result
}

/// The event's time, as it was given to [`begin`]; 0 before the first call.
pub fn now() -> Millis {
    FRAME.with(|frame| frame.now.get())
}

/// Adds a line to the call's log, or counts it as dropped if the log is full.
pub fn log(level: Level, text: &str) {
    FRAME.with(|frame| {
        let mut lines = frame.lines.borrow_mut();
        if lines.len() == MAX_LINES {
            frame.dropped.set(frame.dropped.get().saturating_add(1));
            return;
        }
        let text = cut(text);
        lines.push(LogLine { level, text });
    });
}

/// Takes a step: the engine's progress hook does so before every operation. Once it says that
/// something is used up, it says so until the next [`begin`].
#[inline]
pub fn step() -> Option<Spent> {
    FRAME.with(|frame| {
        let left = frame.left.get();
        if left > 1 {
            frame.left.set(left - 1);
            return None;
        }
        frame.look()
    })
}

impl Frame {
    /// Every so many steps; the others only count down.
    #[cold]
    fn look(&self) -> Option<Spent> {
        if self.spent.get().is_none()
            && let Some(mut budget) = self.budget.get()
        {
            self.spent.set(budget.look());
            self.budget.set(Some(budget));
            if self.spent.get().is_none() {
                self.left.set(budget.stride());
            }
        }
        self.spent.get()
    }
}

/// What [`step`] has said in this call. Reads no clock: a call that ended in time of its own is not
/// to be blamed for the last microsecond.
pub fn spent() -> Option<Spent> {
    FRAME.with(|frame| frame.spent.get())
}

/// Whether the call, which ends now, was so slow that it would hold up others.
pub fn was_slow() -> bool {
    FRAME.with(|frame| {
        let budget = frame.budget.get();
        budget.is_some_and(|budget| budget.was_slow(Instant::now()))
    })
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_LINE_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn a_call_sees_its_own_time() {
        begin(1_718_973_400_000, HOUR);
        assert_eq!(now(), 1_718_973_400_000);
        begin(7, HOUR);
        assert_eq!(now(), 7);
    }

    #[test]
    fn what_is_spent_stays_spent_until_the_next_call() {
        begin(0, Duration::ZERO);
        assert!((0..10).any(|_| step().is_some()));
        assert_eq!((step(), spent()), (Some(Spent::Time), Some(Spent::Time)));

        begin(0, HOUR);
        assert!((0..1_000).all(|_| step().is_none()));
    }

    #[test]
    fn a_call_goes_on_after_another_one_within_it() {
        begin(7, HOUR);
        log(Level::Info, "before");
        let inner = aside(|| {
            begin(8, Duration::ZERO);
            log(Level::Info, "within");
            while step().is_none() {}
            (now(), finish().len())
        });
        assert_eq!(inner, (8, 1));
        assert_eq!((now(), spent()), (7, None));
        assert!((0..1_000).all(|_| step().is_none()));
        assert_eq!(finish().len(), 1);
    }

    #[test]
    fn a_boundless_time_is_no_overflow() {
        begin(0, Duration::MAX);
        assert!((0..1_000).all(|_| step().is_none()));
    }

    #[test]
    fn the_log_keeps_order_and_levels_and_is_emptied() {
        begin(0, HOUR);
        log(Level::Info, "one");
        log(Level::Error, "two");
        let lines = finish();
        let pairs: Vec<_> = lines.iter().map(|l| (l.level, l.text.as_str())).collect();
        assert_eq!(pairs, [(Level::Info, "one"), (Level::Error, "two")]);
        assert!(finish().is_empty());
    }

    #[test]
    fn too_many_lines_are_counted_and_long_ones_are_cut() {
        begin(0, HOUR);
        log(Level::Debug, &"ä".repeat(MAX_LINE_CHARS + 1));
        for _ in 0..MAX_LINES + 36 {
            log(Level::Debug, "again");
        }
        let lines = finish();
        assert_eq!(lines.len(), MAX_LINES + 1);
        assert_eq!(
            lines.first().map(|line| line.text.chars().count()),
            Some(MAX_LINE_CHARS + 1)
        );
        let last = lines.last().map(|line| line.text.as_str());
        assert_eq!(last, Some("…37 more lines dropped (a call may log 100)"));
    }

    #[test]
    fn what_a_panicking_call_left_behind_is_forgotten() {
        begin(0, Duration::ZERO);
        log(Level::Info, "left behind");
        begin(0, HOUR);
        assert!(finish().is_empty());
    }
}
