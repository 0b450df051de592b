//! What of a request gives access, by the names that clients' `VERIFY` says: so that it is neither kept
//! nor shown. What gives access whatever a client says is known where it is kept and shown.

use std::borrow::Cow;

use http::HeaderName;

/// Names whose values are secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretNames {
    /// Of headers.
    pub headers: Vec<HeaderName>,
    /// Of parameters of the query, decoded.
    pub parameters: Vec<String>,
}

impl SecretNames {
    /// True if a pair of a query, as it was sent, has one of the names.
    pub fn are_of(&self, pair: &str) -> bool {
        let name = parameter_name(pair);
        self.parameters.iter().any(|secret| *secret == *name)
    }

    /// A query as it was sent, without what gives access.
    pub(super) fn removed_from<'a>(&self, query: &'a str) -> Cow<'a, str> {
        if self.parameters.is_empty() {
            return query.into();
        }
        let kept: Vec<&str> = query.split('&').filter(|pair| !self.are_of(pair)).collect();
        kept.join("&").into()
    }
}

/// The decoded name of a pair of a query.
pub fn parameter_name(pair: &str) -> Cow<'_, str> {
    let pair = form_urlencoded::parse(pair.as_bytes()).next();
    pair.map(|(name, _)| name).unwrap_or_default()
}
