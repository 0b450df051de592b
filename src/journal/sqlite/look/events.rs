//! Events by when they arrived.
//!
//! They are numbered in the order of commits, so those that arrived at some time or later stand
//! behind the first one of that minute, and may stand anywhere behind it.

use std::path::Path;

use rusqlite::{Transaction, named_params};

use super::{connect_to_read_in, read_event, room, signed, unsigned};
use crate::clock::Millis;
use crate::journal::error::Error;
use crate::journal::look::{Page, Window};
use crate::journal::record::TakenEvent;

/// By how much a clock that is set back may mislead: a request that arrived before that looks
/// younger than its commit.
const SLACK: Millis = 60 * 60 * 1_000;

/// Processed events of a window.
const CONDITIONS: &str = "number > :after
    AND (:since IS NULL OR received_at >= :since)
    AND (:until IS NULL OR received_at < :until)
    AND (number <= (SELECT watermark FROM progress)
         OR EXISTS (SELECT 1 FROM delivery WHERE delivery.number
                    BETWEEN event.number << 16 AND (event.number << 16) + 65535)
         OR EXISTS (SELECT 1 FROM empty WHERE empty.event = event.number))";

/// One page of all events of a window in a folder's journal, processed or not, whoever has it.
pub(in crate::journal) fn in_folder(
    folder: &Path,
    window: Window,
    page: Page,
) -> Result<Vec<TakenEvent>, Error> {
    let mut connection = connect_to_read_in(folder)?;
    let transaction = connection.transaction()?;
    let mut query = transaction.prepare(
        "SELECT number, id, received_at, sum, data FROM event WHERE number > :after
         AND (:since IS NULL OR received_at >= :since)
         AND (:until IS NULL OR received_at < :until) ORDER BY number",
    )?;
    let mut rows = query.query(named_params! {
        ":after": signed(page.after.max(before(&transaction, window)?)),
        ":since": window.since,
        ":until": window.until,
    })?;
    let mut room = room(page);
    let mut found = Vec::new();
    while !room.is_full()
        && let Some(row) = rows.next()?
    {
        let event = read_event(row)?;
        room.take(event.event.data.len());
        found.push(event);
    }
    Ok(found)
}

/// The newest event of this id in a folder's journal, whoever has it. There is no index for it, as
/// only people ask: all numbers and ids are read.
pub(in crate::journal) fn by_id(folder: &Path, id: &str) -> Result<Option<TakenEvent>, Error> {
    let mut connection = connect_to_read_in(folder)?;
    let transaction = connection.transaction()?;
    let mut query = transaction.prepare(
        "SELECT number, id, received_at, sum, data FROM event WHERE id = ?1
         ORDER BY number DESC LIMIT 1",
    )?;
    let mut rows = query.query([id])?;
    let found = rows.next()?.map(read_event).transpose()?;
    Ok(found)
}

/// One page.
pub(in crate::journal) fn page(
    file: &Transaction<'_>,
    window: Window,
    page: Page,
) -> Result<Vec<TakenEvent>, rusqlite::Error> {
    let sql = format!(
        "SELECT number, id, received_at, sum, data FROM event WHERE {CONDITIONS} ORDER BY number"
    );
    let mut query = file.prepare_cached(&sql)?;
    let mut rows = query.query(named_params! {
        ":after": signed(page.after.max(before(file, window)?)),
        ":since": window.since,
        ":until": window.until,
    })?;
    let mut room = room(page);
    let mut found = Vec::new();
    while !room.is_full()
        && let Some(row) = rows.next()?
    {
        let event = read_event(row)?;
        room.take(event.event.data.len());
        found.push(event);
    }
    Ok(found)
}

/// How many there are.
pub(in crate::journal) fn count(
    file: &Transaction<'_>,
    window: Window,
) -> Result<u64, rusqlite::Error> {
    let sql = format!("SELECT count(*) FROM event WHERE {CONDITIONS}");
    let mut query = file.prepare_cached(&sql)?;
    let parameters = named_params! {
        ":after": signed(before(file, window)?),
        ":since": window.since,
        ":until": window.until,
    };
    query.query_row(parameters, |row| row.get(0)).map(unsigned)
}

/// An event before all that a window can hold.
fn before(file: &Transaction<'_>, window: Window) -> Result<u64, rusqlite::Error> {
    let Some(since) = window.since else {
        return Ok(0);
    };
    let mut query = file.prepare_cached("SELECT max(event) - 1 FROM minute WHERE at <= ?1")?;
    let before = query.query_row([since.saturating_sub(SLACK)], |row| row.get(0));
    before.map(Option::unwrap_or_default).map(unsigned)
}
