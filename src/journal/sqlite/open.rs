//! The data folder, its lock, and connections that are fit to write or to read.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use tracing::warn;

use crate::journal::error::Error;
use crate::journal::store::Disk;

/// The format of the tables. Any other in the file is refused, not guessed at.
const FORMAT: i64 = 2;

/// The tables of a new file.
const TABLES: &str = include_str!("tables.sql");

/// The writer's page cache in KiB, as SQLite wants it: negative.
const CACHE_KIB: i64 = -16_000;

/// More than there are statements in these files.
const STATEMENTS: usize = 64;

/// How long the log may be in use by a reader when it is to be moved away: longer than our own
/// reader takes to give way, short enough that nobody waits long for an answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long a start waits for another program that reads the log: a `tagwerk verify` that goes over
/// some million rows.
pub(super) const AT_START: Duration = Duration::from_secs(120);

/// How long one try to go on after a failure waits, as others wait for it.
pub(super) const AFTER_A_FAILURE: Duration = Duration::ZERO;

/// What a commit that returned is safe from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    /// A power cut.
    Disk,
    /// Nothing: the file goes with the process.
    None,
}

impl Durability {
    fn synchronous(self) -> &'static str {
        match self {
            Self::Disk => "FULL",
            Self::None => "OFF",
        }
    }
}

/// The name of the file in its folder.
pub(super) fn file_in(folder: &Path) -> PathBuf {
    folder.join("journal.sqlite")
}

/// Makes the folder, if it is not there, and takes it. The lock is held as long as the file lives;
/// the operating system gives it back whatever happens to us.
pub(super) fn take_folder(folder: &Path) -> Result<(File, PathBuf), Error> {
    make_folder(folder)?;
    let lock_file = private_file(&folder.join("lock"))?;
    match lock_file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(Error::Locked(folder.to_owned())),
        Err(TryLockError::Error(error)) => return Err(at(folder, &error)),
    }
    let file = file_in(folder);
    private_file(&file)?; // SQLite gives its other files the mode of this one
    Ok((lock_file, file))
}

/// Opens the file to write, and makes its tables if it is new. Waits so long for who reads its log.
pub(super) fn connect(
    file: &Path,
    durability: Durability,
    patience: Duration,
) -> Result<Connection, Error> {
    let connection = Connection::open(file)?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Before anything is written: it cannot be changed later.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        let why = format!("{}: no write-ahead log here, only {mode}", file.display());
        return Err(Error::Storage(why));
    }
    connection.pragma_update(None, "synchronous", durability.synchronous())?;
    connection.pragma_update(None, "cache_size", CACHE_KIB)?;
    match format(&connection)? {
        0 => connection.execute_batch(&format!("BEGIN; {TABLES} COMMIT;"))?,
        found => check_format(found)?,
    }
    rewrite_log(&connection, patience)?;
    Ok(connection)
}

/// Opens the file to move its log into it, beside whoever writes it.
pub(super) fn connect_to_move(
    file: &Path,
    durability: Durability,
) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.pragma_update(None, "synchronous", durability.synchronous())?;
    Ok(connection)
}

/// Opens the file to read, beside whoever writes it.
pub(super) fn connect_to_read(file: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    check_format(format(&connection)?)?;
    Ok(connection)
}

fn format(connection: &Connection) -> Result<i64, rusqlite::Error> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn check_format(found: i64) -> Result<(), Error> {
    match found {
        FORMAT => Ok(()),
        found if found < FORMAT => Err(Error::Unreleased { found }),
        found => Err(Error::Newer {
            found,
            known: FORMAT,
        }),
    }
}

/// Proves that the file can be written, and moves all of the log into it. Where an fsync failed,
/// the kernel may have dropped what it could not write, and SQLite, which reads the log back from
/// the kernel's cache, would go on behind a hole that only a power cut shows. What is moved is
/// written anew, and the log starts from nothing: while somebody still reads it, it cannot.
fn rewrite_log(connection: &Connection, patience: Duration) -> Result<(), Error> {
    connection.pragma_update(None, "user_version", FORMAT)?;
    let begun = Instant::now();
    let mut is_told = false;
    while is_log_busy(connection)? {
        if begun.elapsed() >= patience {
            let why = "its log cannot be moved away while another program reads it";
            return Err(Error::Storage(why.to_owned()));
        }
        if !std::mem::replace(&mut is_told, true) {
            warn!(
                "another program reads the journal, such as `tagwerk verify`; waiting for it to end"
            );
        }
    }
    Ok(())
}

/// Moves the log away, if nobody reads it; SQLite waits for that itself, for [`PATIENCE`].
fn is_log_busy(connection: &Connection) -> Result<bool, rusqlite::Error> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
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

/// The file system that a file is on.
pub(super) fn disk(file: &Path) -> Option<Disk> {
    let found = rustix::fs::statvfs(file).ok()?;
    Some(Disk {
        total: found.f_blocks.saturating_mul(found.f_frsize),
        free: found.f_bavail.saturating_mul(found.f_frsize),
    })
}

/// Opens a file, or makes it so that nobody else can read it.
fn private_file(path: &Path) -> Result<File, Error> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| at(path, &error))
}

pub(super) fn at(path: &Path, error: &std::io::Error) -> Error {
    Error::Storage(format!("{}: {error}", path.display()))
}
