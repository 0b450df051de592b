//! What metrics show that nobody counts: it is asked for when the page is. The admin API fills it
//! in.

use crate::clock::Millis;

use super::words::DestinationState;

/// How things are now.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The journal can be written.
    pub journal_healthy: bool,
    /// `[journal] max_size`, in bytes.
    pub max_size: u64,
    /// What the journal has; none if it cannot be asked.
    pub books: Option<Books>,
    /// Destinations, and whether they are sent to.
    pub destinations: Vec<(String, DestinationState)>,
    /// Reloads that went live since the start, and those that were refused.
    pub reloads: [u64; 2],
    /// The files as they are now are what is live.
    pub config_ok: bool,
    /// The live generation.
    pub generation: String,
    /// Since when it is live.
    pub live_since: Millis,
    /// The time of day.
    pub now: Millis,
}

/// What the journal has.
#[derive(Clone, Debug, Default)]
pub struct Books {
    /// Deliveries that are kept.
    pub deliveries: Vec<DeliveryCount>,
    /// By tag, the events it was handed less those it has accounted for. It must be 0.
    pub gaps: Vec<(String, i64)>,
    /// Events ever acknowledged.
    pub events: u64,
    /// Events that no processor has finished.
    pub unprocessed: u64,
    /// Requests whose client failed.
    pub failed_requests: u64,
    /// Bytes in use.
    pub size: u64,
    /// When the oldest event arrived that is not settled everywhere.
    pub oldest_undelivered: Option<Millis>,
}

impl Books {
    /// How long the oldest event has waited, in seconds; 0 if none does.
    pub fn oldest_seconds(&self, now: Millis) -> f64 {
        let waited = self
            .oldest_undelivered
            .map(|since| now.saturating_sub(since));
        waited.unwrap_or_default().max(0) as f64 / 1e3
    }
}

/// How many deliveries stand where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryCount {
    /// The tag that made them; empty if it is not known.
    pub tag: String,
    /// The destination they are for.
    pub destination: String,
    /// Where they stand.
    pub state: &'static str,
    /// How many they are.
    pub count: u64,
}
