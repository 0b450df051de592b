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
    /// The vendor has had enough for now. This was no attempt: a vendor that is busy does not use up
    /// what there is for one that is broken. For all items of a request it means that nothing else
    /// may leave either.
    Throttled {
        /// How long the vendor wants to be left alone, if it says.
        after: Option<Duration>,
        /// What the vendor said, for a person.
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
    /// It would be taken somewhere else, and nobody follows: a dead letter.
    Redirected {
        /// Where to, and what to mend, for a person.
        why: String,
    },
    /// Nothing will work until a person has changed something (a key, most often): the
    /// destination pauses and its backlog is kept.
    Paused {
        /// What to mend, for a person.
        why: String,
    },
    /// What it was sent to is gone for good: nothing is sent there any more until a person has
    /// acted, and the backlog is kept.
    Disabled {
        /// What is gone, for a person.
        why: String,
    },
}
