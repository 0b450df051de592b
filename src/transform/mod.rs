//! A transformation: a script in `transforms/` that says what some tags see of an event: only some keys,
//! not some keys, stars in their place, or more than was sent. Each tag has its own copy of the event,
//! so what one tag may not see another one may.

mod apply;
mod constants;
mod header;
mod paths;

pub use apply::{Change, Transformed, apply};
pub use constants::CONSTANTS;
pub use header::load;

use std::sync::Arc;

use crate::script::{Map, Script};
use crate::trigger::{Names, Trigger};

/// A loaded transformation.
#[derive(Debug)]
pub struct Transform {
    /// The file's name without `.rhai`.
    pub name: Arc<str>,
    /// Its script.
    pub script: Script,
    /// The tags that it is for.
    pub tags: Names,
    /// The events that it is for.
    pub on: Names,
    /// Conditions, as tags have them.
    pub trigger: Trigger,
    /// Higher is applied first.
    pub priority: i64,
    /// False switches it off.
    pub enabled: bool,
    /// All keys but these are taken away; none, if there is none.
    allow: Vec<String>,
    /// These keys are taken away.
    exclude: Vec<String>,
    /// Stars stand in the place of these.
    redact: Vec<String>,
    /// These are put in.
    augment: Map,
    /// True if it has `fn augment(event)`, which gives more to be put in.
    has_augment: bool,
}
