//! A deadline that is set anew for every wait and costs next to nothing unless it comes near.

use std::future::Future;
use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// One wait at a time. The timer is made at the first wait that is polled and kept for the next,
/// as moving a timer is far cheaper than making one.
#[derive(Debug, Default)]
pub(super) struct Deadline {
    timer: Option<Pin<Box<Sleep>>>,
    is_running: bool,
}

impl Deadline {
    /// True if the wait has lasted for `time`. It begins with the first call after a
    /// [`clear`](Self::clear). Otherwise the task is woken when it is over.
    pub(super) fn is_over(&mut self, cx: &mut Context<'_>, time: Duration) -> bool {
        if !self.is_running {
            self.start(time);
        }
        self.timer
            .as_mut()
            .is_some_and(|timer| timer.as_mut().poll(cx).is_ready())
    }

    /// What was waited for has come.
    pub(super) fn clear(&mut self) {
        self.is_running = false;
    }

    fn start(&mut self, time: Duration) {
        self.is_running = true;
        let at = Instant::now() + time;
        match &mut self.timer {
            Some(timer) => timer.as_mut().reset(at),
            None => self.timer = Some(Box::pin(sleep_until(at))),
        }
    }
}
