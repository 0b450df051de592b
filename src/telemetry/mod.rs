//! How the program speaks to its operator: log lines (`logging`) and metrics. Every metric's name,
//! help, labels and buckets stand in `metrics`; what happens is counted where it happens.

mod buckets;
mod exposition;
mod families;
mod histogram;
mod logging;
mod meters;
mod metrics;
mod named;
mod process;
mod snapshot;
mod totals;
mod words;

pub use exposition::{Exposition, OPENMETRICS, PROMETHEUS};
pub use histogram::{Buckets, Histogram};
pub use logging::start;
pub use meters::{AnswerMeter, ClientMeter, DestinationMeter, JournalMeter, LastFault, TagMeter};
pub use metrics::Metrics;
pub use snapshot::{Books, DeliveryCount, Snapshot};
pub use totals::Totals;
pub use words::{
    Attempt, ClientResult, DestinationState, Killed, Refused, Status, TagResult, VendorAnswer,
};
