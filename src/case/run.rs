//! Runs a case's request through a generation, twice, so that what is another each time is known: an
//! id that was made for the event, and the time, where the case does not give one.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::expected::{Expected, made_by};
use super::{VARIES, http_file};
use crate::clock::Millis;
use crate::config::{Environment, Problems, SystemEnvironment};
use crate::generation::{self, Generation, Loaded};
use crate::preview::Record;
use crate::request::Request;
use crate::script::{Branches, Worker};
use crate::watched;

/// When a request arrives that does not say it: 2026-01-02 03:04:05 UTC, and for the second time
/// 40 days later, another month, day, hour and second.
pub(super) const ARRIVALS: [Millis; 2] = [ARRIVAL, 1_770_862_291_123];

/// When an event of a test arrives.
pub(super) const ARRIVAL: Millis = 1_767_323_045_000;

/// What was made of a case's request.
#[derive(Debug)]
pub struct Ran {
    /// Events and deliveries; what is another each time is [`VARIES`].
    pub made: Expected,
    /// Why its client made nothing, if it failed.
    pub fault: Option<String>,
    /// What was seen the first time.
    pub record: Record,
}

/// No variable is set: cases give the same on each machine, whatever keys it has.
#[derive(Clone, Copy, Debug)]
pub struct Unset;

impl Environment for Unset {
    fn variable(&self, _name: &str) -> Option<String> {
        None
    }
}

/// Runs the request of a case.
///
/// # Errors
/// What is wrong with the request, for a person.
pub fn run(worker: &mut Worker, generation: &Generation, request: &[u8]) -> Result<Ran, String> {
    let mut once = |at: Millis| {
        let request = Arc::new(http_file::parse(request, at)?);
        Ok::<_, String>(run_once(worker, generation, &request))
    };
    let [first, second] = ARRIVALS;
    let (first, second) = (once(first)?, once(second)?);
    let mut clients = first.clients.iter();
    let fault = clients.find_map(|client| client.fault.as_ref().map(ToString::to_string));
    let (mut made, other) = (made_by(&first), made_by(&second));
    mark(&mut made, &other);
    Ok(Ran {
        made,
        fault,
        record: first,
    })
}

pub(super) fn run_once(
    worker: &mut Worker,
    generation: &Generation,
    request: &Arc<Request>,
) -> Record {
    let now = request.received_at;
    watched::run_trusted(worker, generation, request, now).record
}

/// The set of a configuration, as cases are run through it. With the variables of this process, if
/// it is no set without them.
///
/// # Errors
/// Everything that is wrong, at once.
pub fn load(config_file: &Path) -> Result<Loaded, Problems> {
    generation::load(config_file, &Unset)
        .or_else(|_| generation::load(config_file, &SystemEnvironment))
}

/// The same of the live set, whose scripts note the branches that run.
///
/// # Errors
/// Everything that is wrong, at once.
pub fn load_noting(config_file: &Path, branches: &Branches) -> Result<Generation, Problems> {
    generation::load_noting(config_file, &Unset, branches)
        .or_else(|_| generation::load_noting(config_file, &SystemEnvironment, branches))
}

/// Puts [`VARIES`] in the place of each value that is another in `other`, which was made of the same
/// request.
pub fn mark(made: &mut Expected, other: &Expected) {
    mark_value(made.events.as_mut(), other.events.as_ref());
    mark_value(made.deliveries.as_mut(), other.deliveries.as_ref());
}

/// Puts [`VARIES`] wherever `made` has it: one of both cannot be compared with the other.
pub fn forget_varying(before: &mut Expected, made: &Expected) {
    forget(before.events.as_mut(), made.events.as_ref());
    forget(before.deliveries.as_mut(), made.deliveries.as_ref());
}

fn forget(value: Option<&mut Value>, made: Option<&Value>) {
    match (value, made) {
        (Some(value), Some(made)) if made == VARIES => *value = VARIES.into(),
        (Some(Value::Object(map)), Some(Value::Object(made))) => {
            for (name, value) in map.iter_mut() {
                forget(Some(value), made.get(name));
            }
        }
        (Some(Value::Array(items)), Some(Value::Array(made))) => {
            for (value, made) in items.iter_mut().zip(made) {
                forget(Some(value), Some(made));
            }
        }
        _ => {}
    }
}

fn mark_value(value: Option<&mut Value>, other: Option<&Value>) {
    match (value, other) {
        (Some(Value::Object(map)), Some(Value::Object(other))) => {
            for (name, value) in map.iter_mut() {
                mark_value(Some(value), other.get(name));
            }
        }
        (Some(Value::Array(items)), Some(Value::Array(other))) if items.len() == other.len() => {
            for (value, other) in items.iter_mut().zip(other) {
                mark_value(Some(value), Some(other));
            }
        }
        (Some(value), other) if Some(&*value) != other => *value = VARIES.into(),
        _ => {}
    }
}
