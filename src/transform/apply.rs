//! Applies transformations to a tag's copy of an event, and says what they changed if somebody watches.

use std::sync::Arc;

use super::Transform;
use super::paths::{Deed, change, only};
use crate::clock::Millis;
use crate::script::value::kind;
use crate::script::{self, Fault, Map, Value, Worker};
use crate::trigger::Verdict;

/// A transformation that was applied.
#[derive(Clone, Debug)]
pub struct Transformed {
    /// Its name.
    pub name: Arc<str>,
    /// What it changed, the first so many.
    pub changes: Vec<Change>,
}

/// A key that is not what it was.
#[derive(Clone, Debug)]
pub struct Change {
    /// The dotted path.
    pub key: String,
    /// What was there; nothing, if it is new.
    pub before: Option<Value>,
    /// What is there; nothing, if it was taken away.
    pub after: Option<Value>,
}

/// Changes that are listed of one transformation.
const MOST_CHANGES: usize = 100;

/// The keys that an event cannot do without.
const KEPT: [&str; 2] = ["event_name", "event_id"];

/// Applies them in order. What was changed is noted if somebody `looks`.
///
/// # Errors
/// If one of them fails: what the tag would see is not known then.
pub fn apply(
    worker: &mut Worker,
    transforms: &[Arc<Transform>],
    event: Value,
    at: Millis,
    looks: bool,
) -> Result<(Value, Vec<Transformed>), Fault> {
    let Some(mut event) = event.try_cast::<Map>() else {
        return Ok((Value::UNIT, Vec::new()));
    };
    let mut applied = Vec::new();
    for transform in transforms {
        let name = event.get("event_name").map(ToString::to_string);
        let is_meant = transform.on.matches(&name.unwrap_or_default())
            && transform.trigger.verdict(&event, at) == Verdict::Fires;
        if !is_meant {
            continue;
        }
        let before = looks.then(|| event.clone());
        event = transform.apply(worker, event, at)?;
        if let Some(before) = before {
            let mut changes = Vec::new();
            compare("", &before, &event, &mut changes);
            let name = transform.name.clone();
            applied.push(Transformed { name, changes });
        }
    }
    Ok((Value::from_map(event), applied))
}

impl Transform {
    fn apply(&self, worker: &mut Worker, mut event: Map, at: Millis) -> Result<Map, Fault> {
        if !self.allow.is_empty() {
            let mut kept = only(&event, &self.allow);
            for key in KEPT {
                if let Some(value) = event.get(key) {
                    kept.insert(key.into(), value.clone());
                }
            }
            event = kept;
        }
        self.exclude
            .iter()
            .for_each(|path| change(&mut event, path, Deed::Remove));
        self.redact
            .iter()
            .for_each(|path| change(&mut event, path, Deed::Redact));
        event.extend(self.augment.clone());
        if self.has_augment {
            event.extend(self.more(worker, &event, at)?);
        }
        Ok(event)
    }

    fn more(&self, worker: &mut Worker, event: &Map, at: Millis) -> Result<Map, Fault> {
        let copy = Value::from_map(event.clone());
        let value = script::call(worker, &self.script, "augment", &[copy], at).result?;
        if value.is_unit() {
            return Ok(Map::new());
        }
        let found = kind(&value);
        value.try_cast::<Map>().ok_or_else(|| {
            let message =
                format!("augment() must return a map, or () for nothing; it returned {found}");
            Fault::new(&self.script.file, message).in_function("augment")
        })
    }
}

fn compare(place: &str, before: &Map, after: &Map, changes: &mut Vec<Change>) {
    let below = |key: &str| match place {
        "" => key.to_owned(),
        place => format!("{place}.{key}"),
    };
    let new = after.keys().filter(|key| !before.contains_key(*key));
    for key in before.keys().chain(new) {
        if changes.len() == MOST_CHANGES {
            return;
        }
        let (was, is) = (before.get(key), after.get(key));
        if let (Some(was), Some(is)) = (was, is) {
            if let (Ok(was), Ok(is)) = (was.as_map_ref(), is.as_map_ref()) {
                compare(&below(key), &was, &is, changes);
                continue;
            }
            // Only for whoever watches, so that it may cost something.
            if format!("{was:?}") == format!("{is:?}") {
                continue;
            }
        }
        changes.push(Change {
            key: below(key),
            before: was.cloned(),
            after: is.cloned(),
        });
    }
}
