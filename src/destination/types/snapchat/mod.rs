//! Snap's Conversions API, v3. A payload is one element of `data`; this file adds the id, the time and
//! the token. The vendor's page: <https://developers.snap.com/api/marketing-api/Conversions-API/UsingTheAPI>.

mod facts;
mod judge;

pub(in crate::destination) use facts::TYPE;

use std::sync::Arc;
use std::time::Duration;

use super::events;
use crate::config::{Options, Rate, Section};
use crate::destination::encode::{Item, Limits, Outgoing, Refused, Vendor, Verdict};
use crate::destination::http_client::join;
use crate::destination::reply::{Reply, classify};
use crate::secret::Secret;

/// `[destinations.NAME]` with `type = "snapchat"`.
#[derive(Debug)]
struct Settings {
    /// With the token in its query.
    url: Secret,
    hidden: [Secret; 2],
    test_event_code: Option<String>,
}

/// Snap's limit is 2,000; half of it is as fast, and sooner halved when one event is bad.
const MAX_EVENTS: usize = 1_000;

/// Not stated; a thousand events of the usual size.
const MAX_BYTES: usize = 1_000_000;

/// Nobody looks at an event within 0.1 s.
const WAIT: Duration = Duration::from_millis(100);

fn load(section: &mut Section, options: &Options) -> Arc<dyn Vendor> {
    let token = section.required_secret("access_token");
    let pixel = events::required_id(section, "pixel_id");
    let test_event_code = section.text("test_event_code");
    let host = options
        .endpoint
        .as_deref()
        .unwrap_or("https://tr.snapchat.com");
    let (encoded, hidden) = events::query_secret(token);
    let path = format!("/v3/{pixel}/events?access_token={encoded}");
    Arc::new(Settings {
        url: Secret::new(join(host, &path)),
        hidden,
        test_event_code,
    })
}

impl Vendor for Settings {
    fn encode(&self, items: &[Item<'_>]) -> Result<Outgoing, Refused> {
        let head = match &self.test_event_code {
            Some(code) => format!("{{\"test_event_code\":{},\"data\":[", events::quoted(code)),
            None => "{\"data\":[".to_owned(),
        };
        let body = events::body(&head, items, |item, event| {
            // What a page sends with the same name and id is counted once.
            event.add_missing("event_id", || item.id.to_string().into());
            event.add_missing("event_time", || events::seconds(item.received_at));
        })?;
        Ok(events::post(self.url.expose(), body))
    }

    fn read(&self, reply: &Reply, _count: usize) -> Verdict {
        let answer = reply.json().unwrap_or_default();
        let failed = matches!(
            answer["status"].as_str(),
            Some("FAILED" | "INVALID" | "ERROR")
        );
        match reply.status {
            // One bad event refuses the request; which it was is not read, as we know no sure form of it.
            200..=299 if failed => Verdict::Split(reply.summary()),
            400 | 413 | 422 => Verdict::Split(reply.summary()),
            _ => Verdict::All(classify(reply)),
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            items: MAX_EVENTS,
            bytes: MAX_BYTES,
            wait: WAIT,
            rate: Rate::Off,
        }
    }

    fn secrets(&self) -> Vec<&Secret> {
        self.hidden.iter().collect()
    }
}
