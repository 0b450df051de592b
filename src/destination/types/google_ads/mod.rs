//! Google Ads conversions, by the Data Manager API's `events:ingest`. A payload is one event in
//! Google's own names; this adds where it goes, and the token of a service account is added on the way.

mod facts;
mod judge;

pub(in crate::destination) use facts::TYPE;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use regex::Regex;
use serde_json::{Value, json};

use crate::clock::rfc3339;
use crate::config::{Options, Rate, Section};
use crate::destination::encode::{Item, Limits, Outgoing, Refused, Vendor, Verdict, write_list};
use crate::destination::http_client::join;
use crate::destination::payload::Payload;
use crate::destination::reply::{Reply, classify};
use crate::destination::token::Account;
use crate::outcome::Outcome;
use crate::secret::Secret;

/// `[destinations.NAME]` with `type = "google_ads"`.
#[derive(Debug)]
struct Settings {
    account: Option<Account>,
    secrets: Vec<Secret>,
    /// All of a request's body up to its events.
    head: String,
    url: String,
}

const SCOPE: &str = "https://www.googleapis.com/auth/datamanager";

const PATH: &str = "/v1/events:ingest";

/// Google takes 2,000; half of it is as fast and is safe.
const MAX_EVENTS: usize = 1_000;
const MAX_BYTES: usize = 1_000_000;

const WAIT: Duration = Duration::from_millis(500);

/// "300 requests per minute", for all that a project sends.
const RATE: Rate = Rate::Per {
    count: 300,
    period: Duration::from_secs(60),
};

fn load(section: &mut Section, options: &Options) -> Arc<dyn Vendor> {
    let credentials = section.required_secret("credentials");
    let account = load_account(section, &credentials, options);
    let mut destination = json!({
        "operatingAccount": account_of(section, "customer_id", true),
        "productDestinationId": section.required_text("conversion_action_id"),
    });
    if let login @ Value::Object(_) = account_of(section, "login_customer_id", false) {
        destination["loginAccount"] = login;
    }
    let validate_only = section.flag("validate_only").unwrap_or(false);
    Arc::new(Settings {
        secrets: [
            Some(credentials),
            account.as_ref().map(|one| one.secret().clone()),
        ]
        .into_iter()
        .flatten()
        .collect(),
        account,
        head: format!(
            "{{\"destinations\":[{destination}],\"encoding\":\"HEX\",\"validateOnly\":{validate_only},\"events\":["
        ),
        url: join(options.host_or("https://datamanager.googleapis.com"), PATH),
    })
}

/// With another endpoint, the tokens come from there too: a stand-in is no reason to bother Google.
fn load_account(section: &mut Section, credentials: &Secret, options: &Options) -> Option<Account> {
    if credentials.is_empty() {
        return None;
    }
    match Account::read(credentials.expose(), SCOPE) {
        Ok(account) => Some(match &options.endpoint {
            Some(endpoint) => account.with_token_url(join(endpoint, "/token")),
            None => account,
        }),
        Err(why) => {
            section.problem("credentials", format!("`credentials` {why}"), None);
            None
        }
    }
}

/// An account by its number, that people write with dashes.
fn account_of(section: &mut Section, key: &'static str, is_required: bool) -> Value {
    let number = match is_required {
        true => Some(section.required_text(key)),
        false => section.text(key),
    };
    let Some(number) = number.filter(|number| !number.is_empty()) else {
        return Value::Null;
    };
    let digits = number.replace('-', "");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let hint = "write it as \"123-456-7890\"".to_owned();
        section.problem(
            key,
            format!("`{key}` is not the number of an account"),
            Some(hint),
        );
    }
    json!({ "accountType": "GOOGLE_ADS", "accountId": digits })
}

impl Vendor for Settings {
    fn encode(&self, items: &[Item<'_>]) -> Result<Outgoing, Refused> {
        let mut body = self.head.clone().into_bytes();
        write_list(items, &mut body, write_event)?;
        body.extend_from_slice(b"]}");
        Ok(Outgoing::post_json(&self.url, body))
    }

    fn read(&self, reply: &Reply, count: usize) -> Verdict {
        match reply.status {
            400 => read_bad_request(reply, count),
            413 => Verdict::Split(reply.summary()),
            _ => Verdict::All(classify(reply)),
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            items: MAX_EVENTS,
            bytes: MAX_BYTES,
            wait: WAIT,
            rate: RATE,
        }
    }

    fn secrets(&self) -> Vec<&Secret> {
        self.secrets.iter().collect()
    }

    fn account(&self) -> Option<&Account> {
        self.account.as_ref()
    }
}

fn write_event(item: &Item<'_>, body: &mut Vec<u8>) -> Result<(), String> {
    let mut event = Payload::open(item.payload)?;
    event.drop_nulls();
    event.add_missing("transactionId", || item.id.to_string().into());
    event.add_missing("eventTimestamp", || rfc3339(item.received_at).into());
    event.add_missing("eventSource", || "WEB".into());
    event.write(body)
}

/// `events[3].userData`, `events.events[3].userData`: the number of the event that is wrong.
static PLACE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"events\[(\d+)\]").ok());

/// One bad event refuses the request. Where it is named, the others go again at once without it.
fn read_bad_request(reply: &Reply, count: usize) -> Verdict {
    let why = reply.summary();
    let bad = bad_places(&reply.json().unwrap_or_default(), count);
    if bad.is_empty() {
        return Verdict::Split(why);
    }
    let outcome = |place| match bad.contains(&place) {
        true => Outcome::Rejected { why: why.clone() },
        false => Outcome::NotTried {
            why: format!("held up by other events of the batch: {why}"),
        },
    };
    Verdict::Each((0..count).map(outcome).collect())
}

fn bad_places(answer: &Value, count: usize) -> Vec<usize> {
    let details = answer["error"]["details"].as_array();
    let violations = details
        .into_iter()
        .flatten()
        .filter_map(|detail| detail["fieldViolations"].as_array())
        .flatten();
    let fields = violations.filter_map(|violation| violation["field"].as_str());
    let places = fields.filter_map(|field| {
        let found = PLACE.as_ref()?.captures(field)?;
        found.get(1)?.as_str().parse::<usize>().ok()
    });
    places.filter(|place| *place < count).collect()
}
