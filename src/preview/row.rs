//! A trace in one line: what a list shows, and what it is filtered by.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::record::{Fate, Record};
use super::ring::Entry;
use super::trace::Mode;
use crate::clock::Millis;
use crate::delivery::State;

/// A trace in one line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The trace's name.
    pub trace_id: String,
    /// Counts up with the traces.
    pub seq: u64,
    /// When the request arrived.
    pub received_at: Millis,
    /// The session it was watched in.
    pub session: Option<String>,
    /// What was really done.
    pub mode: Mode,
    /// The method.
    pub method: String,
    /// The path as it was sent.
    pub path: String,
    /// Who took it.
    pub client: Option<String>,
    /// The names of its events.
    pub events: Vec<String>,
    /// The tags that fired or failed.
    pub tags: Vec<String>,
    /// What it came to, in a word.
    pub outcome: &'static str,
    /// What was answered.
    pub status: u16,
    /// From the whole request to its answer.
    pub duration_us: u64,
    /// Bytes of its body.
    pub bytes: usize,
    /// Scripts that failed.
    pub faults: usize,
    /// Deliveries by state.
    pub deliveries: BTreeMap<&'static str, usize>,
    /// The generation that handled it.
    pub generation: String,
    /// The trace whose request was run again.
    pub replay_of: Option<String>,
}

/// All words that an outcome has.
pub const OUTCOMES: [&str; 9] = [
    "unclaimed",
    "failed",
    "refused",
    "dead",
    "retrying",
    "pending",
    "delivered",
    "dry_run",
    "nothing",
];

impl Row {
    /// Of a trace in the ring.
    pub fn of(entry: &Entry) -> Self {
        let record = &entry.record;
        let request = &record.request;
        let mut deliveries = BTreeMap::new();
        for one in record.deliveries() {
            *deliveries.entry(one.state.as_str()).or_default() += 1;
        }
        Self {
            trace_id: request.id.clone(),
            seq: entry.seq,
            received_at: request.received_at,
            session: record.session.as_deref().map(str::to_owned),
            mode: record.mode,
            method: request.method.to_string(),
            path: request.path.clone(),
            client: record.client().map(str::to_owned),
            events: record.events.iter().map(|one| one.name.clone()).collect(),
            tags: tags(record).into_iter().map(str::to_owned).collect(),
            outcome: outcome(record),
            status: record.response.status,
            duration_us: record.duration_us(),
            bytes: request.body.len(),
            faults: faults(record),
            deliveries,
            generation: record.generation.to_string(),
            replay_of: record.replay_of.clone(),
        }
    }
}

/// The tags that fired or failed.
pub(super) fn tags(record: &Record) -> BTreeSet<&str> {
    let tags = record.events.iter().flat_map(|event| &event.tags);
    let fired = tags.filter(|tag| tag.trace.fired);
    fired.map(|tag| &*tag.trace.name).collect()
}

fn faults(record: &Record) -> usize {
    let clients = record
        .clients
        .iter()
        .filter(|client| client.fault.is_some());
    let tags = record.events.iter().flat_map(|event| &event.tags);
    clients.count() + tags.filter(|tag| tag.trace.fault.is_some()).count()
}

/// What a request came to, in a word: the worst that is true of it.
pub(super) fn outcome(record: &Record) -> &'static str {
    if record.unasked.is_some() {
        return "refused";
    }
    if record.client().is_none() {
        return "unclaimed";
    }
    let is_bad_request =
        |fault: &crate::script::Fault| fault.cause == crate::script::Cause::Request;
    let refused = record
        .clients
        .iter()
        .filter_map(|client| client.fault.as_ref())
        .all(is_bad_request);
    if record.response.status >= 400 && refused {
        return "refused";
    }
    if faults(record) > 0 {
        return "failed";
    }
    if record.response.status >= 400 {
        return "refused";
    }
    of_deliveries(record)
}

fn of_deliveries(record: &Record) -> &'static str {
    let has = |state: State| record.deliveries().any(|one| one.state == state);
    let is_retried = record
        .deliveries()
        .any(|one| one.state == State::Pending && !one.attempts.is_empty());
    let waits = record.events.iter().any(|one| one.fate == Fate::Waiting);
    if has(State::Dead) {
        "dead"
    } else if is_retried {
        "retrying"
    } else if waits || has(State::Pending) {
        "pending"
    } else if has(State::Delivered) {
        "delivered"
    } else if has(State::DryRun) {
        "dry_run"
    } else {
        "nothing"
    }
}
