//! `${VAR}` and `${file:PATH}` in the values of the configuration. This is the only place in the
//! program that reads the environment. What is put in is not expanded again.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::problem::quoted;
use crate::secret::Secret;

/// The largest file that `${file:…}` reads: a key or a certificate, not a data set.
const MAX_SECRET_FILE: u64 = 64 * 1024;

/// Where the values of `${VAR}` come from; a test hands over a map.
pub trait Environment: Sync {
    /// The value of the variable, if it is set.
    fn variable(&self, name: &str) -> Option<String>;
}

/// The environment of this process.
#[derive(Clone, Copy, Debug)]
pub struct SystemEnvironment;

impl Environment for SystemEnvironment {
    // The rule says that only this file reads the environment; here is where it does.
    #[allow(clippy::disallowed_methods)]
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

impl Environment for BTreeMap<String, String> {
    fn variable(&self, name: &str) -> Option<String> {
        self.get(name).cloned()
    }
}

/// What became of one string of the file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Expanded {
    /// The text with everything put in.
    pub(super) text: String,
    /// True if anything was put in, that is, if the value does not stand in the file itself.
    pub(super) changed: bool,
    /// The values that were put in.
    pub(super) put_in: Vec<Secret>,
    /// Variables that are unset or empty.
    pub(super) unset: Vec<String>,
    /// What cannot work whatever is set: message and hint.
    pub(super) faults: Vec<(String, String)>,
}

/// Expands one string. `base` is the folder that the paths of `${file:PATH}` start from.
pub(super) fn expand(text: &str, base: &Path, environment: &dyn Environment) -> Expanded {
    let mut expanded = Expanded::default();
    let mut rest = text;
    while let Some((before, from_dollar)) = split_at_dollar(rest) {
        expanded.text.push_str(before);
        if let Some(after) = from_dollar.strip_prefix("$${") {
            expanded.text.push_str("${");
            rest = after;
        } else if let Some(after) = from_dollar.strip_prefix("${") {
            let Some((reference, remainder)) = after.split_once('}') else {
                expanded.unclosed();
                return expanded;
            };
            expanded.put_in(reference, base, environment);
            rest = remainder;
        } else {
            expanded.text.push('$');
            rest = from_dollar.strip_prefix('$').unwrap_or_default();
        }
    }
    expanded.text.push_str(rest);
    expanded
}

/// The secret that a script names: by a variable, `SHOP_SECRET`, or by a file, `${file:PATH}`.
///
/// # Errors
/// Why there is none, and how to mend that. A name that may be the secret itself, put where its name
/// belongs, is not repeated.
pub fn secret(
    reference: &str,
    base: &Path,
    environment: &dyn Environment,
) -> Result<Secret, (String, String)> {
    let is_name = |c: u8| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_';
    let name = match reference.contains("${") {
        true => reference.to_owned(),
        false if is_variable_name(reference) => format!("${{{reference}}}"),
        false => {
            return Err((
                "secret: what stands there is no variable's name".to_owned(),
                "write the name of an environment variable, such as \"SHOP_SECRET\", not the secret itself; or \"${file:PATH}\"".to_owned(),
            ));
        }
    };
    let expanded = expand(&name, base, environment);
    if let Some((message, hint)) = expanded.faults.into_iter().next() {
        return Err((format!("secret: {message}"), hint));
    }
    match expanded.unset.first() {
        Some(name) => Err((
            match name.bytes().all(is_name) {
                true => format!("secret: the variable {name} is not set"),
                false => "secret: the variable that it names is not set".to_owned(),
            },
            "set it to the secret that the sender shows; it is the variable's name that stands in the script, not the secret".to_owned(),
        )),
        None if expanded.text.trim().is_empty() => Err((
            "secret: it is blank".to_owned(),
            "set it to the secret that the sender shows".to_owned(),
        )),
        None => Ok(Secret::new(expanded.text)),
    }
}

/// Reads a text file of at most `limit` bytes.
pub(super) fn read_text(path: &Path, limit: u64) -> io::Result<String> {
    let mut text = String::new();
    let file = File::open(path)?;
    file.take(limit + 1).read_to_string(&mut text)?;
    if text.len() as u64 > limit {
        return Err(io::Error::other(format!("larger than {limit} bytes")));
    }
    Ok(text)
}

impl Expanded {
    fn put_in(&mut self, reference: &str, base: &Path, environment: &dyn Environment) {
        self.changed = true;
        if let Some(path) = reference.strip_prefix("file:") {
            return self.put_in_file(path, base);
        }
        if !is_variable_name(reference) {
            let message = format!("{} is not a variable's name", quoted(reference));
            return self.fault(
                message,
                "write ${NAME} or ${file:PATH}; $${ stands for ${ itself",
            );
        }
        match environment.variable(reference) {
            Some(value) if !value.is_empty() => self.push(&value),
            _ if self.unset.iter().any(|name| name == reference) => {}
            _ => self.unset.push(reference.to_owned()),
        }
    }

    fn put_in_file(&mut self, path: &str, base: &Path) {
        let full = base.join(path);
        match read_text(&full, MAX_SECRET_FILE) {
            Ok(text) => match text.trim_end_matches(['\r', '\n']) {
                "" => self.fault(
                    format!("the file {} is empty", quoted(path)),
                    "put the value into it",
                ),
                value => self.push(value),
            },
            Err(error) => self.fault(
                format!("the file {} cannot be read: {error}", quoted(path)),
                "the path starts from the folder of the configuration file",
            ),
        }
    }

    fn push(&mut self, value: &str) {
        self.text.push_str(value);
        self.put_in.push(Secret::new(value));
    }

    fn unclosed(&mut self) {
        self.changed = true;
        let message = "`${` is not closed by `}`".to_owned();
        self.fault(
            message,
            "write ${NAME} or ${file:PATH}; $${ stands for ${ itself",
        );
    }

    fn fault(&mut self, message: String, hint: &str) {
        self.faults.push((message, hint.to_owned()));
    }
}

fn split_at_dollar(text: &str) -> Option<(&str, &str)> {
    text.split_at_checked(text.find('$')?)
}

fn is_variable_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn environment() -> BTreeMap<String, String> {
        [("TOKEN", "t0k"), ("EMPTY", ""), ("NESTED", "${TOKEN}")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    fn expand_here(text: &str) -> Expanded {
        expand(text, Path::new("tests/data/config/valid"), &environment())
    }

    #[test]
    fn puts_in_variables_and_files() {
        for (text, expected) in [
            ("Bearer ${TOKEN}!", "Bearer t0k!"),
            ("${TOKEN}${TOKEN}", "t0kt0k"),
            ("${NESTED}", "${TOKEN}"),
            ("$${TOKEN}", "${TOKEN}"),
            ("$$${TOKEN}", "$${TOKEN}"),
            ("5$, $5, $$", "5$, $5, $$"),
            ("${file:secrets/token}", "from-a-file"),
        ] {
            let expanded = expand_here(text);
            assert_eq!(expanded.text, expected, "{text}");
            assert_eq!(
                (expanded.unset.len(), expanded.faults.len()),
                (0, 0),
                "{text}"
            );
        }
    }

    #[test]
    fn an_empty_variable_counts_as_unset_and_is_named_once() {
        assert_eq!(
            expand_here("${EMPTY} ${OTHER} ${OTHER}").unset,
            ["EMPTY", "OTHER"]
        );
    }

    #[test]
    fn what_cannot_work_is_a_fault() {
        for text in [
            "${",
            "${TOKEN",
            "${}",
            "${1A}",
            "${A-B}",
            "${A:-b}",
            "${file:none}",
            "${file:${TOKEN}}",
        ] {
            assert_eq!(expand_here(text).faults.len(), 1, "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_escaped_text_comes_out_as_it_was(text in r"([$]|[{}]|[a-zA-Z_ä:])*") {
            let expanded = expand_here(&text.replace("${", "$${"));
            prop_assert_eq!(&expanded.text, &text);
            prop_assert!(!expanded.changed);
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            expand_here(&text);
        }
    }
}
