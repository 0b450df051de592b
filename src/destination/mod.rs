//! Where deliveries go. Each type is one file or folder in `types`, with its `Settings`, a pure
//! `encode` and a pure `read`, its stand-in, and its facts as data; nothing here knows the journal,
//! when to try again, or what a tag is.
//!
//! To add a type: one file in `types/`, and its name in `types/mod.rs`. `CONTRIBUTING.md` walks
//! through it.

mod courier;
mod dial;
mod docs;
mod encode;
mod fields;
mod http_client;
mod judge;
mod kind;
mod payload;
mod policy;
mod redact;
mod reply;
#[cfg(test)]
mod tests;
mod token;
mod trial;
mod types;

pub use courier::{Carry, Carrying, Courier};
pub use dial::Dialer;
pub use docs::page;
pub use encode::{Item, Limits, Outgoing, Refused, Vendor, Verdict};
pub use fields::{Fault, Field, Flaw, Shape, children, flaws, unknown_keys};
pub use http_client::{Following, HttpClient, TransportError};
pub use judge::{Answer, Asked, Begin, Forced, Heard, Judge, Said, Spoken, StandIn, Talk};
pub use kind::{Example, Facts, Load, Others, Proof, Setting, Type, Variable};
pub use payload::Payload;
pub use policy::{Forbidden, Policy};
pub use reply::{Reply, classify};
pub use token::Account;
pub use trial::refusals;
pub use types::TYPES;
pub use types::ga4::{Problem as Ga4Problem, problems as ga4_problems};

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{self, DeliveryMode, Options, Problem, Section, suggest};
use crate::secret::Secret;

/// The names of all types.
pub fn type_names() -> impl Iterator<Item = &'static str> {
    TYPES.iter().map(|one| one.name)
}

/// The type of a name.
pub fn find_type(name: &str) -> Option<&'static Type> {
    TYPES.iter().find(|one| one.name == name).copied()
}

/// A destination of the configuration, ready to be sent to.
#[derive(Clone, Debug)]
pub struct Destination {
    /// Its name in `[destinations.NAME]`.
    pub name: Arc<str>,
    /// Its type's name.
    pub kind: &'static str,
    /// Environment variables that its settings want and that are not set: it waits for them.
    pub missing: Vec<String>,
    /// What all types have.
    pub options: Options,
    /// The type itself.
    pub vendor: Arc<dyn Vendor>,
    /// What it may connect to.
    pub policy: Arc<Policy>,
}

impl Destination {
    /// How much goes into one request, and how fast they may leave: what the user says, within what
    /// the vendor takes.
    pub fn limits(&self) -> Limits {
        let vendor = self.vendor.limits();
        let options = &self.options;
        let items = options
            .batch
            .map_or(vendor.items, |batch| batch.min(vendor.items));
        Limits {
            items,
            bytes: vendor.bytes,
            wait: match items {
                1 => Duration::ZERO, // nobody will join it
                _ => options.batch_wait.unwrap_or(vendor.wait),
            },
            rate: options.rate.unwrap_or(vendor.rate),
        }
    }

    /// True if nothing may arrive twice.
    pub fn is_at_most_once(&self) -> bool {
        self.options.delivery == DeliveryMode::AtMostOnce
    }

    /// A text for people: keys and tokens in it are `***`. For requests as well as for replies, as
    /// a vendor may repeat what it was sent.
    pub fn hide(&self, text: &str) -> String {
        redact::hide(text, &self.vendor.secrets())
    }

    /// The request that these deliveries make, for people: keys and tokens are `***`.
    pub fn show(&self, outgoing: &Outgoing) -> Shown {
        let headers = outgoing.headers.iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            (name.to_string(), self.hide(&value))
        });
        Shown {
            method: outgoing.method.to_string(),
            url: self.hide(&outgoing.url),
            headers: headers.collect(),
            body: self.hide(&String::from_utf8_lossy(&outgoing.body)),
        }
    }
}

/// An outgoing request without its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The method.
    pub method: String,
    /// The address.
    pub url: String,
    /// Header fields by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// The body as text.
    pub body: String,
}

/// All destinations by name.
pub type Destinations = BTreeMap<Arc<str>, Arc<Destination>>;

/// Makes the destinations of a configuration; every problem at once.
pub fn load_all(config: &config::Config) -> Result<Destinations, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut destinations = Destinations::new();
    for configured in config.destinations.values() {
        match load(configured) {
            Ok(destination) => {
                destinations.insert(destination.name.clone(), Arc::new(destination));
            }
            Err(found) => problems.extend(found),
        }
    }
    if problems.is_empty() {
        Ok(destinations)
    } else {
        Err(problems)
    }
}

/// Makes one destination.
pub fn load(configured: &config::Destination) -> Result<Destination, Vec<Problem>> {
    let Some(kind) = find_type(&configured.kind) else {
        let mut section = configured.settings.clone();
        let hint = suggest(&configured.kind, type_names()).unwrap_or_else(|| {
            format!("there are {}", type_names().collect::<Vec<_>>().join(", "))
        });
        section.problem(
            "type",
            format!("unknown destination type `{}`", configured.kind),
            Some(hint),
        );
        return Err(section.into_problems());
    };
    load_as(kind, configured)
}

/// Makes one of a type.
fn load_as(
    kind: &'static Type,
    configured: &config::Destination,
) -> Result<Destination, Vec<Problem>> {
    let mut section = configured.settings.clone();
    let policy = load_policy(&mut section, &configured.options);
    let vendor = (kind.load)(&mut section, &configured.options);
    let problems = section.finish();
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Destination {
        name: configured.name.as_str().into(),
        kind: kind.name,
        missing: configured.missing.clone(),
        options: configured.options.clone(),
        vendor,
        policy: Arc::new(policy),
    })
}

/// What the destination may connect to, by its options and the addresses in its settings. An address
/// that it would never be allowed to reach is a problem right away.
fn load_policy(section: &mut Section, options: &Options) -> Policy {
    let mut addresses = section.addresses();
    if let Some(endpoint) = &options.endpoint {
        addresses.push(("endpoint".to_owned(), Secret::new(endpoint.as_str())));
    }
    let texts: Vec<&str> = addresses.iter().map(|(_, text)| text.expose()).collect();
    let policy = Policy::new(options, &texts);
    for (key, address) in &addresses {
        if let Err(why) = policy.check_written(address.expose()) {
            section.problem(key, format!("`{key}`: {why}"), None);
        }
    }
    policy
}
