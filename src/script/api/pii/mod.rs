//! `pii::`: personal data in the forms that ad platforms match on. What is hashed here can be
//! guessed back by whoever has a list of addresses; it is a vendor's format, no protection.

mod phone;
pub(super) mod rules;

use rhai::{Dynamic, ImmutableString};

use super::argument;
use super::hash::sha256_hex;
use super::host::Host;
use super::namespace::{Namespace, Problem};
use super::{Function, Topic};

pub(super) const TOPIC: Topic = Topic {
    name: "pii",
    about: "Personal data as ad platforms match it. Hashes are SHA-256 in hex; what is a hash \
            already is not hashed again. Of blank text there is nothing to send: it gives `()`.",
    functions: &[
        Function {
            signature: "pii::email(email) -> text",
            about: "Trimmed and in lower case; `()` if blank.",
            example: r#"pii::email(" John.Doe@Example.com ") == "john.doe@example.com" && pii::email("") == ()"#,
        },
        Function {
            signature: "pii::phone(phone) -> text",
            about: "The digits of an international number (`+` or `00`), country code first and no \
                    plus; `()` if it is national or no phone number.",
            example: r#"pii::phone("+49 (0)151 123-456 78") == "4915112345678" && pii::phone("0151 12345678") == ()"#,
        },
        Function {
            signature: "pii::phone(phone, country) -> text",
            about: "The same, and takes a national number for one of the country, an ISO code such \
                    as `\"DE\"`. A blank country is none.",
            example: r#"pii::phone("(555) 555-5555", "US") == "15555555555" && pii::phone("0151 12345678", "DE") == "4915112345678""#,
        },
        Function {
            signature: "pii::hash_email(email) -> text",
            about: "The hash of `pii::email`; `()` if blank.",
            example: r#"pii::hash_email(" Test@Example.com") == hash::sha256("test@example.com")"#,
        },
        Function {
            signature: "pii::hash_phone(phone) -> text",
            about: "The hash of `pii::phone`; `()` if that is. Meta, Pinterest and Snap want the \
                    digits hashed as they are; Google and TikTok want \
                    `hash::sha256(\"+\" + pii::phone(phone))`.",
            example: r#"pii::hash_phone("+1 555 555 5555") == hash::sha256("15555555555")"#,
        },
        Function {
            signature: "pii::hash_phone(phone, country) -> text",
            about: "The hash of `pii::phone(phone, country)`; `()` if that is.",
            example: r#"pii::hash_phone("(555) 555-5555", "US") == hash::sha256("15555555555")"#,
        },
        Function {
            signature: "pii::hash(text) -> text",
            about: "The hash of the text, trimmed and in lower case, for names, cities and ids; \
                    `()` if blank.",
            example: r#"pii::hash(" Berlin ") == hash::sha256("berlin") && pii::hash(" ") == ()"#,
        },
        Function {
            signature: "pii::is_hashed(text) -> bool",
            about: "Whether it looks like a SHA-256 hash: 64 hex digits.",
            example: r#"pii::is_hashed(hash::sha256("x")) && !pii::is_hashed("x")"#,
        },
    ],
    register,
};

/// Trimmed and in lower case: how all vendors want email addresses before hashing.
pub(super) fn normalise(text: &str) -> String {
    text.trim().to_lowercase()
}

fn register(host: &mut Host) {
    Namespace::new(TOPIC.name)
        .one("email", email)
        .one("phone", phone)
        .two("phone", phone_of)
        .one("hash_email", hash_email)
        .one("hash_phone", hash_phone)
        .two("hash_phone", hash_phone_of)
        .one("hash", hash)
        .one("is_hashed", is_hashed)
        .add_to(host);
}

fn email(email: Dynamic) -> Result<Dynamic, Problem> {
    let email = argument::text("email", email)?;
    Ok(optional(
        Some(normalise(&email)).filter(|email| !email.is_empty()),
    ))
}

fn phone(phone: Dynamic) -> Result<Dynamic, Problem> {
    let phone = argument::text("phone", phone)?;
    Ok(optional(phone::digits(&phone, None)))
}

fn phone_of(phone: Dynamic, country: Dynamic) -> Result<Dynamic, Problem> {
    let phone = argument::text("phone", phone)?;
    let country = known(country)?;
    Ok(optional(phone::digits(&phone, country.as_ref())))
}

fn hash_email(email: Dynamic) -> Result<Dynamic, Problem> {
    let email = argument::text("email", email)?;
    Ok(optional(hashed(&email)))
}

fn hash_phone(phone: Dynamic) -> Result<Dynamic, Problem> {
    let phone = argument::text("phone", phone)?;
    Ok(optional(hashed_phone(&phone, None)))
}

fn hash_phone_of(phone: Dynamic, country: Dynamic) -> Result<Dynamic, Problem> {
    let phone = argument::text("phone", phone)?;
    let country = known(country)?;
    Ok(optional(hashed_phone(&phone, country.as_ref())))
}

fn hash(text: Dynamic) -> Result<Dynamic, Problem> {
    let text = argument::text("text", text)?;
    Ok(optional(hashed(&text)))
}

fn is_hashed(text: Dynamic) -> Result<bool, Problem> {
    let text = argument::text("text", text)?;
    Ok(is_hash(&text))
}

fn optional(text: Option<String>) -> Dynamic {
    text.map_or(Dynamic::UNIT, Dynamic::from)
}

/// SHA-256 in hex.
pub(super) fn sha256(text: &str) -> String {
    sha256_hex(text)
}

/// The digits of a phone number with its country's code; a country that is not known is none.
pub(super) fn phone_digits(text: &str, country: Option<&str>) -> Option<String> {
    let country = country.and_then(phone::Country::from_code);
    phone::digits(text, country.as_ref())
}

/// True if it looks like a SHA-256 hash.
pub(super) fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn hashed(text: &str) -> Option<String> {
    let normal = normalise(text);
    match normal.as_str() {
        "" => None,
        hash if is_hash(hash) => Some(normal),
        text => Some(sha256_hex(text)),
    }
}

fn hashed_phone(text: &str, country: Option<&phone::Country>) -> Option<String> {
    let normal = normalise(text);
    if is_hash(&normal) {
        return Some(normal);
    }
    phone::digits(&normal, country).map(|digits| sha256_hex(&digits))
}

fn known(country: Dynamic) -> Result<Option<phone::Country>, Problem> {
    let code: ImmutableString = argument::text("country", country)?;
    if code.trim().is_empty() {
        return Ok(None);
    }
    phone::Country::from_code(&code).map(Some).ok_or_else(|| {
        let shown = argument::quote(&code);
        Problem(format!(
            "the country is {shown}; a two-letter code such as \"DE\" is wanted"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_not_hashed_again() {
        let hash = sha256_hex("test@example.com");
        for given in [
            "test@example.com".to_owned(),
            " TEST@example.com\n".to_owned(),
            hash.clone(),
            hash.to_uppercase(),
        ] {
            assert_eq!(hash_email(given.into()).unwrap().to_string(), hash);
        }
        let digits = sha256_hex("15555555555");
        assert_eq!(
            hash_phone(digits.clone().into()).unwrap().to_string(),
            digits
        );
    }

    #[test]
    fn of_blank_text_nothing_is_sent() {
        for function in [email, phone, hash_email, hash_phone, hash] {
            for blank in ["", "  \t"] {
                assert!(function(blank.into()).unwrap().is_unit());
            }
        }
    }

    #[test]
    fn an_unknown_country_is_named() {
        let error = phone_of("0151 1234567".into(), "Germany".into())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("the country is \"Germany\"; a two-letter code"),
            "{error}"
        );
        assert!(
            phone_of("0151 1234567".into(), " ".into())
                .unwrap()
                .is_unit()
        );
    }

    #[test]
    fn hashes_are_told_by_their_form() {
        for (text, expected) in [
            (sha256_hex("x"), true),
            (sha256_hex("x").to_uppercase(), true),
            ("g".repeat(64), false),
            ("a".repeat(63), false),
            ("ä".repeat(32), false),
        ] {
            assert_eq!(is_hash(&text), expected, "{text}");
        }
    }
}
