//! One request run through intake and processor with everything recorded: what preview sessions
//! and `tagwerk trace` show. It calls the same functions as live traffic; it answers nobody and
//! journals nothing.

use std::sync::Arc;

use crate::clock::Millis;
use crate::event::Event;
use crate::generation::Generation;
use crate::intake::{self, Intake};
use crate::journal::Entry;
use crate::preview::{ClientTrace, EventTrace, Mode, RequestTrace, ResponseTrace, Trace};
use crate::processor::{self, Watch};
use crate::request::Request;
use crate::script::Worker;

/// What was seen, and what live traffic would have done with it.
#[derive(Debug)]
pub struct Watched {
    /// The record.
    pub trace: Trace,
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
    let mut clients = Vec::new();
    let intake = intake::take(worker, generation, request, Some(&mut clients));
    record(worker, generation, request, now, watch, (clients, intake))
}

/// As [`run`], for a request that an operator has written, dry: `VERIFY` is left out.
pub fn run_trusted(
    worker: &mut Worker,
    generation: &Generation,
    request: &Arc<Request>,
    now: Millis,
) -> Watched {
    let mut clients = Vec::new();
    let intake = intake::take_trusted(worker, generation, request, Some(&mut clients));
    record(
        worker,
        generation,
        request,
        now,
        Watch::Dry,
        (clients, intake),
    )
}

fn record(
    worker: &mut Worker,
    generation: &Generation,
    request: &Request,
    now: Millis,
    watch: Watch,
    (clients, intake): (Vec<ClientTrace>, Intake),
) -> Watched {
    let mut events = Vec::new();
    let mut entries = Vec::new();
    if let Intake::Accepted {
        events: accepted, ..
    } = &intake
    {
        for event in accepted {
            let made = processor::process(worker, generation, event, now, watch);
            events.push(event_trace(event, made.tags));
            entries.push(Entry {
                event: event.clone(),
                made: Some(made.made),
            });
        }
    }
    let trace = Trace {
        trace_id: request.id.clone(),
        generation: generation.id.to_string(),
        mode: if watch == Watch::Send {
            Mode::Send
        } else {
            Mode::DryRun
        },
        request: RequestTrace::of(request).hiding(&generation.secret_headers),
        clients,
        response: ResponseTrace::from(intake.response()),
        events,
    };
    Watched {
        trace,
        intake,
        entries,
    }
}

fn event_trace(event: &Event, tags: Vec<crate::preview::TagTrace>) -> EventTrace {
    EventTrace {
        event_id: event.id.to_string(),
        data: serde_json::from_slice(&event.data).unwrap_or_default(),
        tags,
    }
}
