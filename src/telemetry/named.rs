//! Meters by configured name: made when a name is first met, the same ever after. Looked up when
//! something is loaded or started, never for an event.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Names that get a meter of their own. Far beyond any working set; it bounds what a script that
/// renames files for ever can do to the page.
pub(super) const MOST_NAMES: usize = 1_000;

/// What names beyond [`MOST_NAMES`] are counted as.
pub(super) const OTHER: &str = "other";

#[derive(Debug)]
pub(super) struct Named<T>(Mutex<HashMap<Arc<str>, Arc<T>>>);

impl<T> Named<T> {
    /// The meter of a name.
    pub(super) fn of(&self, name: &str, make: impl Fn(&Arc<str>) -> T) -> Arc<T> {
        // Nothing panics while it is held; if something did, the map is still whole.
        let mut meters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let name = match meters.len() < MOST_NAMES || meters.contains_key(name) {
            true => name,
            false => OTHER,
        };
        if let Some(meter) = meters.get(name) {
            return meter.clone();
        }
        let name: Arc<str> = name.into();
        let meter = Arc::new(make(&name));
        meters.insert(name, meter.clone());
        meter
    }
}

impl<T> Named<T> {
    /// All that there are.
    pub(super) fn all(&self) -> Vec<Arc<T>> {
        let meters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        meters.values().cloned().collect()
    }
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_meter_and_too_many_share_one() {
        let named = Named::default();
        let of = |name: &str| named.of(name, |name| name.to_string());
        let first = of("first");
        for number in 0..2 * MOST_NAMES {
            of(&number.to_string());
        }
        assert!(Arc::ptr_eq(&first, &of("first")));
        assert_eq!(*of("one too many"), OTHER);
        assert_eq!(named.0.lock().unwrap().len(), MOST_NAMES + 1);
    }
}
