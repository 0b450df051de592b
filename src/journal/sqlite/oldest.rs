//! How long the oldest event has waited that is not settled everywhere: what an operator alarms on.

use rusqlite::{Connection, params};

use super::rows::signed;
use crate::clock::Millis;

/// Remembers the oldest pending delivery, because looking for it means to look at all that are
/// pending (a tenth of a second for a million). While it is pending itself, no look is needed; one
/// that was sent back to the queue by hand meanwhile may be older, and is found when this one is
/// settled.
#[derive(Debug, Default)]
pub(super) struct Oldest {
    delivery: Option<i64>,
}

impl Oldest {
    /// When that event arrived; all events up to `watermark` are processed.
    pub(super) fn look(
        &mut self,
        connection: &Connection,
        watermark: u64,
    ) -> Result<Option<Millis>, rusqlite::Error> {
        let delivery = match self.delivery {
            Some(number) if is_pending(connection, number)? => Some(number),
            _ => first_pending(connection)?,
        };
        let event = delivery.map(|number| number >> 16);
        // Above the watermark an older event may yet be processed.
        let is_certain = event.is_some_and(|event| event <= signed(watermark));
        self.delivery = delivery.filter(|_| is_certain);
        connection
            .prepare_cached(
                "SELECT min(received_at) FROM (
                     SELECT * FROM (
                         SELECT received_at FROM event WHERE number > ?1 ORDER BY number LIMIT 1)
                     UNION ALL SELECT received_at FROM event WHERE number = ?2)",
            )?
            .query_row(params![signed(watermark), event], |row| row.get(0))
    }
}

fn is_pending(connection: &Connection, number: i64) -> Result<bool, rusqlite::Error> {
    connection
        .prepare_cached("SELECT 1 FROM delivery WHERE number = ?1 AND state = 0")?
        .exists([number])
}

/// The index has only what is pending. The table would be read from its first row on, and most of
/// what is there is settled.
fn first_pending(connection: &Connection) -> Result<Option<i64>, rusqlite::Error> {
    connection
        .prepare_cached("SELECT min(number) FROM delivery INDEXED BY pending WHERE state = 0")?
        .query_row([], |row| row.get(0))
}
