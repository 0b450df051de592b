//! How many deliveries stand where. Kept with each commit, because counting a million rows would
//! hold up the writer for a second.

use std::collections::BTreeMap;

use rusqlite::{Connection, Transaction, params};

use super::rows::{code_of, state_of, unsigned};
use crate::delivery::State;

#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: BTreeMap<(String, i64), i64>,
    /// By how much the commit under way changes them.
    changes: BTreeMap<(String, i64), i64>,
}

impl Tally {
    pub(super) fn read(connection: &Connection) -> Result<Self, rusqlite::Error> {
        let mut query = connection.prepare("SELECT destination, state, count FROM tally")?;
        let counts = query.query_map([], |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)))?;
        Ok(Self {
            counts: counts.collect::<Result<_, _>>()?,
            changes: BTreeMap::new(),
        })
    }

    /// At the start of a commit: what an earlier one left undone never happened.
    pub(super) fn begin(&mut self) {
        self.changes.clear();
    }

    pub(super) fn add(&mut self, destination: &str, state: State, count: i64) {
        let key = (destination.to_owned(), code_of(state));
        *self.changes.entry(key).or_default() += count;
    }

    /// Writes what changes.
    pub(super) fn save(&self, transaction: &Transaction<'_>) -> Result<(), rusqlite::Error> {
        let mut insert =
            transaction.prepare_cached("INSERT OR REPLACE INTO tally VALUES (?1, ?2, ?3)")?;
        for (key, change) in &self.changes {
            let before = self.counts.get(key).copied().unwrap_or_default();
            insert.execute(params![key.0, key.1, before + change])?;
        }
        Ok(())
    }

    /// The commit is on disk.
    pub(super) fn end(&mut self) {
        for (key, change) in std::mem::take(&mut self.changes) {
            *self.counts.entry(key).or_default() += change;
        }
    }

    /// The counts that are not zero.
    pub(super) fn counts(&self) -> BTreeMap<(String, &'static str), u64> {
        let there = self.counts.iter().filter(|(_, count)| **count > 0);
        there
            .map(|((destination, state), count)| {
                let key = (destination.clone(), state_of(*state).as_str());
                (key, unsigned(*count))
            })
            .collect()
    }
}
