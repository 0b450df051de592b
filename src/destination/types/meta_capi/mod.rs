//! Meta's Conversions API. A payload is one element of `data`; this file adds the id, the time and
//! the token. The vendor's page: <https://developers.facebook.com/docs/marketing-api/conversions-api>.

mod facts;
mod judge;

pub(in crate::destination) use facts::TYPE;

use std::sync::Arc;

use serde_json::Value;

use super::events;
use crate::config::{Options, Section};
use crate::destination::encode::{Item, Limits, Outgoing, Refused, Vendor, Verdict};
use crate::destination::http_client::join;
use crate::destination::reply::{Reply, classify};
use crate::outcome::Outcome;
use crate::secret::Secret;

/// `[destinations.NAME]` with `type = "meta_capi"`.
#[derive(Debug)]
struct Settings {
    /// With the token in its query.
    url: Secret,
    hidden: [Secret; 2],
    head: String,
}

/// Meta's limit. It refuses all of them for one bad one, which is then looked for by halves.
const MAX_EVENTS: usize = 1_000;

/// Not stated; a thousand events of the usual size.
const MAX_BYTES: usize = 1_000_000;

/// The version of Meta's API that this was written for.
const API_VERSION: &str = "v25.0";

/// Codes of errors that pass by themselves.
const PASSING: [i64; 5] = [1, 2, 341, 368, 5_000];

/// Codes that say: too much, too fast.
const THROTTLING: [i64; 6] = [4, 17, 32, 613, 80_003, 80_004];

/// Codes about the token and what it may do: 102 and 190 are sessions and tokens, 3, 10, and 200 to 299 are
/// permissions.
const TOKEN: [i64; 5] = [3, 10, 102, 104, 190];

fn load(section: &mut Section, options: &Options) -> Arc<dyn Vendor> {
    let token = section.required_secret("access_token");
    let pixel = events::required_id(section, "pixel_id");
    let test = section.text("test_event_code");
    let version = section.text("api_version");
    let version = version.as_deref().unwrap_or(API_VERSION);
    let is_version = version.strip_prefix('v').is_some_and(|number| {
        !number.is_empty()
            && number
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.')
    });
    if !is_version {
        let hint = format!("it looks like {API_VERSION}");
        section.problem("api_version", "`api_version` is no version", Some(hint));
    }
    let host = options.host_or("https://graph.facebook.com");
    let (encoded, hidden) = events::query_secret(token);
    let path = format!("/{version}/{pixel}/events?access_token={encoded}");
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

    fn read(&self, reply: &Reply, count: usize) -> Verdict {
        if reply.status == 413 {
            return Verdict::Split(reply.summary());
        }
        let answer = reply.json().unwrap_or_default();
        match answer["error"]["code"].as_i64() {
            Some(code) if reply.status >= 400 => read_error(code, &answer["error"], reply, count),
            _ if reply.status == 400 => Verdict::Split(reply.summary()),
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

/// Meta says in the body what it means; the status is 400 for most of it.
fn read_error(code: i64, error: &Value, reply: &Reply, count: usize) -> Verdict {
    let why = reply.summary();
    let after = reply.retry_after;
    if THROTTLING.contains(&code) {
        return Verdict::All(Outcome::Throttled { after, why });
    }
    if PASSING.contains(&code) || error["is_transient"] == true {
        return Verdict::All(Outcome::Retry { after, why });
    }
    if TOKEN.contains(&code) || (200..300).contains(&code) {
        return Verdict::All(Outcome::Paused { why });
    }
    match (reply.status, count) {
        (400, 2..) => Verdict::Split(why),
        (400, _) => Verdict::All(Outcome::Rejected { why }),
        _ => Verdict::All(classify(reply)),
    }
}
