//! `hash::`: digests of text. Checking a sender's signature is the client's `VERIFY`, not a
//! script's work, since it needs the exact bytes and a comparison in constant time.

use ::base64::Engine as _;
use ::base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use rhai::{Dynamic, ImmutableString};
use sha2::{Digest, Sha256};

use super::argument;
use super::host::Host;
use super::namespace::{Namespace, Problem};
use super::{Function, Topic};

pub(super) const TOPIC: Topic = Topic {
    name: "hash",
    about: "Digests of the UTF-8 bytes of a text, in lower-case hex where nothing else is said. \
            For personal data use `pii::`, which normalises first.",
    functions: &[
        Function {
            signature: "hash::sha256(text) -> text",
            about: "SHA-256.",
            example: r#"hash::sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad""#,
        },
        Function {
            signature: "hash::hmac_sha256(text, key) -> text",
            about: "HMAC-SHA-256: the text first, then the key.",
            example: r#"hash::hmac_sha256("what do ya want for nothing?", "Jefe") == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843""#,
        },
        Function {
            signature: "hash::hmac_sha256_base64(text, key) -> text",
            about: "The same in standard base64, as Shopify and WooCommerce write signatures.",
            example: r#"hash::hmac_sha256_base64("what do ya want for nothing?", "Jefe") == "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=""#,
        },
        Function {
            signature: "hash::md5(text) -> text",
            about: "MD5, for APIs that insist on it. It protects nothing.",
            example: r#"hash::md5("abc") == "900150983cd24fb0d6963f7d28e17f72""#,
        },
        Function {
            signature: "hash::number(text, below) -> integer",
            about: "A whole number from 0 to below `below`, of the text's SHA-256: always the same \
                    for the same text, and evenly spread. For samples and for ids.",
            example: r#"hash::number("visitor-17", 100) == hash::number("visitor-17", 100) && hash::number("x", 1) == 0"#,
        },
    ],
    register,
};

/// SHA-256 in lower-case hex.
pub(super) fn sha256_hex(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

fn register(host: &mut Host) {
    Namespace::new(TOPIC.name)
        .one("sha256", sha256)
        .two("hmac_sha256", hmac_sha256)
        .two("hmac_sha256_base64", hmac_sha256_base64)
        .one("md5", md5)
        .two("number", number)
        .add_to(host);
}

fn sha256(text: Dynamic) -> Result<ImmutableString, Problem> {
    let text = argument::text("text", text)?;
    Ok(sha256_hex(&text).into())
}

fn hmac_sha256(text: Dynamic, key: Dynamic) -> Result<ImmutableString, Problem> {
    let code = authenticate(text, key)?;
    Ok(hex::encode(code).into())
}

fn hmac_sha256_base64(text: Dynamic, key: Dynamic) -> Result<ImmutableString, Problem> {
    let code = authenticate(text, key)?;
    Ok(STANDARD.encode(code).into())
}

fn authenticate(text: Dynamic, key: Dynamic) -> Result<[u8; 32], Problem> {
    let text = argument::text("text", text)?;
    let key = argument::text("key", key)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes())
        .map_err(|cause| Problem(cause.to_string()))?;
    mac.update(text.as_bytes());
    Ok(mac.finalize().into_bytes().into())
}

fn md5(text: Dynamic) -> Result<ImmutableString, Problem> {
    let text = argument::text("text", text)?;
    Ok(hex::encode(Md5::digest(text.as_bytes())).into())
}

fn number(text: Dynamic, below: Dynamic) -> Result<i64, Problem> {
    let text = argument::text("text", text)?;
    let below = argument::integer("below", &below)?;
    if below < 1 {
        return Err(Problem(format!("below is {below}; 1 or more is wanted")));
    }
    let digest = Sha256::digest(text.as_bytes());
    let mut bytes = [0; 16];
    for (byte, from) in bytes.iter_mut().zip(digest) {
        *byte = from;
    }
    let remainder = u128::from_be_bytes(bytes) % u128::from(below.unsigned_abs());
    Ok(i64::try_from(remainder).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_hashed_as_utf_8() {
        for (text, expected) in [
            (
                "",
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            ),
            (
                "ä",
                "33e6d73fee82904c8d7afb78de1154d1e8dc2a0edb08120e63df5b9385c2d9cc",
            ),
        ] {
            assert_eq!(sha256_hex(text), expected);
        }
    }

    #[test]
    fn numbers_are_spread_and_below() {
        let mut found = [0_usize; 10];
        for n in 0..10_000_i64 {
            let number = number(n.into(), 10_i64.into()).unwrap();
            found[usize::try_from(number).unwrap()] += 1;
        }
        assert!(
            found.iter().all(|count| (850..1_150).contains(count)),
            "{found:?}"
        );
        assert!(number("x".into(), i64::MAX.into()).unwrap() >= 0);
        assert!(number("x".into(), 0_i64.into()).is_err());
    }

    #[test]
    fn a_blank_key_is_a_key() {
        assert!(hmac_sha256("text".into(), "".into()).is_ok());
    }
}
