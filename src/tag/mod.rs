//! A tag: a script in `tags/` that makes of an event what one destination shall get. This module
//! reads its header and runs it; which tags an event reaches is `index`'s, what becomes of the
//! deliveries is the journal's.

mod constants;
mod header;
mod index;
mod run;

pub use constants::CONSTANTS;
pub use header::{On, load};
pub use index::Index;
pub use run::{Look, Ran, Skipped, run};

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::script::Script;
use crate::telemetry::{Metrics, TagMeter};
use crate::transform::Transform;
use crate::trigger::Trigger;

/// A loaded tag.
#[derive(Debug)]
pub struct Tag {
    /// The file's name without `.rhai`.
    pub name: Arc<str>,
    /// Its script.
    pub script: Script,
    /// The event names it listens to.
    pub on: Vec<On>,
    /// The destination's name.
    pub to: Arc<str>,
    /// Its conditions.
    pub trigger: Trigger,
    /// Higher runs first.
    pub priority: i64,
    /// False switches it off.
    pub enabled: bool,
    /// How long its deliveries wait before they are sent.
    pub delay: Duration,
    /// How old a delivery may become, from when it was due first; for ever, if there is none.
    pub max_age: Option<Duration>,
    /// What happens to its deliveries in a preview session that sends.
    pub preview: PreviewMode,
    /// True if it has `fn when(event)`.
    pub has_when: bool,
    /// What changes its copy of an event, in order.
    pub transforms: Vec<Arc<Transform>>,
    /// Its counts, found at its first run.
    meter: OnceLock<Arc<TagMeter>>,
}

impl Tag {
    /// Where what it does is counted.
    pub fn meter(&self, metrics: &Metrics) -> &TagMeter {
        self.meter.get_or_init(|| metrics.tag(&self.name))
    }
}

/// `PREVIEW`: what happens to a tag's deliveries in a preview session that was opened with `send`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PreviewMode {
    /// Sent, as the session says.
    #[default]
    Send,
    /// Made and shown, never sent.
    DryRun,
    /// The tag does not run.
    Skip,
}
