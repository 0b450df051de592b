//! An event: one map of event data that a client script made of a request. This file does not
//! know what a script is; the data travels as JSON text, the form in which it is kept.

use std::sync::Arc;

use bytes::Bytes;

use crate::clock::Millis;

/// One event, as it is journalled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The client's own `event_id`, else a ULID. Delivery ids are made from it.
    pub id: Arc<str>,
    /// When the request arrived.
    pub received_at: Millis,
    /// Event data: a JSON object with at least `event_name`, a text or a whole number.
    pub data: Bytes,
}

/// The longest `event_id` that a client may set, in bytes.
pub const MAX_ID_BYTES: usize = 256;

/// A new event id: a ULID, which sorts by time of making.
pub fn new_id() -> Arc<str> {
    ulid::Ulid::generate().to_string().into()
}
