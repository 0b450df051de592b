//! Mixpanel's import API with `strict=1`. A payload is one event, `#{ event, properties }`; this file adds
//! `$insert_id`, `time` and the authentication. What Mixpanel names as failed is dead, the others are stored.

mod facts;
mod judge;

pub(in crate::destination) use facts::TYPE;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, header};
use serde_json::{Map, Value};

use super::events;
use crate::config::{Options, Section};
use crate::destination::encode::{Item, Limits, Outgoing, Refused, Vendor, Verdict, header_value};
use crate::destination::http_client::join;
use crate::destination::payload::Payload;
use crate::destination::reply::{Reply, classify};
use crate::outcome::Outcome;
use crate::secret::Secret;

/// `[destinations.NAME]` with `type = "mixpanel"`.
#[derive(Debug)]
struct Settings {
    url: String,
    /// The service account's secret, and both of it in Basic authentication.
    hidden: [Secret; 2],
    authorization: HeaderValue,
}

/// Mixpanel's limits are 2,000 events and 10 MB a request.
const MAX_EVENTS: usize = 2_000;
const MAX_BYTES: usize = 4_000_000;

fn load(section: &mut Section, options: &Options) -> Arc<dyn Vendor> {
    let user = section.required_text("service_account");
    let secret = section.required_secret("service_secret");
    let project = events::required_id(section, "project_id");
    let host = match section.one_of("region", &["us", "eu", "in"]) {
        Some("eu") => "https://api-eu.mixpanel.com",
        Some("in") => "https://api-in.mixpanel.com",
        _ => "https://api.mixpanel.com",
    };
    let basic = STANDARD.encode(format!("{user}:{}", secret.expose()));
    let authorization = header_value(section, "service_secret", &format!("Basic {basic}"));
    let path = format!("/import?strict=1&project_id={project}");
    Arc::new(Settings {
        url: join(options.host_or(host), &path),
        hidden: [secret, Secret::new(basic)],
        authorization,
    })
}

impl Vendor for Settings {
    fn encode(&self, items: &[Item<'_>]) -> Result<Outgoing, Refused> {
        let payloads: usize = items.iter().map(|item| item.payload.len() + 100).sum();
        let mut body = Vec::with_capacity(payloads);
        body.push(b'[');
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                body.push(b',');
            }
            write(item, &mut body).map_err(|why| Refused { index, why })?;
        }
        body.push(b']');
        let outgoing = events::post(&self.url, body);
        Ok(outgoing.with_header(header::AUTHORIZATION, self.authorization.clone()))
    }

    fn read(&self, reply: &Reply, count: usize) -> Verdict {
        match reply.status {
            400 => read_bad_request(reply, count),
            413 => Verdict::Split(reply.summary()),
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

/// Mixpanel wants id and time among the properties.
fn write(item: &Item<'_>, body: &mut Vec<u8>) -> Result<(), String> {
    let mut event = Payload::open(item.payload)?;
    event.drop_nulls();
    let given = match event.value("properties") {
        Some(Value::Object(properties)) => properties,
        Some(_) => return Err("properties must be a map".to_owned()),
        None => Map::new(),
    };
    let mut properties: Map<String, Value> = given;
    properties.retain(|_, value| !value.is_null());
    properties
        .entry("$insert_id")
        .or_insert_with(|| item.id.to_string().into());
    properties
        .entry("time")
        .or_insert_with(|| item.received_at.into());
    event.remove("properties");
    event.add_missing("properties", || Value::Object(properties));
    event.write(body)
}

/// Those that are named are dead; the others were stored, and must not be sent again.
fn read_bad_request(reply: &Reply, count: usize) -> Verdict {
    let answer = reply.json().unwrap_or_default();
    let Some(failed) = answer["failed_records"]
        .as_array()
        .filter(|list| !list.is_empty())
    else {
        return Verdict::Split(reply.summary());
    };
    let mut outcomes = vec![Outcome::Delivered; count];
    for record in failed {
        let place = record["index"]
            .as_u64()
            .and_then(|index| usize::try_from(index).ok());
        let field = record["field"].as_str().unwrap_or("?");
        let message = record["message"].as_str().unwrap_or("failed");
        if let Some(outcome) = place.and_then(|place| outcomes.get_mut(place)) {
            *outcome = Outcome::Rejected {
                why: format!("{field}: {message}"),
            };
        }
    }
    Verdict::Each(outcomes)
}
