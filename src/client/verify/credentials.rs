//! A password or a token that the sender sends along. It proves who sends, not what was sent, and
//! whoever reads it once can use it: only over TLS.

use http::{HeaderMap, HeaderName, header};

use super::key::{Encoding, Key};
use super::why::Why;

/// What is expected, and where.
#[derive(Clone, Debug)]
pub struct Credentials {
    pub(super) kind: Kind,
    pub(super) header: HeaderName,
    pub(super) keys: Vec<Key>,
}

/// How it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `Basic`, and user and password in base64.
    Basic,
    /// The secret behind these characters, the letters of a scheme's name in either case.
    Plain(String),
}

const BASIC: &str = "Basic ";

impl Credentials {
    pub(super) fn basic(keys: Vec<Key>) -> Self {
        Self {
            kind: Kind::Basic,
            header: header::AUTHORIZATION,
            keys,
        }
    }

    pub(super) fn verify(&self, headers: &HeaderMap) -> Result<(), Why> {
        let mut values = headers.get_all(&self.header).iter();
        let Some(given) = values.next() else {
            return Err(Why::missing(&self.header));
        };
        if values.next().is_some() {
            return Err(Why::malformed(&self.header, "is there twice"));
        }
        let given = self.read(given.as_bytes()).ok_or_else(|| {
            Why::malformed(&self.header, "is not written as this scheme wants it")
        })?;
        let is_known = self
            .keys
            .iter()
            .fold(false, |known, key| known | key.is(&given));
        match is_known {
            true => Ok(()),
            false => Err(Why::Credentials(self.header.clone())),
        }
    }

    fn read(&self, value: &[u8]) -> Option<Vec<u8>> {
        match &self.kind {
            Kind::Basic => basic(value),
            Kind::Plain(prefix) => Some(behind(value, prefix)?.trim_ascii().to_vec()),
        }
    }

    pub(super) fn header(&self) -> &HeaderName {
        &self.header
    }

    pub(super) fn challenge(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Basic => Some("Basic realm=\"tagwerk\", charset=\"UTF-8\""),
            Kind::Plain(_) if self.header == header::AUTHORIZATION => Some("Bearer"),
            Kind::Plain(_) => None,
        }
    }
}

/// User and password of a header of Basic authentication.
pub(super) fn basic(value: &[u8]) -> Option<Vec<u8>> {
    Encoding::Base64.decode(behind(value, BASIC)?.trim_ascii())
}

/// What is behind a prefix, whose letters may be of either case.
fn behind<'a>(value: &'a [u8], prefix: &str) -> Option<&'a [u8]> {
    let (start, rest) = value.split_at_checked(prefix.len())?;
    start
        .eq_ignore_ascii_case(prefix.as_bytes())
        .then_some(rest)
}
