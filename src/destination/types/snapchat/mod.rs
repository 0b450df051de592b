//! Snap's Conversions API, v3. A payload is one element of `data`; this file adds the id, the time and
//! the token. The vendor's page: <https://developers.snap.com/api/marketing-api/Conversions-API/UsingTheAPI>.

mod facts;
mod judge;

pub(in crate::destination) use facts::TYPE;

use std::sync::Arc;

use super::events;
use crate::config::{Options, Section};
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
    head: String,
}

/// Snap's limit is 2,000; half of it is as fast, and sooner halved when one event is bad.
const MAX_EVENTS: usize = 1_000;

/// Not stated; a thousand events of the usual size.
const MAX_BYTES: usize = 1_000_000;

fn load(section: &mut Section, options: &Options) -> Arc<dyn Vendor> {
    let token = section.required_secret("access_token");
    let pixel = events::required_id(section, "pixel_id");
    let test = section.text("test_event_code");
    let host = options.host_or("https://tr.snapchat.com");
    let (encoded, hidden) = events::query_secret(token);
    let path = format!("/v3/{pixel}/events?access_token={encoded}");
    Arc::new(Settings {
        url: Secret::new(join(host, &path)),
        hidden,
        head: events::head(&[("test_event_code", test.as_deref())]),
    })
}

impl Vendor for Settings {
    fn encode(&self, items: &[Item<'_>]) -> Result<Outgoing, Refused> {
        let body = events::body(&self.head, items, events::add_identity)?;
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
        Limits::batch(MAX_EVENTS, MAX_BYTES)
    }

    fn secrets(&self) -> Vec<&Secret> {
        self.hidden.iter().collect()
    }
}
