//! A delivery: one thing that one tag made of one event for one destination. This file holds what
//! a delivery is, not how it is kept (`journal`) nor how it is sent (`dispatch`).

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::clock::Millis;

/// The name of a delivery, the same on every attempt and after a crash: the first 16 bytes of
/// SHA-256 over event id, tag and ordinal. Sent as the vendor's idempotency key where there is one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryId(pub [u8; 16]);

impl DeliveryId {
    /// Reads 32 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut id = [0; 16];
        hex::decode_to_slice(text, &mut id).ok()?;
        Some(Self(id))
    }

    /// The id of the `ordinal`-th thing (from 0) that `tag` made of the event `event_id`.
    pub fn of(event_id: &str, tag: &str, ordinal: usize) -> Self {
        // A zero byte between the parts: neither ids nor file names hold one, so that tag
        // "slack" with ordinal 10 and tag "slack1" with ordinal 0 stay two deliveries.
        let digest = Sha256::new()
            .chain_update(event_id)
            .chain_update([0])
            .chain_update(tag)
            .chain_update([0])
            .chain_update(ordinal.to_string())
            .finalize();
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        Self(id)
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a tag made, before it was ever sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Stable name; see [`DeliveryId`].
    pub id: DeliveryId,
    /// The event it was made of.
    pub event_id: Arc<str>,
    /// When that event's request arrived: the time that is sent where a tag names none.
    pub received_at: Millis,
    /// The tag that made it.
    pub tag: Arc<str>,
    /// The destination it is for.
    pub destination: Arc<str>,
    /// What the tag returned, as a JSON object.
    pub payload: Bytes,
    /// Not to be sent before this time.
    pub due: Millis,
    /// Not to be sent after this time: by its tag's `MAX_AGE` it is worth nothing then.
    pub expires: Option<Millis>,
    /// Where it stands.
    pub state: State,
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Waiting to be sent, or to be sent again.
    Pending,
    /// The vendor has it.
    Delivered,
    /// Given up, kept as a dead letter.
    Dead,
    /// Its destination is set to `dry_run`: everything was done but the sending.
    DryRun,
    /// Not to be sent: a dead letter that was discarded, or that its tag makes no longer.
    Skipped,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Pending,
        Self::Delivered,
        Self::Dead,
        Self::DryRun,
        Self::Skipped,
    ];

    /// The word users see, in JSON and on the page.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
            Self::DryRun => "dry_run",
            Self::Skipped => "skipped",
        }
    }

    /// The state of that name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// Why a delivery was given up: what dead letters are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorClass {
    /// Its tag failed.
    Script,
    /// What its tag made cannot be written as a request.
    Invalid,
    /// The vendor refused it.
    Rejected,
    /// The vendor's address has moved; redirects are not followed.
    Redirected,
    /// It failed as often as its destination's schedule allows.
    Exhausted,
    /// It became older than its tag's `MAX_AGE`.
    Expired,
    /// It may have arrived, and its destination wants nothing twice.
    Unconfirmed,
}

impl ErrorClass {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Script,
        Self::Invalid,
        Self::Rejected,
        Self::Redirected,
        Self::Exhausted,
        Self::Expired,
        Self::Unconfirmed,
    ];

    /// The word users see and write.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Script => "script",
            Self::Invalid => "invalid",
            Self::Rejected => "rejected",
            Self::Redirected => "redirected",
            Self::Exhausted => "exhausted",
            Self::Expired => "expired",
            Self::Unconfirmed => "unconfirmed",
        }
    }

    /// The class of that name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::{DeliveryId, ErrorClass};

    #[test]
    fn an_error_class_comes_back_from_its_name() {
        for class in ErrorClass::ALL {
            assert_eq!(ErrorClass::of(class.as_str()), Some(class));
        }
        assert_eq!(ErrorClass::of("gone"), None);
    }

    #[test]
    fn an_id_is_stable_and_parts_do_not_run_together() {
        let id = DeliveryId::of("evt-1", "slack", 10);
        assert_eq!(id, DeliveryId::of("evt-1", "slack", 10));
        assert_ne!(id, DeliveryId::of("evt-1", "slack1", 0));
        assert_eq!(id.to_string().len(), 32);
    }
}
