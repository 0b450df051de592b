//! A destination that refused everything, a key most often, waits for a person.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::destination::Destination;

/// How long it waits before it is tried once more, besides at each change of the configuration.
pub(super) const PAUSE: Duration = Duration::from_secs(60);

/// Set by those who send, asked by the one who gives them work.
#[derive(Debug, Default)]
pub(super) struct Pause(Mutex<Option<Arc<Destination>>>);

impl Pause {
    /// Notes that these settings were refused. True if that is news.
    pub(super) fn begin(&self, destination: &Arc<Destination>) -> bool {
        let mut refused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = is_same(&refused, destination);
        *refused = Some(destination.clone());
        !is_known
    }

    /// True if it is these settings that were refused, and not older ones: what was sent before a
    /// reload says nothing of the new key.
    pub(super) fn holds(&self, destination: &Arc<Destination>) -> bool {
        let refused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        is_same(&refused, destination)
    }

    /// The next try.
    pub(super) fn end(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

fn is_same(refused: &Option<Arc<Destination>>, destination: &Arc<Destination>) -> bool {
    refused
        .as_ref()
        .is_some_and(|refused| Arc::ptr_eq(refused, destination))
}
