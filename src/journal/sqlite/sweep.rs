//! Forgets what has expired: an event goes together with its deliveries, when all of them have been
//! settled for long enough. In small steps, each a commit of its own.

use std::collections::HashSet;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::books::Books;
use super::rows::{state_of, unsigned};
use super::seen::forget_keys;
use crate::journal::error::Error;
use crate::journal::record::event_number;
use crate::journal::store::{Expiry, Swept};

/// Events that one step looks at: about a millisecond.
const STEP: i64 = 500;

/// Free pages that are given back to the file system in one step: 4 MiB.
const VACUUM_PAGES: i64 = 1_000;

/// What is free is used again by new events, so only what is much too much is given back: more
/// than one page in so many, and than 1 MiB.
const TOO_MUCH: i64 = 4;
const LEAST_FREE: i64 = 256;

#[derive(Debug, Default)]
pub(super) struct Sweep {
    /// The last event that this round has looked at.
    seen: i64,
    /// Pages were given back, which the file shows only when the log has been moved into it.
    is_smaller: bool,
}

impl Sweep {
    /// One step.
    pub(super) fn step(
        &mut self,
        connection: &mut Connection,
        expiry: Expiry,
    ) -> Result<Swept, Error> {
        let transaction = connection.transaction()?;
        let forgotten =
            forget_keys(&transaction, expiry.keys, STEP)? + forget_requests(&transaction, expiry)?;
        let last = last_of_step(&transaction, self.seen, expiry)?;
        if let Some(last) = last {
            forget_events(&transaction, [self.seen, last], expiry)?;
        }
        transaction.commit()?;
        let is_smaller = vacuum(connection)?;
        self.is_smaller |= is_smaller;
        self.seen = last.unwrap_or_default();
        if last.is_some() || forgotten > 0 || is_smaller {
            return Ok(Swept::Some);
        }
        if std::mem::take(&mut self.is_smaller) {
            connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
        }
        Ok(Swept::All)
    }
}

/// The last event of the next step; none if those that follow are not processed or too young. What
/// comes from the future, since the clock was wrong for a while, does not hide what is behind it.
fn last_of_step(
    transaction: &Transaction<'_>,
    seen: i64,
    expiry: Expiry,
) -> Result<Option<i64>, rusqlite::Error> {
    let mut query = transaction.prepare_cached(
        "SELECT max(number) FROM (
             SELECT number, received_at FROM event
             WHERE number > ?1 AND number <= (SELECT watermark FROM progress)
             ORDER BY number LIMIT ?2)
         HAVING min(received_at) < ?3 OR min(received_at) > ?4",
    )?;
    let parameters = params![seen, STEP, expiry.events, expiry.now];
    query.query_row(parameters, |row| row.get(0)).optional()
}

fn forget_events(
    transaction: &Transaction<'_>,
    range: [i64; 2],
    expiry: Expiry,
) -> Result<(), rusqlite::Error> {
    let forgotten = transaction
        .prepare_cached(
            "DELETE FROM event WHERE number > ?1 AND number <= ?2 AND received_at < ?3
             AND NOT EXISTS (
                 SELECT 1 FROM delivery
                 WHERE delivery.number BETWEEN event.number << 16 AND (event.number << 16) + 65535
                 AND (state = 0 OR due >= CASE state WHEN 2 THEN ?4 ELSE ?3 END))",
        )?
        .execute(params![
            range[0],
            range[1],
            expiry.events,
            expiry.dead_letters
        ])?;
    if forgotten == 0 {
        return Ok(());
    }
    transaction
        .prepare_cached("UPDATE progress SET forgotten = forgotten + ?1, newest = max(newest, ?2)")?
        .execute([i64::try_from(forgotten).unwrap_or_default(), range[1]])?;
    forget_minutes(transaction)?;
    forget_deliveries(transaction, range)
}

/// Those whose event is gone.
fn forget_deliveries(
    transaction: &Transaction<'_>,
    range: [i64; 2],
) -> Result<(), rusqlite::Error> {
    let mut delete = transaction.prepare_cached(
        "DELETE FROM delivery WHERE number >= (?1 + 1) << 16 AND number < (?2 + 1) << 16
         AND NOT EXISTS (SELECT 1 FROM event WHERE event.number = delivery.number >> 16)
         RETURNING tag, destination, state, number",
    )?;
    let mut books = Books::default();
    let mut fired = HashSet::new();
    let mut rows = delete.query(params![range[0], range[1]])?;
    while let Some(row) = rows.next()? {
        let (tag, destination): (Arc<str>, Arc<str>) = (row.get(0)?, row.get(1)?);
        books.forget(&tag, &destination, state_of(row.get(2)?));
        if fired.insert((event_number(unsigned(row.get(3)?)), tag.clone())) {
            books.forget_event(&tag);
        }
    }
    books.save(transaction)
}

/// Minutes before that of the oldest event.
fn forget_minutes(transaction: &Transaction<'_>) -> Result<usize, rusqlite::Error> {
    transaction
        .prepare_cached(
            "DELETE FROM minute WHERE at < (
                 SELECT max(at) FROM minute WHERE event <= (SELECT min(number) FROM event))",
        )?
        .execute([])
}

/// The oldest come first, so there is nothing behind the first that is kept.
fn forget_requests(
    transaction: &Transaction<'_>,
    expiry: Expiry,
) -> Result<usize, rusqlite::Error> {
    transaction
        .prepare_cached(
            "DELETE FROM failed_request WHERE received_at < ?1 AND number IN (
                 SELECT number FROM failed_request ORDER BY number LIMIT ?2)",
        )?
        .execute(params![expiry.dead_letters, STEP])
}

fn vacuum(connection: &Connection) -> Result<bool, rusqlite::Error> {
    let (pages, free) = pages(connection)?;
    if free < LEAST_FREE || free < pages / TOO_MUCH {
        return Ok(false);
    }
    let mut vacuum =
        connection.prepare_cached(&format!("PRAGMA incremental_vacuum({VACUUM_PAGES})"))?;
    let mut freed = vacuum.query([])?;
    while freed.next()?.is_some() {} // one page a time
    Ok(true)
}

/// Bytes that are in use. Free pages do not count: they are the first to be used again.
pub(super) fn bytes_in_use(connection: &Connection) -> Result<u64, rusqlite::Error> {
    let (pages, free) = pages(connection)?;
    Ok(unsigned(pages - free) * PAGE_BYTES)
}

/// SQLite's default, which we do not change.
const PAGE_BYTES: u64 = 4_096;

fn pages(connection: &Connection) -> Result<(i64, i64), rusqlite::Error> {
    let one = |sql| {
        connection
            .prepare_cached(sql)?
            .query_row([], |row| row.get(0))
    };
    Ok((one("PRAGMA page_count")?, one("PRAGMA freelist_count")?))
}
