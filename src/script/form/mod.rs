//! What HTML forms send, as script values: `application/x-www-form-urlencoded`, which queries are
//! too, and `multipart/form-data`. Names are kept as they are, brackets and dots and all.

mod charset;
mod multipart;
mod urlencoded;

pub use urlencoded::parse_query;

use super::limits;
use super::value::{Map, Value};

/// Reads a form by its content type; what is not `multipart/form-data` is read as urlencoded.
///
/// # Errors
/// Why the body is no form, for its sender.
pub fn parse(content_type: &[u8], body: &[u8]) -> Result<Map, String> {
    match &*essence(content_type) {
        "multipart/form-data" => multipart::parse(content_type, body),
        _ => urlencoded::parse(charset::of(content_type)?, body),
    }
}

/// A content type without its parameters, in lower case: `text/plain` of `Text/Plain; charset=utf-8`.
pub(super) fn essence(content_type: &[u8]) -> String {
    let end = content_type.iter().position(|byte| *byte == b';');
    let kind = content_type.get(..end.unwrap_or(content_type.len()));
    let kind = kind.unwrap_or_default().trim_ascii();
    String::from_utf8_lossy(kind).to_ascii_lowercase()
}

/// One more field. A name that comes twice gets an array.
fn add(map: &mut Map, name: &str, value: Value) {
    let Some(first) = map.get_mut(name) else {
        map.insert(name.into(), value);
        return;
    };
    if let Ok(mut items) = first.as_array_mut() {
        items.push(value);
        return;
    }
    let items = vec![std::mem::take(first), value];
    *first = items.into();
}

/// Names such as `a[b][c]` are texts here, but scripts may take them apart.
fn check_name(name: &str) -> Result<(), String> {
    let most = limits::JSON_DEPTH;
    if name.bytes().filter(|byte| *byte == b'[').count() > most {
        return Err(format!(
            "the name of a field is nested deeper than {most} levels"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_type_is_known_by_its_essence() {
        for (given, expected) in [
            ("application/json", "application/json"),
            ("Text/Plain;charset=UTF-8", "text/plain"),
            (" multipart/form-data ; boundary=x", "multipart/form-data"),
            ("", ""),
            (";", ""),
        ] {
            assert_eq!(essence(given.as_bytes()), expected);
        }
        assert_eq!(essence(b"\xff"), "\u{fffd}");
    }
}
