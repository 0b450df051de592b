//! Preview sessions, each good for a time. A *header* session is a random token that requests carry;
//! only its hash is kept, and a wrong one changes nothing in the answer, so it cannot be found out by
//! trying. A *capture* session watches live traffic, needs no token, and ends also when it has seen
//! as much as was asked for.

use std::collections::VecDeque;
use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderName};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::watch;

use crate::clock::{Clock, Millis};
use crate::error::BoxError;
use crate::preview::capture::{Capture, Pace, Sight};
use crate::preview::guess::Guesses;
use crate::secret::{Secret, random_hex};

/// The headers that may carry a token. They are taken off before anything else sees the request.
pub const PREVIEW_HEADERS: [HeaderName; 2] = [
    HeaderName::from_static("x-preview"),
    HeaderName::from_static("x-gtm-server-preview"),
];

/// Sessions that may be open at once: a team's worth, and a short list to compare with.
const MAX_SESSIONS: usize = 5;

/// The longest session.
const MAX_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// No token is longer; a longer header is not even hashed.
const MAX_TOKEN_BYTES: usize = 256;

/// Traces of a capture session if nobody says: as many as are kept.
const DEFAULT_LIMIT: u64 = 1_000;

/// Sessions that are remembered after their end, for whoever still looks at them.
const MAX_ENDED: usize = 10;

/// All open sessions.
#[derive(Debug)]
pub struct Sessions {
    clock: Clock,
    state: Mutex<State>,
    /// Open capture sessions, or more: one that has run out stays until somebody looks.
    captures: AtomicUsize,
    /// Counts up when a session is opened, sees something, or ends.
    changed: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    open: Vec<Session>,
    ended: VecDeque<Ended>,
    guesses: Guesses,
    change: u64,
}

/// One session.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// Its public name.
    pub id: Arc<str>,
    /// When it was opened.
    pub opened_at: Millis,
    /// When it ends by itself.
    pub expires: Millis,
    /// Deliveries are really sent. Otherwise nothing is sent and nothing journalled. Means nothing
    /// in a capture session, where delivery goes on as ever.
    pub send: bool,
    /// How it watches.
    pub kind: Kind,
    /// Traces so far.
    pub seen: u64,
    /// Requests that were to be watched and came too fast.
    pub passed_over: u64,
}

/// How a session watches.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Requests that carry its token, of which this is the hash.
    Header([u8; 32]),
    /// Live traffic.
    Capture {
        /// Which.
        capture: Capture,
        /// Traces after which it ends.
        limit: u64,
        /// How fast it may still record.
        pace: Pace,
    },
}

/// A session that is over.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// As it was at its end.
    pub session: Session,
    /// Why.
    pub why: End,
    /// The change with which it ended.
    pub change: u64,
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Its time was over.
    Time,
    /// It has seen as much as was asked for.
    Limit,
    /// Somebody closed it.
    Closed,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Wish {
    /// How long, at most 24 hours.
    pub ttl: Duration,
    /// See [`Session::send`].
    pub send: bool,
    /// Live traffic is to be watched, and this of it.
    pub capture: Option<Capture>,
    /// Traces of a capture session.
    pub limit: Option<u64>,
}

/// A session that was just opened; the only moment at which its token is known.
#[derive(Debug)]
pub struct Opened {
    /// It.
    pub session: Session,
    /// What requests must carry in `X-Preview`, if it is a header session.
    pub token: Option<Secret>,
}

/// Too many sessions are open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionsFull;

impl fmt::Display for SessionsFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{MAX_SESSIONS} preview sessions are open, which is the most; close one first"
        )
    }
}

impl std::error::Error for SessionsFull {}

impl End {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Limit => "limit",
            Self::Closed => "closed",
        }
    }
}

impl Sessions {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            state: Mutex::default(),
            captures: AtomicUsize::new(0),
            changed: watch::Sender::new(0),
        }
    }

    /// Opens a session.
    ///
    /// # Errors
    /// If too many are open, or the system has no randomness.
    pub fn open(&self, wish: Wish) -> Result<Opened, BoxError> {
        let token = random_hex::<16>()?;
        let id = random_hex::<4>()?;
        let now = self.clock.now();
        let ttl = Millis::try_from(wish.ttl.min(MAX_TTL).as_millis())?;
        let (kind, token) = match wish.capture {
            None => {
                let hash = Sha256::digest(&token).into();
                (Kind::Header(hash), Some(Secret::new(token)))
            }
            Some(capture) => {
                let limit = wish.limit.unwrap_or(DEFAULT_LIMIT);
                let pace = Pace::new(now);
                let kind = Kind::Capture {
                    capture,
                    limit,
                    pace,
                };
                (kind, None)
            }
        };
        let session = Session {
            id: id.into(),
            opened_at: now,
            expires: now + ttl,
            send: wish.send,
            kind,
            seen: 0,
            passed_over: 0,
        };
        self.change(|state| {
            if state.open.len() >= MAX_SESSIONS {
                return Err(SessionsFull.into());
            }
            state.open.push(session.clone());
            state.change += 1;
            Ok(Opened { session, token })
        })
    }

    /// Ends a session. False if there is none of that name.
    pub fn close(&self, id: &str) -> bool {
        self.change(|state| state.end(End::Closed, |session| &*session.id == id))
    }

    /// The open sessions.
    pub fn list(&self) -> Vec<Session> {
        self.change(|state| state.open.clone())
    }

    /// The open sessions, those that ended after a change, and the newest change.
    pub fn since(&self, change: u64) -> (Vec<Session>, Vec<Ended>, u64) {
        self.change(|state| {
            let ended = state.ended.iter().filter(|ended| ended.change > change);
            (state.open.clone(), ended.cloned().collect(), state.change)
        })
    }

    /// How long until the next one runs out.
    pub fn next_end(&self) -> Option<Duration> {
        let next = self.change(|state| state.open.iter().map(|one| one.expires).min())?;
        let wait = next.saturating_sub(self.clock.now()).max(0);
        Some(Duration::from_millis(wait.unsigned_abs()))
    }

    /// Tells of every change.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// The session whose token a request of `sender` carries, if it is good and the sender has not
    /// named too many that are not. Counts one that is not: to be asked once for a request.
    pub fn of(&self, headers: &HeaderMap, sender: IpAddr) -> Option<Session> {
        let token = PREVIEW_HEADERS.iter().find_map(|name| headers.get(name))?;
        if token.is_empty() || token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let given: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let now = self.clock.now();
        self.change(|state| state.named(&given, sender, now))
    }

    /// Counts a trace of a header session.
    pub fn saw(&self, id: &str) {
        self.change(|state| {
            let mut open = state.open.iter_mut();
            if let Some(session) = open.find(|session| &*session.id == id) {
                session.seen += 1;
                state.change += 1;
            }
        });
    }

    /// True if a capture session may want to see what comes on this path. Costs next to nothing
    /// while there is none.
    pub(super) fn may_capture(&self, path: &str) -> bool {
        if self.captures.load(Ordering::Relaxed) == 0 {
            return false;
        }
        self.change(|state| {
            let mut captures = state.open.iter().filter_map(Session::capture);
            captures.any(|capture| capture.may_match(path))
        })
    }

    /// The capture session that records this, and counts it.
    pub(super) fn capture(&self, sight: &Sight<'_>) -> Option<Arc<str>> {
        let now = self.clock.now();
        self.change(|state| {
            let id = state.capture(sight, now)?;
            state.end(End::Limit, Session::is_full);
            Some(id)
        })
    }

    /// Does something with those that are open now.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let now = self.clock.now();
        let mut state = self.lock();
        let before = state.change;
        state.end(End::Time, |session| session.expires <= now);
        let result = change(&mut state);
        let captures = state.open.iter().filter_map(Session::capture).count();
        self.captures.store(captures, Ordering::Relaxed);
        let after = state.change;
        drop(state);
        if after != before {
            self.changed.send_replace(after);
        }
        result
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// True if a request carries what may open a session.
pub fn has_token(headers: &HeaderMap) -> bool {
    PREVIEW_HEADERS
        .iter()
        .any(|name| headers.contains_key(name))
}

/// Takes off what opens a session, so that nothing behind sees it.
pub fn remove_tokens(headers: &mut HeaderMap) {
    for name in &PREVIEW_HEADERS {
        headers.remove(name);
    }
}

impl Session {
    /// What live traffic it watches, if it is such a session.
    pub fn capture(&self) -> Option<&Capture> {
        match &self.kind {
            Kind::Capture { capture, .. } => Some(capture),
            Kind::Header(_) => None,
        }
    }

    /// After how many traces it ends, if it does.
    pub fn limit(&self) -> Option<u64> {
        match &self.kind {
            Kind::Capture { limit, .. } => Some(*limit),
            Kind::Header(_) => None,
        }
    }

    fn has_token(&self, given: &[u8; 32]) -> bool {
        match &self.kind {
            Kind::Header(hash) => hash.ct_eq(given).into(),
            Kind::Capture { .. } => false,
        }
    }

    fn is_full(&self) -> bool {
        self.limit().is_some_and(|limit| self.seen >= limit)
    }
}

impl State {
    fn named(&mut self, given: &[u8; 32], sender: IpAddr, now: Millis) -> Option<Session> {
        if self.guesses.are_too_many(sender, now) {
            return None;
        }
        let found = self.open.iter().find(|session| session.has_token(given));
        // A sender that still names a session of an hour ago does not guess.
        let mut ended = self.ended.iter();
        if found.is_none() && !ended.any(|ended| ended.session.has_token(given)) {
            self.guesses.count(sender, now);
        }
        found.cloned()
    }

    /// Ends sessions. True if there were any.
    fn end(&mut self, why: End, is_over: impl Fn(&Session) -> bool) -> bool {
        let over: Vec<Session> = self.open.extract_if(.., |one| is_over(one)).collect();
        for session in &over {
            self.change += 1;
            self.ended.push_back(Ended {
                session: session.clone(),
                why,
                change: self.change,
            });
        }
        while self.ended.len() > MAX_ENDED {
            self.ended.pop_front();
        }
        !over.is_empty()
    }

    fn capture(&mut self, sight: &Sight<'_>, now: Millis) -> Option<Arc<str>> {
        for session in &mut self.open {
            let Kind::Capture { capture, pace, .. } = &mut session.kind else {
                continue;
            };
            if !capture.matches(sight) {
                continue;
            }
            if pace.take(now) {
                session.seen += 1;
                self.change += 1;
                return Some(session.id.clone());
            }
            session.passed_over += 1;
        }
        None
    }
}

#[cfg(test)]
mod tests;
