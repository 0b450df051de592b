//! The journal in SQLite: write-ahead log, `synchronous=FULL`. One connection writes, and only the
//! writer thread uses it; one reads beside it, for people. A commit that returned is on disk (a
//! simulated power cut lost 203 of 5,000 acknowledged records with `NORMAL`, none with `FULL`).

mod books;
mod log;
mod look;
mod open;
mod reader;
mod rows;
mod seen;
mod sum;
mod sweep;
#[cfg(test)]
mod tests;

pub(super) use look::{deliveries, events, requests, stock, verify};
pub(super) use reader::{Questions, Reader};

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use tempfile::TempDir;

use super::error::Error;
use super::record::DedupeKey;
use super::store::{
    Batch, Disk, Due, EventPage, Expiry, Progress, Room, Standing, Store, Swept, Wanted,
};
use crate::clock::Millis;
use books::{Books, fire_late};
use open::Durability;
use rows::{
    delete_requests, insert_events, insert_requests, insert_rows, read_event, read_pending,
    read_standing, replace_rows, revive_rows, settle_rows, signed, unsigned,
};
use seen::{has_seen, insert_keys};
use sweep::{Sweep, bytes_in_use};

pub(super) struct Sqlite {
    file: PathBuf,
    durability: Durability,
    connection: Connection,
    sweep: Sweep,
    /// As it was measured last, and roughly what has come since.
    size: u64,
    unmeasured: usize,
    notes: Notes,
    /// Given back last, when the connection is closed.
    _home: Home,
}

/// What makes the folder ours.
enum Home {
    /// Its lock.
    Folder { _lock: File },
    /// That it is removed in the end.
    Temporary { _folder: TempDir },
}

/// What is remembered of the file, to do nothing in most commits.
#[derive(Clone, Copy, Debug)]
struct Notes {
    /// The last minute that has a row.
    minute: Millis,
    /// There may be rows in `empty`.
    has_empty: bool,
}

const MINUTE: Millis = 60_000;

/// Bytes that come before the size is measured again: little beside any size that is allowed.
const MEASURE_EVERY: usize = 64 * 1024;

impl Sqlite {
    pub(super) fn open(folder: &Path) -> Result<Self, Error> {
        let (lock, file) = open::take_folder(folder)?;
        log::look(&file);
        Self::start(file, Durability::Disk, Home::Folder { _lock: lock })
    }

    /// In a folder of its own, that is removed in the end.
    pub(super) fn temporary() -> Result<Self, Error> {
        let folder = TempDir::with_prefix("tagwerk-")
            .map_err(|error| open::at(&std::env::temp_dir(), &error))?;
        let file = open::file_in(folder.path());
        let home = Home::Temporary { _folder: folder };
        Self::start(file, Durability::None, home)
    }

    fn start(file: PathBuf, durability: Durability, home: Home) -> Result<Self, Error> {
        let connection = open::connect(&file, durability, open::AT_START)?;
        Ok(Self {
            sweep: Sweep::default(),
            size: bytes_in_use(&connection)?,
            unmeasured: 0,
            notes: Notes::read(&connection)?,
            file,
            durability,
            connection,
            _home: home,
        })
    }

    /// The file, for a reader.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }
}

impl Store for Sqlite {
    fn commit(&mut self, batch: &Batch) -> Result<(), Error> {
        let mut books = Books::default();
        let transaction = self.connection.transaction()?;
        insert_events(&transaction, &batch.events)?;
        insert_keys(&transaction, &batch.keys, seen::MOST)?;
        insert_requests(&transaction, &batch.requests)?;
        insert_rows(&transaction, &batch.rows, &mut books)?;
        settle_rows(&transaction, &batch.settlements, &mut books)?;
        edit(&transaction, batch, &mut books)?;
        for heard in &batch.heard {
            books.hear(heard);
        }
        books.save(&transaction)?;
        for (event, tag) in &batch.edits.fired_late {
            fire_late(&transaction, *event, tag)?;
        }
        let notes = self.notes.write(&transaction, batch)?;
        let newest = batch.events.last().map_or(0, |event| event.number);
        transaction
            .prepare_cached(
                "UPDATE progress SET commits = ?1, watermark = max(watermark, ?2),
                        newest = max(newest, ?3)",
            )?
            .execute([batch.number, batch.watermark, newest].map(signed))?;
        let unmeasured = self.unmeasured + batch.weight();
        // Asked afterwards, it would take SQLite's locks once more.
        let size = match unmeasured < MEASURE_EVERY {
            true => None,
            false => Some(bytes_in_use(&transaction)?),
        };
        transaction.commit()?;
        self.notes = notes;
        self.unmeasured = if size.is_some() { 0 } else { unmeasured };
        self.size = size.unwrap_or(self.size);
        Ok(())
    }

    /// The connection is not trusted again; a new one reads what is really there.
    fn recover(&mut self) -> Result<(), Error> {
        self.connection = Connection::open_in_memory()?; // the old one must go first
        self.connection = open::connect(&self.file, self.durability, open::AFTER_A_FAILURE)?;
        self.notes = Notes::read(&self.connection)?;
        self.size = bytes_in_use(&self.connection)?;
        Ok(())
    }

    fn progress(&mut self) -> Result<Progress, Error> {
        let mut query = self
            .connection
            .prepare_cached("SELECT commits, newest, watermark FROM progress")?;
        let progress = query.query_row([], |row| {
            Ok(Progress {
                commits: unsigned(row.get(0)?),
                newest: unsigned(row.get(1)?),
                watermark: unsigned(row.get(2)?),
            })
        })?;
        Ok(progress)
    }

    fn events_after(&mut self, number: u64, mut room: Room) -> Result<EventPage, Error> {
        let mut query = self.connection.prepare_cached(
            "SELECT number, id, received_at, sum, data FROM event
             WHERE number > max(?1, (SELECT watermark FROM progress)) AND NOT EXISTS (
                 SELECT 1 FROM delivery
                 WHERE delivery.number BETWEEN event.number << 16 AND (event.number << 16) + 65535)
             AND NOT EXISTS (SELECT 1 FROM empty WHERE empty.event = event.number)
             ORDER BY number",
        )?;
        let mut rows = query.query([signed(number)])?;
        let mut page = EventPage::default();
        while let Some(row) = rows.next()? {
            if room.is_full() {
                return Ok(page);
            }
            let taken = read_event(row)?;
            room.take(taken.event.data.len());
            page.events.push(taken);
        }
        page.all = true;
        Ok(page)
    }

    fn due(
        &mut self,
        destination: &Arc<str>,
        now: Millis,
        mut wanted: Wanted,
    ) -> Result<Due, Error> {
        // No limit: rows are made one by one, and we stop asking when we have enough.
        let mut query = self.connection.prepare_cached(
            "SELECT d.number, d.due, d.expires, d.attempts, d.id, e.id, e.received_at, d.tag,
                    d.sum, d.payload
             FROM delivery d JOIN event e ON e.number = d.number >> 16
             WHERE d.state = 0 AND d.destination = ?1 ORDER BY d.due, d.number",
        )?;
        let mut rows = query.query([&**destination])?;
        let mut due = Due::default();
        while let Some(row) = rows.next()? {
            if wanted.held.contains(&unsigned(row.get(0)?)) {
                continue;
            }
            let falls_due: Millis = row.get(1)?;
            if falls_due > now || wanted.room.is_full() {
                due.next = Some(falls_due);
                break;
            }
            let pending = read_pending(row, destination)?;
            wanted.room.take(pending.delivery.payload.len());
            due.ready.push(pending);
        }
        Ok(due)
    }

    fn has_seen(&mut self, key: DedupeKey, since: Millis) -> Result<bool, Error> {
        Ok(has_seen(&self.connection, key, since)?)
    }

    fn kept_requests(&mut self, numbers: &[u64]) -> Result<Vec<u64>, Error> {
        let mut query = self
            .connection
            .prepare_cached("SELECT number FROM failed_request WHERE number = ?1")?;
        let mut kept = Vec::new();
        for number in numbers {
            let found = query.query_row([signed(*number)], |row| row.get(0));
            kept.extend(found.optional()?.map(unsigned));
        }
        Ok(kept)
    }

    fn standings(&mut self, numbers: &[u64]) -> Result<Vec<Standing>, Error> {
        let mut query = self.connection.prepare_cached(
            "SELECT number, id, tag, destination, state, attempts, class, note FROM delivery
             WHERE number = ?1",
        )?;
        let mut standings = Vec::new();
        for number in numbers {
            standings.extend(
                query
                    .query_row([signed(*number)], read_standing)
                    .optional()?,
            );
        }
        Ok(standings)
    }

    fn standings_of(&mut self, event: u64) -> Result<Option<Vec<Standing>>, Error> {
        let mut query = self.connection.prepare_cached(
            "SELECT number, id, tag, destination, state, attempts, class, note FROM delivery
             WHERE number BETWEEN ?1 << 16 AND (?1 << 16) + 65535 ORDER BY number",
        )?;
        let standings = query.query_map([signed(event)], read_standing)?;
        let standings: Vec<Standing> = standings.collect::<Result<_, _>>()?;
        let mut query = self.connection.prepare_cached(
            "SELECT ?2 OR number <= (SELECT watermark FROM progress)
                 OR EXISTS (SELECT 1 FROM empty WHERE empty.event = event.number)
             FROM event WHERE number = ?1",
        )?;
        let parameters = params![signed(event), !standings.is_empty()];
        let is_processed = query.query_row(parameters, |row| row.get(0)).optional()?;
        Ok(is_processed.unwrap_or(false).then_some(standings))
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn disk(&self) -> Option<Disk> {
        open::disk(&self.file)
    }

    fn sweep(&mut self, expiry: Expiry) -> Result<Swept, Error> {
        let swept = self.sweep.step(&mut self.connection, expiry)?;
        self.size = bytes_in_use(&self.connection)?;
        Ok(swept)
    }
}

fn edit(
    transaction: &Transaction<'_>,
    batch: &Batch,
    books: &mut Books,
) -> Result<(), rusqlite::Error> {
    let edits = &batch.edits;
    if edits.is_empty() {
        return Ok(());
    }
    settle_rows(transaction, &edits.discarded, books)?;
    revive_rows(transaction, &edits.revived, books)?;
    replace_rows(transaction, &edits.replaced, books)?;
    insert_rows(transaction, &edits.added, books)?;
    delete_requests(transaction, &edits.forgotten_requests)
}

impl Notes {
    fn read(connection: &Connection) -> Result<Self, rusqlite::Error> {
        connection.query_row(
            "SELECT coalesce((SELECT max(at) FROM minute), ?1), EXISTS (SELECT 1 FROM empty)",
            [Millis::MIN],
            |row| {
                Ok(Self {
                    minute: row.get(0)?,
                    has_empty: row.get(1)?,
                })
            },
        )
    }

    /// Writes what a batch adds; what is to be remembered once it is on disk.
    fn write(self, transaction: &Transaction<'_>, batch: &Batch) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            minute: self.write_minute(transaction, batch)?,
            has_empty: self.write_empty(transaction, batch)?,
        })
    }

    fn write_minute(
        self,
        transaction: &Transaction<'_>,
        batch: &Batch,
    ) -> Result<Millis, rusqlite::Error> {
        let minute = batch.at - batch.at.rem_euclid(MINUTE);
        let Some(first) = batch.events.first() else {
            return Ok(self.minute);
        };
        // If the clock was set back, the events belong to the last minute until it has caught up.
        if minute <= self.minute {
            return Ok(self.minute);
        }
        transaction
            .prepare_cached("INSERT INTO minute VALUES (?1, ?2)")?
            .execute([minute, signed(first.number)])?;
        Ok(minute)
    }

    fn write_empty(
        self,
        transaction: &Transaction<'_>,
        batch: &Batch,
    ) -> Result<bool, rusqlite::Error> {
        let above = |event: &&u64| **event > batch.watermark;
        let mut has_empty = false;
        for event in batch.empty.iter().filter(above) {
            transaction
                .prepare_cached("INSERT INTO empty VALUES (?1)")?
                .execute([signed(*event)])?;
            has_empty = true;
        }
        if !self.has_empty {
            return Ok(has_empty);
        }
        transaction
            .prepare_cached("DELETE FROM empty WHERE event <= ?1")?
            .execute([signed(batch.watermark)])?;
        transaction
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM empty)")?
            .query_row([], |row| row.get(0))
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Storage(error.to_string())
    }
}
