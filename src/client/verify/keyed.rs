//! A keyed hash of what was sent, in a header: what most senders sign with. Which of them does it
//! how is data, in `senders`; what nobody has listed is the scheme `hmac` with settings of its own.

use std::time::Duration;

use http::HeaderName;

use super::key::{Algorithm, Encoding, Key};
use super::payload::{self, Piece};
use super::why::Why;
use super::{MAX_SIGNATURES, Passed, Signed, age};
use crate::clock::Millis;

/// How a sender signs, and the secrets.
#[derive(Clone, Debug)]
pub struct Keyed {
    /// Where signatures are; one that is not there does not matter if another is.
    pub(super) headers: Vec<HeaderName>,
    /// What stands before each.
    pub(super) prefix: String,
    pub(super) encoding: Encoding,
    pub(super) algorithm: Algorithm,
    pub(super) stamp: Option<Stamp>,
    pub(super) payload: Vec<Piece>,
    /// True for WooCommerce, which tries a webhook out unsigned.
    pub(super) pings: bool,
    pub(super) keys: Vec<Key>,
}

/// Where the time of a signature is, and how old it may be.
#[derive(Clone, Debug)]
pub(super) struct Stamp {
    pub(super) header: HeaderName,
    pub(super) tolerance: Duration,
}

impl Keyed {
    pub(super) fn verify(&self, signed: &Signed<'_>, now: Millis) -> Result<Passed, Why> {
        let given = self.given(signed);
        let Some(header) = self.headers.first() else {
            return Ok(Passed::Verified);
        };
        if given.is_empty() {
            return match self.pings && is_ping(signed.body) {
                true => Ok(Passed::Ping),
                false => Err(Why::missing(header)),
            };
        }
        let timestamp = self.timestamp(signed, now)?;
        let signatures = self.signatures(header, &given)?;
        let pieces = self.payload.iter();
        let parts: Vec<_> = pieces
            .map(|piece| payload::bytes(piece, signed, timestamp))
            .collect::<Result<_, _>>()?;
        let parts: Vec<&[u8]> = parts.iter().map(AsRef::as_ref).collect();
        if self.algorithm.holds(&self.keys, &parts, &signatures) {
            return Ok(Passed::Verified);
        }
        let signs_url = |piece: &Piece| matches!(piece, Piece::Url | Piece::HubspotUrl);
        Err(match self.payload.iter().any(signs_url) {
            true => Why::WrongFor(header.clone(), signed.url()),
            false => Why::wrong(header),
        })
    }

    /// What is in the headers, cut at commas and blanks, which no signature has; at commas alone if
    /// the prefix has a blank, as in `HMAC 00ff`.
    fn given<'a>(&self, signed: &Signed<'a>) -> Vec<&'a [u8]> {
        let blanks = !self.prefix.contains(' ');
        let cuts = move |byte: &u8| *byte == b',' || (blanks && byte.is_ascii_whitespace());
        let headers = self.headers.iter();
        let values = headers.flat_map(|name| signed.headers.get_all(name));
        let parts = values.flat_map(|value| value.as_bytes().split(cuts));
        let parts = parts
            .map(<[u8]>::trim_ascii)
            .filter(|part| !part.is_empty());
        parts.take(MAX_SIGNATURES).collect()
    }

    fn timestamp<'a>(&self, signed: &'a Signed<'_>, now: Millis) -> Result<&'a [u8], Why> {
        let Some(Stamp { header, tolerance }) = &self.stamp else {
            return Ok(b"");
        };
        let stamp = signed.header(header)?;
        age::check(header, stamp, now, *tolerance)?;
        Ok(stamp)
    }

    fn signatures(&self, header: &HeaderName, given: &[&[u8]]) -> Result<Vec<Vec<u8>>, Why> {
        let read = |text: &&[u8]| {
            let text = text.strip_prefix(self.prefix.as_bytes())?;
            self.encoding.decode(text)
        };
        let signatures: Vec<_> = given.iter().filter_map(read).collect();
        match signatures.is_empty() {
            true => Err(Why::malformed(header, "holds no signature of this scheme")),
            false => Ok(signatures),
        }
    }
}

/// `webhook_id=142`, and nothing else.
fn is_ping(body: &[u8]) -> bool {
    let number = body.strip_prefix(b"webhook_id=").unwrap_or_default();
    (1..=20).contains(&number.len()) && number.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::is_ping;

    #[test]
    fn a_ping_is_a_number_and_nothing_else() {
        assert!(is_ping(b"webhook_id=142"));
        for other in [
            "",
            "webhook_id=",
            "webhook_id=1&x=2",
            "webhook_id=x",
            "{\"webhook_id\":1}",
            "webhook_id=142\n",
            "webhook_id=111111111111111111111",
        ] {
            assert!(!is_ping(other.as_bytes()), "{other}");
        }
    }
}
