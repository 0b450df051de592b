//! Why a request does not hold: for the trace and the log of whoever looks after the server. The
//! sender is never told, and no secret and no right signature is in it.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use http::HeaderName;

use crate::config::duration_text;

/// Why a request does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The header with the signature, the time or the password is not there.
    Missing(HeaderName),
    /// It is there and cannot be read.
    Malformed(HeaderName, &'static str),
    /// No signature is that of this body with this secret.
    Wrong(HeaderName),
    /// As `Wrong`, where this address is signed as well.
    WrongFor(HeaderName, String),
    /// It was signed too long ago: how long, and how long may be.
    TooOld(Duration, Duration),
    /// It says that it was signed in the future.
    Early(Duration, Duration),
    /// The password or token is another.
    Credentials(HeaderName),
    /// What is wrong with this parameter of the query.
    Parameter(String, &'static str),
    /// It comes from somewhere else.
    Address(IpAddr),
}

impl Why {
    pub(super) fn missing(name: &HeaderName) -> Self {
        Self::Missing(name.clone())
    }

    pub(super) fn malformed(name: &HeaderName, what: &'static str) -> Self {
        Self::Malformed(name.clone(), what)
    }

    pub(super) fn wrong(name: &HeaderName) -> Self {
        Self::Wrong(name.clone())
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => write!(f, "the header {name} is missing"),
            Self::Malformed(name, what) => write!(f, "the header {name} {what}"),
            Self::Wrong(name) => write!(
                f,
                "no signature in {name} is that of these bytes: another secret, or a body that was changed on its way"
            ),
            Self::WrongFor(name, url) => write!(
                f,
                "no signature in {name} is that of these bytes sent to {url}: another secret, or another [server] public_url than the sender calls"
            ),
            Self::TooOld(age, tolerance) => write!(
                f,
                "it was signed {} ago, {} may be",
                duration_text(*age),
                duration_text(*tolerance)
            ),
            Self::Early(ahead, tolerance) => write!(
                f,
                "it was signed {} in the future, {} may be: is this machine's clock right?",
                duration_text(*ahead),
                duration_text(*tolerance)
            ),
            Self::Credentials(name) => write!(f, "what is in {name} is not the secret"),
            Self::Parameter(name, what) => write!(f, "the parameter {name} {what}"),
            Self::Address(ip) => write!(f, "{ip} is not in the list of allowed networks"),
        }
    }
}
