//! Requests for tests, built up by hand.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use tagwerk::request::Request;
use tagwerk::script::{Value, Worker};
use tagwerk::tag::{self, Ran, Tag};

/// The time at which they arrive: 2024-06-21 12:36:40 UTC.
pub(crate) const NOW: i64 = 1_718_973_400_000;

/// What a tag makes of an event, a map, if its trigger fires.
pub(crate) fn run_tag(worker: &mut Worker, tag: &Tag, event: Value) -> Ran {
    tag::run(worker, tag, &event, NOW, tag::Look::LIVE)
}

/// A request that one builds up: `Call::post("/order").body("{}")`.
pub(crate) struct Call(Request);

impl Call {
    pub(crate) fn new(method: Method, path: &str) -> Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        Self(Request {
            id: "request-1".to_owned(),
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers: HeaderMap::new(),
            ip: [203, 0, 113, 7].into(),
            body: bytes::Bytes::new(),
            received_at: NOW,
        })
    }

    pub(crate) fn post(path: &str) -> Self {
        Self::new(Method::POST, path)
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        let name = HeaderName::from_static(name);
        let value = HeaderValue::from_str(value).unwrap();
        self.0.headers.append(name, value);
        self
    }

    pub(crate) fn body(mut self, body: impl Into<bytes::Bytes>) -> Self {
        self.0.body = body.into();
        self
    }

    pub(crate) fn build(self) -> Arc<Request> {
        Arc::new(self.0)
    }
}

impl std::fmt::Display for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.0.method, self.0.path)
    }
}
