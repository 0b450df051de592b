//! A progress bar on standard error, for eyes only: where there is no terminal, there is no bar.

use indicatif::{ProgressBar, ProgressStyle};

/// The bar. It is gone when this is dropped.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// A bar for so many things.
    pub(super) fn new(total: u64, things: &'static str) -> Self {
        let bar = ProgressBar::new(total);
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}, {eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(things);
        Self(bar)
    }

    /// So many more are done.
    pub(super) fn advance(&self, by: u64) {
        self.0.inc(by);
    }

    /// Prints while the bar is away.
    pub(super) fn print(&self, print: impl FnOnce()) {
        self.0.suspend(print);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
