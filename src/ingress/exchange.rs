//! One request and its answer: what hyper parsed becomes a [`Request`], the service's
//! [`Response`] becomes what hyper sends. Every answer passes [`Exchange::finish`].

use std::net::IpAddr;
use std::sync::atomic::AtomicUsize;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::body::{self, Budget, Share};
use super::refusal::Refusal;
use super::remains::{self, RefusedHead, Remains};
use super::request_id::RequestIds;
use super::{Admission, Refused, Service, Settings, sender, socket};
use crate::clock::Millis;
use crate::request::{Head, Request, Response, coding};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const CLOSE: HeaderValue = HeaderValue::from_static("close");
/// How a message is framed and carried is said here and by hyper, not by a script.
const OURS: [HeaderName; 5] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::TRAILER,
];

/// What all connections share.
#[derive(Debug)]
pub(super) struct Shared<S> {
    pub(super) service: std::sync::Arc<S>,
    pub(super) settings: Settings,
    pub(super) request_ids: RequestIds,
    pub(super) bodies: Budget,
    /// Cancelled when the listener is to drain.
    pub(super) stop: CancellationToken,
    /// Connections that were cut off by the end of the drain time.
    pub(super) cut: AtomicUsize,
}

/// One request on its way.
struct Exchange<'a, S> {
    shared: &'a Shared<S>,
    peer: IpAddr,
    id: String,
    received_at: Millis,
}

/// An answer, and whether it is the last one on its connection.
struct Answer {
    response: Response,
    is_last: bool,
}

/// Answers one request that hyper has read.
pub(super) async fn answer<S: Service>(
    shared: &Shared<S>,
    peer: IpAddr,
    request: hyper::Request<Incoming>,
    refused_head: &RefusedHead,
) -> http::Response<Full<Bytes>> {
    let exchange = Exchange {
        shared,
        peer,
        id: shared.request_ids.make(),
        received_at: shared.settings.clock.now(),
    };
    let answer = exchange.run(request, refused_head).await;
    exchange.finish(answer)
}

impl<S: Service> Exchange<'_, S> {
    async fn run(&self, request: hyper::Request<Incoming>, refused_head: &RefusedHead) -> Answer {
        if let Some(why) = socket::refusal_of(&request) {
            return self.refuse_head(why, remains::read(refused_head.take()));
        }
        let (parts, body) = request.into_parts();
        let head = Head {
            method: &parts.method,
            path: parts.uri.path(),
            headers: &parts.headers,
            ip: self.sender(&parts.headers),
        };
        let max_body = match self.shared.service.admit(&head, &self.id) {
            Admission::Read { max_body } => max_body,
            Admission::Answer(response) => {
                let is_last = !body.is_end_stream();
                return Answer { response, is_last };
            }
        };
        if let Err(why) = check_expectations(parts.version, &parts.headers) {
            return self.refuse(why, self.request(parts, Bytes::new()), None);
        }
        let mut share = Share::of(&self.shared.bodies);
        let time = self.shared.settings.limits.body_time;
        let body = match body::read(body, max_body, time, &mut share).await {
            Ok(body) => body,
            Err(why) => return self.refuse(why, self.request(parts, Bytes::new()), None),
        };
        let request = self.request(parts, body);
        let response = self.shared.service.handle(request).await;
        Answer {
            response,
            is_last: false,
        }
    }

    fn request(&self, parts: http::request::Parts, body: Bytes) -> Request {
        Request {
            id: self.id.clone(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            ip: self.sender(&parts.headers),
            method: parts.method,
            headers: parts.headers,
            body,
            received_at: self.received_at,
        }
    }

    fn sender(&self, headers: &HeaderMap) -> IpAddr {
        sender::address(self.peer, headers, &self.shared.settings.trusted_proxies)
    }

    fn refuse_head(&self, why: Refusal, remains: Remains) -> Answer {
        let request = Request {
            id: self.id.clone(),
            path: remains.path,
            query: remains.query,
            ip: self.sender(&remains.headers),
            method: remains.method,
            headers: remains.headers,
            body: remains.body,
            received_at: self.received_at,
        };
        self.refuse(why, request, Some(remains.head))
    }

    /// After a refusal nobody knows what the next bytes mean, or nobody wants them.
    fn refuse(&self, why: Refusal, request: Request, head: Option<Bytes>) -> Answer {
        let (request_id, peer) = (&self.id, self.peer);
        self.shared.settings.metrics.refused(why.counted_as());
        debug!(request_id, %peer, status = why.status(), "request refused: {}", why.message());
        let refused = Refused {
            request,
            head,
            why: why.message(),
        };
        let answer = why.response(request_id);
        Answer {
            response: self.shared.service.refused(refused, answer),
            is_last: true,
        }
    }

    fn finish(&self, Answer { response, is_last }: Answer) -> http::Response<Full<Bytes>> {
        let status = self.status(response.status);
        let mut headers = response.headers;
        // Most answers have one field; looking at each is cheaper than five searches.
        if headers.keys().any(|name| OURS.contains(name)) {
            for name in OURS {
                headers.remove(name);
            }
        }
        if let Ok(id) = HeaderValue::from_str(&self.id) {
            headers.insert(REQUEST_ID, id);
        }
        if is_last {
            headers.insert(header::CONNECTION, CLOSE);
        }
        let mut answer = http::Response::new(Full::new(response.body));
        *answer.status_mut() = status;
        *answer.headers_mut() = headers;
        answer
    }

    fn status(&self, status: u16) -> StatusCode {
        match StatusCode::from_u16(status) {
            Ok(code) if (200..=599).contains(&status) => code,
            _ => {
                let request_id = &self.id;
                warn!(
                    request_id,
                    status, "the service answered with a status that is not one, 500 was sent"
                );
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }
}

/// What the sender expects of us besides reading the body as it is.
fn check_expectations(version: http::Version, headers: &HeaderMap) -> Result<(), Refusal> {
    // Taken off behind us, where the signature of the bytes as they came has been looked at.
    coding(headers).map_err(|_unknown| Refusal::ContentCoding)?;
    // hyper sends 100 (Continue) when the body is first read. HTTP/1.0 does not know it.
    if let Some(expected) = headers.get(header::EXPECT)
        && version == http::Version::HTTP_11
        && !expected.as_bytes().eq_ignore_ascii_case(b"100-continue")
    {
        return Err(Refusal::Expectation);
    }
    Ok(())
}
