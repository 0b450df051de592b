//! Sums over what is kept, to notice when the disk gives back something else than it was given. SQLite
//! has them for its log and not for its pages. What does not fit its sum is read as nothing, so that
//! it is never sent: an event is not processed, a delivery becomes a dead letter.

use bytes::Bytes;
use crc32fast::Hasher;
use tracing::error;

use crate::clock::Millis;
use crate::delivery::DeliveryId;

/// Of an event: its id, when it arrived, and its data.
pub(super) fn of_event(id: &str, received_at: Millis, data: &[u8]) -> u32 {
    of([id.as_bytes(), &received_at.to_le_bytes(), data])
}

/// Of a delivery: its id, whose it is, and its payload.
pub(super) fn of_delivery(id: DeliveryId, tag: &str, destination: &str, payload: &[u8]) -> u32 {
    of([&id.0, tag.as_bytes(), destination.as_bytes(), payload])
}

fn of<const N: usize>(parts: [&[u8]; N]) -> u32 {
    let mut hasher = Hasher::new();
    for part in parts {
        hasher.update(part);
        hasher.update(&[0]); // parts do not run together
    }
    hasher.finalize()
}

/// What was read, if it is what was written; else nothing.
pub(super) fn whole(content: Vec<u8>, noted: u32, found: u32, what: &str, number: u64) -> Bytes {
    if noted == found {
        return content.into();
    }
    error!(
        number,
        "the disk has damaged {what}; it is not used. See `tagwerk verify`, and restore a backup"
    );
    Bytes::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_changed_bit_is_noticed(data in proptest::collection::vec(any::<u8>(), 1..200), at: prop::sample::Index, bit in 0_u32..8) {
            let before = of_event("e", 7, &data);
            let mut changed = data.clone();
            changed[at.index(data.len())] ^= 1_u8 << bit;
            prop_assert_ne!(before, of_event("e", 7, &changed));
            prop_assert_ne!(before, of_event("f", 7, &data));
            prop_assert_ne!(before, of_event("e", 8, &data));
        }
    }
}
