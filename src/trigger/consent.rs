//! Consent, as the visitor gave it: `consent_state.*` where the event has it, else Google's
//! `x-ga-gcs`. What is not known is not granted.

use crate::script::Map;
use crate::script::value::lookup;

/// The kinds of Google's consent mode; events may have others.
pub const CONSENT_KINDS: [&str; 7] = [
    "ad_storage",
    "ad_user_data",
    "ad_personalization",
    "analytics_storage",
    "functionality_storage",
    "personalization_storage",
    "security_storage",
];

/// What a tag's `CONSENT` asks for and what the event says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentCheck {
    /// What the tag needs.
    pub required: Vec<String>,
    /// What of it is not granted.
    pub missing: Vec<String>,
}

impl ConsentCheck {
    pub(super) fn of(event: &Map, required: &[String]) -> Self {
        let missing = required
            .iter()
            .filter(|kind| !is_granted(event, kind))
            .cloned()
            .collect();
        Self {
            required: required.to_vec(),
            missing,
        }
    }
}

pub(super) fn is_granted(event: &Map, kind: &str) -> bool {
    if let Some(state) = event
        .get("consent_state")
        .and_then(|state| state.as_map_ref().ok())
    {
        return state.get(kind).is_some_and(says_yes);
    }
    granted_by_google(event, kind)
}

fn says_yes(value: &crate::script::Value) -> bool {
    match value.as_immutable_string_ref() {
        Ok(word) => matches!(word.as_str(), "granted" | "true"),
        Err(_) => value.as_bool().unwrap_or(false),
    }
}

/// `G1xy`: x is `ad_storage`, y is `analytics_storage`; 1 is granted, 0 denied, `-` unset.
fn granted_by_google(event: &Map, kind: &str) -> bool {
    let place = match kind {
        "ad_storage" => 2,
        "analytics_storage" => 3,
        _ => return false,
    };
    let Some(code) = lookup(event, "x-ga-gcs") else {
        return false;
    };
    let Ok(code) = code.as_immutable_string_ref() else {
        return false;
    };
    code.starts_with("G1") && code.as_bytes().get(place) == Some(&b'1')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::parse_json;

    #[test]
    fn what_is_not_known_is_not_granted() {
        let cases = [
            (
                r#"{"consent_state":{"ad_storage":true}}"#,
                "ad_storage",
                true,
            ),
            (
                r#"{"consent_state":{"ad_storage":"granted"}}"#,
                "ad_storage",
                true,
            ),
            (
                r#"{"consent_state":{"ad_storage":"true"}}"#,
                "ad_storage",
                true,
            ),
            (
                r#"{"consent_state":{"ad_storage":"denied"}}"#,
                "ad_storage",
                false,
            ),
            (r#"{"consent_state":{"ad_storage":1}}"#, "ad_storage", false),
            (r#"{"consent_state":{"marketing":true}}"#, "marketing", true),
            (
                r#"{"consent_state":{},"x-ga-gcs":"G111"}"#,
                "ad_storage",
                false,
            ),
            (
                r#"{"consent_state":null,"x-ga-gcs":"G111"}"#,
                "ad_storage",
                true,
            ),
            (r#"{"x-ga-gcs":"G110"}"#, "ad_storage", true),
            (r#"{"x-ga-gcs":"G110"}"#, "analytics_storage", false),
            (r#"{"x-ga-gcs":"G1-1"}"#, "ad_storage", false),
            (r#"{"x-ga-gcs":"G111"}"#, "ad_user_data", false),
            (r#"{"x-ga-gcs":"G1"}"#, "ad_storage", false),
            (r#"{"x-ga-gcs":111}"#, "ad_storage", false),
            ("{}", "ad_storage", false),
        ];
        for (event, kind, expected) in cases {
            let event: Map = parse_json(event.as_bytes()).unwrap().cast();
            assert_eq!(is_granted(&event, kind), expected, "{event:?} {kind}");
            let check = ConsentCheck::of(&event, &[kind.to_owned()]);
            assert_eq!(check.missing.is_empty(), expected);
        }
    }
}
