//! What stands behind the public listener: health, preview, and live traffic. A request is run
//! through its client, made durable by the journal's thread, and only then answered.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use tokio::sync::oneshot;
use tracing::error;

use crate::clock::Clock;
use crate::generation::{Generation, Live};
use crate::ingress::{self, Admission, Service};
use crate::intake::{self, Intake, Repeat};
use crate::journal::{self, Entry, FailedRequest, Journal, Known};
use crate::preview::{self, Answered as Fate, Mode, Preview, Record, Session, Unasked};
use crate::processor::Watch;
use crate::request::{Head, Request, Response};
use crate::script::{Fault, NotRun, Pool, Worker};
use crate::telemetry::{ClientMeter, Metrics, Refused};
use crate::watched::{self, Watched};

/// The media type that asks for a trace instead of the client's answer.
pub(super) const TRACE_TYPE: &str = "application/vnd.tagwerk.trace+json";

const TRACE_HEADER: HeaderName = HeaderName::from_static("x-preview-trace");

/// When senders are told to come back, in seconds. Queues empty within one; what is full or broken
/// takes longer.
const SOON: HeaderValue = HeaderValue::from_static("1");
const LATER: HeaderValue = HeaderValue::from_static("30");

/// Answers requests.
pub(super) struct Front {
    live: Arc<Live>,
    journal: Journal,
    pool: Pool,
    preview: Preview,
    metrics: Metrics,
    clock: Clock,
    /// Where the listener is.
    address: SocketAddr,
    draining: AtomicBool,
}

impl Front {
    pub(super) fn new(
        live: Arc<Live>,
        journal: Journal,
        pool: Pool,
        preview: Preview,
        metrics: Metrics,
        clock: Clock,
        address: SocketAddr,
    ) -> Self {
        Self {
            live,
            journal,
            pool,
            preview,
            metrics,
            clock,
            address,
            draining: AtomicBool::new(false),
        }
    }

    /// From now on `/readyz` says no.
    pub(super) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    fn is_watched(&self, head: &Head<'_>) -> bool {
        // In this order: a wrong token is counted once, here or when the request is handled.
        self.preview.may_capture(head.path) || self.session(head.headers, head.ip).is_some()
    }

    /// The preview session that a request names. To be asked once for a request that names a wrong one.
    fn session(&self, headers: &HeaderMap, sender: IpAddr) -> Option<Session> {
        let session = self.preview.sessions.of(headers, sender);
        if session.is_none() && preview::has_token(headers) {
            self.metrics.unknown_token();
        }
        session
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
            "/readyz" if self.journal.is_full() => (503, "the journal is full"),
            _ => (200, "ok"),
        };
        let config_ok = self.live.problems().is_empty();
        Some(Response::json(
            status,
            &serde_json::json!({ "status": word, "config_ok": config_ok }),
        ))
    }

    async fn live(&self, request: Request) -> Response {
        let begun = Instant::now();
        let generation = self.live.current();
        // To unpack a body takes longer than most scripts.
        let is_packed = request.headers.contains_key(header::CONTENT_ENCODING);
        let is_quick = !is_packed && intake::is_quick(&generation, &request.path);
        let captured = self.preview.may_capture(&request.path);
        let request = Arc::new(request);
        let taken = {
            let (generation, request) = (generation.clone(), request.clone());
            let capture = captured.then(|| self.preview.clone());
            let job = move |worker: &mut Worker| match capture {
                None => intake::take(worker, &generation, &request, None),
                Some(preview) => {
                    let (intake, record) = watched::take_live(worker, &generation, &request, begun);
                    preview.capture(record);
                    intake
                }
            };
            self.pool.run_near(is_quick, job).await
        };
        let intake = match taken {
            Ok(intake) => intake,
            Err(NotRun::Busy) => {
                self.metrics.refused(Refused::ScriptsBusy);
                let why = "too many requests are waiting";
                let response = come_back(why, SOON, &request.id);
                let unasked = Unasked {
                    why,
                    head: None,
                    is_whole: true,
                };
                let response = match captured {
                    true => self.unasked(Request::clone(&request), unasked, response),
                    false => response,
                };
                return self.counted(response, None, begun);
            }
            Err(NotRun::Broken) => return self.counted(broken(&request.id), None, begun),
        };
        let meter = intake.meter().cloned();
        let (response, fate) = self.conclude(&generation, &request, intake).await;
        if captured {
            self.preview.answered(&request.id, &response, fate);
        }
        self.counted(response, meter.as_ref(), begun)
    }

    /// Answers when the journal has what the answer promises.
    async fn conclude(
        &self,
        generation: &Generation,
        request: &Request,
        intake: Intake,
    ) -> (Response, Fate) {
        let kept = match intake {
            Intake::Accepted {
                events,
                response,
                repeat,
                meter,
            } if !events.is_empty() => {
                let known = repeat.as_ref().map_or(Known::Not, Repeat::known);
                let repeated = repeat.map(|repeat| repeat.response);
                let count = events.len() as u64;
                let entries = events.into_iter();
                let entries = entries.map(|event| Entry { event, made: None });
                let (answer, answered) = oneshot::channel();
                // What is counted is what is on disk, though its sender may have gone meanwhile.
                let done = move |result| {
                    drop(answer.send(acknowledged(result, count, response, repeated, &meter)));
                };
                self.journal
                    .append_then(entries.collect(), known, Box::new(done));
                answered.await.unwrap_or(Err(journal::Error::Closed))
            }
            Intake::Accepted { response, .. } | Intake::Answered { response, .. } => {
                Ok((response, Fate::Kept))
            }
            Intake::Failed {
                client,
                fault,
                response,
                meter,
            } => {
                let failed = failed_request(generation, request, &client, &fault);
                self.journal.keep_request(failed).await.map(|()| {
                    meter.kept();
                    (response, Fate::Kept)
                })
            }
        };
        kept.unwrap_or_else(|error| (self.unkept(&error, &request.id), Fate::Unkept))
    }

    fn counted(
        &self,
        response: Response,
        meter: Option<&Arc<ClientMeter>>,
        begun: Instant,
    ) -> Response {
        let answers = meter.map_or(self.metrics.unclaimed(), |meter| &meter.answers);
        answers.answered(response.status, begun.elapsed());
        response
    }

    async fn watched(&self, request: Request, session: &Session) -> Response {
        let watch = if session.send {
            Watch::Send
        } else {
            Watch::Dry
        };
        let begun = Instant::now();
        let (generation, clock) = (self.live.draft_or_current(), self.clock);
        let request = Arc::new(request);
        let id = &request.id;
        let watched = (request.clone(), generation.clone());
        let seen = self
            .pool
            .run(move |worker| {
                let (request, generation) = watched;
                watched::run(worker, &generation, &request, clock.steady(), watch)
            })
            .await;
        let Some(Watched {
            mut record,
            intake,
            entries,
        }) = seen
        else {
            return self.counted(broken(id), None, begun);
        };
        record.session = Some(session.id.clone());
        self.preview.sessions.saw(&session.id);
        if watch == Watch::Dry {
            record.times.answered = Some(Instant::now());
        }
        // Before anything is handed on, so that nothing that becomes of it is missed.
        self.preview.ring.push(record);
        let asked = wants_trace(&request.headers);
        let trace = asked.then(|| self.trace(id)).flatten();
        let kept = match watch {
            Watch::Send => self.keep(&generation, &request, &intake, entries).await,
            _ => Ok(()),
        };
        let (response, fate) = match &kept {
            Err(error) => (self.unkept(error, id), Fate::Unkept),
            Ok(()) => (intake.response().clone(), Fate::Kept),
        };
        if watch == Watch::Send {
            self.preview.answered(id, &response, fate);
        }
        let response = match trace {
            Some(trace) if fate == Fate::Kept => trace,
            _ => response,
        };
        with_trace_id(self.counted(response, intake.meter(), begun), id)
    }

    /// Notes a request that no client was asked for, if somebody watches; gives what to answer.
    fn unasked(&self, mut request: Request, unasked: Unasked, answer: Response) -> Response {
        let session = self.session(&request.headers, request.ip);
        if session.is_none() && !self.preview.may_capture(&request.path) {
            return answer;
        }
        preview::remove_tokens(&mut request.headers);
        let (request, generation) = (Arc::new(request), self.live.current());
        let mut record = Record::unasked(
            request.clone(),
            generation.id.clone(),
            unasked,
            answer.clone(),
        );
        record.secret_names.clone_from(&generation.secret_names);
        let Some(session) = session else {
            self.preview.capture(record);
            return answer;
        };
        record.mode = match session.send {
            true => Mode::Send,
            false => Mode::DryRun,
        };
        record.session = Some(session.id.clone());
        self.preview.sessions.saw(&session.id);
        self.preview.ring.push(record);
        let asked = wants_trace(&request.headers);
        let trace = asked.then(|| self.trace(&request.id)).flatten();
        with_trace_id(trace.unwrap_or(answer), &request.id)
    }

    /// A trace as an answer, unless it was too large to be kept.
    fn trace(&self, id: &str) -> Option<Response> {
        let server = &self.live.current().config.server;
        let public_url = server.url_at(self.address);
        let trace = |entry: &preview::Entry| entry.record.trace(Some(entry.seq), &public_url);
        let trace = self.preview.ring.with(id, trace)?;
        let json = Bytes::from(serde_json::to_vec(&trace).unwrap_or_default());
        Some(trace_response(json))
    }

    /// Makes durable what a session that sends has accepted.
    async fn keep(
        &self,
        generation: &Generation,
        request: &Request,
        intake: &Intake,
        entries: Vec<Entry>,
    ) -> Result<(), journal::Error> {
        match intake {
            Intake::Accepted { events, meter, .. } if !events.is_empty() => {
                self.journal.append(entries, None).await?;
                meter.acknowledged(events.len() as u64);
                Ok(())
            }
            Intake::Failed {
                client,
                fault,
                meter,
                ..
            } => {
                self.journal
                    .keep_request(failed_request(generation, request, client, fault))
                    .await?;
                meter.kept();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn unkept(&self, error: &journal::Error, request_id: &str) -> Response {
        // What the disk says is for the log, not for senders.
        let (why, text, after) = match error {
            journal::Error::Busy => (Refused::JournalFull, "too many requests are waiting", SOON),
            journal::Error::Full => (Refused::JournalFull, "the journal is full", LATER),
            _ => (
                Refused::JournalFailed,
                "the journal cannot be written",
                LATER,
            ),
        };
        self.metrics.refused(why);
        come_back(text, after, request_id)
    }
}

/// Says where the trace is found.
fn with_trace_id(response: Response, id: &str) -> Response {
    match HeaderValue::try_from(id) {
        Ok(trace_id) => response.with_header(TRACE_HEADER, trace_id),
        Err(_) => response,
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
            Err(_) if self.is_watched(head) => Admission::Read {
                max_body: generation.config.server.max_body,
            },
            Err(response) => {
                let meter = self.metrics.unclaimed();
                meter.answered(response.status, Duration::ZERO);
                Admission::Answer(response)
            }
        }
    }

    async fn handle(&self, mut request: Request) -> Response {
        // Nearly every request has none, and pays for no more than this question.
        if !preview::has_token(&request.headers) {
            return self.live(request).await;
        }
        let session = self.session(&request.headers, request.ip);
        preview::remove_tokens(&mut request.headers);
        let Some(session) = session else {
            return self.live(request).await;
        };
        // Apart: it is large, and every request would carry the room for it.
        Box::pin(self.watched(request, &session)).await
    }

    fn refused(&self, refused: ingress::Refused, answer: Response) -> Response {
        let ingress::Refused { request, head, why } = refused;
        let unasked = Unasked {
            why,
            head,
            is_whole: false,
        };
        self.unasked(request, unasked, answer)
    }
}

/// What is answered once the journal has said what became of `count` events.
fn acknowledged(
    result: Result<(), journal::Error>,
    count: u64,
    response: Response,
    repeated: Option<Response>,
    meter: &ClientMeter,
) -> Result<(Response, Fate), journal::Error> {
    match (result, repeated) {
        (Ok(()), _) => {
            meter.acknowledged(count);
            Ok((response, Fate::Kept))
        }
        (Err(journal::Error::Duplicate), Some(repeated)) => {
            meter.duplicate();
            Ok((repeated, Fate::Repeat))
        }
        (Err(error), _) => Err(error),
    }
}

fn failed_request(
    generation: &Generation,
    request: &Request,
    client: &str,
    fault: &Fault,
) -> FailedRequest {
    FailedRequest {
        id: request.id.clone(),
        received_at: request.received_at,
        client: client.to_owned(),
        fault: fault.to_string(),
        message: request.to_message(&generation.secret_names),
    }
}

fn come_back(why: &str, after: HeaderValue, request_id: &str) -> Response {
    Response::error(503, why, request_id).with_header(header::RETRY_AFTER, after)
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
