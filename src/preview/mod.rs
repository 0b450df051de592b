//! Preview: watching requests pass through, step by step. Traces, the sessions in which they are
//! made, and a bounded ring that keeps the newest of them in memory. Nothing here is ever written
//! to disk, and nothing here handles a request: that is `intake` and `processor`, watched.

mod ring;
mod session;
mod trace;

pub use ring::Ring;
pub use session::{Opened, PREVIEW_HEADERS, Session, Sessions, SessionsFull};
pub use trace::{
    AttemptTrace, ClientTrace, ConditionTrace, ConsentTrace, DeliveryTrace, EventTrace, Mode,
    RequestTrace, ResponseTrace, SentTrace, TagTrace, Trace,
};

use std::sync::Arc;

use crate::clock::Clock;

/// What preview keeps while the server runs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Preview {
    /// Who may preview.
    pub sessions: Arc<Sessions>,
    /// What was seen.
    pub ring: Arc<Ring>,
}

impl Preview {
    /// No sessions, no traces.
    pub fn new(clock: Clock) -> Self {
        Self {
            sessions: Arc::new(Sessions::new(clock)),
            ring: Arc::default(),
        }
    }
}
