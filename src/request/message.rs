//! A request as an HTTP message: how one whose client failed is kept, and what `.http` files hold.
//! It reads what we or a person wrote, so lines may end in LF; it is not the listener's parser,
//! which trusts nobody (`ingress`).

use std::net::{IpAddr, Ipv4Addr};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use super::{Request, SecretNames};
use crate::clock::{Millis, parse_rfc3339};

/// Headers that give access to something and so are not kept on disk.
const NOT_KEPT: [HeaderName; 3] = [
    header::AUTHORIZATION,
    header::COOKIE,
    header::PROXY_AUTHORIZATION,
];

/// Who sent it, which no header of HTTP says reliably. Only messages have it: what a sender writes
/// there himself is not kept, and a request that was read from a message does not have it.
const SENDER: HeaderName = HeaderName::from_static("x-tagwerk-sender");

/// When it arrived, if that matters. As with the sender, only messages have it.
const RECEIVED_AT: HeaderName = HeaderName::from_static("x-tagwerk-received-at");

impl Request {
    /// The request as an HTTP message, to keep and to run again. Without credentials, and without
    /// what is named as such.
    pub fn to_message(&self, secret: &SecretNames) -> Bytes {
        let query = secret.removed_from(&self.query);
        let mark = if query.is_empty() { "" } else { "?" };
        let mut message = format!(
            "{} {}{mark}{} HTTP/1.1\r\n{SENDER}: {}\r\n",
            self.method, self.path, query, self.ip
        )
        .into_bytes();
        let is_kept = |name: &HeaderName| {
            !(NOT_KEPT.contains(name) || secret.headers.contains(name))
                && name != SENDER
                && name != RECEIVED_AT
        };
        for (name, value) in self.headers.iter().filter(|(name, _)| is_kept(name)) {
            message.extend_from_slice(name.as_str().as_bytes());
            message.extend_from_slice(b": ");
            message.extend_from_slice(value.as_bytes());
            message.extend_from_slice(b"\r\n");
        }
        message.extend_from_slice(b"\r\n");
        message.extend_from_slice(&self.body);
        message.into()
    }

    /// Reads a message: `METHOD target [HTTP/1.1]`, header lines, an empty line, and the exact
    /// bytes of the body. The target may be a whole address. Without a word about the sender it is
    /// this machine; a word about when it arrived counts more than `received_at`.
    ///
    /// # Errors
    /// What is wrong with the message, for a person.
    pub fn from_message(id: &str, mut received_at: Millis, message: &[u8]) -> Result<Self, String> {
        let (line, mut rest) = next_line(message);
        let (method, target, host) = request_line(line)?;
        let mut headers = HeaderMap::new();
        let mut ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
        loop {
            let (line, behind) = next_line(rest);
            rest = behind;
            if line.is_empty() {
                break;
            }
            let (name, value) = header_line(line)?;
            if name == SENDER {
                ip = sender(&value)?;
            } else if name == RECEIVED_AT {
                received_at = moment(&value)?;
            } else {
                headers.append(name, value);
            }
        }
        if let Some(host) = host.filter(|_| !headers.contains_key(header::HOST)) {
            headers.insert(header::HOST, host);
        }
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        Ok(Self {
            id: id.to_owned(),
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            ip,
            body: Bytes::copy_from_slice(rest),
            received_at,
        })
    }
}

/// The first line without its end, and what is behind it.
fn next_line(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| *byte == b'\n');
    let (line, rest) = match end {
        Some(end) => (
            text.get(..end).unwrap_or_default(),
            text.get(end + 1..).unwrap_or_default(),
        ),
        None => (text, &b""[..]),
    };
    (line.strip_suffix(b"\r").unwrap_or(line), rest)
}

type RequestLine = (Method, String, Option<HeaderValue>);

fn request_line(line: &[u8]) -> Result<RequestLine, String> {
    let line = String::from_utf8_lossy(line);
    let mut words = line.split_ascii_whitespace();
    let bad = || format!("the request line `{line}` is not `METHOD /path`");
    let method = words
        .next()
        .and_then(|word| Method::from_bytes(word.as_bytes()).ok())
        .ok_or_else(bad)?;
    let target = words.next().ok_or_else(bad)?;
    if words
        .next()
        .is_some_and(|version| !version.starts_with("HTTP/"))
    {
        return Err(bad());
    }
    if target.starts_with('/') {
        return Ok((method, target.to_owned(), None));
    }
    let (_, whole) = target.split_once("://").ok_or_else(bad)?;
    let (host, path) = whole.split_once('/').unwrap_or((whole, ""));
    Ok((method, format!("/{path}"), HeaderValue::from_str(host).ok()))
}

fn header_line(line: &[u8]) -> Result<(HeaderName, HeaderValue), String> {
    let bad = || {
        format!(
            "the header line `{}` is not `name: value`",
            String::from_utf8_lossy(line)
        )
    };
    let colon = line.iter().position(|byte| *byte == b':').ok_or_else(bad)?;
    let (name, value) = line.split_at_checked(colon).ok_or_else(bad)?;
    let value = value.get(1..).unwrap_or_default().trim_ascii();
    Ok((
        HeaderName::from_bytes(name.trim_ascii()).map_err(|_| bad())?,
        HeaderValue::from_bytes(value).map_err(|_| bad())?,
    ))
}

fn moment(value: &HeaderValue) -> Result<Millis, String> {
    let text = String::from_utf8_lossy(value.as_bytes());
    parse_rfc3339(&text).ok_or_else(|| {
        format!("{RECEIVED_AT} is a time such as 2026-11-21T00:19:31Z, not `{text}`")
    })
}

fn sender(value: &HeaderValue) -> Result<IpAddr, String> {
    let text = String::from_utf8_lossy(value.as_bytes());
    text.parse()
        .map_err(|_| format!("{SENDER} is an IP address, not `{text}`"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &[u8]) -> Result<Request, String> {
        Request::from_message("id", 5, text)
    }

    #[test]
    fn reads_what_editors_write() {
        let text = b"POST http://shop.test/order_created?a=1 HTTP/1.1\r\nContent-Type: application/json\n\n{\"id\":1}\n";
        let request = read(text).unwrap();
        assert_eq!(
            (request.method.as_str(), &*request.path, &*request.query),
            ("POST", "/order_created", "a=1")
        );
        assert_eq!(request.headers["host"], "shop.test");
        assert_eq!(request.headers["content-type"], "application/json");
        assert_eq!(&request.body[..], b"{\"id\":1}\n");
        assert!(request.ip.is_loopback());
    }

    #[test]
    fn refuses_what_is_no_request() {
        for bad in [
            "",
            "POST\n",
            "POST order\n",
            "POST /x y\n",
            "GET /\nno colon\n\n",
            "GET /\nx-tagwerk-sender: me\n\n",
        ] {
            assert!(read(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn keeps_no_credentials_and_believes_no_sender() {
        let text = b"GET /x?key=198.t&a=1&k%65y=198.t\nCookie: a=b\nAuthorization: Bearer t\nx-a: 1\nx-a: 2\n\n";
        let mut request = read(text).unwrap();
        request.ip = [203, 0, 113, 7].into();
        let forged = HeaderValue::from_static("198.51.100.1");
        request.headers.insert(SENDER, forged);
        let header = HeaderName::from_static("x-token");
        request
            .headers
            .insert(&header, HeaderValue::from_static("198.t"));
        let secret = SecretNames {
            headers: vec![header],
            parameters: vec!["key".to_owned()],
        };
        let message = request.to_message(&secret);
        let kept = String::from_utf8_lossy(&message);
        assert!(!kept.contains("a=b") && !kept.contains("Bearer") && !kept.contains("198."));
        let again = read(&message).unwrap();
        assert_eq!((again.ip, &*again.query), (request.ip, "a=1"));
        let values: Vec<_> = again.headers.iter().map(|(_, value)| value).collect();
        assert_eq!(values, ["1", "2"]);
    }

    proptest! {
        #[test]
        fn what_was_kept_comes_back(
            path in "/[!->@-~]{0,20}",
            query in "[!-~]{0,20}",
            headers in prop::collection::vec(("x-[a-z]{1,9}", "([!-~]([ -~]{0,9}[!-~])?)?"), 0..6),
            ip in any::<IpAddr>(),
            body in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            let fields = headers.iter().map(|(name, value)| {
                (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap())
            });
            let mut request = Request {
                id: "id".to_owned(),
                method: Method::PUT,
                path,
                query,
                headers: HeaderMap::new(),
                ip,
                body: body.into(),
                received_at: 5,
            };
            for (name, value) in fields {
                request.headers.append(name, value);
            }
            let again = read(&request.to_message(&SecretNames::default())).unwrap();
            prop_assert_eq!(format!("{again:?}"), format!("{request:?}"));
        }

        #[test]
        fn no_message_panics(message in prop::collection::vec(any::<u8>(), 0..200)) {
            read(&message).ok();
        }
    }
}
