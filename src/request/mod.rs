//! A request as the flow sees it, and the answer to it. No socket, no hyper: `ingress` makes the
//! one and sends the other; `trace` and tests make them by hand.

mod coding;
mod message;
mod secret_names;

pub use coding::{Coding, UnknownCoding, Unreadable, coding, pack, unpack};
pub use secret_names::{SecretNames, parameter_name};

use std::net::IpAddr;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};

use crate::clock::Millis;

/// An HTTP request whose head was checked and whose body was read whole.
#[derive(Clone, Debug)]
pub struct Request {
    /// Made by us; sent back as `x-request-id` and named in logs.
    pub id: String,
    /// The method, upper case.
    pub method: Method,
    /// The path as it was sent, without the query.
    pub path: String,
    /// The query as it was sent, without `?`; empty if there was none.
    pub query: String,
    /// Header fields; names are lower case.
    pub headers: HeaderMap,
    /// The sender: the peer, or what a trusted proxy says.
    pub ip: IpAddr,
    /// The exact bytes of the body.
    pub body: Bytes,
    /// When the head had been read.
    pub received_at: Millis,
}

/// What is known of a request before its body is read.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// See [`Request::method`].
    pub method: &'a Method,
    /// See [`Request::path`].
    pub path: &'a str,
    /// See [`Request::headers`].
    pub headers: &'a HeaderMap,
    /// See [`Request::ip`].
    pub ip: IpAddr,
}

/// The answer to a request.
#[derive(Clone, Debug)]
pub struct Response {
    /// HTTP status code, 200 to 599.
    pub status: u16,
    /// Header fields, in the order in which they are sent. Length and connection are `ingress`'s.
    pub headers: HeaderMap,
    /// The body, sent with its length.
    pub body: Bytes,
}

impl Response {
    /// An answer with a JSON body.
    pub fn json(status: u16, body: &impl serde::Serialize) -> Self {
        let mut headers = HeaderMap::with_capacity(1);
        headers.insert(
            http::header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        Self {
            status,
            headers,
            // Our own answers are texts and lists of texts, which always serialise.
            body: serde_json::to_vec(body).unwrap_or_default().into(),
        }
    }

    /// An error answer, in the one shape that all of them have.
    pub fn error(status: u16, message: &str, request_id: &str) -> Self {
        Self::json(
            status,
            &serde_json::json!({ "error": message, "request_id": request_id }),
        )
    }

    /// The same answer with one more header field. An earlier one of that name is replaced.
    pub fn with_header(mut self, name: http::HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }
}
