//! Signs what we send, as Standard Webhooks say: <https://www.standardwebhooks.com>.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderName, HeaderValue};
use sha2::Sha256;

use crate::clock::Millis;
use crate::secret::Secret;

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// The lengths of a key, in bytes.
const KEY_LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// A key that signs.
pub(super) struct Signer(Hmac<Sha256>);

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Signer {
    /// The key of a secret, with or without `whsec_` before it.
    pub(super) fn new(secret: &Secret) -> Option<Self> {
        let text = secret.expose();
        let text = text.strip_prefix("whsec_").unwrap_or(text);
        let key = STANDARD.decode(text).ok()?;
        if !KEY_LENGTHS.contains(&key.len()) {
            return None;
        }
        Hmac::new_from_slice(&key).ok().map(Self)
    }

    /// Adds the time of the attempt and the signature; the id is there already, of the tag or of ours.
    pub(super) fn sign(
        &self,
        headers: &mut Vec<(HeaderName, HeaderValue)>,
        at: Millis,
        body: &[u8],
    ) -> Result<(), String> {
        let id = headers.iter().find(|(name, _)| *name == ID);
        let id = id.map_or_else(Vec::new, |(_, value)| value.as_bytes().to_vec());
        let timestamp = at.div_euclid(1000).to_string();
        let mut mac = self.0.clone();
        for part in [id.as_slice(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        for (name, value) in [(TIMESTAMP, timestamp), (SIGNATURE, signature)] {
            let value = HeaderValue::try_from(value).map_err(|error| error.to_string())?;
            headers.retain(|(known, _)| *known != name);
            headers.push((name, value));
        }
        Ok(())
    }
}
