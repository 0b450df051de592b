//! Which traces a list shows.

use super::curl::redacted;
use super::record::{EventRecord, Record};
use super::redact::is_secret_header;
use super::row;
use crate::client::Pattern;

/// All that is said must hold.
#[derive(Clone, Debug, Default)]
pub struct TraceFilter {
    /// A pattern, or a part of the path.
    pub path: Option<PathFilter>,
    /// Who took it.
    pub client: Option<String>,
    /// The name of one of its events.
    pub event: Option<String>,
    /// A tag that fired or failed.
    pub tag: Option<String>,
    /// What it came to.
    pub outcome: Option<String>,
    /// The session it was watched in.
    pub session: Option<String>,
    /// Lower case, and in it somewhere.
    pub text: Option<String>,
}

/// Which paths.
#[derive(Clone, Debug)]
pub enum PathFilter {
    /// As clients have it.
    Pattern(Pattern),
    /// Any part.
    Part(String),
}

impl PathFilter {
    /// A pattern if it has a parameter or a rest.
    ///
    /// # Errors
    /// What is wrong with the pattern.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.contains(['*', ':']) {
            true => Pattern::parse(text).map(Self::Pattern),
            false => Ok(Self::Part(text.to_owned())),
        }
    }

    fn matches(&self, path: &str) -> bool {
        match self {
            Self::Pattern(pattern) => pattern.matches(path).is_some(),
            Self::Part(part) => path.contains(part.as_str()),
        }
    }
}

impl TraceFilter {
    /// True if a trace is to be shown.
    pub fn matches(&self, record: &Record) -> bool {
        let is = |wanted: &Option<String>, actual: Option<&str>| {
            wanted.as_deref().is_none_or(|name| actual == Some(name))
        };
        let path = self.path.as_ref();
        let event = self.event.as_ref();
        let tag = self.tag.as_deref();
        path.is_none_or(|path| path.matches(&record.request.path))
            && is(&self.client, record.client())
            && is(&self.session, record.session.as_deref())
            && is(&self.outcome, Some(row::outcome(record)))
            && event.is_none_or(|name| record.events.iter().any(|one| one.name == *name))
            && tag.is_none_or(|name| row::tags(record).contains(name))
            && self
                .text
                .as_deref()
                .is_none_or(|text| has_text(record, text))
    }
}

/// Looks for a text where people would.
fn has_text(record: &Record, text: &str) -> bool {
    let request = &record.request;
    let has = |place: &str| place.to_lowercase().contains(text);
    let has_bytes = |place: &[u8]| has(&String::from_utf8_lossy(place));
    let mut headers = request.headers.iter();
    let mut clients = record.clients.iter();
    has(&request.id)
        || has(&request.path)
        || has(&redacted(&request.query, &record.secret_names))
        || has_bytes(&request.body)
        || headers.any(|(name, value)| {
            let is_secret =
                is_secret_header(name.as_str()) || record.secret_names.headers.contains(name);
            !is_secret && has_bytes(value.as_bytes())
        })
        || clients.any(|client| {
            let fault = client.fault.as_ref();
            client.log.iter().any(|line| has(&line.text))
                || fault.is_some_and(|fault| has(&fault.message))
        })
        || record.events.iter().any(|event| event_has(event, &has))
}

fn event_has(event: &EventRecord, has: &impl Fn(&str) -> bool) -> bool {
    has(&event.event.id)
        || has(&String::from_utf8_lossy(&event.event.data))
        || event.tags.iter().any(|tag| {
            let trace = &tag.trace;
            let fault = trace.fault.as_ref();
            has(&trace.name)
                || trace.log.iter().any(|line| has(&line.text))
                || fault.is_some_and(|fault| has(&fault.message))
                || tag.deliveries.iter().any(|one| {
                    has(&one.delivery.id.to_string())
                        || has(&String::from_utf8_lossy(&one.delivery.payload))
                        || one.note.as_deref().is_some_and(has)
                })
        })
}
