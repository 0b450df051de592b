//! Pinterest's Conversions API, v5. A payload is one element of `data`; this file adds the id, the time and
//! the token. Pinterest answers for each event: what it names as failed is dead, the others are stored.

mod facts;
mod judge;

pub(in crate::destination) use facts::TYPE;

use std::sync::Arc;

use http::{HeaderValue, header};
use serde_json::Value;

use super::events;
use crate::config::{Options, Section};
use crate::destination::encode::{Item, Limits, Outgoing, Refused, Vendor, Verdict, bearer};
use crate::destination::http_client::join;
use crate::destination::reply::{Reply, classify};
use crate::outcome::Outcome;
use crate::secret::Secret;

/// `[destinations.NAME]` with `type = "pinterest"`.
#[derive(Debug)]
struct Settings {
    url: String,
    token: Secret,
    authorization: HeaderValue,
}

/// Pinterest's limit.
const MAX_EVENTS: usize = 1_000;

/// Not stated; a thousand events of the usual size.
const MAX_BYTES: usize = 1_000_000;

fn load(section: &mut Section, options: &Options) -> Arc<dyn Vendor> {
    let token = section.required_secret("access_token");
    let account = events::required_id(section, "ad_account_id");
    let is_test = section.flag("test").unwrap_or(false);
    let authorization = bearer(section, "access_token", &token);
    let host = options.host_or("https://api.pinterest.com");
    let test = if is_test { "?test=true" } else { "" };
    Arc::new(Settings {
        url: join(host, &format!("/v5/ad_accounts/{account}/events{test}")),
        token,
        authorization,
    })
}

impl Vendor for Settings {
    fn encode(&self, items: &[Item<'_>]) -> Result<Outgoing, Refused> {
        let body = events::body(&events::head(&[]), items, events::add_identity)?;
        let outgoing = events::post(&self.url, body);
        Ok(outgoing.with_header(header::AUTHORIZATION, self.authorization.clone()))
    }

    fn read(&self, reply: &Reply, count: usize) -> Verdict {
        let answer = reply.json().unwrap_or_default();
        match reply.status {
            200..=299 | 400 | 422 => match each(&answer, count) {
                Some(outcomes) => Verdict::Each(outcomes),
                None if reply.status >= 400 => Verdict::Split(reply.summary()),
                None => Verdict::All(Outcome::Delivered),
            },
            413 => Verdict::Split(reply.summary()),
            _ => Verdict::All(classify(reply)),
        }
    }

    fn limits(&self) -> Limits {
        Limits::batch(MAX_EVENTS, MAX_BYTES)
    }

    fn secrets(&self) -> Vec<&Secret> {
        vec![&self.token]
    }
}

/// What it says of each event; none if it does not say so of all that were sent.
fn each(answer: &Value, count: usize) -> Option<Vec<Outcome>> {
    let events = answer["events"].as_array()?;
    let outcome = |event: &Value| match event["status"].as_str()? {
        "processed" => Some(Outcome::Delivered),
        "failed" => {
            let why = event["error_message"]
                .as_str()
                .unwrap_or("failed")
                .to_owned();
            Some(Outcome::Rejected { why })
        }
        _ => None,
    };
    let outcomes: Vec<Outcome> = events.iter().map(outcome).collect::<Option<_>>()?;
    (outcomes.len() == count).then_some(outcomes)
}
