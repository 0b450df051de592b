//! A message as NATS carries it: what a subject and a header may be, and headers and body in one.

use serde_json::{Map, Value};

use super::wire::{END_OF_HEAD, find};

/// The header by which JetStream knows a repeat.
pub(super) const MESSAGE_ID: &str = "Nats-Msg-Id";

/// The first line of every head.
const VERSION: &str = "NATS/1.0";

/// More than this many header fields is a mistake of the tag.
const MAX_HEADERS: usize = 64;

/// NATS allows more, and advises letters, digits, `-` and `_`.
const PUNCTUATION: &[u8] = b"-_.:=@+~!$";

/// What is wrong with a subject to publish to. What begins with `$` is the server's own, and answers to
/// others are sent to inboxes: neither is a destination.
pub(super) fn subject_problem(subject: &str) -> Option<String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || PUNCTUATION.contains(&byte);
    let why = if subject.is_empty() {
        "is empty"
    } else if subject.contains(['*', '>']) {
        "is a pattern: `*` and `>` are for subscribers"
    } else if subject.split('.').any(str::is_empty) {
        "has an empty part: it neither begins nor ends with a dot, nor has two together"
    } else if !subject.bytes().all(is_plain) {
        "has letters, digits and - _ . : = @ + ~ ! $ only"
    } else if subject.starts_with('$') || subject.starts_with("_INBOX.") {
        "is one of the server's own"
    } else {
        return None;
    };
    Some(format!("the subject `{subject}` {why}"))
}

/// Headers and body. The message's id is that of the delivery, unless the tag set its own.
pub(super) fn content(
    headers: &Map<String, Value>,
    id: &str,
    body: &[u8],
) -> Result<Vec<u8>, String> {
    if headers.len() > MAX_HEADERS {
        return Err(format!(
            "{} headers, the most is {MAX_HEADERS}",
            headers.len()
        ));
    }
    let mut head = format!("{VERSION}\r\n");
    if !headers.keys().any(|name| is_message_id(name)) {
        head.push_str(&format!("{MESSAGE_ID}: {id}\r\n"));
    }
    for (name, value) in headers {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        if let Some(why) = header_problem(name, &text) {
            return Err(why);
        }
        let name = match is_message_id(name) {
            true => MESSAGE_ID, // NATS tells upper case from lower
            false => name,
        };
        head.push_str(&format!("{name}: {text}\r\n"));
    }
    head.push_str("\r\n");
    let mut content = head.into_bytes();
    content.extend_from_slice(body);
    Ok(content)
}

/// Where the body begins; 0 of what has no head.
pub(super) fn head_length(content: &[u8]) -> usize {
    match content.starts_with(VERSION.as_bytes()) {
        true => find(content, END_OF_HEAD).map_or(0, |at| at + END_OF_HEAD.len()),
        false => 0,
    }
}

/// The id in a head.
pub(super) fn message_id(head: &[u8]) -> Option<String> {
    let head = std::str::from_utf8(head).ok()?;
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    let (_, id) = fields.find(|(name, _)| *name == MESSAGE_ID)?;
    Some(id.trim().to_owned())
}

/// What is wrong with a head.
pub(super) fn head_problem(head: &[u8]) -> Option<String> {
    let Ok(head) = std::str::from_utf8(head) else {
        return Some("the headers are no text".to_owned());
    };
    let mut lines = head.trim_end_matches("\r\n").split("\r\n");
    if lines.next() != Some(VERSION) {
        return Some(format!("the headers do not begin with {VERSION}"));
    }
    lines.find_map(|line| match line.split_once(':') {
        Some((name, value)) => header_problem(name, value.trim()),
        None => Some(format!("`{line}` is no header field")),
    })
}

fn is_message_id(name: &str) -> bool {
    name.eq_ignore_ascii_case(MESSAGE_ID)
}

fn header_problem(name: &str, value: &str) -> Option<String> {
    let is_visible = |byte: u8| byte.is_ascii_graphic() && byte != b':';
    if name.is_empty() || !name.bytes().all(is_visible) {
        return Some(format!("`{}` is no header name", name.escape_debug()));
    }
    let has_control = value
        .chars()
        .any(|letter| letter.is_control() && letter != '\t');
    has_control
        .then(|| format!("the value of header {name} has characters that no header may have"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_subject_is_one_place_of_ones_own() {
        for good in ["orders", "orders.eu.paid", "a-b_c:1", "_INBOXES", "a.$b"] {
            assert_eq!(subject_problem(good), None);
        }
        for bad in [
            "",
            ".",
            "a.",
            ".a",
            "a..b",
            "a b",
            "a\r\nPUB x 0",
            "a*",
            "orders.>",
            "$SYS.REQ",
            "ä",
            "a/b",
            "$JS.API.STREAM.DELETE.X",
            "_INBOX.x",
            "a\u{0}",
        ] {
            assert!(subject_problem(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn a_header_cannot_smuggle_another_one_in() {
        for (headers, why) in [
            (json!({ "a": "1\r\nb: 2" }), "the value of header a"),
            (json!({ "a": "1\nb" }), "the value of header a"),
            (json!({ "a\r\nb": "1" }), "is no header name"),
            (json!({ "a:": "1" }), "is no header name"),
            (json!({ "": "1" }), "is no header name"),
        ] {
            let told = content(headers.as_object().unwrap(), "1", b"").unwrap_err();
            assert!(told.contains(why), "{told}");
        }
    }

    #[test]
    fn the_id_is_the_deliverys_unless_the_tag_has_its_own() {
        for (headers, expected) in [
            (json!({}), "NATS/1.0\r\nNats-Msg-Id: d\r\n\r\nx"),
            (
                json!({ "A": 1 }),
                "NATS/1.0\r\nNats-Msg-Id: d\r\nA: 1\r\n\r\nx",
            ),
            (
                json!({ "nats-msg-id": "own" }),
                "NATS/1.0\r\nNats-Msg-Id: own\r\n\r\nx",
            ),
        ] {
            let content = content(headers.as_object().unwrap(), "d", b"x").unwrap();
            assert_eq!(String::from_utf8(content.clone()).unwrap(), expected);
            let (head, body) = content.split_at(head_length(&content));
            assert_eq!((head_problem(head), body), (None, &b"x"[..]));
            assert!(message_id(head).is_some());
        }
        assert_eq!(head_length(b"plain"), 0);
    }
}
