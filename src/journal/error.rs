//! Why the journal did not do what it was asked.

use std::fmt;
use std::path::PathBuf;

/// Errors that callers tell apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// Too much waits to be written just now.
    Busy,
    /// Too much is kept (`[journal] max_size`), or the disk has no room: come back later.
    Full,
    /// It was appended before, and that is durable; or the kept request that it should replace is
    /// not kept any more. Nothing was appended.
    Duplicate,
    /// It was closed.
    Closed,
    /// Another process has this data folder.
    Locked(PathBuf),
    /// The data was written by a newer version.
    Newer {
        /// The version of the data.
        found: i64,
        /// The newest that this program reads.
        known: i64,
    },
    /// The data was written before the first release, in a format that none has.
    Unreleased {
        /// The version of the data.
        found: i64,
    },
    /// The disk or the database said no.
    Storage(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("too much waits to be written"),
            Self::Full => f.write_str("the journal is full: it has reached [journal] max_size, or the disk is nearly full"),
            Self::Duplicate => f.write_str("it was accepted before"),
            Self::Closed => f.write_str("the journal is closed"),
            Self::Locked(folder) => write!(
                f,
                "the data folder {} is in use by another process; stop it, or set another [data] dir",
                folder.display()
            ),
            Self::Newer { found, known } => write!(
                f,
                "the journal was written by a newer version (format {found}, this program knows {known}); use that version, or another [data] dir"
            ),
            Self::Unreleased { found } => write!(
                f,
                "the journal was written by a development version (format {found}) and cannot be read; let that version deliver what is in it, then move the file away, or set another [data] dir"
            ),
            Self::Storage(why) => write!(f, "the journal cannot be written or read: {why}"),
        }
    }
}

impl std::error::Error for Error {}
