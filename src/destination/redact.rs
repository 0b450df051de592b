//! Takes secrets out of texts that people see. It looks for the secrets we have; it does not guess
//! what else might be one.

use crate::secret::Secret;

const HIDDEN: &str = "***";

/// The text with every secret in it replaced, however it is written there.
pub(super) fn hide(text: &str, secrets: &[&Secret]) -> String {
    let mut forms: Vec<String> = secrets
        .iter()
        .filter(|secret| !secret.is_empty())
        .flat_map(|secret| forms(secret.expose()))
        .collect();
    // The longest first: one secret may be a part of another.
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    forms
        .iter()
        .fold(text.to_owned(), |text, form| text.replace(form, HIDDEN))
}

/// As it is, in JSON, and in a query.
fn forms(secret: &str) -> [String; 3] {
    let json = serde_json::Value::from(secret).to_string();
    let json = json
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    [
        secret.to_owned(),
        json.unwrap_or(secret).to_owned(),
        form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
    ]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::hide;
    use crate::secret::Secret;

    #[test]
    fn every_form_of_every_secret_is_hidden() {
        let secrets = ["k3y", "k3y-longer", "a\"b", "x y/z", ""].map(Secret::new);
        let secrets: Vec<&Secret> = secrets.iter().collect();
        for (text, expected) in [
            ("Bearer k3y", "Bearer ***"),
            ("k3yk3y k3y-longer", "****** ***"),
            (r#"{"key":"a\"b"}"#, r#"{"key":"***"}"#),
            ("?key=x+y%2Fz&b=1", "?key=***&b=1"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(hide(text, &secrets), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_secret_in_json_is_never_left(secret in "[^*]{4,20}", around in "[a-z]{0,9}") {
            let json = serde_json::json!({ "api_key": format!("{around}{secret}") }).to_string();
            let hidden = hide(&json, &[&Secret::new(secret.as_str())]);
            let shown: serde_json::Value = serde_json::from_str(&hidden).unwrap();
            prop_assert_eq!(&shown["api_key"], &format!("{around}***"));
        }
    }
}
