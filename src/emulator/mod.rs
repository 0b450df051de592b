//! Stand-ins for vendors, for `tagwerk emulate`, the demo and tests: a listener, a memory
//! of what came, and a script of answers. How a vendor judges and in which words is said beside its
//! destination, in `destination::StandIn`; this knows no vendor.
//!
//! They do not know what a delivery is, keep nothing on disk, and are no load targets. Only
//! `server` knows axum.

mod ledger;
mod server;
mod talk;

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use tokio::sync::watch;

use crate::clock::{Clock, Millis};
use crate::destination::{self, Answer, Asked, StandIn, TYPES};

use ledger::Ledger;
pub use server::serve;

/// Which vendor is stood in for.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    name: &'static str,
    stand_in: StandIn,
}

impl Kind {
    /// All there are: those of every destination type that has one.
    pub fn all() -> impl Iterator<Item = Self> {
        TYPES.iter().filter_map(|one| {
            Some(Self {
                name: one.name,
                stand_in: one.stand_in?,
            })
        })
    }

    /// The name users write: `tagwerk emulate NAME`.
    pub fn as_str(self) -> &'static str {
        self.name
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Kind {}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        Self::all()
            .find(|kind| kind.name == name)
            .ok_or_else(|| UnknownKind(name.to_owned()))
    }
}

/// A name that is no vendor's; the text lists those that are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownKind(String);

impl fmt::Display for UnknownKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.0;
        if destination::find_type(name).is_some() {
            return write!(f, "`{name}` needs no stand-in: nothing is sent to a vendor");
        }
        let names: Vec<_> = Kind::all().map(Kind::as_str).collect();
        write!(
            f,
            "no stand-in for `{name}`, there are {}",
            names.join(", ")
        )
    }
}

impl std::error::Error for UnknownKind {}

/// One request that came, and what it was told.
#[derive(Clone, Debug)]
pub struct Received {
    /// When it had been read.
    pub at: Millis,
    /// Its method.
    pub method: Method,
    /// Its path, without the query.
    pub path: String,
    /// Its query, without `?`; empty if there was none.
    pub query: String,
    /// Its header fields.
    pub headers: HeaderMap,
    /// The exact bytes of its body; empty if it was too large to be read.
    pub body: Bytes,
    /// The status it was answered with.
    pub status: u16,
    /// The body it was answered with.
    pub answer: String,
    /// How many events or messages were taken that the vendor had not seen before.
    pub accepted: usize,
    /// How many were taken and then ignored, because the vendor knows their id already.
    pub duplicates: usize,
    /// Why it was refused, for a person: more than the vendor would say. The first 100 reasons.
    pub refused: Vec<String>,
}

/// A request on its way in.
struct Incoming {
    method: Method,
    path: String,
    query: String,
    headers: HeaderMap,
    /// `None` if it was larger than any vendor reads.
    body: Option<Bytes>,
}

impl Incoming {
    fn asked(&self, at: Millis) -> Asked<'_> {
        Asked {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &self.headers,
            body: self.body.as_deref().unwrap_or_default(),
            at,
        }
    }
}

/// A stand-in. Clones share what was received.
#[derive(Clone)]
pub struct Emulator {
    kind: Kind,
    state: Arc<Mutex<State>>,
    /// Counts accepted items; a watch, so that a waiter who comes late misses nothing.
    accepted: Arc<watch::Sender<usize>>,
    announce: Option<fn(&Received)>,
}

#[derive(Default)]
struct State {
    script: VecDeque<u16>,
    ledger: Ledger,
}

impl Emulator {
    /// A stand-in that has received nothing yet.
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            state: Arc::default(),
            accepted: Arc::new(watch::Sender::new(0)),
            announce: None,
        }
    }

    /// Answers the first requests with these statuses, in the vendor's shape and without reading
    /// what was sent; then normally. A 200 in the list stands for a normal answer.
    pub fn answering(self, script: Vec<u16>) -> Self {
        self.state().script = script.into();
        self
    }

    /// Calls `announce` with each request once it is answered.
    pub fn announcing(self, announce: fn(&Received)) -> Self {
        Self {
            announce: Some(announce),
            ..self
        }
    }

    /// The routes: everything, with no listener. For [`serve`] and for embedding.
    pub fn router(&self) -> axum::Router {
        server::router(self.clone())
    }

    /// The latest requests, oldest first, within the bounds of 10,000 requests and 64 MiB.
    pub fn received(&self) -> Vec<Received> {
        self.state().ledger.requests()
    }

    /// Waits until this many items were accepted since the start, duplicates not counted. Has no
    /// deadline of its own: wrap it in `tokio::time::timeout`.
    pub async fn wait_for(&self, accepted_items: usize) {
        let mut accepted = self.accepted.subscribe();
        // An error would mean that the sender is gone, and `self` holds it.
        accepted
            .wait_for(|count| *count >= accepted_items)
            .await
            .ok();
    }

    /// Judges one request and enters it into the ledger.
    fn receive(&self, request: Incoming) -> Answer {
        let at = Clock::System.now();
        let answer = self.answer(&request, at);
        let mut state = self.state();
        let accepted = state.ledger.enter(at, request, &answer);
        if let (Some(announce), Some(newest)) = (self.announce, state.ledger.newest()) {
            announce(newest);
        }
        drop(state);
        self.accepted.send_modify(|count| *count += accepted);
        answer
    }

    fn answer(&self, request: &Incoming, at: Millis) -> Answer {
        let asked = request.asked(at);
        let scripted = self.state().script.pop_front();
        if let Some(status) = scripted.filter(|&status| status != 200) {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let why = format!("told to answer {}", status.as_u16());
            return (self.kind.stand_in.forced)(&asked, status).refusing(why);
        }
        if request.body.is_none() {
            let why = format!("body is larger than {} bytes", server::MAX_BODY_BYTES);
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            return (self.kind.stand_in.forced)(&asked, status).refusing(why);
        }
        (self.kind.stand_in.judge)(&asked)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held; if something did, what was received is still true.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn a_kind_is_found_by_its_name_and_a_wrong_name_lists_the_right_ones() {
        for kind in Kind::all() {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        let problem = "amplitud".parse::<Kind>().unwrap_err().to_string();
        let expected = "no stand-in for `amplitud`, there are amplitude, ";
        assert!(problem.starts_with(expected), "{problem}");
    }
}
