//! The journal in SQLite: write-ahead log, `synchronous=FULL`, one connection that only the writer
//! thread uses. A commit that returned is on disk (a simulated power cut lost 203 of 5,000
//! acknowledged records with `NORMAL`, none with `FULL`).

mod oldest;
mod open;
mod rows;
mod sweep;
mod tally;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, params};

use super::error::Error;
use super::record::{Counts, Record};
use super::store::{Batch, Due, EventPage, Expiry, Progress, Room, Store, Swept, Wanted};
use crate::clock::Millis;
use oldest::Oldest;
use rows::{
    insert_events, insert_requests, insert_rows, read_event, read_pending, read_record,
    settle_rows, signed, unsigned,
};
use sweep::{Sweep, bytes_in_use};
use tally::Tally;

pub(super) struct Sqlite {
    file: PathBuf,
    connection: Connection,
    tally: Tally,
    sweep: Sweep,
    oldest: Oldest,
    size: u64,
    /// Given back last, when the connection is closed.
    _lock: File,
}

impl Sqlite {
    pub(super) fn open(folder: &Path) -> Result<Self, Error> {
        let (lock, file) = open::take_folder(folder)?;
        let connection = open::connect(&file)?;
        Ok(Self {
            tally: Tally::read(&connection)?,
            sweep: Sweep::default(),
            oldest: Oldest::default(),
            size: bytes_in_use(&connection)?,
            file,
            connection,
            _lock: lock,
        })
    }
}

impl Store for Sqlite {
    fn commit(&mut self, batch: &Batch) -> Result<(), Error> {
        self.tally.begin();
        let transaction = self.connection.transaction()?;
        insert_events(&transaction, &batch.events)?;
        insert_rows(&transaction, &batch.rows, &mut self.tally)?;
        settle_rows(&transaction, &batch.settlements, &mut self.tally)?;
        insert_requests(&transaction, &batch.requests)?;
        self.tally.save(&transaction)?;
        transaction
            .prepare_cached("UPDATE progress SET commits = ?1, watermark = ?2")?
            .execute([signed(batch.number), signed(batch.watermark)])?;
        transaction.commit()?;
        self.tally.end();
        // What is written is written, whatever becomes of this question.
        self.size = bytes_in_use(&self.connection).unwrap_or(self.size);
        Ok(())
    }

    /// The connection is not trusted again; a new one reads what is really there.
    fn recover(&mut self) -> Result<(), Error> {
        // The old connection's exclusive lock must go first.
        self.connection = Connection::open_in_memory()?;
        self.connection = open::connect(&self.file)?;
        self.tally = Tally::read(&self.connection)?;
        self.size = bytes_in_use(&self.connection)?;
        Ok(())
    }

    fn progress(&mut self) -> Result<Progress, Error> {
        let one = |sql| self.connection.query_row(sql, [], |row| row.get(0));
        let watermark = unsigned(one("SELECT watermark FROM progress")?);
        let newest = unsigned(one("SELECT coalesce(max(number), 0) FROM event")?);
        Ok(Progress {
            commits: unsigned(one("SELECT commits FROM progress")?),
            // Only events below the watermark are forgotten. A number is never used twice.
            newest: newest.max(watermark),
            watermark,
        })
    }

    fn events_after(&mut self, number: u64, mut room: Room) -> Result<EventPage, Error> {
        let mut query = self.connection.prepare_cached(
            "SELECT number, id, received_at, data FROM event
             WHERE number > ?1 AND NOT came_processed AND NOT EXISTS (
                 SELECT 1 FROM delivery
                 WHERE delivery.number BETWEEN event.number << 16 AND (event.number << 16) + 65535)
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
                    d.payload
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

    fn deliveries_of(&mut self, event: u64) -> Result<Vec<Record>, Error> {
        let mut query = self.connection.prepare_cached(
            "SELECT d.number, d.due, d.expires, d.attempts, d.id, e.id, e.received_at, d.tag,
                    d.payload, d.destination, d.state, d.class, d.note, e.data
             FROM event e JOIN delivery d
                 ON d.number BETWEEN e.number << 16 AND (e.number << 16) + 65535
             WHERE e.number = ?1 ORDER BY d.number",
        )?;
        let rows = query.query_map([signed(event)], |row| read_record(event, row))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn counts(&mut self) -> Result<Counts, Error> {
        let failed_requests: i64 =
            self.connection
                .query_row("SELECT count(*) FROM failed_request", params![], |row| {
                    row.get(0)
                })?;
        Ok(Counts {
            deliveries: self.tally.counts(),
            failed_requests: unsigned(failed_requests),
            ..Counts::default()
        })
    }

    fn oldest_undelivered(&mut self, watermark: u64) -> Result<Option<Millis>, Error> {
        Ok(self.oldest.look(&self.connection, watermark)?)
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn sweep(&mut self, expiry: Expiry) -> Result<Swept, Error> {
        let swept = self
            .sweep
            .step(&mut self.connection, &mut self.tally, expiry)?;
        self.size = bytes_in_use(&self.connection)?;
        Ok(swept)
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Storage(error.to_string())
    }
}
