//! What a vendor's stand-in is made of: a request as it judges it, and what it answers. Pure; the
//! listener and the memory of what came are `emulator`'s.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, StatusCode, header};
use serde_json::{Map, Value};

use crate::clock::Millis;

/// Judges a request.
pub type Judge = fn(&Asked<'_>) -> Answer;

/// Answers a request with a status.
pub type Forced = fn(&Asked<'_>, StatusCode) -> Answer;

/// How a vendor is stood in for: two pure functions, in the vendor's own words.
#[derive(Clone, Copy, Debug)]
pub struct StandIn {
    /// Judges a request as strictly as the vendor's documentation does.
    pub judge: Judge,
    /// What the vendor says with this status, whatever was sent.
    pub forced: Forced,
    /// How it converses, where its vendor does not speak HTTP.
    pub talk: Option<Begin>,
}

/// Begins the conversation with one client.
pub type Begin = fn() -> Box<dyn Talk>;

/// A stand-in's side of one connection: bytes in, bytes out. Pure, as judging is.
pub trait Talk: Send {
    /// What the server says first.
    fn greeting(&self) -> Vec<u8>;

    /// Takes what comes next from the front of what was read.
    fn hear(&mut self, read: &mut BytesMut) -> Heard;

    /// What the client is told of the request that was heard last.
    fn answer(&mut self, answer: &Answer) -> Said;
}

/// What a client said.
#[derive(Debug)]
pub enum Heard {
    /// Not all of it is there yet.
    More,
    /// Nothing to judge: it is told this.
    Said(Said),
    /// Something to judge.
    Asked(Spoken),
}

/// What a client is told.
#[derive(Debug)]
pub struct Said {
    /// The bytes, perhaps none.
    pub bytes: Vec<u8>,
    /// Nothing comes after it: the connection is closed.
    pub is_last: bool,
}

/// A request of a protocol that has no head.
#[derive(Debug)]
pub struct Spoken {
    /// What the client wants.
    pub method: Method,
    /// Where it is to go, behind a slash.
    pub path: String,
    /// What it sent.
    pub body: Bytes,
}

impl StandIn {
    /// One for a vendor that speaks HTTP.
    pub(super) const fn new(judge: Judge, forced: Forced) -> Self {
        Self {
            judge,
            forced,
            talk: None,
        }
    }

    /// The same for a vendor that does not.
    pub(super) const fn talking(self, begin: Begin) -> Self {
        Self {
            talk: Some(begin),
            ..self
        }
    }

    /// True if its vendor speaks HTTP.
    pub const fn speaks_http(&self) -> bool {
        self.talk.is_none()
    }
}

/// A request to a stand-in.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its path, without the query.
    pub path: &'a str,
    /// Its query, without `?`.
    pub query: &'a str,
    /// Its header fields.
    pub headers: &'a HeaderMap,
    /// Its body.
    pub body: &'a [u8],
    /// When it came; 0 if that is not known, and then nothing is judged by its age.
    pub at: Millis,
}

impl<'a> Asked<'a> {
    /// The media type of the body, without parameters, as it was sent; empty if none was named.
    pub fn media_type(&self) -> &'a str {
        let value = self.header(header::CONTENT_TYPE.as_str());
        let first = value.and_then(|value| value.split(';').next());
        first.map_or("", str::trim)
    }

    /// True if the body says that it is JSON.
    pub fn is_json(&self) -> bool {
        self.media_type().eq_ignore_ascii_case("application/json")
    }

    /// True if the body says that it is a form.
    pub fn is_form(&self) -> bool {
        self.media_type()
            .eq_ignore_ascii_case("application/x-www-form-urlencoded")
    }

    /// A header field, if it is text.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// A parameter of the query, decoded; the first of that name.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.query.as_bytes());
        let found = pairs.find(|(key, _)| key == name);
        found.map(|(_, value)| value.into_owned())
    }

    /// The token of `Authorization: Bearer …`; none if it is empty.
    pub fn bearer(&self) -> Option<&'a str> {
        self.authorization("Bearer")
    }

    /// What stands behind a scheme such as `Basic` in `Authorization`; none if it is empty.
    pub fn authorization(&self, scheme: &str) -> Option<&'a str> {
        let (found, value) = self
            .header(header::AUTHORIZATION.as_str())?
            .split_once(' ')?;
        let value = value.trim();
        (found.eq_ignore_ascii_case(scheme) && !value.is_empty()).then_some(value)
    }

    /// The body, if it says that it is JSON and is a JSON object; else why not, for a person.
    pub fn json_object(&self) -> Result<Map<String, Value>, String> {
        if !self.is_json() {
            return Err(format!(
                "content-type `{}` is not application/json",
                self.media_type()
            ));
        }
        match serde_json::from_slice(self.body) {
            Ok(Value::Object(map)) => Ok(map),
            Ok(_) => Err("the body is not a JSON object".to_owned()),
            Err(error) => Err(format!("the body is not valid JSON: {error}")),
        }
    }
}

/// An answer, and what it means for the items that were sent.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status code.
    pub status: u16,
    /// Media type of the body.
    pub content_type: &'static str,
    /// Seconds; only where the vendor sends `Retry-After`.
    pub retry_after: Option<u32>,
    /// The body.
    pub body: String,
    /// The events or messages that were taken, each by the name by which the vendor knows a repeat
    /// of it, if it has one.
    pub accepted: Vec<Option<String>>,
    /// Why what was not taken was not, for a person: more than the vendor would say.
    pub refused: Vec<String>,
}

impl Answer {
    /// A JSON answer.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::of(status, "application/json", body.to_string())
    }

    /// A bare word, which Slack's webhooks and many a gateway call HTML.
    pub fn word(status: u16, body: &str) -> Self {
        Self::of(status, "text/html", body.to_owned())
    }

    /// No body, as of a 204.
    pub fn empty(status: u16) -> Self {
        Self::of(status, "text/plain", String::new())
    }

    fn of(status: u16, content_type: &'static str, body: String) -> Self {
        Self {
            status,
            content_type,
            retry_after: None,
            body,
            accepted: Vec::new(),
            refused: Vec::new(),
        }
    }

    /// The same, with what was taken.
    pub fn accepting(mut self, items: Vec<Option<String>>) -> Self {
        self.accepted = items;
        self
    }

    /// The same, with one more reason why something was not.
    pub fn refusing(mut self, why: impl Into<String>) -> Self {
        self.refused.push(why.into());
        self
    }

    /// The same, with all reasons.
    pub fn refusing_all(mut self, whys: impl IntoIterator<Item = String>) -> Self {
        self.refused.extend(whys);
        self
    }

    /// The same with `Retry-After`.
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }
}
