//! What became of one attempt to send a delivery. The table from HTTP status to outcome is in
//! `destination::reply`; when to try again is decided in `dispatch::backoff`.

use std::time::Duration;

/// What a destination's answer means for one delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The vendor has it.
    Delivered,
    /// It may work later. `after` is what the vendor asked for, if it did.
    Retry {
        /// The vendor's own wish, from `Retry-After` or the body.
        after: Option<Duration>,
        /// What went wrong, for a person.
        why: String,
    },
    /// It was held up by its neighbours in the request: it is sent again at once, without them, and
    /// this was no attempt.
    NotTried {
        /// What held it up, for a person.
        why: String,
    },
    /// It will never work as it is: a dead letter.
    Rejected {
        /// What the vendor said, for a person.
        why: String,
    },
    /// Nothing will work until a person has changed something (a key, most often): the
    /// destination pauses and its backlog is kept.
    Paused {
        /// What to mend, for a person.
        why: String,
    },
}
