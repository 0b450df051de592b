//! The answer to a request that a client took: its own by `fn respond`, else the default.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::Serialize;

use super::cookie::set_cookie;
use super::{Client, NewEvent};
use crate::request::{Request, Response};
use crate::script::value::{kind, plain_text};
use crate::script::{self, Fault, RequestView, Value, Worker};

#[derive(Serialize)]
struct Accepted<'a> {
    status: &'static str,
    events: Vec<&'a str>,
}

/// 200 with the ids of the events that are safe now.
pub fn accepted(events: &[NewEvent]) -> Response {
    Response::json(
        200,
        &Accepted {
            status: "accepted",
            events: events.iter().map(|event| &*event.id).collect(),
        },
    )
}

#[derive(Serialize)]
struct Repeated {
    status: &'static str,
    duplicate: bool,
    events: [&'static str; 0],
}

/// Said of every answer to a repeat, whatever its client answers.
const DUPLICATE: HeaderName = HeaderName::from_static("x-duplicate");

/// The answer to a repeat: what the client would have answered, or that it is one.
pub fn repeated(client: &Client, answer: &Response) -> Response {
    let mut repeated = answer.clone();
    if !client.has_respond {
        let body = Repeated {
            status: "accepted",
            duplicate: true,
            events: [],
        };
        repeated.body = Response::json(200, &body).body;
    }
    repeated.with_header(DUPLICATE, HeaderValue::from_static("true"))
}

/// Runs `fn respond(request, events)`. Each event is shown with its `event_id`.
pub fn respond(
    worker: &mut Worker,
    client: &Client,
    view: &RequestView,
    request: &Request,
    events: &[NewEvent],
) -> Result<Response, Fault> {
    let shown: Vec<Value> = events.iter().map(with_id).collect();
    let called = script::call(
        worker,
        &client.script,
        "respond",
        &[view.value(), shown.into()],
        request.received_at,
    );
    read_response(&called.result?).map_err(|Wrong { message, hint }| Fault {
        hint,
        ..Fault::new(&client.script.file, message).in_function("respond")
    })
}

/// What is wrong with an answer, and how to mend it where there is more to say.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl From<String> for Wrong {
    fn from(message: String) -> Self {
        Self {
            message,
            hint: None,
        }
    }
}

fn with_id(event: &NewEvent) -> Value {
    let mut data = event.data.clone();
    data.insert("event_id".into(), (&*event.id).into());
    data.into()
}

/// Headers that say how the answer is framed or who we are: the listener's, not a script's.
const RESERVED: [HeaderName; 4] = [
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::HOST,
];

const KEYS: [&str; 4] = ["status", "headers", "body", "cookies"];

fn read_response(value: &Value) -> Result<Response, Wrong> {
    let Ok(map) = value.as_map_ref() else {
        return Err(format!(
            "respond() must return #{{ status, headers, body, cookies }}, it returned {}",
            kind(value)
        )
        .into());
    };
    if let Some(unknown) = map.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(format!(
            "respond() returned the unknown key `{unknown}`; there are {}",
            KEYS.join(", ")
        )
        .into());
    }
    let status = match map.get("status") {
        None => 200,
        Some(status) => read_status(status)?,
    };
    let (body, content_type) = read_body(map.get("body"))?;
    if matches!(status, 204 | 205 | 304) && !body.is_empty() {
        return Err(format!("an answer with status {status} has no body").into());
    }
    let mut headers = HeaderMap::new();
    if let Some(content_type) = content_type {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    read_headers(map.get("headers"), &mut headers)?;
    read_cookies(map.get("cookies"), &mut headers)?;
    Ok(Response {
        status,
        headers,
        body,
    })
}

fn read_status(value: &Value) -> Result<u16, String> {
    let status = value
        .as_int()
        .ok()
        .and_then(|status| u16::try_from(status).ok());
    status
        .filter(|status| (200..=599).contains(status))
        .ok_or_else(|| format!("status must be 200 to 599, it is {value}"))
}

fn read_body(value: Option<&Value>) -> Result<(Bytes, Option<&'static str>), String> {
    let Some(value) = value.filter(|value| !value.is_unit()) else {
        return Ok((Bytes::new(), None));
    };
    if let Ok(text) = value.as_immutable_string_ref() {
        return Ok((
            Bytes::from(text.to_string()),
            Some("text/plain; charset=utf-8"),
        ));
    }
    if let Ok(bytes) = value.as_blob_ref() {
        return Ok((Bytes::from(bytes.clone()), None));
    }
    let json = script::to_json(value).map_err(|error| format!("body: {error}"))?;
    Ok((json.into(), Some("application/json")))
}

fn read_headers(value: Option<&Value>, headers: &mut HeaderMap) -> Result<(), String> {
    let Some(value) = value else { return Ok(()) };
    let map = value
        .as_map_ref()
        .map_err(|_| format!("headers must be a map, it is {}", kind(value)))?;
    for (name, value) in map.iter() {
        let name = HeaderName::try_from(name.as_str())
            .map_err(|_| format!("`{name}` is not a header name"))?;
        if RESERVED.contains(&name) {
            return Err(format!("the header {name} is set by the server"));
        }
        let text = plain_text(value).ok_or_else(|| {
            format!(
                "the value of header {name} must be a text, it is {}",
                kind(value)
            )
        })?;
        let value = HeaderValue::try_from(text).map_err(|_| {
            format!("the value of header {name} has characters that no header may have")
        })?;
        headers.insert(name, value);
    }
    Ok(())
}

fn read_cookies(value: Option<&Value>, headers: &mut HeaderMap) -> Result<(), Wrong> {
    let Some(value) = value else { return Ok(()) };
    let map = value.as_map_ref().map_err(|_| {
        format!(
            "cookies must be a map of name to value or options, it is {}",
            kind(value)
        )
    })?;
    for (name, value) in map.iter() {
        headers.append(header::SET_COOKIE, set_cookie(name, value)?);
    }
    Ok(())
}
