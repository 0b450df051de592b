//! HubSpot's first two signatures: a plain SHA-256 of the secret and what was sent. The third is a
//! keyed hash, see `senders`.

use http::HeaderName;

use super::key::{Encoding, Key, sha256_holds};
use super::why::Why;
use super::{MAX_SIGNATURES, Signed};

/// Which of them, and the secrets.
#[derive(Clone, Debug)]
pub struct Hubspot {
    /// True for the second, which signs method and address as well.
    pub(super) signs_address: bool,
    pub(super) keys: Vec<Key>,
}

const HEADER: HeaderName = HeaderName::from_static("x-hubspot-signature");

impl Hubspot {
    pub(super) fn verify(&self, signed: &Signed<'_>) -> Result<(), Why> {
        let given = signed.header(&HEADER)?;
        let given = given.split(|byte| *byte == b',').take(MAX_SIGNATURES);
        let signatures: Vec<_> = given
            .filter_map(|text| Encoding::Hex.decode(text.trim_ascii()))
            .collect();
        if signatures.is_empty() {
            return Err(Why::malformed(&HEADER, "holds no signature of this scheme"));
        }
        let url = signed.url();
        let address: [&[u8]; 2] = match self.signs_address {
            true => [signed.method.as_str().as_bytes(), url.as_bytes()],
            false => [b"", b""],
        };
        let holds = |key: &Key| {
            let parts = [key.bytes(), address[0], address[1], signed.body];
            sha256_holds(&parts, &signatures)
        };
        if self.keys.iter().any(holds) {
            return Ok(());
        }
        Err(match self.signs_address {
            true => Why::WrongFor(HEADER, url),
            false => Why::wrong(&HEADER),
        })
    }
}
