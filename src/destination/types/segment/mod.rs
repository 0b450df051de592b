//! Segment's HTTP tracking API. A payload is one call, with its `type`; this file adds the id, the time and
//! the write key. Segment answers 200 to nearly everything, so what it would drop is refused here.

mod facts;
mod judge;

pub(in crate::destination) use facts::TYPE;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, header};

use super::events;
use crate::clock::rfc3339;
use crate::config::{Options, Section};
use crate::destination::encode::{Item, Limits, Outgoing, Refused, Vendor, Verdict, header_value};
use crate::destination::http_client::join;
use crate::destination::payload::Payload;
use crate::destination::reply::{Reply, classify};
use crate::secret::Secret;

/// `[destinations.NAME]` with `type = "segment"`.
#[derive(Debug)]
struct Settings {
    url: String,
    /// The key, and the same in Basic authentication.
    hidden: [Secret; 2],
    authorization: HeaderValue,
}

/// Segment's limits are 2,500 calls and 500 KB a request; below both.
const MAX_CALLS: usize = 1_000;
const MAX_BYTES: usize = 450_000;

/// A call of more than 32 KB is dropped without a word.
const MAX_CALL_BYTES: usize = 32 * 1_024;

fn load(section: &mut Section, options: &Options) -> Arc<dyn Vendor> {
    let key = section.required_secret("write_key");
    let host = match section.one_of("region", &["us", "eu"]) {
        Some("eu") => "https://events.eu1.segmentapis.com",
        _ => "https://api.segment.io",
    };
    let basic = STANDARD.encode(format!("{}:", key.expose()));
    let authorization = header_value(section, "write_key", &format!("Basic {basic}"));
    Arc::new(Settings {
        url: join(options.host_or(host), "/v1/batch"),
        hidden: [key, Secret::new(basic)],
        authorization,
    })
}

impl Vendor for Settings {
    fn encode(&self, items: &[Item<'_>]) -> Result<Outgoing, Refused> {
        for (index, item) in items.iter().enumerate() {
            check(item.payload).map_err(|why| Refused { index, why })?;
        }
        let body = events::body("{\"batch\":[", items, |item, call| {
            call.add_missing("type", || "track".into());
            // Segment drops repeats of a messageId.
            call.add_missing("messageId", || item.id.to_string().into());
            call.add_missing("timestamp", || rfc3339(item.received_at).into());
        })?;
        let outgoing = events::post(&self.url, body);
        Ok(outgoing.with_header(header::AUTHORIZATION, self.authorization.clone()))
    }

    fn read(&self, reply: &Reply, _count: usize) -> Verdict {
        match reply.status {
            // It is too large or no JSON: one call may be to blame.
            400 | 413 => Verdict::Split(reply.summary()),
            _ => Verdict::All(classify(reply)),
        }
    }

    fn limits(&self) -> Limits {
        Limits::batch(MAX_CALLS, MAX_BYTES)
    }

    fn secrets(&self) -> Vec<&Secret> {
        self.hidden.iter().collect()
    }
}

/// What Segment would answer with 200 and drop.
fn check(payload: &[u8]) -> Result<(), String> {
    if payload.len() > MAX_CALL_BYTES {
        return Err(format!(
            "a call may have 32 KB, this has {} bytes",
            payload.len()
        ));
    }
    let call = Payload::open(payload)?;
    if !call.has("userId") && !call.has("anonymousId") {
        return Err("a call needs userId or anonymousId".to_owned());
    }
    let kind = call.value("type").unwrap_or_else(|| "track".into());
    if kind == "track" && !call.has("event") {
        return Err("a track call needs event".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_segment_would_drop_for_its_size_is_refused() {
        let call = |length: usize| {
            let filler = "x".repeat(length);
            format!("{{\"userId\":\"1\",\"event\":\"a\",\"properties\":{{\"x\":\"{filler}\"}}}}")
        };
        assert_eq!(check(call(32_000).as_bytes()), Ok(()));
        let why = check(call(33_000).as_bytes()).unwrap_err();
        assert!(
            why.starts_with("a call may have 32 KB, this has 33"),
            "{why}"
        );
    }
}
