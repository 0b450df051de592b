//! LinkedIn's Conversions API. A payload is one conversion event; this file adds the conversion's URN, the id,
//! the time, and the headers. The vendor's page:
//! <https://learn.microsoft.com/en-us/linkedin/marketing/integrations/ads-reporting/conversions-api>.

mod facts;
mod judge;

pub(in crate::destination) use facts::TYPE;

use std::sync::{Arc, LazyLock};

use http::{HeaderName, HeaderValue, header};
use regex::Regex;

use super::events;
use crate::config::{Options, Section};
use crate::destination::encode::{
    Item, Limits, Outgoing, Refused, Vendor, Verdict, bearer, header_value,
};
use crate::destination::http_client::join;
use crate::destination::reply::{Reply, classify};
use crate::outcome::Outcome;
use crate::secret::Secret;

/// `[destinations.NAME]` with `type = "linkedin"`.
#[derive(Debug)]
struct Settings {
    url: String,
    token: Secret,
    authorization: HeaderValue,
    version: HeaderValue,
    /// `urn:lla:llaPartnerConversion:123`, if the configuration has one.
    conversion: Option<String>,
}

/// LinkedIn's limit is 5,000; a thousand are as fast, and less is lost to one bad event.
const MAX_EVENTS: usize = 1_000;

/// Not stated; a thousand events of the usual size.
const MAX_BYTES: usize = 1_000_000;

/// LinkedIn retires a version after a year or so; the configuration can name another.
const VERSION: &str = "202603";

const PATH: &str = "/rest/conversionEvents";

/// What stands before the number of a conversion.
const URN: &str = "urn:lla:llaPartnerConversion:";

fn load(section: &mut Section, options: &Options) -> Arc<dyn Vendor> {
    let token = section.required_secret("access_token");
    let conversion = section
        .text("conversion")
        .map(|id| match id.starts_with("urn:") {
            true => id,
            false => format!("{URN}{id}"),
        });
    let version = section
        .text("version")
        .unwrap_or_else(|| VERSION.to_owned());
    if version.len() != 6 || !version.bytes().all(|byte| byte.is_ascii_digit()) {
        let hint = format!("it is a year and a month: \"{VERSION}\"");
        section.problem(
            "version",
            "`version` is no version of LinkedIn's API",
            Some(hint),
        );
    }
    let authorization = bearer(section, "access_token", &token);
    let mut version = header_value(section, "version", &version);
    version.set_sensitive(false);
    let host = options.host_or("https://api.linkedin.com");
    Arc::new(Settings {
        url: join(host, PATH),
        token,
        authorization,
        version,
        conversion,
    })
}

impl Vendor for Settings {
    fn encode(&self, items: &[Item<'_>]) -> Result<Outgoing, Refused> {
        let body = events::body("{\"elements\":[", items, |item, event| {
            if let Some(conversion) = &self.conversion {
                event.add_missing("conversion", || conversion.as_str().into());
            }
            // What a page sends with the same id is counted once.
            event.add_missing("eventId", || item.id.to_string().into());
            event.add_missing("conversionHappenedAt", || item.received_at.into());
        })?;
        let named = HeaderName::from_static;
        Ok(events::post(&self.url, body)
            .with_header(header::AUTHORIZATION, self.authorization.clone())
            .with_header(named("linkedin-version"), self.version.clone())
            .with_header(
                named("x-restli-protocol-version"),
                HeaderValue::from_static("2.0.0"),
            )
            .with_header(
                named("x-restli-method"),
                HeaderValue::from_static("BATCH_CREATE"),
            ))
    }

    fn read(&self, reply: &Reply, count: usize) -> Verdict {
        match reply.status {
            200..=299 => read_each(reply, count),
            400 | 422 => read_refused(reply, count),
            413 => Verdict::Split(reply.summary()),
            // The version is retired: a person must set another one.
            426 => Verdict::All(Outcome::Paused {
                why: reply.summary(),
            }),
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

/// A batch may be answered element by element, each with a status of its own.
fn read_each(reply: &Reply, count: usize) -> Verdict {
    let answer = reply.json().unwrap_or_default();
    let elements = answer["elements"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    if elements.len() != count {
        return Verdict::All(Outcome::Delivered);
    }
    let outcome = |element: &serde_json::Value| {
        let why = || element["error"].to_string();
        match element["status"].as_u64() {
            Some(429) => Outcome::Throttled {
                after: None,
                why: why(),
            },
            Some(400..=499) => Outcome::Rejected { why: why() },
            Some(500..=599) => Outcome::Retry {
                after: None,
                why: why(),
            },
            _ => Outcome::Delivered,
        }
    };
    Verdict::Each(elements.iter().map(outcome).collect())
}

/// One bad event refuses all; the message names its place: `Index: 0, ERROR :: /user …`.
fn read_refused(reply: &Reply, count: usize) -> Verdict {
    static INDEX: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?i)index:\s*([0-9]{1,6})").ok());
    let why = reply.summary();
    let text = String::from_utf8_lossy(&reply.body);
    let places: Vec<usize> = INDEX
        .iter()
        .flat_map(|index| index.captures_iter(&text))
        .filter_map(|found| found.get(1)?.as_str().parse().ok())
        .filter(|place| *place < count)
        .collect();
    if places.is_empty() {
        return Verdict::Split(why);
    }
    let outcome = |place: usize| match places.contains(&place) {
        true => Outcome::Rejected { why: why.clone() },
        false => Outcome::NotTried {
            why: format!("held up by other events of the batch: {why}"),
        },
    };
    Verdict::Each((0..count).map(outcome).collect())
}
