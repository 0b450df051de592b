//! Secrets as keys, and what is compared with them. This is the only place where a signature is
//! decoded or compared.

use std::fmt;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use subtle::{Choice, ConstantTimeEq};

use crate::secret::Secret;

/// The bytes of a secret. They never print.
#[derive(Clone)]
pub(super) struct Key(Box<[u8]>);

/// How a signature is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Two letters a byte, in either case.
    Hex,
    /// The standard alphabet, with its padding or without.
    Base64,
    /// The alphabet for URLs.
    Base64Url,
}

/// What the keyed hash is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    /// 20 bytes; old, and still good enough for this.
    Sha1,
    /// 32 bytes, what nearly all use.
    Sha256,
    /// 64 bytes.
    Sha512,
}

const ANY_PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, ANY_PADDING);
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, ANY_PADDING);

impl Key {
    /// The secret's text as it is.
    pub(super) fn text(secret: &Secret) -> Self {
        Self(secret.expose().as_bytes().into())
    }

    /// The secret's text as base64.
    pub(super) fn base64(text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text).ok()?;
        (!bytes.is_empty()).then(|| Self(bytes.into()))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// True if these bytes are the key's. Hashes are compared, so that not even the length shows.
    pub(super) fn is(&self, given: &[u8]) -> bool {
        Sha256::digest(&self.0)
            .as_slice()
            .ct_eq(Sha256::digest(given).as_slice())
            .into()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Encoding {
    /// The bytes of a signature; nothing if it is not written so.
    pub(super) fn decode(self, text: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Hex => hex::decode(text).ok(),
            Self::Base64 => BASE64.decode(text).ok(),
            Self::Base64Url => BASE64_URL.decode(text).ok(),
        }
    }
}

impl Algorithm {
    /// True if one of `signatures` is the keyed hash of `parts`, one after the other, with one of
    /// `keys`.
    pub(super) fn holds(self, keys: &[Key], parts: &[&[u8]], signatures: &[Vec<u8>]) -> bool {
        match self {
            Self::Sha1 => any_holds::<Hmac<Sha1>>(keys, parts, signatures),
            Self::Sha256 => any_holds::<Hmac<Sha256>>(keys, parts, signatures),
            Self::Sha512 => any_holds::<Hmac<Sha512>>(keys, parts, signatures),
        }
    }
}

/// One pass over the parts for each key, however many signatures there are.
fn any_holds<M: Mac + KeyInit + Clone>(
    keys: &[Key],
    parts: &[&[u8]],
    signatures: &[Vec<u8>],
) -> bool {
    let mut holds = false;
    for key in keys {
        // HMAC takes keys of any length.
        let Ok(mut mac) = <M as KeyInit>::new_from_slice(key.bytes()) else {
            continue;
        };
        parts.iter().for_each(|part| mac.update(part));
        for signature in signatures {
            holds |= mac.clone().verify_slice(signature).is_ok();
        }
    }
    holds
}

/// True if one of `signatures` is the plain SHA-256 of `parts`.
pub(super) fn sha256_holds(parts: &[&[u8]], signatures: &[Vec<u8>]) -> bool {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    let hash = hash.finalize();
    let none = Choice::from(0);
    let found = signatures.iter().fold(none, |found, signature| {
        found | signature.as_slice().ct_eq(hash.as_slice())
    });
    found.into()
}
