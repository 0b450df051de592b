//! Who is let in, and what they may do: two tokens, one-time login links, and the browser sessions
//! that links open. Nothing of it is kept on disk but the tokens; of a session and of a link only
//! the hash is kept at all. Headers are read in `guard`.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::clock::{Clock, Millis};
use crate::error::BoxError;
use crate::secret::{Secret, random_hex};

/// How long a browser stays logged in.
pub(super) const SESSION_TTL: Duration = Duration::from_secs(12 * 60 * 60);

/// How long a login link is good if nobody says: from a terminal to a browser.
pub(super) const LINK_TTL: Duration = Duration::from_secs(10 * 60);

/// The longest that a link may be good.
const MAX_LINK_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// Browsers that may be logged in at once. The one that has been for longest makes room.
const MAX_SESSIONS: usize = 50;

/// Links that may be good at once. The oldest makes room.
const MAX_LINKS: usize = 20;

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Look at everything.
    Read,
    /// Change things, too.
    Admin,
}

impl Role {
    /// The word in JSON and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Admin => "admin",
        }
    }

    /// The role of that name.
    pub fn of(name: &str) -> Option<Self> {
        [Self::Read, Self::Admin]
            .into_iter()
            .find(|role| role.as_str() == name)
    }
}

/// The tokens that open the API.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// Of whoever may change things.
    pub admin: Secret,
    /// Of whoever may look.
    pub read: Secret,
}

/// Everybody who is let in.
#[derive(Debug)]
pub struct Access {
    tokens: Tokens,
    clock: Clock,
    links: Mutex<Vec<Key>>,
    sessions: Mutex<Vec<Key>>,
}

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    pub role: Role,
    pub way: Way,
}

/// How they came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// With a token, as no web page can.
    Token,
    /// With a browser's cookie.
    Session { id: String, expires: Millis },
}

impl Way {
    /// For the audit log.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Token => "token".to_owned(),
            Self::Session { id, .. } => format!("session {id}"),
        }
    }
}

/// What opens something for a time.
#[derive(Debug)]
struct Key {
    id: String,
    hash: [u8; 32],
    role: Role,
    expires: Millis,
}

/// A key that was just made; the only moment at which it is known.
#[derive(Debug)]
pub(super) struct NewKey {
    pub secret: Secret,
    pub role: Role,
    pub expires: Millis,
}

impl Access {
    /// Nobody is logged in yet.
    pub fn new(tokens: Tokens, clock: Clock) -> Self {
        Self {
            tokens,
            clock,
            links: Mutex::default(),
            sessions: Mutex::default(),
        }
    }

    /// A link that logs a browser in, once.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn login_link(&self, base: &str, role: Role) -> Result<Secret, BoxError> {
        let link = self.new_link(role, LINK_TTL)?;
        Ok(Secret::new(address_of(base, &link)))
    }

    pub(super) fn new_link(&self, role: Role, ttl: Duration) -> Result<NewKey, BoxError> {
        self.add(&self.links, MAX_LINKS, role, ttl.min(MAX_LINK_TTL))
    }

    /// Opens a session with a link's code, which is good for nothing afterwards.
    pub(super) fn follow_link(&self, code: &str) -> Result<Option<NewKey>, BoxError> {
        let hash = hash(code);
        let mut links = self.current(&self.links);
        let found = links.iter().position(|link| is_same(&link.hash, &hash));
        let Some(link) = found.map(|at| links.remove(at)) else {
            return Ok(None);
        };
        drop(links);
        self.open_session(link.role).map(Some)
    }

    pub(super) fn open_session(&self, role: Role) -> Result<NewKey, BoxError> {
        self.add(&self.sessions, MAX_SESSIONS, role, SESSION_TTL)
    }

    pub(super) fn close_session(&self, id: &str) {
        self.current(&self.sessions)
            .retain(|session| session.id != id);
    }

    /// Who has this token.
    pub(super) fn by_token(&self, token: &str) -> Option<Caller> {
        let given = hash(token);
        let roles = [
            (&self.tokens.admin, Role::Admin),
            (&self.tokens.read, Role::Read),
        ];
        let has = |token: &Secret| !token.is_empty() && is_same(&hash(token.expose()), &given);
        let (_, role) = roles.into_iter().find(|(token, _)| has(token))?;
        Some(Caller {
            role,
            way: Way::Token,
        })
    }

    /// Who has this cookie.
    pub(super) fn by_cookie(&self, cookie: &str) -> Option<Caller> {
        let given = hash(cookie);
        let sessions = self.current(&self.sessions);
        let session = sessions.iter().find(|one| is_same(&one.hash, &given))?;
        Some(Caller {
            role: session.role,
            way: Way::Session {
                id: session.id.clone(),
                expires: session.expires,
            },
        })
    }

    fn add(
        &self,
        keys: &Mutex<Vec<Key>>,
        most: usize,
        role: Role,
        ttl: Duration,
    ) -> Result<NewKey, BoxError> {
        let secret = random_hex::<32>()?;
        let id = random_hex::<4>()?;
        let expires = self.clock.now() + Millis::try_from(ttl.as_millis())?;
        let mut keys = self.current(keys);
        if keys.len() >= most {
            keys.remove(0);
        }
        keys.push(Key {
            id,
            hash: hash(&secret),
            role,
            expires,
        });
        Ok(NewKey {
            secret: Secret::new(secret),
            role,
            expires,
        })
    }

    fn current<'a>(&self, keys: &'a Mutex<Vec<Key>>) -> MutexGuard<'a, Vec<Key>> {
        let now = self.clock.now();
        let mut keys = keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.retain(|key| key.expires > now);
        keys
    }
}

/// The address that a link's code is followed at.
pub(super) fn address_of(base: &str, link: &NewKey) -> String {
    format!("{base}/login/{}", link.secret.expose())
}

fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

fn is_same(one: &[u8; 32], other: &[u8; 32]) -> bool {
    one.ct_eq(other).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access() -> Access {
        let tokens = Tokens {
            admin: Secret::new("a"),
            read: Secret::new("r"),
        };
        Access::new(tokens, Clock::tokio(0))
    }

    fn role(caller: Option<Caller>) -> Option<Role> {
        caller.map(|caller| caller.role)
    }

    #[tokio::test(start_paused = true)]
    async fn tokens_have_roles_and_an_empty_one_opens_nothing() {
        let access = access();
        assert_eq!(role(access.by_token("a")), Some(Role::Admin));
        assert_eq!(role(access.by_token("r")), Some(Role::Read));
        assert_eq!(access.by_token("x"), None);
        let tokens = Tokens {
            admin: Secret::new(""),
            read: Secret::new(""),
        };
        assert_eq!(Access::new(tokens, Clock::tokio(0)).by_token(""), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_link_works_once_and_not_after_its_time() {
        let access = access();
        let link = access.new_link(Role::Read, LINK_TTL).unwrap();
        let late = access.new_link(Role::Admin, LINK_TTL).unwrap();
        let session = access.follow_link(link.secret.expose()).unwrap().unwrap();
        let caller = access.by_cookie(session.secret.expose());
        assert_eq!(role(caller), Some(Role::Read));
        assert!(access.follow_link(link.secret.expose()).unwrap().is_none());
        assert_eq!(access.by_cookie(link.secret.expose()), None);
        tokio::time::advance(LINK_TTL).await;
        assert!(access.follow_link(late.secret.expose()).unwrap().is_none());
        tokio::time::advance(SESSION_TTL).await;
        assert_eq!(access.by_cookie(session.secret.expose()), None);
    }

    #[tokio::test(start_paused = true)]
    async fn sessions_are_bounded_and_can_be_closed() {
        let access = access();
        let open = || access.open_session(Role::Admin).unwrap().secret;
        let sessions: Vec<Secret> = (0..=MAX_SESSIONS).map(|_| open()).collect();
        assert_eq!(access.by_cookie(sessions[0].expose()), None);
        let caller = access.by_cookie(sessions[1].expose()).unwrap();
        let Way::Session { id, .. } = &caller.way else {
            panic!("{caller:?}");
        };
        access.close_session(id);
        assert_eq!(access.by_cookie(sessions[1].expose()), None);
        assert!(access.by_cookie(sessions[2].expose()).is_some());
    }
}
