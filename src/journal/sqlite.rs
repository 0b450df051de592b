//! The journal in SQLite: write-ahead log, `synchronous=FULL`, one connection that only the writer
//! thread uses. A commit that returned is on disk (a simulated power cut lost 203 of 5,000
//! acknowledged records with `NORMAL`, none with `FULL`).

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row as SqlRow, Transaction, params};

use super::error::Error;
use super::store::{Batch, Counts, Pending, Record, Row, Store, TakenEvent};
use crate::clock::Millis;
use crate::delivery::{Delivery, DeliveryId, State};
use crate::event::Event;

/// The format of the tables below. A newer one in the file is refused, not guessed at.
const FORMAT: i64 = 1;

const TABLES: &str = "
    CREATE TABLE event (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL,
        received_at INTEGER NOT NULL,
        data BLOB NOT NULL
    ) STRICT;
    CREATE TABLE delivery (
        number INTEGER PRIMARY KEY,
        id BLOB NOT NULL,
        tag TEXT NOT NULL,
        destination TEXT NOT NULL,
        state INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        due INTEGER NOT NULL,
        note TEXT,
        payload BLOB NOT NULL
    ) STRICT;
    CREATE INDEX pending ON delivery (destination, due) WHERE state = 0;
    CREATE TABLE failed_request (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        received_at INTEGER NOT NULL,
        client TEXT NOT NULL,
        fault TEXT NOT NULL,
        message BLOB NOT NULL
    ) STRICT;
    CREATE TABLE watermark (number INTEGER NOT NULL) STRICT;
    INSERT INTO watermark VALUES (0);
";

/// Pages of 4 KiB before the log is moved into the database file: 16 MiB.
const CHECKPOINT_PAGES: i64 = 4_000;

/// Page cache in KiB, as SQLite wants it: negative.
const CACHE_KIB: i64 = -16_000;

pub(super) struct Sqlite {
    file: PathBuf,
    connection: Connection,
    /// Held as long as we live; the operating system gives it back whatever happens to us.
    _lock: File,
}

impl Sqlite {
    pub(super) fn open(folder: &Path) -> Result<Self, Error> {
        make_folder(folder)?;
        let lock = lock(folder)?;
        let file = folder.join("journal.sqlite");
        // SQLite gives its other files the mode of this one.
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&file)
            .map_err(|error| at(&file, &error))?;
        let connection = connect(&file)?;
        Ok(Self {
            file,
            connection,
            _lock: lock,
        })
    }
}

fn make_folder(folder: &Path) -> Result<(), Error> {
    if fs::metadata(folder).is_ok_and(|found| found.is_dir()) {
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| at(folder, &error))
}

fn lock(folder: &Path) -> Result<File, Error> {
    let path = folder.join("lock");
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&path)
        .map_err(|error| at(&path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Locked(folder.to_owned())),
        Err(TryLockError::Error(error)) => Err(at(&path, &error)),
    }
}

fn connect(file: &Path) -> Result<Connection, Error> {
    let connection = Connection::open(file)?;
    for (name, value) in [
        ("auto_vacuum", "INCREMENTAL"),
        ("locking_mode", "EXCLUSIVE"),
        ("journal_mode", "WAL"),
        ("synchronous", "FULL"),
    ] {
        connection.pragma_update(None, name, value)?;
    }
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "cache_size", CACHE_KIB)?;
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match found {
        0 => {
            connection.execute_batch(&format!(
                "BEGIN; {TABLES} PRAGMA user_version = {FORMAT}; COMMIT;"
            ))?;
            Ok(connection)
        }
        FORMAT => Ok(connection),
        found => Err(Error::Newer {
            found,
            known: FORMAT,
        }),
    }
}

impl Store for Sqlite {
    fn commit(&mut self, batch: &Batch) -> Result<(), Error> {
        let transaction = self.connection.transaction()?;
        insert_events(&transaction, &batch.events)?;
        insert_rows(&transaction, &batch.rows)?;
        apply_settlements(&transaction, batch)?;
        insert_requests(&transaction, batch)?;
        transaction
            .prepare_cached("UPDATE watermark SET number = ?1 WHERE number <> ?1")?
            .execute([signed(batch.watermark)])?;
        transaction.commit()?;
        Ok(())
    }

    /// After a failed fsync the kernel may have dropped the pages, so the connection is not trusted
    /// again. A new one reads what is really on disk.
    fn recover(&mut self) -> Result<(), Error> {
        // The old connection's exclusive lock must go first.
        self.connection = Connection::open_in_memory()?;
        self.connection = connect(&self.file)?;
        Ok(())
    }

    fn ends(&mut self) -> Result<(u64, u64), Error> {
        let one = |sql: &str| {
            self.connection
                .query_row(sql, [], |row| row.get::<_, i64>(0))
        };
        let newest = one("SELECT coalesce(max(number), 0) FROM event")?;
        let watermark = one("SELECT number FROM watermark")?;
        Ok((unsigned(newest), unsigned(watermark)))
    }

    fn events_after(&mut self, number: u64, most: usize) -> Result<Vec<TakenEvent>, Error> {
        let mut query = self.connection.prepare_cached(
            "SELECT number, id, received_at, data FROM event WHERE number > ?1 AND NOT EXISTS (
                 SELECT 1 FROM delivery
                 WHERE delivery.number BETWEEN event.number << 16 AND (event.number << 16) + 65535)
             ORDER BY number LIMIT ?2",
        )?;
        let rows = query.query_map(params![signed(number), limit(most)], read_event)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn due(
        &mut self,
        destination: &Arc<str>,
        now: Millis,
        most: usize,
    ) -> Result<Vec<Pending>, Error> {
        let mut query = self.connection.prepare_cached(
            "SELECT d.number, d.attempts, d.id, e.id, e.received_at, d.tag, d.payload, d.due
             FROM delivery d JOIN event e ON e.number = d.number >> 16
             WHERE d.state = 0 AND d.destination = ?1 AND d.due <= ?2
             ORDER BY d.due LIMIT ?3",
        )?;
        let rows = query.query_map(params![&**destination, now, limit(most)], |row| {
            read_pending(row, destination)
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn next_due(&mut self, destination: &str, now: Millis) -> Result<Option<Millis>, Error> {
        let mut query = self.connection.prepare_cached(
            "SELECT due FROM delivery WHERE state = 0 AND destination = ?1 AND due > ?2 ORDER BY due LIMIT 1",
        )?;
        Ok(query
            .query_row(params![destination, now], |row| row.get(0))
            .optional()?)
    }

    fn deliveries_of(&mut self, event: u64) -> Result<Vec<Record>, Error> {
        let mut query = self.connection.prepare_cached(
            "SELECT d.number, d.attempts, d.id, e.id, e.received_at, d.tag, d.payload, d.due,
                    d.destination, d.state, d.note, e.data
             FROM event e JOIN delivery d
                 ON d.number BETWEEN e.number << 16 AND (e.number << 16) + 65535
             WHERE e.number = ?1 ORDER BY d.number",
        )?;
        let rows = query.query_map([signed(event)], |row| read_record(event, row))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn counts(&mut self) -> Result<Counts, Error> {
        let mut counts = Counts::default();
        let mut query = self
            .connection
            .prepare_cached("SELECT destination, state, count(*) FROM delivery GROUP BY 1, 2")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let (destination, state, count) =
                (row.get(0)?, state_of(row.get(1)?), row.get::<_, i64>(2)?);
            counts
                .deliveries
                .insert((destination, state.as_str()), unsigned(count));
        }
        let failed: i64 =
            self.connection
                .query_row("SELECT count(*) FROM failed_request", [], |row| row.get(0))?;
        counts.failed_requests = unsigned(failed);
        Ok(counts)
    }
}

fn insert_events(
    transaction: &Transaction<'_>,
    events: &[TakenEvent],
) -> Result<(), rusqlite::Error> {
    let mut insert = transaction.prepare_cached("INSERT INTO event VALUES (?1, ?2, ?3, ?4)")?;
    for TakenEvent { number, event } in events {
        insert.execute(params![
            signed(*number),
            &*event.id,
            event.received_at,
            &event.data[..]
        ])?;
    }
    Ok(())
}

/// `OR IGNORE`: an event that was processed again after a crash makes the same rows.
fn insert_rows(transaction: &Transaction<'_>, rows: &[Row]) -> Result<(), rusqlite::Error> {
    let mut insert = transaction.prepare_cached(
        "INSERT OR IGNORE INTO delivery VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    for Row {
        number,
        attempts,
        delivery,
        note,
    } in rows
    {
        let Delivery {
            id,
            tag,
            destination,
            payload,
            due,
            state,
            ..
        } = delivery;
        insert.execute(params![
            signed(*number),
            &id.0[..],
            &**tag,
            &**destination,
            code_of(*state),
            attempts,
            due,
            note,
            &payload[..]
        ])?;
    }
    Ok(())
}

fn apply_settlements(transaction: &Transaction<'_>, batch: &Batch) -> Result<(), rusqlite::Error> {
    let mut update = transaction.prepare_cached(
        "UPDATE delivery SET state = ?2, attempts = ?3, due = ?4, note = ?5 WHERE number = ?1",
    )?;
    for settled in &batch.settlements {
        update.execute(params![
            signed(settled.number),
            code_of(settled.state),
            settled.attempts,
            settled.due,
            settled.note
        ])?;
    }
    Ok(())
}

fn insert_requests(transaction: &Transaction<'_>, batch: &Batch) -> Result<(), rusqlite::Error> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO failed_request (received_at, client, fault, message) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for request in &batch.requests {
        insert.execute(params![
            request.received_at,
            request.client,
            request.fault,
            &request.message[..]
        ])?;
    }
    Ok(())
}

fn read_event(row: &SqlRow<'_>) -> Result<TakenEvent, rusqlite::Error> {
    let id: String = row.get(1)?;
    let data: Vec<u8> = row.get(3)?;
    let event = Event {
        id: id.into(),
        received_at: row.get(2)?,
        data: data.into(),
    };
    Ok(TakenEvent {
        number: unsigned(row.get(0)?),
        event,
    })
}

fn read_pending(row: &SqlRow<'_>, destination: &Arc<str>) -> Result<Pending, rusqlite::Error> {
    let (event_id, tag): (String, String) = (row.get(3)?, row.get(5)?);
    let payload: Vec<u8> = row.get(6)?;
    let delivery = Delivery {
        id: DeliveryId(row.get(2)?),
        event_id: event_id.into(),
        received_at: row.get(4)?,
        tag: tag.into(),
        destination: destination.clone(),
        payload: payload.into(),
        due: row.get(7)?,
        state: State::Pending,
    };
    Ok(Pending {
        number: unsigned(row.get(0)?),
        attempts: row.get(1)?,
        delivery,
    })
}

fn read_record(event: u64, row: &SqlRow<'_>) -> Result<Record, rusqlite::Error> {
    let destination: String = row.get(8)?;
    let pending = read_pending(row, &destination.into())?;
    let data: Vec<u8> = row.get(11)?;
    Ok(Record {
        event,
        data: data.into(),
        attempts: pending.attempts,
        delivery: Delivery {
            state: state_of(row.get(9)?),
            ..pending.delivery
        },
        note: row.get(10)?,
    })
}

const STATES: [State; 5] = [
    State::Pending,
    State::Delivered,
    State::Dead,
    State::DryRun,
    State::Skipped,
];

/// The number of a state in the file. The partial index wants pending to be 0.
fn code_of(state: State) -> i64 {
    STATES
        .iter()
        .position(|known| *known == state)
        .and_then(|at| i64::try_from(at).ok())
        .unwrap_or(0)
}

fn state_of(code: i64) -> State {
    usize::try_from(code)
        .ok()
        .and_then(|at| STATES.get(at).copied())
        .unwrap_or(State::Dead)
}

// SQLite's integers are signed. Numbers count up from 1, so neither way loses anything.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

fn at(path: &Path, error: &std::io::Error) -> Error {
    Error::Storage(format!("{}: {error}", path.display()))
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Storage(error.to_string())
    }
}
