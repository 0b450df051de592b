//! How the senders that people know sign with a keyed hash. One table; a sender that is not in it is
//! the scheme `hmac` with the same settings, written into the script.

use std::time::Duration;

use http::HeaderName;

use super::age::TOLERANCE;
use super::key::{Algorithm, Encoding, Key};
use super::keyed::{Keyed, Stamp};
use super::payload::Piece;

/// How one sender signs.
struct Sender {
    scheme: &'static str,
    headers: &'static [&'static str],
    prefix: &'static str,
    encoding: Encoding,
    /// Where the time is, if one is signed.
    stamp: Option<&'static str>,
    payload: fn() -> Vec<Piece>,
}

static SENDERS: [Sender; 6] = [
    Sender {
        scheme: "shopify",
        // The second is that of Shopify's newer events.
        headers: &["x-shopify-hmac-sha256", "shopify-hmac-sha256"],
        prefix: "",
        encoding: Encoding::Base64,
        stamp: None,
        payload: body,
    },
    Sender {
        scheme: "woocommerce",
        headers: &["x-wc-webhook-signature"],
        prefix: "",
        encoding: Encoding::Base64,
        stamp: None,
        payload: body,
    },
    Sender {
        scheme: "github",
        headers: &["x-hub-signature-256"],
        prefix: "sha256=",
        encoding: Encoding::Hex,
        stamp: None,
        payload: body,
    },
    Sender {
        scheme: "lemonsqueezy",
        headers: &["x-signature"],
        prefix: "",
        encoding: Encoding::Hex,
        stamp: None,
        payload: body,
    },
    Sender {
        scheme: "slack",
        headers: &["x-slack-signature"],
        prefix: "v0=",
        encoding: Encoding::Hex,
        stamp: Some("x-slack-request-timestamp"),
        payload: || {
            let text = |text: &str| Piece::Text(text.to_owned());
            vec![text("v0:"), Piece::Timestamp, text(":"), Piece::Body]
        },
    },
    Sender {
        scheme: "hubspot_v3",
        headers: &["x-hubspot-signature-v3"],
        prefix: "",
        encoding: Encoding::Base64,
        stamp: Some("x-hubspot-request-timestamp"),
        payload: || {
            vec![
                Piece::Method,
                Piece::HubspotUrl,
                Piece::Body,
                Piece::Timestamp,
            ]
        },
    },
];

fn body() -> Vec<Piece> {
    vec![Piece::Body]
}

/// True if signatures of this scheme have a time.
pub(super) fn has_time(scheme: &str) -> bool {
    let mut senders = SENDERS.iter();
    senders.any(|sender| sender.scheme == scheme && sender.stamp.is_some())
}

/// The scheme of this name, if it is one of the table.
pub(super) fn find(scheme: &str, tolerance: Option<Duration>, keys: Vec<Key>) -> Option<Keyed> {
    let sender = SENDERS.iter().find(|sender| sender.scheme == scheme)?;
    let stamp = sender.stamp.map(|header| Stamp {
        header: HeaderName::from_static(header),
        tolerance: tolerance.unwrap_or(TOLERANCE),
    });
    Some(Keyed {
        headers: sender
            .headers
            .iter()
            .copied()
            .map(HeaderName::from_static)
            .collect(),
        prefix: sender.prefix.to_owned(),
        encoding: sender.encoding,
        algorithm: Algorithm::Sha256,
        stamp,
        payload: (sender.payload)(),
        pings: scheme == "woocommerce",
        keys,
    })
}

/// A secret of WooCommerce as it signs with it: with the five characters decoded that WordPress
/// escapes in what people type, once.
pub(super) fn as_wordpress_keeps_it(secret: &str) -> String {
    let mut decoded = String::with_capacity(secret.len());
    let mut rest = secret;
    while let Some((before, behind)) = rest.split_once('&') {
        decoded.push_str(before);
        match entity(behind) {
            Some((character, after)) => {
                decoded.push(character);
                rest = after;
            }
            None => {
                decoded.push('&');
                rest = behind;
            }
        }
    }
    decoded.push_str(rest);
    decoded
}

fn entity(behind: &str) -> Option<(char, &str)> {
    let (name, after) = behind.split_once(';')?;
    let number = name.strip_prefix('#').map(|digits| {
        let hex = digits.strip_prefix(['x', 'X']);
        let code = hex.map_or(digits.parse(), |hex| u32::from_str_radix(hex, 16));
        code.ok().and_then(char::from_u32)
    });
    let character = match (name, number) {
        ("amp", _) => '&',
        ("lt", _) => '<',
        ("gt", _) => '>',
        ("quot", _) => '"',
        (_, Some(Some(character @ ('&' | '<' | '>' | '"' | '\'')))) => character,
        _ => return None,
    };
    Some((character, after))
}

#[cfg(test)]
mod tests {
    use super::as_wordpress_keeps_it;

    #[test]
    fn five_characters_are_decoded_once() {
        for (given, expected) in [
            ("4d4f7e2c1f0b4b9fa2a1&woo", "4d4f7e2c1f0b4b9fa2a1&woo"),
            ("a&amp;b", "a&b"),
            ("&lt;&gt;&quot;&#039;&#x27;&#38;", "<>\"''&"),
            ("&amp;lt;", "&lt;"),
            ("&ndash;&#8211;&;&#;&", "&ndash;&#8211;&;&#;&"),
        ] {
            assert_eq!(as_wordpress_keeps_it(given), expected);
        }
    }
}
