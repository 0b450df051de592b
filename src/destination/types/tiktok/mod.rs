//! TikTok's Events API 2.0. A payload is one element of `data`; this file adds the id, the time and what
//! the request says of the pixel. What TikTok answers is in the body, with status 200.

mod facts;
mod judge;

pub(in crate::destination) use facts::TYPE;

use std::sync::Arc;

use http::{HeaderName, HeaderValue};

use super::events;
use crate::config::{Options, Section};
use crate::destination::encode::{Item, Limits, Outgoing, Refused, Vendor, Verdict, header_value};
use crate::destination::http_client::join;
use crate::destination::reply::{Reply, classify};
use crate::outcome::Outcome;
use crate::secret::Secret;

/// `[destinations.NAME]` with `type = "tiktok"`.
#[derive(Debug)]
struct Settings {
    url: String,
    token: Secret,
    token_header: HeaderValue,
    /// What stands before the events.
    head: String,
}

/// TikTok's limit. It refuses all of them for one bad one, which is then looked for by halves.
const MAX_EVENTS: usize = 1_000;

/// Not stated; a thousand events of the usual size.
const MAX_BYTES: usize = 1_000_000;

const PATH: &str = "/open_api/v1.3/event/track/";

/// Where events may come from, in TikTok's words.
const SOURCES: &[&str] = &["web", "app", "offline", "crm"];

fn load(section: &mut Section, options: &Options) -> Arc<dyn Vendor> {
    let token = section.required_secret("access_token");
    let source_id = section.required_text("event_source_id");
    let source = section.one_of("event_source", SOURCES).unwrap_or("web");
    let test = section.text("test_event_code");
    let token_header = header_value(section, "access_token", token.expose());
    let host = options.host_or("https://business-api.tiktok.com");
    let head = events::head(&[
        ("event_source", Some(source)),
        ("event_source_id", Some(&source_id)),
        ("test_event_code", test.as_deref()),
    ]);
    Arc::new(Settings {
        url: join(host, PATH),
        token,
        token_header,
        head,
    })
}

impl Vendor for Settings {
    fn encode(&self, items: &[Item<'_>]) -> Result<Outgoing, Refused> {
        let body = events::body(&self.head, items, events::add_identity)?;
        let name = HeaderName::from_static("access-token");
        Ok(events::post(&self.url, body).with_header(name, self.token_header.clone()))
    }

    fn read(&self, reply: &Reply, count: usize) -> Verdict {
        if reply.status == 413 {
            return Verdict::Split(reply.summary());
        }
        let code = reply.json().and_then(|answer| answer["code"].as_i64());
        match (reply.status, code) {
            (200..=299 | 400, Some(code)) => read_code(code, reply, count),
            // A gateway that says 200 is not TikTok.
            (200..=299, None) => Verdict::All(Outcome::Retry {
                after: None,
                why: format!("no answer of TikTok's: {}", reply.summary()),
            }),
            (400, None) => Verdict::Split(reply.summary()),
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

/// 401xx are about the token, 40100 about how often; 5xxxx are TikTok's own trouble.
fn read_code(code: i64, reply: &Reply, count: usize) -> Verdict {
    let why = reply.summary();
    let after = reply.retry_after;
    Verdict::All(match code {
        0 | 20_001 => Outcome::Delivered,
        40_100 => Outcome::Throttled { after, why },
        40_001 | 40_101..=40_199 => Outcome::Paused { why },
        50_000..=59_999 => Outcome::Retry { after, why },
        _ if count > 1 => return Verdict::Split(why),
        _ => Outcome::Rejected { why },
    })
}
