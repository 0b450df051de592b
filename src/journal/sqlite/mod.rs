//! The journal in SQLite: write-ahead log, `synchronous=FULL`. One connection writes, and only the
//! writer thread uses it; one moves the log into the file, and one reads beside them, for people. A
//! commit that returned is on disk (a
//! simulated power cut lost 203 of 5,000 acknowledged records with `NORMAL`, none with `FULL`).

mod books;
mod log;
mod look;
mod mover;
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

use rusqlite::{Connection, OptionalExtension, params};
use tempfile::TempDir;

use super::error::Error;
use super::record::DedupeKey;
use super::store::{
    Batch, Disk, Due, EventPage, Expiry, Progress, Room, Standing, Store, Swept, Wanted,
};
use crate::clock::Millis;
use books::{Books, fire_late};
use mover::Mover;
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
    /// Ends before the connection does. None only while there is no connection.
    mover: Option<Mover>,
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
    /// The one in `progress`.
    watermark: u64,
}

const MINUTE: Millis = 60_000;

/// The newest event that ever was, of the row in `progress`: commits of events alone do not note it.
const NEWEST: &str = "max(newest, (SELECT coalesce(max(number), 0) FROM event))";

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
        let mut connection = open::connect(&file, durability, open::AT_START)?;
        Ok(Self {
            mover: Some(Mover::start(&mut connection, &file, durability)?),
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

/// What is to be remembered of a batch once it is on disk.
struct Written {
    notes: Notes,
    /// If it was measured.
    size: Option<u64>,
}

impl Sqlite {
    /// Writes a batch, within a transaction.
    fn write(&self, batch: &Batch) -> Result<Written, rusqlite::Error> {
        let (connection, mut books) = (&self.connection, Books::default());
        insert_events(connection, &batch.events)?;
        insert_keys(connection, &batch.keys, seen::MOST)?;
        insert_requests(connection, &batch.requests)?;
        insert_rows(connection, &batch.rows, &mut books)?;
        settle_rows(connection, &batch.settlements, &mut books)?;
        edit(connection, batch, &mut books)?;
        for heard in &batch.heard {
            books.hear(heard);
        }
        books.save(connection)?;
        for (event, tag) in &batch.edits.fired_late {
            fire_late(connection, *event, tag)?;
        }
        let notes = self.notes.write(connection, batch)?;
        // Asked after the commit, it would take SQLite's locks once more.
        let is_due = self.unmeasured + batch.weight() >= MEASURE_EVERY;
        let size = is_due.then(|| bytes_in_use(connection)).transpose()?;
        Ok(Written { notes, size })
    }
}

impl Store for Sqlite {
    fn commit(&mut self, batch: &Batch) -> Result<(), Error> {
        let connection = &self.connection;
        run(connection, "BEGIN")?;
        let written = self.write(batch);
        let written = written.and_then(|written| run(connection, "COMMIT").map(|()| written));
        let Written { notes, size } = match written {
            Ok(written) => written,
            Err(error) => {
                run(connection, "ROLLBACK").ok(); // SQLite may have done it
                return Err(error.into());
            }
        };
        self.notes = notes;
        match size {
            Some(size) => (self.size, self.unmeasured) = (size, 0),
            None => self.unmeasured += batch.weight(),
        }
        Ok(())
    }

    /// The connection is not trusted again; a new one reads what is really there.
    fn recover(&mut self) -> Result<(), Error> {
        self.mover = None; // the old ones must go first
        self.connection = Connection::open_in_memory()?;
        self.connection = open::connect(&self.file, self.durability, open::AFTER_A_FAILURE)?;
        self.mover = Some(Mover::start(
            &mut self.connection,
            &self.file,
            self.durability,
        )?);
        self.notes = Notes::read(&self.connection)?;
        self.size = bytes_in_use(&self.connection)?;
        Ok(())
    }

    fn progress(&mut self) -> Result<Progress, Error> {
        let mut query = self.connection.prepare_cached(&format!(
            "SELECT commits, {NEWEST}, watermark FROM progress"
        ))?;
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

/// Begins or ends a transaction. Prepared once: one of rusqlite's is parsed anew each time, at both ends.
fn run(connection: &Connection, statement: &'static str) -> Result<(), rusqlite::Error> {
    connection.prepare_cached(statement)?.execute([])?;
    Ok(())
}

fn edit(connection: &Connection, batch: &Batch, books: &mut Books) -> Result<(), rusqlite::Error> {
    let edits = &batch.edits;
    if edits.is_empty() {
        return Ok(());
    }
    settle_rows(connection, &edits.discarded, books)?;
    revive_rows(connection, &edits.revived, books)?;
    replace_rows(connection, &edits.replaced, books)?;
    insert_rows(connection, &edits.added, books)?;
    delete_requests(connection, &edits.forgotten_requests)
}

impl Notes {
    fn read(connection: &Connection) -> Result<Self, rusqlite::Error> {
        connection.query_row(
            "SELECT coalesce((SELECT max(at) FROM minute), ?1), EXISTS (SELECT 1 FROM empty),
                    watermark FROM progress",
            [Millis::MIN],
            |row| {
                Ok(Self {
                    minute: row.get(0)?,
                    has_empty: row.get(1)?,
                    watermark: unsigned(row.get(2)?),
                })
            },
        )
    }

    /// Writes what a batch adds; what is to be remembered once it is on disk.
    fn write(self, connection: &Connection, batch: &Batch) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            minute: self.write_minute(connection, batch)?,
            has_empty: self.write_empty(connection, batch)?,
            watermark: self.write_progress(connection, batch)?,
        })
    }

    fn write_minute(
        self,
        connection: &Connection,
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
        connection
            .prepare_cached("INSERT INTO minute VALUES (?1, ?2)")?
            .execute([minute, signed(first.number)])?;
        Ok(minute)
    }

    fn write_empty(self, connection: &Connection, batch: &Batch) -> Result<bool, rusqlite::Error> {
        let above = |event: &&u64| **event > batch.watermark;
        let mut has_empty = false;
        for event in batch.empty.iter().filter(above) {
            connection
                .prepare_cached("INSERT INTO empty VALUES (?1)")?
                .execute([signed(*event)])?;
            has_empty = true;
        }
        if !self.has_empty {
            return Ok(has_empty);
        }
        connection
            .prepare_cached("DELETE FROM empty WHERE event <= ?1")?
            .execute([signed(batch.watermark)])?;
        connection
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM empty)")?
            .query_row([], |row| row.get(0))
    }

    /// Where only events come they tell how far it is, and nothing is written.
    fn write_progress(
        self,
        connection: &Connection,
        batch: &Batch,
    ) -> Result<u64, rusqlite::Error> {
        if batch.is_only_events() && batch.watermark <= self.watermark {
            return Ok(self.watermark);
        }
        connection
            .prepare_cached(
                "UPDATE progress SET commits = ?1, watermark = max(watermark, ?2),
                        newest = max(newest, (SELECT coalesce(max(number), 0) FROM event))",
            )?
            .execute([batch.number, batch.watermark].map(signed))?;
        Ok(self.watermark.max(batch.watermark))
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Storage(error.to_string())
    }
}
