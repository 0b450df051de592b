//! Appends that may come again: which keys were seen, and when.

use rusqlite::{Connection, OptionalExtension, params};

use super::rows::signed;
use crate::clock::Millis;
use crate::journal::record::DedupeKey;

/// Keys that are kept: 58 appends a second for a day, in 200 MB. Beyond that the oldest go.
pub(super) const MOST: u64 = 5_000_000;

pub(super) fn has_seen(
    connection: &Connection,
    key: DedupeKey,
    since: Millis,
) -> Result<bool, rusqlite::Error> {
    let mut query = connection.prepare_cached("SELECT 1 FROM seen WHERE key = ?1 AND at >= ?2")?;
    let found = query.query_row(params![key.bytes(), since], |_| Ok(()));
    Ok(found.optional()?.is_some())
}

/// Adds keys, and drops the oldest if there are more than `most` then.
pub(super) fn insert_keys(
    connection: &Connection,
    keys: &[(DedupeKey, Millis)],
    most: u64,
) -> Result<(), rusqlite::Error> {
    if keys.is_empty() {
        return Ok(());
    }
    // One that was seen longer ago than it is recognised begins anew, at the end of the line.
    let mut insert =
        connection.prepare_cached("INSERT OR REPLACE INTO seen (key, at) VALUES (?1, ?2)")?;
    for (key, at) in keys {
        insert.execute(params![key.bytes(), at])?;
    }
    let last = connection.last_insert_rowid();
    connection
        .prepare_cached("DELETE FROM seen WHERE number <= ?1")?
        .execute([last.saturating_sub(signed(most))])?;
    Ok(())
}

/// Forgets some of those that were seen before; how many. The oldest come first, so there is
/// nothing behind the first that is kept.
pub(super) fn forget_keys(
    connection: &Connection,
    before: Millis,
    most: i64,
) -> Result<usize, rusqlite::Error> {
    connection
        .prepare_cached(
            "DELETE FROM seen WHERE at < ?1 AND number IN (
                 SELECT number FROM seen ORDER BY number LIMIT ?2)",
        )?
        .execute(params![before, most])
}

#[cfg(test)]
mod tests {
    use super::{MOST, forget_keys, has_seen, insert_keys};
    use crate::journal::record::DedupeKey;
    use rusqlite::Connection;

    fn key(id: usize) -> DedupeKey {
        DedupeKey::of("shop", &id.to_string())
    }

    fn file() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        let tables = include_str!("tables.sql");
        connection.execute_batch(tables).unwrap();
        connection
    }

    fn seen(connection: &Connection, ids: std::ops::Range<usize>) -> Vec<usize> {
        ids.filter(|id| has_seen(connection, key(*id), 0).unwrap())
            .collect()
    }

    #[test]
    fn a_key_is_known_from_then_on() {
        let mut connection = file();
        let transaction = connection.transaction().unwrap();
        insert_keys(&transaction, &[(key(1), 100)], MOST).unwrap();
        transaction.commit().unwrap();
        for (id, since, expected) in [
            (1, 99, true),
            (1, 100, true),
            (1, 101, false),
            (2, 0, false),
        ] {
            let found = has_seen(&connection, key(id), since).unwrap();
            assert_eq!(found, expected, "{id} since {since}");
        }
    }

    #[test]
    fn the_oldest_go_first() {
        let mut connection = file();
        let transaction = connection.transaction().unwrap();
        for id in 0..10 {
            insert_keys(&transaction, &[(key(id), id as i64)], 4).unwrap();
        }
        assert_eq!(seen(&transaction, 0..10), [6, 7, 8, 9]);
        // One that comes once more is the youngest then.
        insert_keys(&transaction, &[(key(7), 20), (key(10), 21)], 4).unwrap();
        assert_eq!(seen(&transaction, 0..11), [7, 8, 9, 10]);
        for (most, forgotten, left) in [(1, 1, vec![7, 9, 10]), (9, 1, vec![7, 10])] {
            assert_eq!(forget_keys(&transaction, 20, most).unwrap(), forgotten);
            assert_eq!(seen(&transaction, 0..11), left);
        }
    }
}
