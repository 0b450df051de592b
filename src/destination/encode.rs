//! What a vendor's file provides: deliveries in, one HTTP request out; a reply in, outcomes out.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};

use super::courier::Carry;
use super::reply::Reply;
use super::token::Account;
use crate::clock::Millis;
use crate::config::{Rate, Section};
use crate::delivery::{Delivery, DeliveryId};
use crate::outcome::Outcome;
use crate::secret::Secret;

/// One vendor, with its settings. Pure: it opens no connection and keeps no state.
pub trait Vendor: fmt::Debug + Send + Sync {
    /// One request that carries all of `items`, of which there is at least one.
    fn encode(&self, items: &[Item<'_>]) -> Result<Outgoing, Refused>;

    /// What the reply means for each of the `count` items.
    fn read(&self, reply: &Reply, count: usize) -> Verdict;

    /// How much fits into one request, and how fast they may come.
    fn limits(&self) -> Limits;

    /// What must never be shown.
    fn secrets(&self) -> Vec<&Secret>;

    /// True if the vendor can judge an item without recording anything.
    fn can_rehearse(&self) -> bool {
        false
    }

    /// The request that has the vendor judge an item and record nothing, where there is such a thing.
    fn rehearse(&self, _item: &Item<'_>) -> Option<Result<Outgoing, Refused>> {
        None
    }

    /// What the vendor has against an item, by its answer to such a request; nothing if all is well.
    fn read_rehearsal(&self, _reply: &Reply) -> Vec<String> {
        Vec::new()
    }

    /// Who signs for the token that each request needs, where that is fetched and not configured.
    fn account(&self) -> Option<&Account> {
        None
    }

    /// What takes its requests, where that is not plain HTTP.
    fn carrier(&self) -> Option<&dyn Carry> {
        None
    }
}

/// A delivery as a vendor's file sees it.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    /// The idempotency key.
    pub id: DeliveryId,
    /// What the tag returned, a JSON object.
    pub payload: &'a [u8],
    /// When the event's request arrived.
    pub received_at: Millis,
    /// When this attempt is made: for signatures. Nothing else of a request may differ between two
    /// attempts.
    pub sent_at: Millis,
}

impl<'a> From<&'a Delivery> for Item<'a> {
    fn from(delivery: &'a Delivery) -> Self {
        Self {
            id: delivery.id,
            payload: &delivery.payload,
            received_at: delivery.received_at,
            sent_at: delivery.received_at,
        }
    }
}

/// An HTTP request to a vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The method.
    pub method: Method,
    /// The whole address.
    pub url: String,
    /// Header fields; length and host are the HTTP client's.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub body: Bytes,
}

impl Outgoing {
    /// A `POST` with a JSON body.
    pub fn post_json(url: &str, body: Vec<u8>) -> Self {
        let json = HeaderValue::from_static("application/json");
        Self {
            method: Method::POST,
            url: url.to_owned(),
            headers: vec![(http::header::CONTENT_TYPE, json)],
            body: body.into(),
        }
    }

    /// The same with one more header field.
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// A header value made of a key of the configuration. A value that no header may have is a problem
/// of that key.
pub(super) fn header_value(section: &mut Section, key: &str, text: &str) -> HeaderValue {
    let value = HeaderValue::from_str(text);
    let mut value = value.unwrap_or_else(|_| {
        let message = format!("`{key}` has characters that no header may have");
        section.problem(key, message, None);
        HeaderValue::from_static("")
    });
    value.set_sensitive(true);
    value
}

/// `Bearer TOKEN`, of a key of the configuration.
pub(super) fn bearer(section: &mut Section, key: &str, token: &Secret) -> HeaderValue {
    header_value(section, key, &format!("Bearer {}", token.expose()))
}

/// An item that can never be sent as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Which one.
    pub index: usize,
    /// Why, for the person who wrote the tag.
    pub why: String,
}

impl Refused {
    /// Why the only item of a request is refused.
    pub fn only(why: String) -> Self {
        Self { index: 0, why }
    }
}

/// What a reply means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The same for all items.
    All(Outcome),
    /// One outcome an item, in order; never all of them [`Outcome::NotTried`].
    Each(Vec<Outcome>),
    /// Send it in halves: it was too large, or one item that is not named spoilt it. A single item
    /// is rejected.
    Split(String),
}

/// What a vendor takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Items in one request.
    pub items: usize,
    /// Bytes of all payloads in one request.
    pub bytes: usize,
    /// How long a delivery may wait for others to travel with.
    pub wait: Duration,
    /// Requests in a time.
    pub rate: Rate,
}

/// Nobody looks at an event within this time, and a request for ten is better than ten requests.
const BATCH_WAIT: Duration = Duration::from_millis(100);

impl Limits {
    /// One item a request, of any size.
    pub const fn single(rate: Rate) -> Self {
        Self {
            items: 1,
            bytes: usize::MAX,
            wait: Duration::ZERO,
            rate,
        }
    }

    /// So many items a request, of so many bytes together, as fast as they come.
    pub const fn batch(items: usize, bytes: usize) -> Self {
        Self {
            items,
            bytes,
            wait: BATCH_WAIT,
            rate: Rate::Off,
        }
    }
}

/// The item of a request that carries one.
pub(super) fn single<'a, 'b>(items: &'b [Item<'a>]) -> Result<&'b Item<'a>, Refused> {
    let nothing = || Refused::only("nothing to send".to_owned());
    items.first().ok_or_else(nothing)
}

/// Writes the items of a JSON array, without its brackets.
pub(super) fn write_list(
    items: &[Item<'_>],
    body: &mut Vec<u8>,
    write: impl Fn(&Item<'_>, &mut Vec<u8>) -> Result<(), String>,
) -> Result<(), Refused> {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        write(item, body).map_err(|why| Refused { index, why })?;
    }
    Ok(())
}
