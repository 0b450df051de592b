//! Preview sessions: a random token that is good for a time. Only its hash is kept, and a wrong one
//! changes nothing in the answer, so it cannot be found out by trying.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::clock::{Clock, Millis};
use crate::error::BoxError;
use crate::secret::Secret;

/// The headers that may carry a token. They are taken off before anything else sees the request.
pub const PREVIEW_HEADERS: [&str; 2] = ["x-preview", "x-gtm-server-preview"];

/// Sessions that may be open at once: a team's worth, and a short list to compare with.
const MAX_SESSIONS: usize = 5;

/// The longest session.
const MAX_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// No token is longer; a longer header is not even hashed.
const MAX_TOKEN_BYTES: usize = 256;

/// All open sessions.
#[derive(Debug)]
pub struct Sessions {
    clock: Clock,
    open: Mutex<Vec<Session>>,
}

/// One session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its public name.
    pub id: String,
    /// When it ends by itself.
    pub expires: Millis,
    /// Deliveries are really sent. Otherwise nothing is sent and nothing journalled.
    pub send: bool,
    token: [u8; 32],
}

/// A session that was just opened; the only moment at which its token is known.
#[derive(Debug)]
pub struct Opened {
    /// Its public name.
    pub id: String,
    /// What requests must carry in `X-Preview`.
    pub token: Secret,
    /// When it ends by itself.
    pub expires: Millis,
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

impl Sessions {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            open: Mutex::default(),
        }
    }

    /// Opens a session for `ttl`, at most 24 hours.
    ///
    /// # Errors
    /// If too many are open, or the system has no randomness.
    pub fn open(&self, ttl: Duration, send: bool) -> Result<Opened, BoxError> {
        let token = random_hex::<16>()?;
        let id = random_hex::<4>()?;
        let now = self.clock.now();
        let ttl = Millis::try_from(ttl.min(MAX_TTL).as_millis())?;
        let mut open = self.current(now);
        if open.len() >= MAX_SESSIONS {
            return Err(SessionsFull.into());
        }
        let expires = now + ttl;
        open.push(Session {
            id: id.clone(),
            expires,
            send,
            token: Sha256::digest(&token).into(),
        });
        Ok(Opened {
            id,
            token: Secret::new(token),
            expires,
        })
    }

    /// Ends a session. False if there is none of that name.
    pub fn close(&self, id: &str) -> bool {
        let mut open = self.current(self.clock.now());
        let before = open.len();
        open.retain(|session| session.id != id);
        open.len() < before
    }

    /// The open sessions.
    pub fn list(&self) -> Vec<Session> {
        self.current(self.clock.now()).clone()
    }

    /// The session whose token a request carries, if it is good.
    pub fn of(&self, headers: &HeaderMap) -> Option<Session> {
        let token = PREVIEW_HEADERS.iter().find_map(|name| headers.get(*name))?;
        if token.is_empty() || token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let given: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let open = self.current(self.clock.now());
        open.iter()
            .find(|session| bool::from(session.token.ct_eq(&given)))
            .cloned()
    }

    fn current(&self, now: Millis) -> MutexGuard<'_, Vec<Session>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|session| session.expires > now);
        open
    }
}

fn random_hex<const BYTES: usize>() -> Result<String, BoxError> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes)
        .map_err(|error| format!("the system has no randomness: {error}"))?;
    Ok(hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, token: &str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static(name), token.parse().unwrap())])
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_good_until_it_expires() {
        let sessions = Sessions::new(Clock::tokio(0));
        let opened = sessions.open(Duration::from_secs(60), false).unwrap();
        for name in PREVIEW_HEADERS {
            assert_eq!(
                sessions
                    .of(&headers(name, opened.token.expose()))
                    .unwrap()
                    .id,
                opened.id
            );
        }
        for wrong in [
            "",
            "x",
            &"a".repeat(300),
            &opened.token.expose().to_uppercase(),
        ] {
            let same = wrong == opened.token.expose();
            assert_eq!(
                sessions.of(&headers("x-preview", wrong)).is_some(),
                same,
                "{wrong}"
            );
        }
        tokio::time::advance(Duration::from_secs(61)).await;
        assert!(
            sessions
                .of(&headers("x-preview", opened.token.expose()))
                .is_none()
        );
    }

    #[test]
    fn five_may_be_open() {
        let sessions = Sessions::new(Clock::System);
        let ids: Vec<String> = (0..5)
            .map(|_| sessions.open(Duration::from_secs(60), true).unwrap().id)
            .collect();
        assert!(sessions.open(Duration::from_secs(60), true).is_err());
        assert!(sessions.close(&ids[0]) && !sessions.close(&ids[0]));
        assert!(sessions.open(Duration::from_secs(60), true).is_ok());
    }
}
