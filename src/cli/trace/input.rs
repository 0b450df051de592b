//! What is to be traced: a request as text, a body in JSON, event data in JSON, or an event of the
//! journal.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::case;
use crate::cli::Exit;
use crate::clock::Millis;
use crate::error::BoxError;
use crate::event::{Event, new_id};
use crate::journal;
use crate::request::Request;

/// What is run.
#[derive(Debug)]
pub(super) enum Input {
    /// Through a client, and its events through the tags.
    Request(Arc<Request>),
    /// Through the tags.
    Events(Vec<Event>),
}

/// Reads what `file` names; `path` is where a JSON body would be posted, `data` the folder of the
/// journal.
pub(super) fn read(
    file: &Path,
    path: Option<&str>,
    data: &Path,
    now: Millis,
) -> Result<Input, Exit> {
    let shown = file.display();
    let text = match read_text(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && is_id(file) => {
            return from_journal(file, data);
        }
        Err(error) => return Err(Exit::usage(format!("{shown}: {error}"))),
    };
    let is_json = matches!(text.trim_ascii_start().first(), Some(b'{' | b'['));
    let read = match is_json {
        true => from_json(&text, path, now),
        false => case::parse(&text, now).map(Arc::new).map(Input::Request),
    };
    read.map_err(|why| Exit::usage(format!("{shown}: {why}")))
}

fn read_text(file: &Path) -> io::Result<Vec<u8>> {
    if file != Path::new("-") {
        return std::fs::read(file);
    }
    let mut text = Vec::new();
    io::stdin().read_to_end(&mut text)?;
    Ok(text)
}

/// A name without folders and ending.
fn is_id(file: &Path) -> bool {
    file.extension().is_none() && file.components().count() == 1
}

fn from_journal(id: &Path, data: &Path) -> Result<Input, Exit> {
    let id = id.to_string_lossy();
    let found = journal::event_in_folder(data, &id).map_err(|error| {
        Exit::usage(format!(
            "there is no file {id}, and its event cannot be looked up: {error}"
        ))
    })?;
    match found {
        Some(taken) => Ok(Input::Events(vec![taken.event])),
        None => Err(Exit::usage(format!(
            "there is neither a file {id} nor an event of this id in the journal; events are kept for [journal] retention"
        ))),
    }
}

fn from_json(text: &[u8], path: Option<&str>, now: Millis) -> Result<Input, String> {
    if let Some(path) = path {
        let head = format!("POST {path} HTTP/1.1\ncontent-type: application/json\n\n");
        let message = [head.as_bytes(), text].concat();
        return Request::from_message("trace", now, &message)
            .map(Arc::new)
            .map(Input::Request);
    }
    let value: Value =
        serde_json::from_slice(text).map_err(|error| format!("it is no JSON: {error}"))?;
    let events = match value {
        Value::Array(items) => items,
        one => vec![one],
    };
    let events = events.into_iter().map(|event| to_event(event, now));
    events.collect::<Result<_, _>>().map(Input::Events)
}

fn to_event(value: Value, now: Millis) -> Result<Event, String> {
    let data: Map<String, Value> = match value {
        Value::Object(data) if data.contains_key("event_name") => data,
        _ => return Err("it has no event_name, so it is no event\n  hint: a body needs to know where it is posted: --path /order_created".to_owned()),
    };
    let id = match data.get("event_id") {
        Some(Value::String(id)) => id.as_str().into(),
        Some(Value::Number(id)) => id.to_string().into(),
        _ => new_id(),
    };
    let data = serde_json::to_vec(&data)
        .map_err(BoxError::from)
        .map_err(|error| error.to_string())?;
    Ok(Event {
        id,
        received_at: now,
        data: data.into(),
    })
}
