//! The data folder, its lock, and a connection that is fit to write.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::journal::error::Error;

/// The format of the tables. A newer one in the file is refused, not guessed at.
const FORMAT: i64 = 1;

/// The tables of a new file. Settled deliveries leave the index `pending` by themselves.
const TABLES: &str = include_str!("tables.sql");

/// Pages of 4 KiB before the log is moved into the database file: 16 MiB.
const CHECKPOINT_PAGES: i64 = 4_000;

/// Page cache in KiB, as SQLite wants it: negative.
const CACHE_KIB: i64 = -16_000;

/// More than there are statements in these files.
const STATEMENTS: usize = 32;

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
    let file = folder.join("journal.sqlite");
    private_file(&file)?; // SQLite gives its other files the mode of this one
    Ok((lock_file, file))
}

/// Opens the file and makes its tables, if it is new.
pub(super) fn connect(file: &Path) -> Result<Connection, Error> {
    let connection = Connection::open(file)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Before anything is written: it cannot be changed later.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        let why = format!("{}: no write-ahead log here, only {mode}", file.display());
        return Err(Error::Storage(why));
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "cache_size", CACHE_KIB)?;
    make_tables(&connection)?;
    rewrite_log(&connection)?;
    Ok(connection)
}

fn make_tables(connection: &Connection) -> Result<(), Error> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match found {
        0 => connection.execute_batch(&format!("BEGIN; {TABLES} COMMIT;"))?,
        FORMAT => {}
        found => {
            return Err(Error::Newer {
                found,
                known: FORMAT,
            });
        }
    }
    Ok(())
}

/// Proves that the file can be written, and moves all of the log into it. Where an fsync failed,
/// the kernel may have dropped what it could not write, and SQLite, which reads the log back from
/// the kernel's cache, would go on behind a hole that only a power cut shows. What is moved is
/// written anew.
fn rewrite_log(connection: &Connection) -> Result<(), Error> {
    connection.pragma_update(None, "user_version", FORMAT)?;
    let is_busy: i64 =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    match is_busy {
        0 => Ok(()),
        _ => Err(Error::Storage("the log cannot be moved away".to_owned())),
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

/// Opens a file, or makes it so that nobody else can read it.
fn private_file(path: &Path) -> Result<File, Error> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| at(path, &error))
}

fn at(path: &Path, error: &std::io::Error) -> Error {
    Error::Storage(format!("{}: {error}", path.display()))
}
