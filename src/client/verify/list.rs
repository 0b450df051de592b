//! Stripe's and Paddle's signatures: one header that is a list, of a time and of one or more
//! signatures: `t=1720602001,v1=db75…,v1=…` and `ts=1720602001;h1=…`.

use std::time::Duration;

use http::HeaderName;

use super::key::{Algorithm, Encoding, Key};
use super::why::Why;
use super::{MAX_SIGNATURES, Signed, age};
use crate::clock::Millis;

/// How the list is written, and the secrets.
#[derive(Clone, Debug)]
pub struct SignatureList {
    pub(super) form: Form,
    pub(super) tolerance: Duration,
    pub(super) keys: Vec<Key>,
}

/// What Stripe and Paddle do differently.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    pub(super) header: &'static str,
    /// What stands between two entries.
    pub(super) between: u8,
    pub(super) time: &'static str,
    pub(super) signature: &'static str,
    /// What stands between time and body in what is signed.
    pub(super) joint: &'static str,
}

/// `Stripe-Signature`. Entries such as `v0` are for tests of Stripe's, and prove nothing.
pub(super) const STRIPE: Form = Form {
    header: "stripe-signature",
    between: b',',
    time: "t",
    signature: "v1",
    joint: ".",
};

/// `Paddle-Signature`.
pub(super) const PADDLE: Form = Form {
    header: "paddle-signature",
    between: b';',
    time: "ts",
    signature: "h1",
    joint: ":",
};

/// A header taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Entries<'a> {
    time: &'a [u8],
    signatures: Vec<Vec<u8>>,
}

impl SignatureList {
    pub(super) fn verify(&self, signed: &Signed<'_>, now: Millis) -> Result<(), Why> {
        let header = HeaderName::from_static(self.form.header);
        let entries = self.form.read(&header, signed.header(&header)?)?;
        age::check(&header, entries.time, now, self.tolerance)?;
        let parts = [entries.time, self.form.joint.as_bytes(), signed.body];
        match Algorithm::Sha256.holds(&self.keys, &parts, &entries.signatures) {
            true => Ok(()),
            false => Err(Why::wrong(&header)),
        }
    }
}

impl Form {
    fn read<'a>(&self, header: &HeaderName, value: &'a [u8]) -> Result<Entries<'a>, Why> {
        let mut time = None;
        let mut signatures = Vec::new();
        for entry in value.split(|byte| *byte == self.between) {
            let Some(at) = entry.iter().position(|byte| *byte == b'=') else {
                continue;
            };
            let (name, value) = entry.split_at_checked(at).unwrap_or_default();
            let value = value.get(1..).unwrap_or_default().trim_ascii();
            let name = name.trim_ascii();
            if name == self.time.as_bytes() {
                if time.replace(value).is_some() {
                    return Err(Why::malformed(header, "holds two times"));
                }
            } else if name == self.signature.as_bytes() && signatures.len() < MAX_SIGNATURES {
                signatures.extend(Encoding::Hex.decode(value));
            }
        }
        let time = time.ok_or_else(|| Why::malformed(header, "holds no time"))?;
        if signatures.is_empty() {
            return Err(Why::malformed(header, "holds no signature of this scheme"));
        }
        Ok(Entries { time, signatures })
    }
}
