//! What of a sender's request is not shown: what gives access to something. Our own keys are hidden
//! by their destination; here only names can be gone by.

use serde_json::Value;

use super::session::PREVIEW_HEADERS;
use crate::request::SecretNames;

/// In the place of what is hidden.
pub const HIDDEN: &str = "***";

/// Headers whose values give access.
const HEADERS: [&str; 4] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
];

/// Parts of the names of what gives access.
const PARTS: [&str; 7] = [
    "token", "secret", "password", "passwd", "api-key", "api_key", "apikey",
];

/// True if a header of this lower-case name gives access.
pub fn is_secret_header(name: &str) -> bool {
    HEADERS.contains(&name) || is_secret(name)
}

/// True if what is called that gives access: `access_token`, `X-Api-Key`, `client_secret`.
pub fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    PARTS.iter().any(|part| name.contains(part))
}

/// Decoded query parameters without secrets.
pub(super) fn query(mut query: Value) -> Value {
    if let Value::Object(map) = &mut query {
        for (_, value) in map.iter_mut().filter(|(name, _)| is_secret(name)) {
            *value = HIDDEN.into();
        }
    }
    query
}

/// The head of a request that broke the rules of HTTP, as it came: line by line, and without the
/// values of what gives access. What a line is called is all that a line can be judged by here, so a
/// value that is folded onto the next line is hidden with it.
pub(super) fn head(bytes: &[u8], secret: &SecretNames) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines();
    let mut shown: Vec<String> = lines
        .next()
        .map(|line| request_line(line, secret))
        .into_iter()
        .collect();
    let mut hides = false;
    for line in lines {
        let is_folded = line.starts_with([' ', '\t']);
        let start = line.trim_start();
        let name = start.split([':', ' ', '\t']).next().unwrap_or_default();
        let name_in_small = name.to_ascii_lowercase();
        hides = (is_folded && hides)
            || is_secret_header(&name_in_small)
            || PREVIEW_HEADERS.iter().any(|one| *one == *name_in_small)
            || secret.headers.iter().any(|one| *one == *name_in_small);
        shown.push(match hides {
            true if is_folded => format!(" {HIDDEN}"),
            true => format!("{name}: {HIDDEN}"),
            false => line.to_owned(),
        });
    }
    shown.join("\n")
}

/// A request line without the secrets of its query.
fn request_line(line: &str, secret: &SecretNames) -> String {
    let word = |word: &str| match word.split_once('?') {
        Some((path, query)) => format!("{path}?{}", super::curl::redacted(query, secret)),
        None => word.to_owned(),
    };
    let words: Vec<String> = line.split(' ').map(word).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_head_is_shown_without_what_gives_access() {
        let came = "POST /a?token=t0p&utm=x&k=t0p HTTP/1.1\r\nhost: a\r\nAuthorization : Bearer t0p\r\n\tt0p\r\nX-Preview: t0p\r\ncookie t0p\r\nx-signature: t0p\r\nx-a: b\r\n folded";
        let secret = SecretNames {
            headers: vec![http::HeaderName::from_static("x-signature")],
            parameters: vec!["k".to_owned()],
        };
        let shown = head(came.as_bytes(), &secret);
        assert_eq!(
            shown,
            "POST /a?token=***&utm=x&k=*** HTTP/1.1\nhost: a\nAuthorization: ***\n ***\nX-Preview: ***\ncookie: ***\nx-signature: ***\nx-a: b\n folded"
        );
        assert_eq!(head(b"\x16\x03", &SecretNames::default()), "\u{16}\u{3}");
    }

    #[test]
    fn what_gives_access_is_known_by_its_name() {
        for name in [
            "authorization",
            "cookie",
            "x-api-key",
            "x-shop-access-token",
            "stripe-secret",
        ] {
            assert!(is_secret_header(name), "{name}");
        }
        for name in [
            "content-type",
            "stripe-signature",
            "x-wc-webhook-topic",
            "keyword",
        ] {
            assert!(!is_secret_header(name), "{name}");
        }
        let shown =
            query(serde_json::json!({ "utm": "x", "api_secret": "s", "token": ["a", "b"] }));
        assert_eq!(
            shown,
            serde_json::json!({ "utm": "x", "api_secret": "***", "token": "***" })
        );
    }
}
