//! Runs a client's `claims` and `parse`, and checks that what it returned is events.

use std::sync::Arc;

use super::batch;
use super::{Client, Source};
use crate::event::{MAX_ID_BYTES, new_id};
use crate::request::Request;
use crate::script::api::Refuse;
use crate::script::frame::{Level, LogLine, MAX_LINES};
use crate::script::value::kind;
use crate::script::{self, Cause, Fault, Map, RequestView, Value, Worker};

/// An event before it is journalled.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// The client's `event_id`, else the sender's (`DEDUPE`), else a new one.
    pub id: Arc<str>,
    /// Event data.
    pub data: Map,
}

/// The most events that one request may make: as many as Segment takes in a batch. More is a mistake or
/// an attack.
pub(super) const MAX_EVENTS: usize = 2_500;

/// Asks `fn claims`; a client without it claims whatever its path matches.
pub fn claims(
    worker: &mut Worker,
    client: &Client,
    view: &RequestView,
    at: i64,
) -> Result<bool, Fault> {
    if !client.has_claims {
        return Ok(true);
    }
    let value = script::call(worker, &client.script, "claims", &[view.value()], at).result?;
    value.as_bool().map_err(|_| {
        returned(
            client,
            "claims",
            format!(
                "claims() must return true or false, it returned {}",
                kind(&value)
            ),
        )
    })
}

/// Runs `fn parse` and reads the events: once, or with `BATCH` once for each part of a long one.
/// `sender_id` is what `DEDUPE` found. The view is told what was left out. The log comes back also if it
/// failed.
pub fn parse(
    worker: &mut Worker,
    client: &Client,
    view: &RequestView,
    request: &Request,
    sender_id: Option<&str>,
) -> (Result<Vec<NewEvent>, Fault>, Vec<LogLine>) {
    let mut run = Run {
        context: Context {
            client,
            request,
            sender_id,
        },
        events: Vec::new(),
        left_out: Vec::new(),
        log: Vec::new(),
    };
    let result = run.all(worker, view).and_then(|()| run.check());
    view.leave_out(run.left_out);
    (result.map(|()| run.events), run.log)
}

/// What events are read with.
struct Context<'a> {
    client: &'a Client,
    request: &'a Request,
    sender_id: Option<&'a str>,
}

/// What came of the parts so far.
struct Run<'a> {
    context: Context<'a>,
    events: Vec<NewEvent>,
    /// Why others are not among them, in the script's words.
    left_out: Vec<String>,
    log: Vec<LogLine>,
}

impl Run<'_> {
    fn all(&mut self, worker: &mut Worker, view: &RequestView) -> Result<(), Fault> {
        let client = self.context.client;
        let parts = match &client.batch {
            Some(key) => batch::split(view.bytes(), key).map_err(|why| refused(client, why))?,
            None => None,
        };
        let Some(parts) = parts else {
            return self.part(worker, view);
        };
        let mut parts = parts.into_iter();
        parts.try_for_each(|body| self.part(worker, &view.with_body(body)))
    }

    fn part(&mut self, worker: &mut Worker, view: &RequestView) -> Result<(), Fault> {
        let (script, at) = (
            &self.context.client.script,
            self.context.request.received_at,
        );
        let called = script::call(worker, script, "parse", &[view.value()], at);
        let room = MAX_LINES.saturating_sub(self.log.len());
        self.log.extend(called.log.into_iter().take(room));
        self.read(called.result?)
    }

    fn read(&mut self, value: Value) -> Result<(), Fault> {
        let client = self.context.client;
        if value.is_unit() {
            return Ok(());
        }
        if value.is_map() {
            return self.read_one(value);
        }
        if let Some(reason) = reason(&value) {
            return Err(refused(client, reason));
        }
        let found = kind(&value);
        let Ok(items) = value.into_array() else {
            let message = format!(
                "parse() must return a map, an array of maps, () or refuse(reason), it returned {found}"
            );
            return Err(returned(client, "parse", message));
        };
        let count = self.events.len() + items.len();
        if count > MAX_EVENTS {
            let message = format!("parse() returned {count} events, the most is {MAX_EVENTS}");
            return Err(returned(client, "parse", message));
        }
        items.into_iter().try_for_each(|item| self.read_one(item))
    }

    fn read_one(&mut self, value: Value) -> Result<(), Fault> {
        match reason(&value) {
            Some(reason) => self.left_out.push(reason),
            None => {
                let event = read_event(&self.context, self.events.len(), value)?;
                self.events.push(event);
            }
        }
        Ok(())
    }

    /// A request that has nothing good in it is refused.
    fn check(&mut self) -> Result<(), Fault> {
        if let (Some(first), true) = (self.left_out.first(), self.events.is_empty()) {
            return Err(refused(self.context.client, first.clone()));
        }
        let room = MAX_LINES.saturating_sub(self.log.len());
        let lines = self.left_out.iter().take(room).map(|why| LogLine {
            level: Level::Warn,
            text: format!("left out: {why}"),
        });
        self.log.extend(lines);
        Ok(())
    }
}

/// Why `refuse` gave this value, if it did.
fn reason(value: &Value) -> Option<String> {
    let refuse = value.read_lock::<Refuse>()?;
    Some(refuse.reason.to_string())
}

fn refused(client: &Client, reason: String) -> Fault {
    Fault {
        cause: Cause::Request,
        ..returned(client, "parse", reason)
    }
}

fn read_event(context: &Context<'_>, ordinal: usize, value: Value) -> Result<NewEvent, Fault> {
    let client = context.client;
    let found = kind(&value);
    let Some(mut data) = value.try_cast::<Map>() else {
        return Err(returned(
            client,
            "parse",
            format!("an event must be a map, one is {found}"),
        ));
    };
    if !data.get("event_name").is_some_and(is_name) {
        let fault = returned(
            client,
            "parse",
            "an event must have event_name, a text that is not empty or a whole number".to_owned(),
        );
        return Err(fault.with_hint("add `event_name: \"purchase\"` to the map"));
    }
    // In a script a key that is missing and one that is () are the same; so they are in events.
    data.retain(|_, value| !value.is_unit());
    if client.source == Source::Browser {
        add_visitor(&mut data, context.request);
    }
    let id = event_id(context, ordinal, &data)?;
    Ok(NewEvent { id, data })
}

/// Some senders number their events; a tag's `ON` names such an event by its digits.
fn is_name(name: &Value) -> bool {
    let text = name.as_immutable_string_ref();
    name.is_int() || text.is_ok_and(|text| !text.is_empty())
}

/// What the visitor's browser tells of itself, unless the script said otherwise.
fn add_visitor(data: &mut Map, request: &Request) {
    data.entry("ip_override".into())
        .or_insert_with(|| request.ip.to_string().into());
    let agent = request
        .headers
        .get(http::header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok());
    if let Some(agent) = agent {
        data.entry("user_agent".into())
            .or_insert_with(|| agent.into());
    }
}

/// The client's own, else the sender's, else a new one.
fn event_id(context: &Context<'_>, ordinal: usize, data: &Map) -> Result<Arc<str>, Fault> {
    let client = context.client;
    let Some(value) = data.get("event_id") else {
        return Ok(sender_id(context, ordinal).unwrap_or_else(new_id));
    };
    let text = value.to_string();
    if !(value.is_string() || value.is_int()) || !is_usable(&text) {
        // Anyone may post what a browser may post. It stays in the data, and names nothing.
        if client.source == Source::Browser {
            return Ok(new_id());
        }
        let message = format!(
            "event_id must be a text of 1 to {MAX_ID_BYTES} bytes or a whole number, it is {}",
            kind(value)
        );
        return Err(returned(client, "parse", message));
    }
    Ok(text.into())
}

/// The sender's id of the request; of a request with several events only the first can be that.
fn sender_id(context: &Context<'_>, ordinal: usize) -> Option<Arc<str>> {
    let id = context.sender_id?;
    let id: Arc<str> = match ordinal {
        0 => id.into(),
        ordinal => format!("{id}/{ordinal}").into(),
    };
    is_usable(&id).then_some(id)
}

fn is_usable(id: &str) -> bool {
    !id.is_empty() && id.len() <= MAX_ID_BYTES && !id.contains('\0')
}

fn returned(client: &Client, function: &str, message: String) -> Fault {
    Fault::new(&client.script.file, message).in_function(function)
}
