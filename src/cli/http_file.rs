//! `.http` files: one HTTP request as text, as editors' REST clients write it. Lines may end in LF;
//! the body is kept to the byte.

use std::net::{IpAddr, Ipv4Addr};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use crate::clock::Millis;
use crate::request::Request;

/// Reads a request: `METHOD target [HTTP/1.1]`, header lines, an empty line, the body. Lines that
/// start with `#` or `//` before the request line are comments. The target may be a whole address.
pub(super) fn parse(text: &[u8], now: Millis) -> Result<Request, String> {
    let (mut line, mut rest) = next_line(text);
    while line.is_empty() || line.starts_with(b"#") || line.starts_with(b"//") {
        if rest.is_empty() {
            return Err("there is no request line, such as `POST /order_created`".to_owned());
        }
        (line, rest) = next_line(rest);
    }
    let (method, target, host) = request_line(line)?;
    let mut headers = HeaderMap::new();
    loop {
        let (line, behind) = next_line(rest);
        rest = behind;
        if line.is_empty() {
            break;
        }
        let (name, value) = header_line(line)?;
        headers.append(name, value);
    }
    if let Some(host) = host.filter(|_| !headers.contains_key(header::HOST)) {
        headers.insert(header::HOST, host);
    }
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    Ok(Request {
        id: "trace".to_owned(),
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        body: Bytes::copy_from_slice(rest),
        received_at: now,
    })
}

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
    let mut words = line.split_whitespace();
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
    let whole = target
        .split_once("://")
        .map(|(_, rest)| rest.split_once('/').unwrap_or((rest, "")));
    match whole {
        Some((host, path)) => Ok((method, format!("/{path}"), HeaderValue::from_str(host).ok())),
        None if target.starts_with('/') => Ok((method, target.to_owned(), None)),
        None => Err(bad()),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_editors_write() {
        let text = b"# an order\n\nPOST http://shop.test/order_created?a=1 HTTP/1.1\r\nContent-Type: application/json\n\n{\"id\":1}\n";
        let request = parse(text, 5).unwrap();
        assert_eq!(
            (request.method.as_str(), &*request.path, &*request.query),
            ("POST", "/order_created", "a=1")
        );
        assert_eq!(request.headers["host"], "shop.test");
        assert_eq!(request.headers["content-type"], "application/json");
        assert_eq!(&request.body[..], b"{\"id\":1}\n");
    }

    #[test]
    fn refuses_what_is_no_request() {
        for bad in [
            "",
            "# only a comment\n",
            "POST\n",
            "POST order\n",
            "POST /x y\n",
            "GET /\nno colon\n\n",
        ] {
            assert!(parse(bad.as_bytes(), 0).is_err(), "{bad:?}");
        }
    }
}
