//! What stands behind the public listener: health, preview, and live traffic. A request is run on a
//! script thread, made durable by the journal's thread, and only then answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use tokio::sync::oneshot;
use tracing::error;

use crate::clock::Clock;
use crate::generation::Live;
use crate::ingress::{Admission, Service};
use crate::intake::{self, Intake, Repeat};
use crate::journal::{self, DedupeKey, Entry, FailedRequest, Journal};
use crate::preview::{PREVIEW_HEADERS, Preview, Session};
use crate::processor::Watch;
use crate::request::{Head, Request, Response};
use crate::script::{Fault, Pool};
use crate::watched::{self, Watched};

/// The media type that asks for a trace instead of the client's answer.
pub(super) const TRACE_TYPE: &str = "application/vnd.tagwerk.trace+json";

const TRACE_HEADER: HeaderName = HeaderName::from_static("x-preview-trace");

/// When senders are told to come back: the queues empty within a second, a disk takes longer.
const COME_BACK: HeaderValue = HeaderValue::from_static("1");

/// Answers requests.
pub(super) struct Front {
    live: Arc<Live>,
    journal: Journal,
    pool: Pool,
    preview: Preview,
    clock: Clock,
    draining: AtomicBool,
}

impl Front {
    pub(super) fn new(
        live: Arc<Live>,
        journal: Journal,
        pool: Pool,
        preview: Preview,
        clock: Clock,
    ) -> Self {
        Self {
            live,
            journal,
            pool,
            preview,
            clock,
            draining: AtomicBool::new(false),
        }
    }

    /// From now on `/readyz` says no.
    pub(super) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    fn health(&self, head: &Head<'_>, request_id: &str) -> Option<Response> {
        if !matches!(head.path, "/healthz" | "/readyz") {
            return None;
        }
        if head.method != Method::GET && head.method != Method::HEAD {
            let refused = Response::error(405, "only GET", request_id);
            return Some(refused.with_header(header::ALLOW, HeaderValue::from_static("GET")));
        }
        let draining = self.draining.load(Ordering::Relaxed);
        let (status, word) = match head.path {
            "/readyz" if draining => (503, "stopping"),
            "/readyz" if !self.journal.is_healthy() => (503, "the journal cannot be written"),
            _ => (200, "ok"),
        };
        let config_ok = self.live.problems().is_empty();
        Some(Response::json(
            status,
            &serde_json::json!({ "status": word, "config_ok": config_ok }),
        ))
    }

    async fn live(&self, request: Request) -> Response {
        let (answer, answered) = oneshot::channel();
        let (generation, journal) = (self.live.current(), self.journal.clone());
        let id = request.id.clone();
        let request = Arc::new(request);
        let submitted = self.pool.try_submit(move |worker| {
            let intake = intake::take(worker, &generation, &request, None);
            conclude(&journal, &request, intake, answer);
        });
        if !submitted {
            return come_back("too many requests are waiting", &id);
        }
        answered.await.unwrap_or_else(|_| broken(&id))
    }

    async fn watched(&self, request: Request, session: &Session) -> Response {
        let watch = if session.send {
            Watch::Send
        } else {
            Watch::Dry
        };
        let (generation, clock) = (self.live.draft_or_current(), self.clock);
        let request = Arc::new(request);
        let id = &request.id;
        let watched = request.clone();
        let seen = self
            .pool
            .run(move |worker| watched::run(worker, &generation, &watched, clock.now(), watch))
            .await;
        let Some(Watched {
            trace,
            intake,
            entries,
        }) = seen
        else {
            return broken(id);
        };
        let json = Bytes::from(serde_json::to_vec(&trace).unwrap_or_default());
        self.preview.ring.push(&trace.trace_id, json.clone());
        let kept = match watch {
            Watch::Send => self.keep(&request, &intake, entries).await,
            _ => Ok(()),
        };
        let response = match kept {
            Err(error) => unkept(&error, id),
            Ok(()) if wants_trace(&request.headers) => trace_response(json),
            Ok(()) => intake.response().clone(),
        };
        match HeaderValue::try_from(trace.trace_id) {
            Ok(trace_id) => response.with_header(TRACE_HEADER, trace_id),
            Err(_) => response,
        }
    }

    /// Makes durable what a session that sends has accepted.
    async fn keep(
        &self,
        request: &Request,
        intake: &Intake,
        entries: Vec<Entry>,
    ) -> Result<(), journal::Error> {
        match intake {
            Intake::Accepted { events, .. } if !events.is_empty() => {
                self.journal.append(entries, None).await
            }
            Intake::Failed { client, fault, .. } => {
                let (done, kept) = oneshot::channel();
                let failed = failed_request(request, client, fault);
                self.journal
                    .keep_request_then(failed, Box::new(move |result| drop(done.send(result))));
                kept.await.unwrap_or(Err(journal::Error::Closed))
            }
            _ => Ok(()),
        }
    }
}

fn trace_response(json: Bytes) -> Response {
    let mut headers = HeaderMap::with_capacity(1);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(TRACE_TYPE));
    Response {
        status: 200,
        headers,
        body: json,
    }
}

impl Service for Front {
    fn admit(&self, head: &Head<'_>, request_id: &str) -> Admission {
        if let Some(answer) = self.health(head, request_id) {
            return Admission::Answer(answer);
        }
        let generation = self.live.current();
        match intake::admit(&generation, head, request_id) {
            Ok(max_body) => Admission::Read { max_body },
            // Somebody watches: also what nobody claims is to be seen.
            Err(_) if self.preview.sessions.of(head.headers).is_some() => Admission::Read {
                max_body: generation.config.server.max_body,
            },
            Err(response) => Admission::Answer(response),
        }
    }

    async fn handle(&self, mut request: Request) -> Response {
        let session = self.preview.sessions.of(&request.headers);
        for name in PREVIEW_HEADERS {
            request.headers.remove(name);
        }
        match session {
            Some(session) => self.watched(request, &session).await,
            None => self.live(request).await,
        }
    }
}

/// Answers now, or when the journal has what the answer promises.
fn conclude(
    journal: &Journal,
    request: &Request,
    intake: Intake,
    answer: oneshot::Sender<Response>,
) {
    // The sender may have gone; what was made durable stays.
    let send = move |response| drop(answer.send(response));
    let id = request.id.clone();
    match intake {
        Intake::Answered(response) => send(response),
        Intake::Accepted {
            events, response, ..
        } if events.is_empty() => send(response),
        Intake::Accepted {
            events,
            response,
            repeat,
        } => {
            let entries = events
                .into_iter()
                .map(|event| Entry { event, made: None })
                .collect();
            let (key, repeated) = known(repeat);
            let done = move |result| {
                send(match (result, repeated) {
                    (Err(journal::Error::Duplicate), Some(answer)) => answer,
                    (result, _) => durable(result, response, &id),
                });
            };
            journal.append_then(entries, key, Box::new(done));
        }
        Intake::Failed {
            client,
            fault,
            response,
        } => {
            let failed = failed_request(request, &client, &fault);
            let done = move |result: Result<(), _>| send(durable(result, response, &id));
            journal.keep_request_then(failed, Box::new(done));
        }
    }
}

/// How to know a repeat, and what to answer then.
fn known(repeat: Option<Repeat>) -> (Option<DedupeKey>, Option<Response>) {
    match repeat {
        Some(repeat) => {
            let key = DedupeKey::of(&repeat.client, &repeat.sender_id);
            (Some(key), Some(repeat.response))
        }
        None => (None, None),
    }
}

fn failed_request(request: &Request, client: &str, fault: &Fault) -> FailedRequest {
    FailedRequest {
        id: request.id.clone(),
        received_at: request.received_at,
        client: client.to_owned(),
        fault: fault.to_string(),
        message: request.to_message(),
    }
}

fn durable(result: Result<(), journal::Error>, response: Response, request_id: &str) -> Response {
    match result {
        Ok(()) => response,
        Err(error) => unkept(&error, request_id),
    }
}

fn unkept(error: &journal::Error, request_id: &str) -> Response {
    match error {
        // What the disk says is for the log, not for senders.
        journal::Error::Storage(_) => come_back("the journal cannot be written", request_id),
        error => come_back(&error.to_string(), request_id),
    }
}

fn come_back(why: &str, request_id: &str) -> Response {
    Response::error(503, why, request_id).with_header(header::RETRY_AFTER, COME_BACK)
}

fn broken(request_id: &str) -> Response {
    error!(
        request = request_id,
        "a request could not be handled; this is a defect of ours"
    );
    Response::error(
        500,
        "the request could not be handled and was not kept",
        request_id,
    )
}

fn wants_trace(headers: &HeaderMap) -> bool {
    let accepted = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|part| {
        part.split(';')
            .next()
            .is_some_and(|name| name.trim() == TRACE_TYPE)
    })
}
