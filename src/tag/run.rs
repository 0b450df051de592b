//! Runs one tag for one event: conditions, `fn when`, `fn tag`, and what it returned. Records what
//! a person wants to see only when somebody watches.

use std::time::{Duration, Instant};

use super::Tag;
use crate::clock::Millis;
use crate::script::api::Skip;
use crate::script::frame::LogLine;
use crate::script::value::kind;
use crate::script::{self, Fault, Map, Value, Worker};
use crate::telemetry::TagResult;
use crate::transform::{self, Transformed};
use crate::trigger::{Explanation, Verdict};

/// What became of a tag for an event.
#[derive(Debug)]
pub struct Ran {
    /// Why nothing is sent, if so.
    pub skipped: Option<Skipped>,
    /// What to send, as JSON objects, in order.
    pub payloads: Vec<Vec<u8>>,
    /// What went wrong, if it did; then nothing is sent.
    pub fault: Option<Fault>,
    /// What the script logged.
    pub log: Vec<LogLine>,
    /// Every condition, if somebody watches.
    pub explanation: Option<Explanation>,
    /// What was changed in its copy of the event, if somebody watches.
    pub transformed: Vec<Transformed>,
    /// How long it took, if somebody watches.
    pub took: Duration,
}

impl Ran {
    fn result(&self) -> TagResult {
        match (&self.fault, self.payloads.is_empty()) {
            (Some(_), _) => TagResult::Failed,
            (None, true) => TagResult::Filtered,
            (None, false) => TagResult::Fired,
        }
    }
}

/// Why a tag that listens sends nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Skipped {
    /// Its trigger blocked it.
    Trigger(Verdict),
    /// `fn when` said no.
    When,
    /// It called `skip("reason")`.
    Reason(String),
    /// It returned `()`.
    Nothing,
}

impl Skipped {
    /// The words in traces.
    pub fn reason(&self) -> String {
        match self {
            Self::Trigger(verdict) => verdict.reason().to_owned(),
            Self::When => "when() returned false".to_owned(),
            Self::Reason(reason) => format!("skipped: {reason}"),
            Self::Nothing => "tag() returned nothing".to_owned(),
        }
    }
}

/// Where a value is no map.
static NO_EVENT: Map = Map::new();

/// What is done besides running a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Every condition is recorded, and how long it took.
    pub records: bool,
    /// The run is counted: it is live traffic.
    pub counts: bool,
}

impl Look {
    /// Live traffic that nobody watches.
    pub const LIVE: Self = Self {
        records: false,
        counts: true,
    };
}

/// Runs `tag` for `event`, a map, if its trigger fires. `at` is when the event's request arrived.
pub fn run(worker: &mut Worker, tag: &Tag, event: &Value, at: Millis, look: Look) -> Ran {
    let begun = look.records.then(Instant::now);
    let Judged {
        verdict,
        explanation,
    } = judge(tag, event, at, look);
    let mut ran = Ran {
        skipped: None,
        payloads: Vec::new(),
        fault: None,
        log: Vec::new(),
        transformed: Vec::new(),
        took: begun.map(|begun| begun.elapsed()).unwrap_or_default(),
        explanation,
    };
    if verdict != Verdict::Fires {
        ran.skipped = Some(Skipped::Trigger(verdict));
        if look.counts {
            tag.meter(worker.metrics()).ran(ran.result(), None);
        }
        return ran;
    }
    let called = Instant::now();
    call(worker, tag, event, at, &mut ran);
    let took = called.elapsed();
    ran.took += took;
    if look.counts {
        let meter = tag.meter(worker.metrics());
        meter.ran(ran.result(), Some(took));
        if let Some(fault) = &ran.fault {
            let script = &tag.script;
            let fault = fault.clone().with_source(&script.file, &script.source);
            meter.last_fault().set(at, &fault);
        }
    }
    ran
}

/// What a tag's trigger says to an event.
struct Judged {
    verdict: Verdict,
    explanation: Option<Explanation>,
}

fn judge(tag: &Tag, event: &Value, at: Millis, look: Look) -> Judged {
    let map = event.as_map_ref();
    let event = map.as_deref().unwrap_or(&NO_EVENT);
    Judged {
        verdict: tag.trigger.verdict(event, at),
        explanation: look.records.then(|| tag.trigger.explain(event)),
    }
}

fn call(worker: &mut Worker, tag: &Tag, event: &Value, at: Millis, ran: &mut Ran) {
    if tag.transforms.is_empty() {
        return call_with(worker, tag, event, at, ran);
    }
    let looks = ran.explanation.is_some();
    match transform::apply(worker, &tag.transforms, event.clone(), at, looks) {
        Ok((changed, transformed)) => {
            ran.transformed = transformed;
            // What the other tags work out of the whole event is not for this one, nor the other way round.
            worker.next_event();
            call_with(worker, tag, &changed, at, ran);
            worker.next_event();
        }
        Err(fault) => ran.fault = Some(fault),
    }
}

fn call_with(worker: &mut Worker, tag: &Tag, event: &Value, at: Millis, ran: &mut Ran) {
    if tag.has_when && !call_when(worker, tag, event, at, ran) {
        return;
    }
    let called = script::call_for_event(worker, &tag.script, "tag", event, at);
    ran.log.extend(called.log);
    let read = called.result.and_then(|value| read_payloads(tag, value));
    match read {
        Ok(Returned::Payloads(payloads)) => ran.payloads = payloads,
        Ok(Returned::Skipped(skipped)) => ran.skipped = Some(skipped),
        Err(fault) => ran.fault = Some(fault),
    }
}

fn call_when(worker: &mut Worker, tag: &Tag, event: &Value, at: Millis, ran: &mut Ran) -> bool {
    let called = script::call_for_event(worker, &tag.script, "when", event, at);
    ran.log.extend(called.log);
    let answer = called.result.and_then(|value| {
        value.as_bool().map_err(|_| {
            let message = format!(
                "when() must return true or false, it returned {}",
                kind(&value)
            );
            Fault::new(&tag.script.file, message).in_function("when")
        })
    });
    match answer {
        Ok(true) => return true,
        Ok(false) => ran.skipped = Some(Skipped::When),
        Err(fault) => ran.fault = Some(fault),
    }
    false
}

enum Returned {
    Payloads(Vec<Vec<u8>>),
    Skipped(Skipped),
}

fn read_payloads(tag: &Tag, value: Value) -> Result<Returned, Fault> {
    if value.is_unit() {
        return Ok(Returned::Skipped(Skipped::Nothing));
    }
    if let Some(skip) = value.read_lock::<Skip>() {
        return Ok(Returned::Skipped(Skipped::Reason(skip.reason.to_string())));
    }
    if value.is_map() {
        return Ok(Returned::Payloads(vec![payload(tag, &value)?]));
    }
    let Ok(items) = value.as_array_ref() else {
        return Err(wrong_return(tag, &value));
    };
    if items.is_empty() {
        return Ok(Returned::Skipped(Skipped::Nothing));
    }
    items
        .iter()
        .map(|item| payload(tag, item))
        .collect::<Result<_, _>>()
        .map(Returned::Payloads)
}

fn payload(tag: &Tag, value: &Value) -> Result<Vec<u8>, Fault> {
    if !value.is_map() {
        return Err(wrong_return(tag, value));
    }
    script::to_json(value)
        .map_err(|error| returned(tag, format!("tag() returned what cannot be sent: {error}")))
}

fn wrong_return(tag: &Tag, value: &Value) -> Fault {
    let message = format!(
        "tag() must return a map or an array of maps, it returned {}",
        kind(value)
    );
    returned(tag, message).with_hint("return `()` or `skip(\"reason\")` to send nothing")
}

fn returned(tag: &Tag, message: String) -> Fault {
    Fault::new(&tag.script.file, message).in_function("tag")
}
