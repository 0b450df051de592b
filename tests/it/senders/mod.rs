//! Senders: who is let in (`VERIFY`), what bodies may be, and what the clients that we ship make of
//! what shops send.

mod bodies;
mod shops;
mod signatures;
mod verified;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The keyed hash that nearly all senders sign with.
fn mac(key: &str, message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}
