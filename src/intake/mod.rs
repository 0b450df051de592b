//! The intake: a request in, events and an answer out. It finds the clients of the path, asks them
//! in order, and runs the one that claims. `take` is the whole of it, the same for live traffic,
//! preview and `trace`; it journals nothing and sends nothing.

mod admit;

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderValue, header};
use tracing::{debug, warn};

use crate::client::{self, Client, Dedupe, LARGEST_MAX_BODY, Match, NewEvent, Passed};
use crate::event::Event;
use crate::generation::Generation;
use crate::journal::{DedupeKey, Known};
use crate::preview::ClientTrace;
use crate::request::{Head, Request, Response, Unreadable, unpack};
use crate::script::frame::LogLine;
use crate::script::{self, Cause, Fault, Map, RequestView, Worker};
use crate::telemetry::{ClientMeter, ClientResult};
use admit::nobody_claims;

pub use admit::admit;

/// What a request became.
#[derive(Debug)]
pub enum Intake {
    /// An answer and nothing else: nobody claims it, or it cannot be read.
    Answered {
        /// What to answer.
        response: Response,
        /// Where the answer is counted; none if nobody claims the request.
        meter: Option<Arc<ClientMeter>>,
    },
    /// Events to make durable, and the answer to give once they are.
    Accepted {
        /// In the order in which the client returned them; perhaps none.
        events: Vec<Event>,
        /// What to answer then.
        response: Response,
        /// If the sender numbers its requests: how to know that this is a repeat.
        repeat: Option<Repeat>,
        /// Where the answer is counted.
        meter: Arc<ClientMeter>,
    },
    /// The client failed: the request is to be kept, and answered 202 once it is.
    Failed {
        /// The client.
        client: Arc<str>,
        /// What went wrong.
        fault: Fault,
        /// What to answer then.
        response: Response,
        /// Where the answer is counted.
        meter: Arc<ClientMeter>,
    },
}

/// A request that its sender may send again.
#[derive(Debug)]
pub struct Repeat {
    /// The client that knows the sender's ids.
    pub client: Arc<str>,
    /// The sender's own id of the request; none if its events have their own.
    pub sender_id: Option<String>,
    /// What to answer if it was there before.
    pub response: Response,
}

impl Repeat {
    /// How the journal knows that it is one.
    pub fn known(&self) -> Known {
        match &self.sender_id {
            Some(id) => Known::By(DedupeKey::of(&self.client, id)),
            None => Known::ByEvent(self.client.clone()),
        }
    }
}

impl Intake {
    /// The answer, whatever it depends on.
    pub fn response(&self) -> &Response {
        match self {
            Self::Answered { response, .. }
            | Self::Accepted { response, .. }
            | Self::Failed { response, .. } => response,
        }
    }

    /// Where the answer is counted; none if nobody claims the request.
    pub fn meter(&self) -> Option<&Arc<ClientMeter>> {
        match self {
            Self::Answered { meter, .. } => meter.as_ref(),
            Self::Accepted { meter, .. } | Self::Failed { meter, .. } => Some(meter),
        }
    }

    fn unclaimed(response: Response) -> Self {
        Self::Answered {
            response,
            meter: None,
        }
    }
}

/// True if no client of the path was slow of late.
pub fn is_quick(generation: &Generation, path: &str) -> bool {
    let clients = generation.router.clients(path);
    let mut clients = clients.filter_map(|client| generation.clients.get(client));
    clients.all(|client| client.script.pace.is_quick())
}

/// Runs the clients of the request's path. `trace` gets an entry for each that was asked; with it,
/// nothing is counted, as somebody only tries.
pub fn take(
    worker: &mut Worker,
    generation: &Generation,
    request: &Arc<Request>,
    trace: Option<&mut Vec<ClientTrace>>,
) -> Intake {
    let look = Look {
        sender: Sender::Unknown,
        is_live: trace.is_none(),
    };
    ask_all(worker, generation, request, look, trace)
}

/// As [`take`] without a trace, with one: live traffic that is watched counts like any other.
pub fn take_watched(
    worker: &mut Worker,
    generation: &Generation,
    request: &Arc<Request>,
    trace: &mut Vec<ClientTrace>,
) -> Intake {
    let look = Look {
        sender: Sender::Unknown,
        is_live: true,
    };
    ask_all(worker, generation, request, look, Some(trace))
}

/// As [`take`], for a request whose sender is known: it was let in before, or an operator has written
/// it. `VERIFY` is left out.
pub fn take_trusted(
    worker: &mut Worker,
    generation: &Generation,
    request: &Arc<Request>,
    trace: Option<&mut Vec<ClientTrace>>,
) -> Intake {
    let look = Look {
        sender: Sender::Known,
        is_live: trace.is_none(),
    };
    ask_all(worker, generation, request, look, trace)
}

/// How a request is looked at.
#[derive(Clone, Copy)]
struct Look {
    sender: Sender,
    /// What is made of it is used and counted. Otherwise somebody only tries.
    is_live: bool,
}

/// Whether it is known who sends a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sender {
    Known,
    Unknown,
}

/// A client that is asked for a request.
struct Asked<'a> {
    client: &'a Client,
    found: &'a Match,
    request: &'a Arc<Request>,
    look: Look,
    /// What senders call, for signatures that have it in them.
    public_url: &'a str,
}

type Trace<'a> = Option<&'a mut Vec<ClientTrace>>;

fn ask_all(
    worker: &mut Worker,
    generation: &Generation,
    request: &Arc<Request>,
    look: Look,
    mut trace: Trace<'_>,
) -> Intake {
    for found in generation.router.find(&request.path) {
        let Some(client) = generation.clients.get(found.client) else {
            continue;
        };
        let asked = Asked {
            client,
            found: &found,
            request,
            look,
            public_url: &generation.config.server.public_url,
        };
        if !client.methods.contains(&request.method) {
            asked.pass(&mut trace, format!("takes no {}", request.method));
            continue;
        }
        if let Some(intake) = ask(worker, &asked, &mut trace) {
            return intake;
        }
    }
    let head = Head {
        method: &request.method,
        path: &request.path,
        headers: &request.headers,
        ip: request.ip,
    };
    match admit(generation, &head, &request.id) {
        Ok(_) => Intake::unclaimed(nobody_claims(&request.method, &request.path, &request.id)),
        Err(response) => Intake::unclaimed(response),
    }
}

/// Nothing if the client does not claim the request. One without `fn claims` sees nothing before it
/// is known who sends; one that has it says first whether the request is its own.
fn ask(worker: &mut Worker, asked: &Asked<'_>, trace: &mut Trace<'_>) -> Option<Intake> {
    let (client, request) = (asked.client, asked.request);
    if !client.has_claims
        && let Some(refusal) = asked.verify(worker, trace)
    {
        return Some(refusal);
    }
    let view = match asked.view() {
        Ok(view) => view,
        Err(why) => return Some(asked.unreadable(worker, trace, why)),
    };
    let claimed = client::claims(worker, client, &view, request.received_at);
    if matches!(claimed, Ok(false)) {
        asked.pass(trace, "claims() returned false".to_owned());
        return None;
    }
    if client.has_claims
        && let Some(refusal) = asked.verify(worker, trace)
    {
        return Some(refusal);
    }
    if let Err(fault) = claimed {
        asked.note(trace, asked.reason(), Vec::new(), Some(&fault));
        return Some(asked.failed(worker, fault));
    }
    Some(run(worker, asked, &view, trace))
}

impl Asked<'_> {
    /// What to answer if `VERIFY` does not hold: the same whatever is wrong.
    fn verify(&self, worker: &Worker, trace: &mut Trace<'_>) -> Option<Intake> {
        let (client, request) = (self.client, self.request);
        if self.look.sender == Sender::Known {
            return None;
        }
        let verify = client.verify.as_ref()?;
        let why = match verify.check(request, self.public_url) {
            Ok(Passed::Verified) => return None,
            Ok(Passed::Ping) => {
                let reason = format!("path {}; an unsigned ping", self.found.pattern);
                self.note(trace, reason, Vec::new(), None);
                return Some(self.answered(worker, client::accepted(&[])));
            }
            Err(why) => why,
        };
        let reason = format!("path {}; not verified: {why}", self.found.pattern);
        self.note(trace, reason, Vec::new(), None);
        debug!(client = %client.name, request = %request.id, "not verified: {why}");
        if self.look.is_live {
            client.meter(worker.metrics()).unverified();
        }
        let mut response = Response::error(401, "the request could not be verified", &request.id);
        if let Some(challenge) = verify.challenge() {
            let challenge = HeaderValue::from_static(challenge);
            response = response.with_header(header::WWW_AUTHENTICATE, challenge);
        }
        Some(self.answered(worker, response))
    }

    /// What scripts see of the request. Only now is a packed body unpacked.
    fn view(&self) -> Result<RequestView, Unreadable> {
        let request = self.request;
        let most = match self.client.has_claims {
            // Perhaps it is another client's, which takes more.
            true => LARGEST_MAX_BODY,
            false => usize::try_from(self.client.max_body).unwrap_or(LARGEST_MAX_BODY),
        };
        let body = unpack(&request.headers, &request.body, most)?;
        let parameters = parameters(self.found);
        Ok(RequestView::unpacked(request.clone(), body, parameters))
    }

    fn unreadable(&self, worker: &Worker, trace: &mut Trace<'_>, why: Unreadable) -> Intake {
        self.note(trace, why.to_string(), Vec::new(), None);
        let response = Response::error(why.status(), &why.to_string(), &self.request.id);
        self.answered(worker, response)
    }

    fn answered(&self, worker: &Worker, mut response: Response) -> Intake {
        client::add_cors(self.client, &self.request.headers, &mut response);
        Intake::Answered {
            response,
            meter: Some(self.client.meter(worker.metrics()).clone()),
        }
    }

    /// The script failed: what it cannot read is the sender's fault, all else is kept for a repair.
    fn failed(&self, worker: &Worker, fault: Fault) -> Intake {
        let (client, request) = (self.client, self.request);
        if fault.cause == Cause::Request {
            return self.answered(worker, Response::error(400, &fault.message, &request.id));
        }
        warn!(client = %client.name, request = %request.id, "the client failed, the request is kept: {fault}");
        let body = serde_json::json!({ "status": "kept", "request_id": request.id });
        let mut response = Response::json(202, &body);
        client::add_cors(client, &request.headers, &mut response);
        let meter = client.meter(worker.metrics()).clone();
        if self.look.is_live {
            let script = &client.script;
            let shown = fault.clone().with_source(&script.file, &script.source);
            meter.last_fault().set(request.received_at, &shown);
        }
        Intake::Failed {
            client: client.name.clone(),
            fault,
            response,
            meter,
        }
    }

    /// Why the client has the request, for people who watch.
    fn reason(&self) -> String {
        let pattern = &self.found.pattern;
        match (&self.client.verify, self.look.sender) {
            (None, _) => format!("path {pattern}"),
            (Some(_), Sender::Unknown) => format!("path {pattern}; verified"),
            (Some(_), Sender::Known) => format!("path {pattern}; VERIFY was left out"),
        }
    }

    fn pass(&self, trace: &mut Trace<'_>, reason: String) {
        note(trace, self.client, false, reason, Vec::new(), None);
    }

    fn note(
        &self,
        trace: &mut Trace<'_>,
        reason: String,
        log: Vec<LogLine>,
        fault: Option<&Fault>,
    ) {
        note(trace, self.client, true, reason, log, fault);
    }
}

fn run(
    worker: &mut Worker,
    asked: &Asked<'_>,
    view: &RequestView,
    trace: &mut Trace<'_>,
) -> Intake {
    let (client, request) = (asked.client, asked.request);
    if view.body_len() as u64 > client.max_body {
        // Another client of the path may take more, or it came packed: so the listener let it pass.
        let message = format!("the body is larger than {} bytes", client.max_body);
        asked.note(trace, message.clone(), Vec::new(), None);
        return asked.answered(worker, Response::error(413, &message, &request.id));
    }
    let begun = Instant::now();
    let sender_id = client
        .dedupe
        .as_ref()
        .and_then(|dedupe| dedupe.sender_id(view, request));
    let (parsed, log) = client::parse(worker, client, view, request, sender_id.as_deref());
    asked.note(trace, asked.reason(), log, parsed.as_ref().err());
    let took = begun.elapsed();
    if let Some(entry) = trace.as_mut().and_then(|entries| entries.last_mut()) {
        entry.duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    }
    if asked.look.is_live {
        client.meter(worker.metrics()).parsed(result(&parsed), took);
    }
    let accepted = parsed.and_then(|events| {
        let journalled = to_events(client, request, &events)?;
        Ok((events, journalled))
    });
    match accepted {
        Ok((new, events)) => {
            let mut response = answer(worker, client, view, request, &new);
            client::add_cors(client, &request.headers, &mut response);
            if asked.look.is_live {
                // A processor will come for them.
                for (new, event) in new.into_iter().zip(&events) {
                    worker.keep(&event.data, new.data);
                }
            }
            let by_event = client.dedupe == Some(Dedupe::ByEvent);
            let repeat = (by_event || sender_id.is_some()).then(|| Repeat {
                client: client.name.clone(),
                sender_id,
                response: client::repeated(client, &response),
            });
            Intake::Accepted {
                events,
                response,
                repeat,
                meter: client.meter(worker.metrics()).clone(),
            }
        }
        Err(fault) => asked.failed(worker, fault),
    }
}

fn result<T>(parsed: &Result<T, Fault>) -> ClientResult {
    match parsed.as_ref().map_err(|fault| fault.cause) {
        Ok(_) => ClientResult::Good,
        Err(Cause::Request) => ClientResult::Refused,
        Err(Cause::Script) => ClientResult::Failed,
    }
}

/// A client's own answer that fails must not lose its events: they get the default one.
fn answer(
    worker: &mut Worker,
    client: &Client,
    view: &RequestView,
    request: &Request,
    events: &[NewEvent],
) -> Response {
    if !client.has_respond {
        return client::accepted(events);
    }
    client::respond(worker, client, view, request, events).unwrap_or_else(|fault| {
        warn!(client = %client.name, request = %request.id, "the default answer is given: {fault}");
        client::accepted(events)
    })
}

fn to_events(client: &Client, request: &Request, events: &[NewEvent]) -> Result<Vec<Event>, Fault> {
    let to_event = |event: &NewEvent| {
        let data = script::map_to_json(&event.data).map_err(|error| Fault {
            function: Some("parse".to_owned()),
            ..Fault::new(
                &client.script.file,
                format!("parse() returned what cannot be kept: {error}"),
            )
        })?;
        Ok(Event {
            id: event.id.clone(),
            received_at: request.received_at,
            data: Bytes::from(data),
        })
    };
    events.iter().map(to_event).collect()
}

fn parameters(found: &Match) -> Map {
    let pairs = found.parameters.iter();
    pairs
        .map(|(name, value)| (name.as_str().into(), value.as_str().into()))
        .collect()
}

fn note(
    trace: &mut Trace<'_>,
    client: &Client,
    claimed: bool,
    reason: String,
    log: Vec<LogLine>,
    fault: Option<&Fault>,
) {
    let Some(entries) = trace else { return };
    let script = &client.script;
    let with_source = |fault: &Fault| fault.clone().with_source(&script.file, &script.source);
    entries.push(ClientTrace {
        name: client.name.to_string(),
        file: script.file.clone(),
        claimed,
        reason,
        log,
        fault: fault.map(with_source),
        duration_us: 0,
    });
}
