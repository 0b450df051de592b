//! The audit log: who changed what, and when. In memory for the page, in `audit.log` in the data
//! folder for whoever asks later, and as log lines with the target `audit`. Bounded everywhere.
//! What is written is what was asked for and what came of it, never a token.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::{info, warn};

use crate::clock::Millis;

/// Entries that are shown.
const MAX_ENTRIES: usize = 1_000;

/// Bytes of the file. Then it becomes `audit.log.1`, in the place of the one before.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// The longest body that is written down whole; longer ones are lists of ids.
const MAX_BODY_BYTES: usize = 2_048;

/// One change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub time: Millis,
    pub role: String,
    /// With the token, or in which browser session.
    pub via: String,
    pub method: String,
    pub path: String,
    pub body: Value,
    /// What was answered.
    pub status: u16,
}

/// All changes.
#[derive(Debug)]
pub struct Audit {
    file: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    entries: VecDeque<Entry>,
    /// Opened with the first entry: who only looks leaves no file.
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    bytes: u64,
}

impl Audit {
    /// The log of a data folder, with what is there from before.
    pub fn in_folder(folder: &Path) -> Self {
        let file = folder.join("audit.log");
        let text = fs::read_to_string(&file).unwrap_or_default();
        let lines = text.lines().rev().take(MAX_ENTRIES);
        let entries = lines.filter_map(|line| serde_json::from_str(line).ok());
        let mut entries: VecDeque<Entry> = entries.collect();
        entries.make_contiguous().reverse();
        let state = State {
            entries,
            open: None,
        };
        Self {
            file,
            state: Mutex::new(state),
        }
    }

    /// The newest, newest first.
    pub(super) fn newest(&self, most: usize) -> Vec<Entry> {
        let state = self.lock();
        state.entries.iter().rev().take(most).cloned().collect()
    }

    /// Writes down a change. Blocks for as long as the disk does.
    pub(super) fn add(&self, entry: Entry) {
        let Entry {
            role,
            via,
            method,
            path,
            status,
            ..
        } = &entry;
        info!(target: "audit", role, via, method, path, body = %entry.body, status, "changed by hand");
        let mut state = self.lock();
        if let Err(error) = self.write(&mut state, &entry) {
            warn!(file = %self.file.display(), %error, "the audit log could not be written");
            state.open = None;
        }
        state.entries.push_back(entry);
        while state.entries.len() > MAX_ENTRIES {
            state.entries.pop_front();
        }
    }

    fn write(&self, state: &mut State, entry: &Entry) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        if state
            .open
            .as_ref()
            .is_some_and(|open| open.bytes > MAX_FILE_BYTES)
        {
            state.open = None;
            fs::rename(&self.file, self.file.with_extension("log.1"))?;
        }
        let open = match &mut state.open {
            Some(open) => open,
            none => none.insert(Open::at(&self.file)?),
        };
        open.file.write_all(&line)?;
        open.bytes += line.len() as u64;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn at(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.append(true).create(true).mode(0o600).open(path)?;
        let bytes = file.metadata()?.len();
        Ok(Self { file, bytes })
    }
}

/// A body as it is written down: as JSON if it is that and not long.
pub(super) fn shown(body: &[u8]) -> Value {
    if body.len() > MAX_BODY_BYTES {
        return Value::String(format!("{} bytes", body.len()));
    }
    serde_json::from_slice(body).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn entry(time: Millis, path: &str) -> Entry {
        Entry {
            time,
            role: "admin".to_owned(),
            via: "token".to_owned(),
            method: "POST".to_owned(),
            path: path.to_owned(),
            body: Value::Null,
            status: 200,
        }
    }

    #[test]
    fn entries_outlive_a_restart_and_are_for_the_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let audit = Audit::in_folder(folder.path());
        let file = folder.path().join("audit.log");
        assert!(!file.try_exists().unwrap());
        for time in 0..3 {
            audit.add(entry(time, "/api/reload"));
        }
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = Audit::in_folder(folder.path());
        again.add(entry(3, "/api/reload"));
        let times: Vec<Millis> = again.newest(3).iter().map(|entry| entry.time).collect();
        assert_eq!(times, [3, 2, 1]);
    }

    #[test]
    fn the_file_is_bounded_by_a_second_one() {
        let folder = tempfile::tempdir().unwrap();
        let audit = Audit::in_folder(folder.path());
        let long = "/".repeat(64 * 1024);
        for time in 0..150 {
            audit.add(entry(time, &long));
        }
        for name in ["audit.log", "audit.log.1"] {
            let bytes = fs::metadata(folder.path().join(name)).unwrap().len();
            assert!(bytes < MAX_FILE_BYTES + 100_000, "{name}: {bytes}");
        }
        assert_eq!(audit.newest(MAX_ENTRIES).len(), 150);
    }

    #[test]
    fn a_long_body_is_told_by_its_length() {
        assert_eq!(shown(b"{\"all\":true}")["all"], true);
        assert_eq!(shown(&vec![b'1'; 9_999]), "9999 bytes");
        assert_eq!(shown(b"no json"), Value::Null);
    }
}
