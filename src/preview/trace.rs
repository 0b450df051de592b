//! The record of one request's way, as JSON: the same on the command line, by header, on the page.
//! Users and tests rely on these keys; more may be added, these stay.

use std::collections::BTreeMap;
use std::time::Instant;

use serde::Serialize;
use serde_json::Value;

use super::provenance::Origin;
use super::record::Unasked;
use super::redact::{self, HIDDEN};
use crate::clock::Millis;
use crate::delivery::Delivery;
use crate::destination::{Destination, Destinations, Item, Shown};
use crate::request::{Request, Response, SecretNames, unpack};
use crate::script::frame::LogLine;
use crate::script::{self, Fault};
use crate::transform::Transformed;
use crate::trigger::{Check, ConsentCheck, Explanation};

/// One request's way.
#[derive(Clone, Debug, Serialize)]
pub struct Trace {
    /// The trace's name.
    pub trace_id: String,
    /// Counts up with the traces that are kept; none on the command line.
    pub seq: Option<u64>,
    /// The generation that handled it.
    pub generation: String,
    /// What was really done.
    pub mode: Mode,
    /// The session it was watched in.
    pub session: Option<String>,
    /// The trace whose request was run again.
    pub replay_of: Option<String>,
    /// When the request arrived.
    pub received_at: Millis,
    /// What it came to, in a word.
    pub outcome: &'static str,
    /// From the whole request to its answer.
    pub duration_us: u64,
    /// What came in.
    pub request: RequestTrace,
    /// The same as a command line.
    pub curl: String,
    /// Why no client was asked at all.
    pub unasked: Option<UnaskedTrace>,
    /// The clients that were asked, in order.
    pub clients: Vec<ClientTrace>,
    /// What was answered.
    pub response: ResponseTrace,
    /// What was made of it.
    pub events: Vec<EventTrace>,
    /// What took how long, for a waterfall.
    pub steps: Vec<StepTrace>,
}

/// What was really done with what was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Nothing was sent and nothing journalled.
    DryRun,
    /// Everything was done.
    Send,
    /// Live traffic: everything was done, as without anybody watching.
    Capture,
}

/// Something that took time.
#[derive(Clone, Debug, Serialize)]
pub struct StepTrace {
    /// `client`, `commit`, `tag` or `attempt`.
    pub kind: &'static str,
    /// Of what: a client, the journal, a tag, a destination.
    pub name: String,
    /// Which event, of a tag and an attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<usize>,
    /// Which delivery, of an attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_id: Option<String>,
    /// When it began, from the whole request on.
    pub from_us: u64,
    /// How long it took.
    pub took_us: u64,
}

/// What came in.
#[derive(Clone, Debug, Serialize)]
pub struct RequestTrace {
    /// The method.
    pub method: String,
    /// The path as it was sent.
    pub path: String,
    /// Decoded query parameters.
    pub query: Value,
    /// Header fields; keys and cookies are `***`.
    pub headers: BTreeMap<String, String>,
    /// The body as text.
    pub body: String,
    /// The sender's address.
    pub ip: String,
    /// Bytes of the body.
    pub bytes: usize,
}

/// Why a request never came to a client.
#[derive(Clone, Debug, Serialize)]
pub struct UnaskedTrace {
    /// In words.
    pub reason: &'static str,
    /// The head as it came, if that is what was wrong, without what gives access.
    pub head: Option<String>,
    /// The request was read to its end, so it can be run again.
    pub whole: bool,
}

/// A client that was asked.
#[derive(Clone, Debug, Serialize)]
pub struct ClientTrace {
    /// Its name.
    pub name: String,
    /// Its script's file.
    pub file: String,
    /// Whether it took the request.
    pub claimed: bool,
    /// Why, or why not.
    pub reason: String,
    /// What its script logged.
    pub log: Vec<LogLine>,
    /// What went wrong in it.
    pub fault: Option<Fault>,
    /// How long `parse` took.
    pub duration_us: u64,
}

/// What was answered.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ResponseTrace {
    /// HTTP status.
    pub status: u16,
    /// Header fields.
    pub headers: BTreeMap<String, String>,
    /// The body as text.
    pub body: String,
}

/// An event and its tags.
#[derive(Clone, Debug, Serialize)]
pub struct EventTrace {
    /// The event's id.
    pub event_id: String,
    /// How far it has come: `waiting`, `processed`, `repeat` or `not_kept`.
    pub state: &'static str,
    /// Its tags have run.
    pub processed: bool,
    /// Event data.
    pub data: Value,
    /// Where each value of it comes from, by JSON pointer.
    pub provenance: BTreeMap<String, Origin>,
    /// The tags that listen to it, in running order.
    pub tags: Vec<TagTrace>,
}

/// What a tag made of an event, and why.
#[derive(Clone, Debug, Serialize)]
pub struct TagTrace {
    /// Its name.
    pub name: String,
    /// Its script's file.
    pub file: String,
    /// Its destination.
    pub destination: String,
    /// Whether it made something to send, or failed trying.
    pub fired: bool,
    /// Why not: what blocked it, or why it sends nothing.
    pub reason: Option<String>,
    /// Every condition with its actual value.
    pub conditions: Vec<ConditionTrace>,
    /// What consent it asks for, if any.
    pub consent: Option<ConsentTrace>,
    /// What transformations changed in the event before the tag saw it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub transforms: Vec<TransformTrace>,
    /// What the script logged.
    pub log: Vec<LogLine>,
    /// What went wrong in it.
    pub fault: Option<Fault>,
    /// How long it took.
    pub duration_us: u64,
    /// What it made.
    pub deliveries: Vec<DeliveryTrace>,
}

/// A transformation that was applied to a tag's copy of an event.
#[derive(Clone, Debug, Serialize)]
pub struct TransformTrace {
    /// Its name.
    pub name: String,
    /// What is not what it was; nothing `before` is new, nothing `after` was taken away.
    pub changes: Vec<ChangeTrace>,
}

/// A key of an event that was changed.
#[derive(Clone, Debug, Serialize)]
pub struct ChangeTrace {
    /// The dotted path.
    pub key: String,
    /// What was there.
    pub before: Option<Value>,
    /// What the tag sees.
    pub after: Option<Value>,
}

impl From<Transformed> for TransformTrace {
    fn from(applied: Transformed) -> Self {
        let changes = applied.changes.into_iter().map(|change| ChangeTrace {
            key: change.key,
            before: change.before.as_ref().map(to_value),
            after: change.after.as_ref().map(to_value),
        });
        Self {
            name: applied.name.to_string(),
            changes: changes.collect(),
        }
    }
}

/// A condition beside the actual value.
#[derive(Clone, Debug, Serialize)]
pub struct ConditionTrace {
    /// A dotted path into event data.
    pub key: String,
    /// How it is compared.
    pub operator: &'static str,
    /// With what.
    pub expected: Value,
    /// What the event has.
    pub actual: Value,
    /// Whether it holds.
    pub holds: bool,
    /// True if the answer is turned round.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub not: bool,
    /// True for `EXCEPT`: it blocks when it holds.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub except: bool,
    /// What one should know to understand the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Consent that a tag asks for.
#[derive(Clone, Debug, Serialize)]
pub struct ConsentTrace {
    /// What it needs.
    pub required: Vec<String>,
    /// What of it is not granted.
    pub missing: Vec<String>,
    /// Whether all of it is.
    pub granted: bool,
}

/// A delivery and what became of it.
#[derive(Clone, Debug, Serialize)]
pub struct DeliveryTrace {
    /// Its id.
    pub delivery_id: String,
    /// Where it stands.
    pub state: &'static str,
    /// Why it was given up.
    pub class: Option<&'static str>,
    /// What its last attempt came to, if it was not delivered.
    pub note: Option<String>,
    /// When it is tried next.
    pub next_try_at: Option<Millis>,
    /// The exact request, without its secrets.
    pub request: Option<SentTrace>,
    /// Why there is no request.
    pub refused: Option<String>,
    /// The same as a command line.
    pub curl: Option<String>,
    /// What was tried.
    pub attempts: Vec<AttemptTrace>,
}

/// An outgoing request.
#[derive(Clone, Debug, Serialize)]
pub struct SentTrace {
    /// The method.
    pub method: String,
    /// The address.
    pub url: String,
    /// Header fields.
    pub headers: BTreeMap<String, String>,
    /// The body: JSON if it is that, else text.
    pub body: Value,
}

/// One attempt to send.
#[derive(Clone, Debug, Serialize)]
pub struct AttemptTrace {
    /// When it began.
    pub at: Millis,
    /// How long it took.
    pub duration_us: u64,
    /// The vendor's status, if it answered.
    pub status: Option<u16>,
    /// The start of its answer, without our secrets.
    pub body: String,
    /// What that means for the delivery.
    pub outcome: &'static str,
    /// Why, if it was not delivered.
    pub error: Option<String>,
    /// Deliveries that were in the same request.
    pub together: usize,
    /// When it is tried next.
    pub next_try_at: Option<Millis>,
    /// When it began, by the clock that durations are taken from.
    #[serde(skip)]
    pub begun: Instant,
}

/// No client takes a larger body, packed or not.
const MAX_SHOWN: usize = 8 * 1024 * 1024;

impl RequestTrace {
    /// What may be shown of a request.
    pub fn of(request: &Request) -> Self {
        let query = script::Value::from(script::parse_query(&request.query));
        Self {
            method: request.method.to_string(),
            path: request.path.clone(),
            query: redact::query(to_value(&query)),
            headers: headers(&request.headers),
            body: shown(request),
            ip: request.ip.to_string(),
            bytes: request.body.len(),
        }
    }
}

impl RequestTrace {
    /// Without the values of what is called so.
    pub fn hiding(mut self, secret: &SecretNames) -> Self {
        for name in &secret.headers {
            if let Some(value) = self.headers.get_mut(name.as_str()) {
                *value = HIDDEN.to_owned();
            }
        }
        for name in &secret.parameters {
            if let Some(value) = self.query.get_mut(name) {
                *value = HIDDEN.into();
            }
        }
        self
    }
}

impl UnaskedTrace {
    /// What may be shown, without the values of what is called so.
    pub(super) fn of(unasked: &Unasked, secret: &SecretNames) -> Self {
        let head = unasked.head.as_ref();
        Self {
            reason: unasked.why,
            head: head.map(|head| redact::head(head, secret)),
            whole: unasked.is_whole,
        }
    }
}

impl From<&Response> for ResponseTrace {
    fn from(response: &Response) -> Self {
        Self {
            status: response.status,
            headers: headers(&response.headers),
            body: String::from_utf8_lossy(&response.body).into_owned(),
        }
    }
}

impl From<Check> for ConditionTrace {
    fn from(check: Check) -> Self {
        Self {
            key: check.key,
            operator: check.operator,
            expected: to_value(&check.expected),
            actual: to_value(&check.actual),
            holds: check.holds,
            not: check.not,
            except: check.except,
            note: check.note,
        }
    }
}

impl From<ConsentCheck> for ConsentTrace {
    fn from(check: ConsentCheck) -> Self {
        Self {
            granted: check.missing.is_empty(),
            required: check.required,
            missing: check.missing,
        }
    }
}

impl SentTrace {
    /// The request that a delivery would be sent as now, without its secrets.
    ///
    /// # Errors
    /// Why it cannot be sent, for a person.
    pub fn of(destinations: &Destinations, delivery: &Delivery) -> Result<Self, String> {
        let Some(destination) = destinations.get(&delivery.destination) else {
            return Err(format!("there is no destination {}", delivery.destination));
        };
        Self::by(destination, delivery)
    }

    /// The same for a destination that is known.
    pub(super) fn by(destination: &Destination, delivery: &Delivery) -> Result<Self, String> {
        match destination.vendor.encode(&[Item::from(delivery)]) {
            Ok(outgoing) => Ok(destination.show(&outgoing).into()),
            Err(refused) => Err(refused.why),
        }
    }
}

impl From<Shown> for SentTrace {
    fn from(shown: Shown) -> Self {
        let body = serde_json::from_str(&shown.body).unwrap_or(Value::String(shown.body));
        Self {
            method: shown.method,
            url: shown.url,
            headers: shown.headers,
            body,
        }
    }
}

impl TagTrace {
    /// Splits an explanation into the lists of a trace.
    pub fn conditions_of(
        explanation: Option<Explanation>,
    ) -> (Vec<ConditionTrace>, Option<ConsentTrace>) {
        let explanation = explanation.unwrap_or_default();
        let conditions = explanation
            .checks
            .into_iter()
            .map(ConditionTrace::from)
            .collect();
        (conditions, explanation.consent.map(ConsentTrace::from))
    }
}

/// The body as scripts see it; as it came, if it cannot be unpacked.
fn shown(request: &Request) -> String {
    let unpacked = unpack(&request.headers, &request.body, MAX_SHOWN);
    let body = unpacked.as_ref().unwrap_or(&request.body);
    String::from_utf8_lossy(body).into_owned()
}

/// A script's value as JSON; what JSON cannot hold is shown as text.
fn to_value(value: &script::Value) -> Value {
    let json = script::to_json(value)
        .ok()
        .and_then(|json| serde_json::from_slice(&json).ok());
    json.unwrap_or_else(|| Value::String(value.to_string()))
}

fn headers(headers: &http::HeaderMap) -> BTreeMap<String, String> {
    let mut shown = BTreeMap::<String, String>::new();
    for (name, value) in headers {
        let secret = redact::is_secret_header(name.as_str());
        let text = if secret {
            HIDDEN.into()
        } else {
            String::from_utf8_lossy(value.as_bytes())
        };
        let entry = shown.entry(name.to_string()).or_default();
        if !entry.is_empty() {
            entry.push_str(", ");
        }
        entry.push_str(&text);
    }
    shown
}
