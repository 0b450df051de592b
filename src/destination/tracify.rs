//! Tracify's server-side events. A payload is one event object as on Tracify's page; this file adds
//! the site id, the time and the token. Endpoint and header: the public PHP SDK be-lenka/tracify-php-sdk.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, header};

use super::encode::{Item, Limits, Outgoing, Refused, Vendor, Verdict, header_value, write_list};
use super::http_client::join;
use super::payload::Payload;
use super::reply::{Reply, classify};
use crate::clock::utc_text;
use crate::config::{Options, Rate, Section};
use crate::secret::Secret;

/// `[destinations.NAME]` with `type = "tracify"`.
#[derive(Debug)]
struct Settings {
    token: Secret,
    token_header: HeaderValue,
    customer_site_id: String,
    url: String,
}

/// Tracify states no size for a batch; this one is modest.
const MAX_EVENTS: usize = 50;
const MAX_BYTES: usize = 500_000;

/// A request for ten orders is better than ten requests, and nobody looks at them within 0.1 s.
const WAIT: Duration = Duration::from_millis(100);

pub(super) fn load(section: &mut Section, options: &Options) -> Arc<dyn Vendor> {
    let token = section.required_secret("token");
    let customer_site_id = section.required_text("customer_site_id");
    let host = options
        .endpoint
        .as_deref()
        .unwrap_or("https://api.tracify.ai");
    let token_header = header_value(section, "token", token.expose());
    Arc::new(Settings {
        token,
        token_header,
        customer_site_id,
        url: join(host, "/api/v1/events"),
    })
}

impl Vendor for Settings {
    fn encode(&self, items: &[Item<'_>]) -> Result<Outgoing, Refused> {
        let mut body = b"{\"events\":[".to_vec();
        write_list(items, &mut body, |item, body| self.write_event(item, body))?;
        body.extend_from_slice(b"]}");
        Ok(Outgoing::post_json(&self.url, body)
            .with_header(header::ACCEPT, HeaderValue::from_static("application/json"))
            .with_header(
                HeaderName::from_static("tracify-token"),
                self.token_header.clone(),
            ))
    }

    fn read(&self, reply: &Reply, _count: usize) -> Verdict {
        let refused = reply.json().is_some_and(|answer| answer["status"] == false);
        match reply.status {
            // One refused event refuses the whole request and is not named.
            200..=299 if refused => Verdict::Split(reply.summary()),
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
        vec![&self.token]
    }
}

impl Settings {
    fn write_event(&self, item: &Item<'_>, body: &mut Vec<u8>) -> Result<(), String> {
        let mut event = Payload::open(item.payload)?;
        event.drop_nulls();
        event.add_missing("customer_site_id", || self.customer_site_id.as_str().into());
        event.add_missing("datetime", || utc_text(item.received_at).into());
        event.write(body)
    }
}
