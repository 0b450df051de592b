//! Warns about keys and tokens that stand in the configuration itself, from where they get into
//! version control. It knows the shapes of a few vendors' keys; it is a help, not a guard.

use super::section::Section;

/// The length of an Amplitude key in hexadecimal digits.
const AMPLITUDE_KEY: usize = 32;

/// Shorter words after `Bearer` are more likely a placeholder than a token.
const MIN_BEARER: usize = 16;

/// Warns about each text of the section that looks like a real key.
pub(super) fn warn(destination: &str, section: &mut Section) {
    for (key, at, text) in section.literals() {
        let Some(kind) = looks_like(&key, &text) else {
            continue;
        };
        let variable = variable_name(destination, &key);
        let message = format!("`{}` holds what looks like {kind}", key.escape_default());
        let hint = format!("write ${{{variable}}} and set that variable, or ${{file:PATH}}");
        section.warning_at(Some(at), message, Some(hint));
    }
}

fn looks_like(key: &str, text: &str) -> Option<&'static str> {
    if key == "api_key" && text.len() == AMPLITUDE_KEY && is_hexadecimal(text) {
        return Some("an API key");
    }
    if ["xoxb-", "xoxp-", "xoxa-"]
        .iter()
        .any(|prefix| text.contains(prefix))
    {
        return Some("a Slack token");
    }
    if text.starts_with("https://hooks.slack.com/services/T") {
        return Some("a Slack webhook, whose address is its password");
    }
    let bearer = text.strip_prefix("Bearer ")?;
    (bearer.len() >= MIN_BEARER).then_some("a bearer token")
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `CRM_AUTHORIZATION` for the header `Authorization` of the destination `crm`.
fn variable_name(destination: &str, key: &str) -> String {
    let name = format!("{destination}_{key}").to_uppercase();
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    name.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::{looks_like, variable_name};

    #[test]
    fn only_what_has_the_shape_of_a_key_is_warned_about() {
        let hex = "0123456789abcdef0123456789ABCDEF";
        for (key, text, expected) in [
            ("api_key", hex, true),
            ("customer_site_id", hex, false),
            ("api_key", "your-key-here", false),
            ("bot_token", "xoxb-1-2-three", true),
            (
                "webhook_url",
                "https://hooks.slack.com/services/T0/B0/x",
                true,
            ),
            ("webhook_url", "https://hooks.slack.com/", false),
            ("Authorization", "Bearer abcdefghijklmnop", true),
            ("Authorization", "Bearer token", false),
        ] {
            assert_eq!(looks_like(key, text).is_some(), expected, "{key} = {text}");
        }
    }

    #[test]
    fn the_hint_names_a_variable_that_can_be_set() {
        assert_eq!(variable_name("my-crm", "X-Api-Key"), "MY_CRM_X_API_KEY");
    }
}
