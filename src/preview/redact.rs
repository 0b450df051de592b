//! What of a sender's request is not shown: what gives access to something. Our own keys are hidden
//! by their destination; here only names can be gone by.

use serde_json::Value;

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

#[cfg(test)]
mod tests {
    use super::*;

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
