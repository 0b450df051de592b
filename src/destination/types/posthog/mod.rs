//! PostHog's capture API, in batches. A payload is one event; this file adds `uuid`, `timestamp` and the key.
//! The vendor's page: <https://posthog.com/docs/api/capture>.

mod facts;
mod judge;

pub(in crate::destination) use facts::TYPE;

use std::sync::Arc;

use super::events;
use crate::clock::rfc3339;
use crate::config::{Options, Section};
use crate::destination::encode::{Item, Limits, Outgoing, Refused, Vendor, Verdict};
use crate::destination::http_client::join;
use crate::destination::reply::{Reply, classify};
use crate::secret::Secret;

/// `[destinations.NAME]` with `type = "posthog"`.
#[derive(Debug)]
struct Settings {
    url: String,
    key: Secret,
}

/// PostHog states 20 MB for a request and no number of events; one that is bad is sooner found among few.
const MAX_EVENTS: usize = 500;
const MAX_BYTES: usize = 4_000_000;

fn load(section: &mut Section, options: &Options) -> Arc<dyn Vendor> {
    let key = section.required_secret("api_key");
    let host = match section.one_of("region", &["us", "eu"]) {
        Some("eu") => "https://eu.i.posthog.com",
        _ => "https://us.i.posthog.com",
    };
    Arc::new(Settings {
        url: join(options.host_or(host), "/batch/"),
        key,
    })
}

impl Vendor for Settings {
    fn encode(&self, items: &[Item<'_>]) -> Result<Outgoing, Refused> {
        let key = events::quoted(self.key.expose());
        let head = format!("{{\"api_key\":{key},\"batch\":[");
        let body = events::body(&head, items, |item, event| {
            // PostHog drops repeats of an event with the same uuid, name, time and person.
            event.add_missing("uuid", || uuid(&item.id.to_string()).into());
            event.add_missing("timestamp", || rfc3339(item.received_at).into());
        })?;
        Ok(events::post(&self.url, body))
    }

    fn read(&self, reply: &Reply, _count: usize) -> Verdict {
        match reply.status {
            400 | 413 => Verdict::Split(reply.summary()),
            _ => Verdict::All(classify(reply)),
        }
    }

    fn limits(&self) -> Limits {
        Limits::batch(MAX_EVENTS, MAX_BYTES)
    }

    fn secrets(&self) -> Vec<&Secret> {
        vec![&self.key]
    }
}

/// A delivery's id, which is a hash, in the form of a UUID of version 8.
fn uuid(id: &str) -> String {
    let part = |from: usize, to: usize| id.get(from..to).unwrap_or_default();
    format!(
        "{}-{}-8{}-a{}-{}",
        part(0, 8),
        part(8, 12),
        part(13, 16),
        part(17, 20),
        part(20, 32)
    )
}
