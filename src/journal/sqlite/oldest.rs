//! How long the oldest event has waited that is not settled everywhere: what an operator alarms on.

use rusqlite::{Connection, params};

use super::rows::signed;
use crate::clock::Millis;

/// Remembers the oldest pending delivery, because looking for it means to look at all that are
/// pending (70 ms for a million). While it is pending itself, no look is needed; one that was sent
/// back to the queue by hand meanwhile may be older, and is found when this one is settled.
#[derive(Debug, Default)]
pub(super) struct Oldest {
    delivery: Option<i64>,
}

impl Oldest {
    /// When that event arrived; events above `watermark` are not processed yet.
    pub(super) fn look(
        &mut self,
        connection: &Connection,
        watermark: u64,
    ) -> Result<Option<Millis>, rusqlite::Error> {
        if !self.is_pending(connection)? {
            self.delivery = connection
                .prepare_cached(
                    "SELECT min(number) FROM (
                         SELECT number FROM delivery INDEXED BY pending WHERE state = 0)",
                )?
                .query_row([], |row| row.get(0))?;
        }
        // The first event that is not processed, and the first with a pending delivery.
        let event = self.delivery.map(|number| number >> 16);
        connection
            .prepare_cached(
                "SELECT min(received_at) FROM (
                     SELECT * FROM (
                         SELECT received_at FROM event WHERE number > ?1 ORDER BY number LIMIT 1)
                     UNION ALL SELECT received_at FROM event WHERE number = ?2)",
            )?
            .query_row(params![signed(watermark), event], |row| row.get(0))
    }

    fn is_pending(&self, connection: &Connection) -> Result<bool, rusqlite::Error> {
        let Some(number) = self.delivery else {
            return Ok(false);
        };
        let mut query =
            connection.prepare_cached("SELECT 1 FROM delivery WHERE number = ?1 AND state = 0")?;
        query.exists([number])
    }
}
