//! What keys and tokens look like, to warn of those that stand in files, and to leave them out where a
//! line of a file is shown. It knows the shapes of a few vendors' keys; it is a help, not a guard.

use std::path::Path;
use std::sync::OnceLock;

use regex::Regex;

/// The length of an Amplitude key in hexadecimal digits.
const AMPLITUDE_KEY: usize = 32;

/// Shapes that are a key wherever they stand, and whose.
const SHAPES: [(&str, &str); 14] = [
    (r"\b[sr]k_(?:live|test)_[A-Za-z0-9]{10,}", "a Stripe key"),
    (r"\bwhsec_[A-Za-z0-9+/=]{10,}", "a webhook's signing secret"),
    (r"\bxox[abeprs]-[A-Za-z0-9-]{8,}", "a Slack token"),
    (
        r"https://hooks\.slack\.com/services/T[A-Za-z0-9/]+",
        "a Slack webhook, whose address is its password",
    ),
    (r"\bgh[pousr]_[A-Za-z0-9]{20,}", "a GitHub token"),
    (r"\bgithub_pat_[A-Za-z0-9_]{20,}", "a GitHub token"),
    (r"\bglpat-[A-Za-z0-9_-]{16,}", "a GitLab token"),
    (r"\bshp(?:at|ca|pa|ss)_[A-Fa-f0-9]{16,}", "a Shopify token"),
    (r"\bAKIA[A-Z0-9]{16}\b", "an AWS access key"),
    (r"\bAIza[A-Za-z0-9_-]{30,}", "a Google API key"),
    (
        r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
        "a SendGrid key",
    ),
    (
        r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}",
        "a signed token",
    ),
    // Shorter words after `Bearer` are more likely a placeholder than a token.
    (r"\bBearer [A-Za-z0-9._~+/=-]{16,}", "a bearer token"),
    (r"-----BEGIN [A-Z ]*PRIVATE KEY", "a private key"),
];

/// A name that says that its value is a secret, and a value that is no placeholder.
const NAMED: &str = r#"(?i)\b(?:[a-z0-9_-]*(?:api_?key|secret|token|passw(?:or)?d|authorization|access_?key|measurement_?secret))["']?\s*[:=]\s*["'`]([^"'`\s$]{16,})["'`]"#;

/// Keys of `tagwerk.toml` whose values are shown; all others may hold a secret.
const SHOWN: [&str; 28] = [
    "listen",
    "public_url",
    "trusted_proxies",
    "max_body",
    "allow_remote",
    "hosts",
    "dir",
    "clients",
    "tags",
    "shared",
    "draft",
    "tables",
    "transforms",
    "kind",
    "retention",
    "dead_letter_retention",
    "max_size",
    "type",
    "region",
    "dry_run",
    "timeout",
    "retry",
    "rate",
    "batch",
    "batch_wait",
    "concurrency",
    "delivery",
    "method",
];

/// A key or token in a line of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Whose, for a person: `a Slack token`.
    pub what: &'static str,
    /// Where it begins, in bytes.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
}

/// What of a line looks like a key, from left to right.
pub fn find(line: &str) -> Vec<Found> {
    let by_shape = shapes().iter().flat_map(|(shape, what)| {
        let places = shape.find_iter(line);
        places.map(|place| Found {
            what,
            start: place.start(),
            end: place.end(),
        })
    });
    let mut found: Vec<Found> = by_shape.collect();
    let values = named()
        .into_iter()
        .flat_map(|named| named.captures_iter(line));
    let values = values.filter_map(|named| named.get(1));
    for value in values.filter(|value| is_random(value.as_str())) {
        let (start, end) = (value.start(), value.end());
        if found
            .iter()
            .all(|other| end <= other.start || other.end <= start)
        {
            found.push(Found {
                what: "a secret",
                start,
                end,
            });
        }
    }
    found.sort_by_key(|found| found.start);
    found
}

/// What the value of a key in the configuration looks like, if it is a secret.
pub(super) fn looks_like(key: &str, text: &str) -> Option<&'static str> {
    if key == "api_key" && text.len() == AMPLITUDE_KEY && is_hexadecimal(text) {
        return Some("an API key");
    }
    let mut shapes = shapes().iter();
    shapes
        .find(|(shape, _)| shape.is_match(text))
        .map(|(_, what)| *what)
}

/// A line of a file to be shown: of the configuration only the values that are no secret for certain,
/// of a script all but what looks like one. Nothing moves, so that marks below it fit.
pub(super) fn without_secrets(file: &Path, line: &str) -> String {
    if file
        .extension()
        .is_some_and(|extension| extension == "toml")
    {
        return without_values(line);
    }
    let secrets = find(line);
    let is_secret = |at: usize| {
        secrets
            .iter()
            .any(|found| (found.start..found.end).contains(&at))
    };
    let letters = line.char_indices();
    let shown = letters.map(|(at, letter)| if is_secret(at) { '*' } else { letter });
    shown.collect()
}

fn without_values(line: &str) -> String {
    let key = line.split('=').next().unwrap_or_default().trim();
    let key = key.rsplit('.').next().unwrap_or_default();
    let is_table = key.starts_with('[');
    if SHOWN.contains(&key) || is_table || !line.contains(['"', '\'', '=']) {
        return line.to_owned();
    }
    let mut quote = None;
    let hide = |letter: char| match quote {
        Some(open) if open == letter => {
            quote = None;
            letter
        }
        Some(_) => '*',
        None if letter == '"' || letter == '\'' => {
            quote = Some(letter);
            letter
        }
        None => letter,
    };
    line.chars().map(hide).collect()
}

fn shapes() -> &'static [(Regex, &'static str)] {
    static COMPILED: OnceLock<Vec<(Regex, &'static str)>> = OnceLock::new();
    COMPILED.get_or_init(|| {
        let each = SHAPES.iter();
        let compiled = each.filter_map(|(shape, what)| Some((Regex::new(shape).ok()?, *what)));
        compiled.collect()
    })
}

fn named() -> Option<&'static Regex> {
    static COMPILED: OnceLock<Option<Regex>> = OnceLock::new();
    COMPILED.get_or_init(|| Regex::new(NAMED).ok()).as_ref()
}

/// Letters and digits among one another: no word, and no name of a variable.
fn is_random(text: &str) -> bool {
    let has = |test: fn(&u8) -> bool| text.bytes().any(|byte| test(&byte));
    let is_variable = text
        .bytes()
        .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic) && !is_variable
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_compiles() {
        assert_eq!(shapes().len(), SHAPES.len());
        assert!(named().is_some());
    }

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
    fn keys_in_scripts_are_found_and_hidden() {
        for (line, expected) in [
            (
                r#"let key = "sk_live_4eC39HqLyjWDarjtT1zdp7dc";"#,
                r#"let key = "********************************";"#,
            ),
            (
                r#"    api_key: "0123456789abcdef","#,
                r#"    api_key: "****************","#,
            ),
            (
                r#"// const VERIFY = #{ secret: "STRIPE_WEBHOOK_SECRET" };"#,
                "",
            ),
            (r#"    token: "a word that is long","#, ""),
            (r#"    token: "notatokenbutaword","#, ""),
            (r#"    user_id: "0123456789abcdef","#, ""),
        ] {
            let shown = without_secrets(Path::new("tags/a.rhai"), line);
            let expected = if expected.is_empty() { line } else { expected };
            assert_eq!(shown, expected);
        }
    }

    #[test]
    fn of_the_configuration_only_harmless_values_are_shown() {
        for (line, expected) in [
            ("listen = \"127.0.0.1:80\"", "listen = \"127.0.0.1:80\""),
            ("api_key = \"abc\"", "api_key = \"***\""),
            ("url = 'https://a/b'", "url = '***********'"),
            ("[destinations.crm]", "[destinations.crm]"),
            ("  \"secret\",", "  \"******\","),
        ] {
            assert_eq!(without_secrets(Path::new("tagwerk.toml"), line), expected);
        }
    }
}
