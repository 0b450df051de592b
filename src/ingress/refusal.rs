//! Everything that the listener itself says no to: one row a reason, with status and text.
//! Refusals of the flow (404, 401, …) are made by the [`Service`](super::Service), not here.

use http::{HeaderName, HeaderValue, header};

use crate::request::Response;
use crate::telemetry::Refused;

/// Why the listener does not hand a request on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Refusal {
    RequestLine,
    Target,
    Path,
    LineEnd,
    Field,
    Host,
    Length,
    Framing,
    Coding,
    Method,
    Version,
    TargetTooLong,
    HeadTooLarge,
    TooManyFields,
    HeadTimeout,
    BodyTimeout,
    BodyBroken,
    BodyTooLarge,
    Expectation,
    ContentCoding,
    TooManyBodies,
    TooManyConnections,
    TooManyFromAddress,
}

use Refusal::*;

/// The table. The place of a row is the number of its refusal.
const TABLE: [(Refusal, u16, &str); 23] = [
    (
        RequestLine,
        400,
        "the request line must read METHOD /path HTTP/1.1",
    ),
    (
        Target,
        400,
        "the request target must be a path that starts with / and holds only characters allowed in a url",
    ),
    (
        Path,
        400,
        "the path must not hold //, a backslash, . or .. as a segment, %2e or an encoded control character",
    ),
    (LineEnd, 400, "every line of the head must end in CR LF"),
    (
        Field,
        400,
        "a header field must read name: value on one line, without control characters",
    ),
    (
        Host,
        400,
        "there must be exactly one host header, with a valid host",
    ),
    (
        Length,
        400,
        "there must be at most one content-length, one plain decimal number",
    ),
    (
        Framing,
        400,
        "send either content-length or one transfer-encoding, and the latter only with HTTP/1.1",
    ),
    (
        Coding,
        501,
        "the only transfer-encoding that is understood is chunked",
    ),
    (Method, 405, "this server does not do CONNECT and TRACE"),
    (Version, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here"),
    (TargetTooLong, 414, "the request target is too long"),
    (HeadTooLarge, 431, "the head of the request is too large"),
    (TooManyFields, 431, "the request has too many header fields"),
    (
        HeadTimeout,
        408,
        "the head of the request did not arrive in time",
    ),
    (
        BodyTimeout,
        408,
        "the body of the request did not arrive in time",
    ),
    (
        BodyBroken,
        400,
        "the body is cut short or not framed as the head says",
    ),
    (
        BodyTooLarge,
        413,
        "the body is larger than is allowed for this path",
    ),
    (
        Expectation,
        417,
        "the only expectation that is understood is 100-continue",
    ),
    (
        ContentCoding,
        415,
        "send the body plain, or packed once with content-encoding: gzip",
    ),
    (
        TooManyBodies,
        503,
        "too many bodies are being received, try again",
    ),
    (
        TooManyConnections,
        503,
        "too many connections are open, try again",
    ),
    (
        TooManyFromAddress,
        429,
        "too many connections from this address, use fewer and keep them alive",
    ),
];

/// What a sender is asked to wait when the listener is full: it empties within seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");
const ALLOW: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
const CODINGS: HeaderValue = HeaderValue::from_static("gzip, identity");

impl Refusal {
    /// The number by which the [stand-in](super::socket) names it.
    pub(super) fn number(self) -> u8 {
        self as u8
    }

    pub(super) fn from_number(number: u8) -> Option<Self> {
        TABLE.get(usize::from(number)).map(|row| row.0)
    }

    pub(super) fn status(self) -> u16 {
        self.row().1
    }

    pub(super) fn message(self) -> &'static str {
        self.row().2
    }

    /// The word for it in metrics.
    pub(super) fn counted_as(self) -> Refused {
        match self {
            TooManyBodies => Refused::TooManyBodies,
            TooManyConnections => Refused::TooManyConnections,
            TooManyFromAddress => Refused::TooManyFromAddress,
            why => match why.status() {
                408 => Refused::TooSlow,
                413 | 414 | 431 => Refused::TooLarge,
                400 => Refused::Malformed,
                _ => Refused::Unsupported,
            },
        }
    }

    /// The answer that goes back to the sender.
    pub(super) fn response(self, request_id: &str) -> Response {
        let answer = Response::error(self.status(), self.message(), request_id);
        match self.extra_header() {
            Some((name, value)) => answer.with_header(name, value),
            None => answer,
        }
    }

    fn extra_header(self) -> Option<(HeaderName, HeaderValue)> {
        match self {
            Method => Some((header::ALLOW, ALLOW)),
            ContentCoding => Some((header::ACCEPT_ENCODING, CODINGS)),
            TooManyBodies | TooManyConnections | TooManyFromAddress => {
                Some((header::RETRY_AFTER, RETRY_AFTER))
            }
            _ => None,
        }
    }

    fn row(self) -> &'static (Refusal, u16, &'static str) {
        &TABLE[usize::from(self.number())]
    }
}

#[cfg(test)]
mod tests {
    use super::{Refusal, TABLE, TooManyFromAddress};

    #[test]
    fn every_refusal_stands_in_its_own_row() {
        assert_eq!(usize::from(TooManyFromAddress.number()) + 1, TABLE.len());
        for (place, (refusal, status, _)) in (0..).zip(TABLE) {
            assert_eq!(refusal.number(), place);
            assert_eq!(Refusal::from_number(place), Some(refusal));
            assert!((400..=505).contains(&status));
        }
    }
}
