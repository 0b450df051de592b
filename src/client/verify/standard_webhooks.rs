//! Standard Webhooks (standardwebhooks.com), also under the header names of Svix, which it comes
//! from: id, time and body are signed. Its public-key signatures (`v1a`) are not read.

use std::time::Duration;

use http::HeaderName;

use super::key::{Algorithm, Encoding, Key};
use super::why::Why;
use super::{MAX_SIGNATURES, Signed, age};
use crate::clock::Millis;

/// The secrets.
#[derive(Clone, Debug)]
pub struct StandardWebhooks {
    pub(super) tolerance: Duration,
    pub(super) keys: Vec<Key>,
}

/// Id, time, signatures.
type Names = [HeaderName; 3];

const NAMES: Names = [
    HeaderName::from_static("webhook-id"),
    HeaderName::from_static("webhook-timestamp"),
    HeaderName::from_static("webhook-signature"),
];

const SVIX_NAMES: Names = [
    HeaderName::from_static("svix-id"),
    HeaderName::from_static("svix-timestamp"),
    HeaderName::from_static("svix-signature"),
];

const VERSION: &[u8] = b"v1,";

/// What stands before a secret, and before a public key.
pub(super) const SECRET_PREFIX: &str = "whsec_";
pub(super) const PUBLIC_PREFIX: &str = "whpk_";

impl StandardWebhooks {
    pub(super) fn verify(&self, signed: &Signed<'_>, now: Millis) -> Result<(), Why> {
        let is_svix =
            !signed.headers.contains_key(&NAMES[2]) && signed.headers.contains_key(&SVIX_NAMES[2]);
        let [id, time, signature] = if is_svix { &SVIX_NAMES } else { &NAMES };
        let given = signed.header(signature)?;
        let stamp = signed.header(time)?;
        let parts = [signed.header(id)?, b".", stamp, b".", signed.body];
        age::check(time, stamp, now, self.tolerance)?;
        let signatures = read(given);
        if signatures.is_empty() {
            return Err(Why::malformed(
                signature,
                "holds no signature of this scheme",
            ));
        }
        match Algorithm::Sha256.holds(&self.keys, &parts, &signatures) {
            true => Ok(()),
            false => Err(Why::wrong(signature)),
        }
    }
}

/// `v1,base64 v1,base64 v1a,…`
fn read(value: &[u8]) -> Vec<Vec<u8>> {
    let entries = value.split(|byte| *byte == b' ');
    let ours = entries.filter_map(|entry| entry.strip_prefix(VERSION));
    ours.take(MAX_SIGNATURES)
        .filter_map(|text| Encoding::Base64.decode(text))
        .collect()
}
