//! A string that never prints itself. It does not encrypt anything and is not wiped from memory.

use std::fmt;

use crate::error::BoxError;

/// A key, token or URL that gives access to something. `Debug` and `Display` print `***`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value that must not be printed.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// A new one that nobody can guess: so many random bytes, as hexadecimal digits.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn random<const BYTES: usize>() -> Result<Self, BoxError> {
        random_hex::<BYTES>().map(Self)
    }

    /// The value itself, for the one place that sends it. Never log what this returns.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// True if there is nothing to keep secret.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// So many random bytes, as hexadecimal digits: for names that must not be guessed.
///
/// # Errors
/// If the system has no randomness.
pub fn random_hex<const BYTES: usize>() -> Result<String, BoxError> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes)
        .map_err(|error| format!("the system has no randomness: {error}"))?;
    Ok(hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::{Secret, random_hex};

    #[test]
    fn a_random_one_is_another_each_time() {
        let made = random_hex::<16>().unwrap();
        assert_eq!(made.len(), 32);
        assert_ne!(made, random_hex::<16>().unwrap());
        assert!(made.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }

    #[test]
    fn never_prints_itself() {
        let secret = Secret::new("sk-visible");
        assert_eq!(
            format!("{secret} {secret:?} {:?}", Some(&secret)),
            "*** *** Some(***)"
        );
        assert_eq!(secret.expose(), "sk-visible");
    }
}
