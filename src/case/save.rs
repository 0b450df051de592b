//! Writes a request that was seen as a case, without what gives access.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use http::HeaderName;
use serde_json::Value;

use super::{Expected, REQUEST_FILE};
use crate::clock::rfc3339;
use crate::preview::{HIDDEN, is_secret, is_secret_header, redacted};
use crate::request::{Request, SecretNames};

/// The longest name of a case.
pub const MAX_NAME_BYTES: usize = 100;

/// A case that was written, or is about to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// `request.http`.
    pub message: Vec<u8>,
    /// What was taken out of it, for a person.
    pub removed: Vec<String>,
}

/// Why a case could not be written.
#[derive(Debug)]
pub enum SaveError {
    /// There is one of that name.
    Exists,
    /// The disk says no.
    Disk(io::Error),
}

impl fmt::Display for SaveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists => f.write_str("there is a case of that name; `overwrite` replaces it"),
            Self::Disk(error) => write!(f, "the case could not be written: {error}"),
        }
    }
}

impl std::error::Error for SaveError {}

impl From<io::Error> for SaveError {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

/// Whether a text can name a case: a folder that is nowhere else.
///
/// # Errors
/// What it must look like.
pub fn check_name(name: &str) -> Result<(), String> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let is_good = !name.is_empty()
        && name.len() <= MAX_NAME_BYTES
        && !name.starts_with('.')
        && name.chars().all(is_part);
    match is_good {
        true => Ok(()),
        false => Err(format!(
            "a case's name has letters, digits, `-`, `_` and `.`, up to {MAX_NAME_BYTES}, and does not begin with a dot"
        )),
    }
}

impl Saved {
    /// A request as a case has it, without these headers and those that are known to give access.
    pub fn of(request: &Request, from: &str, secret: &SecretNames) -> Self {
        let mut removed = Vec::new();
        let mut clean = request.clone();
        let headers: Vec<HeaderName> = clean
            .headers
            .keys()
            .filter(|name| is_secret_header(name.as_str()) || secret.headers.contains(name))
            .cloned()
            .collect();
        for name in headers {
            removed.push(format!("header {name}"));
            clean.headers.remove(&name);
        }
        let query = redacted(&request.query, secret);
        if query != request.query {
            removed.push("values in the query".to_owned());
            clean.query = query;
        }
        if let Ok(mut body) = serde_json::from_slice::<Value>(&request.body) {
            let before = removed.len();
            hide(&mut body, "", &mut removed);
            // Only then: a body is kept to the byte.
            if removed.len() > before {
                clean.body = body.to_string().into();
            }
        }
        let at = rfc3339(request.received_at);
        let mut message = format!("# {from}; what gives access is not in it.\n").into_bytes();
        let rest = clean.to_message(&SecretNames::default());
        // The time stands where the sender stands: behind the first line.
        let line = rest.iter().position(|byte| *byte == b'\n').unwrap_or(0) + 1;
        let (first, rest) = rest.split_at(line.min(rest.len()));
        message.extend_from_slice(first);
        message.extend_from_slice(format!("x-tagwerk-received-at: {at}\r\n").as_bytes());
        message.extend_from_slice(rest);
        Self { message, removed }
    }
}

fn hide(value: &mut Value, place: &str, removed: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                let place = format!("{place}/{name}");
                if is_secret(name) && !value.is_null() && *value != HIDDEN {
                    *value = HIDDEN.into();
                    removed.push(format!("body {place}"));
                } else {
                    hide(value, &place, removed);
                }
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter_mut().enumerate() {
                hide(item, &format!("{place}/{at}"), removed);
            }
        }
        _ => {}
    }
}

/// Writes a case below `cases`, and says where.
///
/// # Errors
/// If there is one and it may not be replaced, or the disk says no.
pub fn save(
    cases: &Path,
    name: &str,
    saved: &Saved,
    expected: &Expected,
    overwrite: bool,
) -> Result<PathBuf, SaveError> {
    let folder = cases.join(name);
    fs::create_dir_all(cases)?;
    match fs::create_dir(&folder) {
        Ok(()) => {}
        // A link would lead elsewhere.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let is_folder = folder.symlink_metadata()?.is_dir();
            if !overwrite || !is_folder {
                return Err(SaveError::Exists);
            }
        }
        Err(error) => return Err(error.into()),
    }
    fs::write(folder.join(REQUEST_FILE), &saved.message)?;
    expected.write(&folder)?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use http::{HeaderMap, HeaderValue, Method};

    use super::*;
    use crate::case::parse;

    fn request(body: &str) -> Request {
        let headers = [
            ("content-type", "application/json"),
            ("authorization", "Bearer abc"),
            ("x-api-key", "abc"),
        ];
        let headers = headers.map(|(name, value)| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::from_static(value))
        });
        Request {
            id: "trace".to_owned(),
            method: Method::POST,
            path: "/order".to_owned(),
            query: "utm=x&token=abc".to_owned(),
            headers: HeaderMap::from_iter(headers),
            ip: IpAddr::from([203, 0, 113, 7]),
            body: body.to_owned().into(),
            received_at: 1_767_323_045_678,
        }
    }

    #[test]
    fn a_case_has_the_request_and_nothing_that_gives_access() {
        let body = r#"{ "id":1, "auth":{"password":"abc"}, "list":[{"api_key":"abc"}] }"#;
        let saved = Saved::of(&request(body), "from trace 1", &SecretNames::default());
        assert!(!String::from_utf8_lossy(&saved.message).contains("abc"));
        assert_eq!(saved.removed.len(), 5, "{:?}", saved.removed);
        let read = parse(&saved.message, 0).unwrap();
        assert_eq!(read.received_at, 1_767_323_045_678);
        assert_eq!(read.ip, IpAddr::from([203, 0, 113, 7]));
        assert_eq!(read.query, "utm=x&token=***");
        assert!(read.headers.contains_key("content-type"));
    }

    #[test]
    fn a_body_without_secrets_is_kept_to_the_byte() {
        for body in ["{ \"a\" : 1.50 }\n", "a=1&b=2", "", "\u{feff}{}"] {
            let saved = Saved::of(&request(body), "from trace 1", &SecretNames::default());
            assert_eq!(parse(&saved.message, 0).unwrap().body, body.as_bytes());
        }
    }

    #[test]
    fn a_name_is_one_folder_below_the_cases() {
        for bad in [
            "", ".", "..", "../a", "a/b", "a\\b", "a b", ".hidden", "ä", "a\0",
        ] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
        for good in ["order", "order-1_b.v2", &"a".repeat(MAX_NAME_BYTES)] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        assert!(check_name(&"a".repeat(MAX_NAME_BYTES + 1)).is_err());
    }

    #[test]
    fn a_case_is_overwritten_only_if_that_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let saved = Saved::of(&request("{}"), "from trace 1", &SecretNames::default());
        let save = |overwrite| {
            let expected = Expected::default();
            save(folder.path(), "a", &saved, &expected, overwrite)
        };
        assert!(save(false).is_ok());
        assert!(matches!(save(false), Err(SaveError::Exists)));
        assert!(save(true).is_ok());
    }
}
