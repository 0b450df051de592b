//! What the books say, and how long the oldest event waits.

use std::collections::BTreeMap;

use rusqlite::Transaction;

use super::unsigned;
use crate::clock::Millis;
use crate::delivery::State;
use crate::journal::record::{Counts, TagBook, Tally};
use crate::journal::sqlite::NEWEST;

/// Everything but what only the writer knows.
pub(in crate::journal) fn counts(file: &Transaction<'_>) -> Result<Counts, rusqlite::Error> {
    let tallies = tallies(file)?;
    let one = |sql: &str| {
        file.prepare_cached(sql)?
            .query_row([], |row| row.get(0))
            .map(unsigned)
    };
    Ok(Counts {
        deliveries: by_destination(&tallies),
        tallies,
        tags: tags(file)?,
        failed_requests: one("SELECT count(*) FROM failed_request")?,
        newest_event: one(&format!("SELECT {NEWEST} FROM progress"))?,
        forgotten: one("SELECT forgotten FROM progress")?,
        oldest_undelivered: oldest_undelivered(file)?,
        ..Counts::default()
    })
}

pub(super) fn tallies(file: &Transaction<'_>) -> Result<Vec<Tally>, rusqlite::Error> {
    let mut query = file.prepare_cached(
        "SELECT tag, destination, pending, delivered, dead, dry_run, skipped, forgotten
         FROM tally ORDER BY tag, destination",
    )?;
    let rows = query.query_map([], |row| {
        let mut deliveries = Vec::with_capacity(State::ALL.len());
        for (column, state) in (2..).zip(State::ALL) {
            deliveries.push((state, unsigned(row.get(column)?)));
        }
        Ok(Tally {
            tag: row.get(0)?,
            destination: row.get(1)?,
            deliveries,
            forgotten: unsigned(row.get(7)?),
        })
    })?;
    rows.collect()
}

pub(super) fn tags(file: &Transaction<'_>) -> Result<Vec<TagBook>, rusqlite::Error> {
    let mut query = file
        .prepare_cached("SELECT name, handed, filtered, fired, forgotten FROM tag ORDER BY name")?;
    let rows = query.query_map([], |row| {
        Ok(TagBook {
            tag: row.get(0)?,
            handed: unsigned(row.get(1)?),
            filtered: unsigned(row.get(2)?),
            fired: unsigned(row.get(3)?),
            forgotten: unsigned(row.get(4)?),
        })
    })?;
    rows.collect()
}

fn by_destination(tallies: &[Tally]) -> BTreeMap<(String, &'static str), u64> {
    let mut totals = BTreeMap::new();
    for tally in tallies {
        for (state, count) in tally.deliveries.iter().filter(|(_, count)| *count > 0) {
            let key = (tally.destination.clone(), state.as_str());
            *totals.entry(key).or_default() += count;
        }
    }
    totals
}

/// When the oldest event arrived that has a pending delivery, or is not processed. This walks the
/// index of what is pending, a tenth of a second for a million.
fn oldest_undelivered(file: &Transaction<'_>) -> Result<Option<Millis>, rusqlite::Error> {
    let mut query = file.prepare_cached(
        "SELECT min(received_at) FROM event WHERE number IN (
             (SELECT min(number) FROM delivery INDEXED BY pending WHERE state = 0) >> 16,
             (SELECT number FROM event
              WHERE number > (SELECT watermark FROM progress) AND NOT EXISTS (
                  SELECT 1 FROM delivery
                  WHERE delivery.number BETWEEN event.number << 16 AND (event.number << 16) + 65535)
              AND NOT EXISTS (SELECT 1 FROM empty WHERE empty.event = event.number)
              ORDER BY number LIMIT 1))",
    )?;
    query.query_row([], |row| row.get(0))
}
