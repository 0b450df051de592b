//! The fixed words that metrics have as labels. There are no others but configured names, so no
//! sender can add a series.

/// A fixed list of words, of which each has its place in a row of counters.
pub(super) trait Word: Copy + 'static {
    const LIST: &'static [Self];
    fn place(self) -> usize;
    fn word(self) -> &'static str;
}

/// An enum whose cases are words: the list, the word and the place of each.
macro_rules! words {
    ($(#[$about:meta])* $name:ident[$count:literal] {
        $($(#[$why:meta])* $case:ident = $word:literal,)*
    }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$why])* $case,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: [Self; $count] = [$(Self::$case),*];

            /// The word in metrics and JSON.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$case => $word,)*
                }
            }
        }

        impl Word for $name {
            const LIST: &'static [Self] = &Self::ALL;

            fn place(self) -> usize {
                self as usize
            }

            fn word(self) -> &'static str {
                self.as_str()
            }
        }
    };
}

words! {
    /// The hundred that an answer's status is of.
    Status[4] {
        /// Kept, or nothing to keep.
        Good = "2xx",
        /// Elsewhere; only a client's own answer says so.
        Elsewhere = "3xx",
        /// The sender's fault.
        Sender = "4xx",
        /// Come back later, or a defect.
        Server = "5xx",
    }
}

impl Status {
    /// Of an answer.
    pub fn of(status: u16) -> Self {
        match status {
            ..=299 => Self::Good,
            300..=399 => Self::Elsewhere,
            400..=499 => Self::Sender,
            _ => Self::Server,
        }
    }
}

words! {
    /// Why a request was not taken at all.
    Refused[10] {
        /// Head or body are not what HTTP says.
        Malformed = "malformed",
        /// A method, version, expectation or coding that is not spoken here.
        Unsupported = "unsupported",
        /// Head, target or body are larger than allowed.
        TooLarge = "too_large",
        /// Head or body did not arrive in time.
        TooSlow = "too_slow",
        /// Bodies of all requests together take too much memory.
        TooManyBodies = "too_many_bodies",
        /// Too many connections are open.
        TooManyConnections = "too_many_connections",
        /// Too many connections of one address are open.
        TooManyFromAddress = "too_many_from_address",
        /// Too many requests wait for a script thread.
        ScriptsBusy = "scripts_busy",
        /// Too much waits to be written, or is kept.
        JournalFull = "journal_full",
        /// The disk said no.
        JournalFailed = "journal_failed",
    }
}

words! {
    /// What became of a request in its client.
    ClientResult[3] {
        /// It was read; perhaps there was nothing to track.
        Good = "ok",
        /// The sender's fault: not JSON, most often.
        Refused = "refused",
        /// The script failed; the request is kept.
        Failed = "failed",
    }
}

words! {
    /// What a tag made of an event.
    TagResult[3] {
        /// Something to deliver.
        Fired = "fired",
        /// Nothing: its trigger blocked the event, or it skipped.
        Filtered = "filtered",
        /// The script failed; a dead letter is kept.
        Failed = "failed",
    }
}

words! {
    /// Why a call of a script was stopped.
    Killed[6] {
        /// It was on the processor for too long.
        Time = "time",
        /// It took too many steps.
        Steps = "steps",
        /// Functions called one another too deep.
        Depth = "depth",
        /// A text, an array or a map grew too large.
        Size = "size",
        /// Too many variables.
        Variables = "variables",
        /// The script engine broke down.
        Panic = "panic",
    }
}

words! {
    /// What a request to a vendor came to.
    VendorAnswer[6] {
        /// It works; it may have refused deliveries.
        Answered = "answered",
        /// It failed, or could not be reached.
        Failed = "failed",
        /// It did not answer in time.
        TimedOut = "timed_out",
        /// It has had enough for now.
        Throttled = "throttled",
        /// It takes nothing until a person has acted.
        Refused = "refused",
        /// What was sent to is gone.
        Gone = "gone",
    }
}

words! {
    /// What an attempt to deliver came to.
    Attempt[3] {
        /// The vendor has it.
        Delivered = "delivered",
        /// It is tried again.
        Retried = "retried",
        /// It is a dead letter now.
        Dead = "dead",
    }
}

words! {
    /// Whether a destination is sent to.
    DestinationState[7] {
        /// What is due is sent.
        Ready = "ready",
        /// Not until the time that the vendor asked for.
        Throttled = "throttled",
        /// Its breaker is open: it failed too often, rests, and is tried again by itself.
        Open = "open",
        /// It refused us as a whole: it waits until a person has acted.
        Paused = "paused",
        /// It said that it is gone for good: it waits until a person has acted.
        Disabled = "disabled",
        /// Variables that its settings name are not set: it waits for them.
        NotConfigured = "not_configured",
        /// It is not in the configuration any more, and deliveries still wait for it.
        Removed = "removed",
    }
}

impl DestinationState {
    /// The state of that name.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stands_at_its_own_place() {
        for (place, state) in DestinationState::ALL.into_iter().enumerate() {
            assert_eq!(state.place(), place);
            assert_eq!(DestinationState::named(state.as_str()), Some(state));
        }
        for (status, word) in [(100, "2xx"), (204, "2xx"), (302, "3xx"), (404, "4xx")] {
            assert_eq!(Status::of(status).as_str(), word);
        }
        assert_eq!(Status::of(503), Status::Server);
        assert_eq!(Status::of(u16::MAX), Status::Server);
    }
}
