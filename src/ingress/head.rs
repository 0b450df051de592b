//! Judges the head of a request by its raw bytes, before hyper sees them: hyper alone takes a
//! missing or doubled `host`, both ways of framing at once and bare line feeds, and does not
//! let us see them. Pure; where a head ends and how long its body is, is all that it hands on.
//!
//! The verdict depends on the bytes alone, not on the reads in which they came: every rule is
//! asked either of a whole line, or of a beginning that no further byte can mend.

use super::Limits;
use super::refusal::Refusal;
use super::target;

/// Longer than any registered method.
const MAX_METHOD: usize = 32;

/// A judge of one head, to be asked again as more of it arrives.
#[derive(Debug)]
pub(super) struct HeadGuard {
    /// How many bytes, up to a line end, are judged already.
    judged: usize,
    part: Part,
    is_http_11: bool,
    fields: usize,
    has_host: bool,
    length: Option<u64>,
    is_chunked: bool,
    is_plain: bool,
}

#[derive(Debug)]
enum Part {
    RequestLine,
    Fields,
}

/// What there is to say of a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// So far it may be good, but its end is not there.
    Partial,
    /// It is good and so many bytes long.
    Whole {
        bytes: usize,
        body: BodyFraming,
        /// An answer with a body may follow it, and then another request: it is not HEAD and not
        /// HTTP/1.0, expects nothing before its body, and does not ask for the end.
        is_plain: bool,
    },
    /// It must not reach hyper.
    Refused(Refusal),
}

/// Where the body of a request ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyFraming {
    Length(u64),
    Chunked,
}

impl HeadGuard {
    pub(super) fn new() -> Self {
        Self {
            judged: 0,
            part: Part::RequestLine,
            is_http_11: true,
            fields: 0,
            has_host: false,
            length: None,
            is_chunked: false,
            is_plain: true,
        }
    }

    /// Judges `head`: all bytes from the first one of this head, as far as they have come, and
    /// perhaps more behind its end. Lines that were judged before are not looked at again.
    pub(super) fn judge(&mut self, head: &[u8], limits: &Limits) -> Verdict {
        loop {
            let rest = head.get(self.judged..).unwrap_or_default();
            let end = find_line_feed(rest);
            let (line, is_whole) = match end {
                Some(end) => (rest.get(..end).unwrap_or_default(), true),
                None => (rest, false),
            };
            if let Err(why) = self.judge_beginning(line, is_whole, limits) {
                return Verdict::Refused(why);
            }
            if !is_whole {
                return Verdict::Partial;
            }
            match self.judge_line(line, limits) {
                Err(why) => return Verdict::Refused(why),
                Ok(Some(body)) => {
                    return Verdict::Whole {
                        bytes: self.judged,
                        body,
                        is_plain: self.is_plain,
                    };
                }
                Ok(None) => {}
            }
        }
    }

    /// The rules that need not wait for the end of a line.
    fn judge_beginning(&self, line: &[u8], is_whole: bool, limits: &Limits) -> Result<(), Refusal> {
        if matches!(self.part, Part::RequestLine) && !matches!(line, b"" | b"\r") {
            judge_method_and_length(line, limits)?;
        }
        if self.judged + line.len() + usize::from(is_whole) > limits.head_bytes {
            return Err(Refusal::HeadTooLarge);
        }
        Ok(())
    }

    /// Judges the line that `line` holds without its LF; the framing of the body if it is the last.
    fn judge_line(&mut self, line: &[u8], limits: &Limits) -> Result<Option<BodyFraming>, Refusal> {
        self.judged += line.len() + 1;
        let line = line.strip_suffix(b"\r").ok_or(Refusal::LineEnd)?;
        match (&self.part, line) {
            // Empty lines before a request are to be passed over (RFC 9112, 2.2).
            (Part::RequestLine, []) => Ok(None),
            (Part::RequestLine, _) => {
                self.is_http_11 = judge_request_line(line)?;
                self.is_plain = self.is_http_11 && !line.starts_with(b"HEAD ");
                self.part = Part::Fields;
                Ok(None)
            }
            (Part::Fields, []) => self.finish().map(Some),
            (Part::Fields, _) => self.judge_field(line, limits).map(|()| None),
        }
    }

    fn judge_field(&mut self, line: &[u8], limits: &Limits) -> Result<(), Refusal> {
        self.fields += 1;
        if self.fields > limits.headers {
            return Err(Refusal::TooManyFields);
        }
        // A folded line begins with a space, which no name holds.
        let name_end = line.iter().position(|&byte| !is_token_byte(byte));
        let (name, rest) = line
            .split_at_checked(name_end.unwrap_or(0))
            .unwrap_or_default();
        let [b':', value @ ..] = rest else {
            return Err(Refusal::Field);
        };
        if name.is_empty() || !is_value(value) {
            return Err(Refusal::Field);
        }
        self.note_field(name, value.trim_ascii())
    }

    /// Keeps what decides on framing, host and what may follow.
    fn note_field(&mut self, name: &[u8], value: &[u8]) -> Result<(), Refusal> {
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => {
                if self.has_host || !is_host(value) {
                    return Err(Refusal::Host);
                }
                self.has_host = true;
            }
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                if self.length.is_some() {
                    return Err(Refusal::Length);
                }
                self.length = Some(parse_length(value).ok_or(Refusal::Length)?);
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                if self.is_chunked {
                    return Err(Refusal::Framing);
                }
                if !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(Refusal::Coding);
                }
                self.is_chunked = true;
            }
            6 if name.eq_ignore_ascii_case(b"expect") => self.is_plain = false,
            10 if name.eq_ignore_ascii_case(b"connection") => {
                self.is_plain &= value.eq_ignore_ascii_case(b"keep-alive");
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(&self) -> Result<BodyFraming, Refusal> {
        // HTTP/1.0 knows no host; WordPress sends its webhooks so.
        if self.is_http_11 && !self.has_host {
            return Err(Refusal::Host);
        }
        match (self.is_chunked, self.length) {
            (true, None) if self.is_http_11 => Ok(BodyFraming::Chunked),
            (true, _) => Err(Refusal::Framing),
            (false, length) => Ok(BodyFraming::Length(length.unwrap_or(0))),
        }
    }
}

/// Refuses at the first byte what is not HTTP (a TLS hello), and over-long parts as they grow.
fn judge_method_and_length(line: &[u8], limits: &Limits) -> Result<(), Refusal> {
    let method = line
        .iter()
        .take(MAX_METHOD + 1)
        .take_while(|&&byte| byte != b' ');
    let mut length = 0;
    for &byte in method {
        if !is_method_byte(byte) {
            return Err(Refusal::RequestLine);
        }
        length += 1;
    }
    if length > MAX_METHOD {
        return Err(Refusal::RequestLine);
    }
    let target = line.get(length + 1..).unwrap_or_default();
    let target_bytes = target.iter().take_while(|&&byte| byte != b' ').count();
    if target_bytes > limits.target_bytes {
        return Err(Refusal::TargetTooLong);
    }
    Ok(())
}

/// True if it is HTTP/1.1, false if it is HTTP/1.0.
fn judge_request_line(line: &[u8]) -> Result<bool, Refusal> {
    let mut words = line.split(|&byte| byte == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(Refusal::RequestLine);
    };
    if method.is_empty() || target.is_empty() {
        return Err(Refusal::RequestLine);
    }
    let is_http_11 = match version {
        b"HTTP/1.1" => true,
        b"HTTP/1.0" => false,
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            return Err(Refusal::Version);
        }
        _ => return Err(Refusal::RequestLine),
    };
    if matches!(method, b"CONNECT" | b"TRACE") {
        return Err(Refusal::Method);
    }
    target::check(target)?;
    Ok(is_http_11)
}

/// RFC 9110 allows more characters, but no method has them.
fn is_method_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn is_token_byte(byte: u8) -> bool {
    static IS_TOKEN: [bool; 256] = {
        let mut table = [false; 256];
        let mut byte = 0_u8;
        while byte < 128 {
            table[byte as usize] = byte.is_ascii_alphanumeric()
                || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~');
            byte += 1;
        }
        table
    };
    IS_TOKEN[usize::from(byte)]
}

/// Without an early exit, so that the compiler looks at many bytes at once.
fn is_value(bytes: &[u8]) -> bool {
    let is_control = |byte: u8| (byte < b' ' && byte != b'\t') || byte == 0x7f;
    !bytes
        .iter()
        .fold(false, |found, &byte| found | is_control(byte))
}

/// The place of the first LF; a search that may stop at any byte looks at one at a time.
fn find_line_feed(bytes: &[u8]) -> Option<usize> {
    const STRIDE: usize = 32;
    let has_line_feed = |chunk: &[u8; STRIDE]| {
        chunk
            .iter()
            .fold(false, |found, &byte| found | (byte == b'\n'))
    };
    let (chunks, _) = bytes.as_chunks::<STRIDE>();
    let clean = chunks
        .iter()
        .take_while(|chunk| !has_line_feed(chunk))
        .count()
        * STRIDE;
    let rest = bytes.get(clean..)?;
    rest.iter()
        .position(|&byte| byte == b'\n')
        .map(|at| clean + at)
}

/// A host name, an IPv4 address or an IPv6 address in brackets, and perhaps a port.
fn is_host(value: &[u8]) -> bool {
    let (host, rest) = match value {
        [b'[', inner @ ..] => {
            let Some(end) = inner.iter().position(|&byte| byte == b']') else {
                return false;
            };
            let (host, rest) = inner.split_at(end);
            let is_address = std::str::from_utf8(host)
                .is_ok_and(|host| host.parse::<std::net::Ipv6Addr>().is_ok());
            if !is_address {
                return false;
            }
            (host, rest.get(1..).unwrap_or_default())
        }
        _ => {
            let end = value
                .iter()
                .position(|&byte| byte == b':')
                .unwrap_or(value.len());
            value.split_at(end)
        }
    };
    let is_name_byte = |&byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%:".contains(&byte);
    let is_port = match rest {
        [] => true,
        [b':', port @ ..] => port.len() <= 5 && port.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    !host.is_empty() && host.iter().all(is_name_byte) && is_port
}

/// Digits only, and no more than a u64 holds in any case.
fn parse_length(value: &[u8]) -> Option<u64> {
    if value.is_empty() || value.len() > 19 || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(head: &str) -> Result<BodyFraming, Refusal> {
        match HeadGuard::new().judge(head.as_bytes(), &Limits::default()) {
            Verdict::Whole { bytes, body, .. } => {
                assert_eq!(bytes, head.len(), "{head:?}");
                Ok(body)
            }
            Verdict::Refused(why) => Err(why),
            Verdict::Partial => panic!("the end was not found: {head:?}"),
        }
    }

    #[test]
    fn fields_and_what_they_say_of_the_body() {
        let table: &[(&str, Result<BodyFraming, Refusal>)] = &[
            ("", Ok(BodyFraming::Length(0))),
            ("content-length:5\r\n", Ok(BodyFraming::Length(5))),
            ("CONTENT-LENGTH: \t05 \r\n", Ok(BodyFraming::Length(5))),
            ("Transfer-Encoding: Chunked\r\n", Ok(BodyFraming::Chunked)),
            (
                "x-empty:\r\nx-text: \u{e4}\t\"\r\n",
                Ok(BodyFraming::Length(0)),
            ),
            (
                "content-length: 5\r\ncontent-length: 5\r\n",
                Err(Refusal::Length),
            ),
            ("content-length: 2, 2\r\n", Err(Refusal::Length)),
            ("content-length: +2\r\n", Err(Refusal::Length)),
            ("content-length: -1\r\n", Err(Refusal::Length)),
            ("content-length: 0x2\r\n", Err(Refusal::Length)),
            ("content-length:\r\n", Err(Refusal::Length)),
            (
                "content-length: 00000000000000000005\r\n",
                Err(Refusal::Length),
            ),
            (
                "content-length: 5\r\ntransfer-encoding: chunked\r\n",
                Err(Refusal::Framing),
            ),
            (
                "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
                Err(Refusal::Framing),
            ),
            (
                "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
                Err(Refusal::Framing),
            ),
            ("transfer-encoding: gzip, chunked\r\n", Err(Refusal::Coding)),
            ("transfer-encoding: xchunked\r\n", Err(Refusal::Coding)),
            ("transfer-encoding: \x0bchunked\r\n", Err(Refusal::Field)),
            ("transfer-encoding : chunked\r\n", Err(Refusal::Field)),
            (" folded: x\r\n", Err(Refusal::Field)),
            ("x: a\r\n b\r\n", Err(Refusal::Field)),
            (": x\r\n", Err(Refusal::Field)),
            ("no colon\r\n", Err(Refusal::Field)),
            ("x: a\rb\r\n", Err(Refusal::Field)),
            ("x: a\0b\r\n", Err(Refusal::Field)),
            ("x: a\n", Err(Refusal::LineEnd)),
            ("host: b\r\n", Err(Refusal::Host)),
        ];
        for (fields, verdict) in table {
            let head = format!("POST / HTTP/1.1\r\nhost: a\r\n{fields}\r\n");
            assert_eq!(judge(&head), *verdict, "{fields:?}");
        }
    }

    #[test]
    fn request_lines() {
        let table: &[(&str, Option<Refusal>)] = &[
            ("GET / HTTP/1.1", None),
            ("GET /old HTTP/1.0", None),
            ("\r\n\r\nM-SEARCH /a?b HTTP/1.1", None),
            ("GET / HTTP/1.2", Some(Refusal::Version)),
            ("GET / HTTP/2.0", Some(Refusal::Version)),
            ("GET / http/1.1", Some(Refusal::RequestLine)),
            ("GET / HTTP/1.1 ", Some(Refusal::RequestLine)),
            ("GET  / HTTP/1.1", Some(Refusal::RequestLine)),
            (" GET / HTTP/1.1", Some(Refusal::RequestLine)),
            ("GET /", Some(Refusal::RequestLine)),
            ("GET", Some(Refusal::RequestLine)),
            ("G\u{b}T / HTTP/1.1", Some(Refusal::RequestLine)),
            ("CONNECT a:1 HTTP/1.1", Some(Refusal::Method)),
            ("TRACE / HTTP/1.1", Some(Refusal::Method)),
            ("OPTIONS * HTTP/1.1", Some(Refusal::Target)),
            ("GET http://a/ HTTP/1.1", Some(Refusal::Target)),
            ("GET /a/../b HTTP/1.1", Some(Refusal::Path)),
        ];
        for (line, refusal) in table {
            let verdict = judge(&format!("{line}\r\nhost: a\r\n\r\n"));
            assert_eq!(verdict.err(), *refusal, "{line:?}");
        }
    }

    #[test]
    fn hosts() {
        let good = [
            "a",
            "shop.example:8080",
            "127.0.0.1",
            "[::1]",
            "[2001:db8::1]:443",
            "a_b:",
        ];
        for host in good {
            assert!(is_host(host.as_bytes()), "{host:?}");
        }
        let bad = [
            "", ":80", "a b", "a/..", "a@b", "a,b", "[::1", "[]", "[a]", "[::1]x", "a:x",
            "a:123456",
        ];
        for host in bad {
            assert!(!is_host(host.as_bytes()), "{host:?}");
        }
        let without = |version: &str| judge(&format!("GET / HTTP/{version}\r\n\r\n"));
        assert_eq!(without("1.1"), Err(Refusal::Host));
        assert_eq!(without("1.0"), Ok(BodyFraming::Length(0)));
    }

    #[test]
    fn what_is_too_long_is_refused_before_its_end() {
        let host = "host: a\r\n";
        let table = [
            ("\x16\x03\x01".to_owned(), Refusal::RequestLine),
            ("X".repeat(MAX_METHOD + 1), Refusal::RequestLine),
            (
                format!("GET /{}", "a".repeat(8_192)),
                Refusal::TargetTooLong,
            ),
            (
                format!("GET / HTTP/1.1\r\nx: {}", "a".repeat(16_384)),
                Refusal::HeadTooLarge,
            ),
            (
                format!("GET / HTTP/1.1\r\n{}", host.replace("host", "x").repeat(65)),
                Refusal::TooManyFields,
            ),
        ];
        for (bytes, why) in table {
            let verdict = HeadGuard::new().judge(bytes.as_bytes(), &Limits::default());
            assert_eq!(verdict, Verdict::Refused(why));
        }
        let fits = format!("GET /{} HTTP/1.1\r\n{host}\r\n", "a".repeat(8_191));
        assert_eq!(judge(&fits), Ok(BodyFraming::Length(0)));
    }
}
