//! One request run through intake and processor with everything recorded: what preview sessions
//! and `tagwerk trace` show; and the intake of live traffic that a capture session watches. The same
//! functions as live traffic; nothing here answers anybody or journals anything.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, Method};

use crate::clock::Millis;
use crate::event::Event;
use crate::generation::Generation;
use crate::intake::{self, Intake};
use crate::journal::Entry;
use crate::preview::{ClientTrace, EventRecord, Mode, Record, Times};
use crate::processor::{self, Watch};
use crate::request::{Request, Response};
use crate::script::Worker;

/// What was seen, and what live traffic would have done with it.
#[derive(Debug)]
pub struct Watched {
    /// The record.
    pub record: Record,
    /// What the intake made of the request.
    pub intake: Intake,
    /// The events with their deliveries, to be journalled if the session sends.
    pub entries: Vec<Entry>,
}

/// Runs a request and records every step. Pure but for the scripts' own logs.
pub fn run(
    worker: &mut Worker,
    generation: &Generation,
    request: &Arc<Request>,
    now: Millis,
    watch: Watch,
) -> Watched {
    let begun = Instant::now();
    let taken = take(worker, begun, |worker, trace| {
        intake::take(worker, generation, request, Some(trace))
    });
    run_on(worker, generation, request, now, watch, taken)
}

/// As [`run`], for a request that an operator has written, dry: `VERIFY` is left out.
pub fn run_trusted(
    worker: &mut Worker,
    generation: &Generation,
    request: &Arc<Request>,
    now: Millis,
) -> Watched {
    let begun = Instant::now();
    let taken = take(worker, begun, |worker, trace| {
        intake::take_trusted(worker, generation, request, Some(trace))
    });
    run_on(worker, generation, request, now, Watch::Dry, taken)
}

/// Runs the tags of an event, dry. Its request is not known: in its place stands one that says so.
pub fn run_event(
    worker: &mut Worker,
    generation: &Generation,
    event: Event,
    now: Millis,
) -> Record {
    let times = Times::now();
    let request = Request {
        id: event.id.to_string(),
        method: Method::from_bytes(b"EVENT").unwrap_or(Method::POST),
        path: event.id.to_string(),
        query: String::new(),
        headers: HeaderMap::new(),
        ip: Ipv4Addr::LOCALHOST.into(),
        body: event.data.clone(),
        received_at: event.received_at,
    };
    let handled = processor::process(worker, generation, &event, now, Watch::Dry);
    let mut seen = EventRecord::waiting(event);
    seen.processed(Instant::now(), handled.tags);
    Record {
        session: None,
        replay_of: None,
        mode: Mode::DryRun,
        generation: generation.id.clone(),
        secret_names: generation.secret_names.clone(),
        request: Arc::new(request),
        unasked: None,
        script: None,
        clients: Vec::new(),
        response: Response {
            status: 200,
            headers: HeaderMap::new(),
            body: Bytes::new(),
        },
        events: vec![seen],
        times,
    }
}

/// Goes on with a request that was taken in.
fn run_on(
    worker: &mut Worker,
    generation: &Generation,
    request: &Arc<Request>,
    now: Millis,
    watch: Watch,
    (intake, clients, times): (Intake, Vec<ClientTrace>, Times),
) -> Watched {
    let mut record = record(generation, request, &intake, clients, times);
    record.mode = match watch {
        Watch::Send => Mode::Send,
        _ => Mode::DryRun,
    };
    let mut entries = Vec::with_capacity(record.events.len());
    for seen in &mut record.events {
        let begun = Instant::now();
        let handled = processor::process(worker, generation, &seen.event, now, watch);
        seen.processed(begun, handled.tags);
        entries.push(Entry {
            event: seen.event.clone(),
            made: Some(handled.made),
        });
    }
    Watched {
        record,
        intake,
        entries,
    }
}

/// Takes a live request in, as [`intake::take`] does and counted like any other, and records it. It
/// was handed to us whole at `begun`.
pub fn take_live(
    worker: &mut Worker,
    generation: &Generation,
    request: &Arc<Request>,
    begun: Instant,
) -> (Intake, Record) {
    let (intake, clients, times) = take(worker, begun, |worker, trace| {
        intake::take_watched(worker, generation, request, trace)
    });
    let record = record(generation, request, &intake, clients, times);
    (intake, record)
}

fn take(
    worker: &mut Worker,
    begun: Instant,
    take_in: impl FnOnce(&mut Worker, &mut Vec<ClientTrace>) -> Intake,
) -> (Intake, Vec<ClientTrace>, Times) {
    let taken = Instant::now();
    let mut clients = Vec::new();
    let intake = take_in(worker, &mut clients);
    let times = Times {
        begun,
        taken,
        made: Instant::now(),
        answered: None,
    };
    (intake, clients, times)
}

fn record(
    generation: &Generation,
    request: &Arc<Request>,
    intake: &Intake,
    clients: Vec<ClientTrace>,
    times: Times,
) -> Record {
    let accepted = match intake {
        Intake::Accepted { events, .. } => &events[..],
        _ => &[],
    };
    let claimed = clients.iter().find(|client| client.claimed);
    let script = claimed.and_then(|claimed| {
        let mut all = generation.clients.iter();
        all.find(|client| *client.name == *claimed.name)
    });
    Record {
        session: None,
        replay_of: None,
        mode: Mode::Capture,
        generation: generation.id.clone(),
        secret_names: generation.secret_names.clone(),
        request: request.clone(),
        unasked: None,
        script: script.map(|client| client.script.source.clone()),
        clients,
        response: intake.response().clone(),
        events: accepted.iter().cloned().map(EventRecord::waiting).collect(),
        times,
    }
}
