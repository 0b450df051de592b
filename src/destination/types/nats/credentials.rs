//! Who we are to a NATS server: a token, a user and a password, or a key that signs what the server asks.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Map, Value};

use crate::config::Section;
use crate::secret::Secret;

#[derive(Debug)]
pub(super) enum Credentials {
    Nobody,
    Token(Secret),
    Password { user: String, password: Secret },
    Key(Key),
}

/// The key of a user, as `nsc` writes it into a file of credentials.
#[derive(Debug)]
pub(super) struct Key {
    /// What an operator says of the user; servers that list keys themselves want none.
    jwt: Option<Secret>,
    seed: Secret,
    pair: Ed25519KeyPair,
}

impl Credentials {
    /// Reads `token`, `user` and `password`, or `credentials`.
    pub(super) fn load(section: &mut Section) -> Self {
        let set = ["token", "user", "credentials"].map(|key| section.has(key));
        if set.iter().filter(|is_set| **is_set).count() > 1 {
            let message = "there is more than one of `token`, `user` and `credentials`";
            section.problem("credentials", message, Some("one is enough".to_owned()));
        }
        let (token, user) = (section.secret("token"), section.text("user"));
        let (password, credentials) = (section.secret("password"), section.secret("credentials"));
        if let Some(token) = token {
            return Self::Token(token);
        }
        if let Some(text) = credentials {
            return Self::key(section, &text);
        }
        match (user, password) {
            (Some(user), Some(password)) => Self::Password { user, password },
            (None, None) => Self::Nobody,
            (user, _) => {
                let lacking = if user.is_some() { "password" } else { "user" };
                if !section.waits_for_variable(lacking) {
                    section.problem(lacking, format!("`{lacking}` is missing"), None);
                }
                Self::Nobody
            }
        }
    }

    fn key(section: &mut Section, text: &Secret) -> Self {
        match Key::read(text.expose()) {
            Some(key) => Self::Key(key),
            None => {
                let message = "`credentials` hold no seed of a user's key";
                let hint = "put in the whole file that `nsc` made, such as \"${file:user.creds}\"";
                section.problem("credentials", message, Some(hint.to_owned()));
                Self::Nobody
            }
        }
    }

    /// Adds to the options of `CONNECT` who we are. `nonce` is what the server wants signed.
    pub(super) fn add(&self, connect: &mut Map<String, Value>, nonce: &str) {
        let mut put = |key: &str, value: &str| connect.insert(key.to_owned(), value.into());
        match self {
            Self::Nobody => {}
            Self::Token(token) => {
                put("auth_token", token.expose());
            }
            Self::Password { user, password } => {
                put("user", user);
                put("pass", password.expose());
            }
            Self::Key(key) => {
                let signature = key.pair.sign(nonce.as_bytes());
                put("sig", &URL_SAFE_NO_PAD.encode(signature.as_ref()));
                match &key.jwt {
                    Some(jwt) => put("jwt", jwt.expose()),
                    None => put("nkey", &key.public()),
                };
            }
        }
    }

    /// What must never be shown.
    pub(super) fn secrets(&self) -> Vec<&Secret> {
        match self {
            Self::Nobody => Vec::new(),
            Self::Token(secret)
            | Self::Password {
                password: secret, ..
            } => vec![secret],
            Self::Key(key) => key.jwt.iter().chain([&key.seed]).collect(),
        }
    }
}

/// The first five bits of a seed, and of a user's key: `S` and `U` in base32.
const SEED: u8 = 18 << 3;
const USER: u8 = 20 << 3;

impl Key {
    /// A file of credentials, or a bare seed.
    fn read(text: &str) -> Option<Self> {
        let jwt = between(text, "-----BEGIN NATS USER JWT-----");
        let seed = between(text, "-----BEGIN USER NKEY SEED-----").unwrap_or(text.trim());
        let bytes = decode(seed)?;
        let (rest, sum) = bytes.split_last_chunk::<2>()?;
        let (prefix, key) = rest.split_first_chunk::<2>()?;
        let is_seed = prefix[0] & 0xf8 == SEED;
        let is_users = (prefix[0] & 7) << 5 | (prefix[1] & 0xf8) >> 3 == USER;
        if !is_seed || !is_users || u16::from_le_bytes(*sum) != checksum(rest) {
            return None;
        }
        Some(Self {
            jwt: jwt.map(Secret::new),
            seed: Secret::new(seed),
            pair: Ed25519KeyPair::from_seed_unchecked(key).ok()?,
        })
    }

    /// The public key in the form that servers list.
    fn public(&self) -> String {
        let mut bytes = vec![USER];
        bytes.extend_from_slice(self.pair.public_key().as_ref());
        bytes.extend_from_slice(&checksum(&bytes).to_le_bytes());
        encode(&bytes)
    }
}

/// The line below a heading.
fn between<'a>(text: &'a str, heading: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(heading)?;
    rest.lines().map(str::trim).find(|line| !line.is_empty())
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn decode(text: &str) -> Option<Vec<u8>> {
    let (mut bits, mut count) = (0_u16, 0);
    let mut bytes = Vec::with_capacity(text.len() * 5 / 8);
    for letter in text.bytes() {
        let value = BASE32.iter().position(|known| *known == letter)?;
        bits = bits << 5 | u16::try_from(value).ok()?;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    Some(bytes)
}

fn encode(bytes: &[u8]) -> String {
    let bits = bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1));
    let bits: Vec<u8> = bits.collect();
    let letter = |bits: &[u8]| {
        let value = bits
            .iter()
            .fold(0_usize, |value, bit| value << 1 | usize::from(*bit));
        let missing = 5 - bits.len();
        char::from(BASE32.get(value << missing).copied().unwrap_or_default())
    };
    bits.chunks(5).map(letter).collect()
}

/// CRC-16 as of XMODEM.
fn checksum(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |sum, byte| {
        (0..8).fold(sum ^ u16::from(*byte) << 8, |sum: u16, _| {
            let carry = sum & 0x8000 != 0;
            sum << 1 ^ if carry { 0x1021 } else { 0 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The user of <https://github.com/nats-io/nkeys>'s own documentation.
    const SEED: &str = "SUAKYRHVIOREXV7EUZTBHUHL7NUMHPMAS7QMDU3GTIUWEI5LDNOXD43IZY";

    #[test]
    fn a_seed_is_read_and_its_public_key_is_the_one_servers_list() {
        let file = format!(
            "-----BEGIN NATS USER JWT-----\neyJ0.x.y\n------END NATS USER JWT------\n\n\
             -----BEGIN USER NKEY SEED-----\n{SEED}\n------END USER NKEY SEED------\n"
        );
        let key = Key::read(&file).unwrap();
        assert_eq!(key.jwt.as_ref().unwrap().expose(), "eyJ0.x.y");
        assert_eq!(key.public(), Key::read(SEED).unwrap().public());
        assert!(key.public().starts_with('U') && key.public().len() == 56);
        assert_eq!(decode(&encode(b"any bytes")).unwrap(), b"any bytes");
        let mut connect = Map::new();
        Credentials::Key(key).add(&mut connect, "nonce");
        assert!(connect["sig"].as_str().unwrap().len() == 86 && connect["jwt"] == "eyJ0.x.y");
    }

    #[test]
    fn what_is_no_seed_of_a_user_is_refused() {
        let broken = SEED.replace('Z', "A");
        // An account's, a public key, a slip of the pen, nothing.
        for text in [&*SEED.replace("SU", "SA"), "UABC", &*broken, ""] {
            assert!(Key::read(text).is_none(), "{text}");
        }
    }
}
