//! What can be read of a head that was refused, for whoever watches: as much as there is, without any
//! of the rules that it broke. Nothing goes on with it. Pure.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

/// What stands for a path that cannot be read.
const UNREADABLE: &str = "(unreadable)";

/// The method of a request whose method cannot be read.
const UNKNOWN: &[u8] = b"UNKNOWN";

/// Where the [`Socket`](super::socket::Socket) leaves the bytes of a refused head, for the exchange
/// that answers it. There is one at most to a connection, as it is the last.
#[derive(Debug, Default)]
pub(super) struct RefusedHead(Mutex<Vec<u8>>);

impl RefusedHead {
    /// Keeps the first `most` bytes.
    pub(super) fn keep(&self, bytes: &[u8], most: usize) {
        let kept = bytes.get(..most).unwrap_or(bytes).to_vec();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = kept;
    }

    pub(super) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What could be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Remains {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: String,
    /// The fields that are good.
    pub(super) headers: HeaderMap,
    /// The head as it came.
    pub(super) head: Bytes,
    /// What had come of the body.
    pub(super) body: Bytes,
}

/// Reads `bytes`, which begin with the head.
pub(super) fn read(bytes: Vec<u8>) -> Remains {
    let bytes = Bytes::from(bytes);
    let begin = bytes.iter().take_while(|byte| b"\r\n".contains(byte));
    let bytes = bytes.slice(begin.count()..);
    let (end, body) = end_of_head(&bytes);
    let head = bytes.slice(..end);
    let mut lines = head.split(|&byte| byte == b'\n');
    let (method, target) = request_line(lines.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    Remains {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        headers: lines.filter_map(field).collect(),
        body: bytes.slice(body..),
        head,
    }
}

/// Where the last line of the head ends, and where the body begins.
fn end_of_head(bytes: &[u8]) -> (usize, usize) {
    let ends: [&[u8]; 2] = [b"\r\n\r\n", b"\n\n"];
    let found = ends.iter().filter_map(|end| {
        let at = bytes.windows(end.len()).position(|window| window == *end);
        at.map(|at| (at, at + end.len()))
    });
    found.min().unwrap_or((bytes.len(), bytes.len()))
}

fn request_line(line: &[u8]) -> (Method, String) {
    let mut words = line.trim_ascii().splitn(3, |&byte| byte == b' ');
    let method = words.next().unwrap_or_default();
    let unknown = || Method::from_bytes(UNKNOWN).unwrap_or_default();
    let method = Method::from_bytes(method).unwrap_or_else(|_| unknown());
    let target = words.next().map(String::from_utf8_lossy);
    match target {
        Some(target) if !target.is_empty() => (method, target.into_owned()),
        _ => (method, UNREADABLE.to_owned()),
    }
}

fn field(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    let (name, value) = line.split_at_checked(colon)?;
    let name = HeaderName::from_bytes(name).ok()?;
    let value = value.get(1..)?.trim_ascii();
    Some((name, HeaderValue::from_bytes(value).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_much_is_read_as_there_is() {
        for (bytes, method, path, query, fields, body) in [
            (
                "POST /a?b=c HTTP/1.1\r\nhost: x\r\nbad header: y\r\nx-a: b\r\n\r\n{}",
                "POST",
                "/a",
                "b=c",
                2,
                "{}",
            ),
            (
                "\r\nGET /a/../b HTTP/1.1\nx: y\n\nrest",
                "GET",
                "/a/../b",
                "",
                1,
                "rest",
            ),
            ("GET", "GET", UNREADABLE, "", 0, ""),
            ("GET  /a", "GET", UNREADABLE, "", 0, ""),
            ("", "UNKNOWN", UNREADABLE, "", 0, ""),
            ("\u{16}\u{3}\u{1}", "UNKNOWN", UNREADABLE, "", 0, ""),
            ("GET /a HTTP/1.1\r\nx: y\r\nhalf", "GET", "/a", "", 1, ""),
        ] {
            let read = read(bytes.as_bytes().to_vec());
            assert_eq!(read.method.as_str(), method, "{bytes:?}");
            assert_eq!(
                (read.path.as_str(), read.query.as_str()),
                (path, query),
                "{bytes:?}"
            );
            assert_eq!(read.headers.len(), fields, "{bytes:?}");
            assert_eq!(read.body, body.as_bytes(), "{bytes:?}");
        }
    }

    #[test]
    fn no_more_is_kept_than_a_head_may_have() {
        let kept = RefusedHead::default();
        kept.keep(b"GET / HTTP/1.1", 5);
        assert_eq!(kept.take(), b"GET /");
        assert_eq!(kept.take(), b"");
    }
}
