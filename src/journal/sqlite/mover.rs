//! Moves the log into the database file, beside the writer: no commit waits for it. The writer moves
//! only what has come meanwhile, now and then, so that the log can begin anew. Decides when; how it is
//! done is SQLite's (<https://sqlite.org/wal.html#ckpt>).

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use rusqlite::hooks::Wal;
use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, ErrorCode};
use tracing::warn;

use super::open::{self, Durability};
use crate::journal::error::Error;

/// Pages of 4 KiB that are moved at a time: 2 MiB. More at once, and commits wait for the disk behind
/// it; fewer, and pages that change often are moved more often.
pub(super) const MOVE_AT: u32 = 512;

/// Pages from which on the log is to begin anew: 16 MiB. Until then what was moved stays in it.
const LONG: u32 = 4_096;

/// So few that the writer moves them itself, in less than a commit takes twice.
const FEW: u32 = 64;

/// Pages from which on the writer moves whatever there is, as nobody else seems to: 32 MiB, half of
/// what is kept free on a disk (`writer::space`).
pub(super) const TOO_LONG: u32 = 2 * LONG;

/// The thread. It ends when this is dropped, after what it is about to move.
pub(super) struct Mover {
    letters: SyncSender<Letter>,
    thread: Option<JoinHandle<()>>,
}

enum Letter {
    Move,
    End,
}

/// What both know of the log.
#[derive(Default)]
struct Moved {
    /// So many of its pages are in the file.
    pages: AtomicU32,
    /// It was said that it cannot be moved.
    is_told: AtomicBool,
    /// Held by the thread while it moves pages, and by the writer while it moves all there are.
    moving: Mutex<()>,
}

/// What the writer does after each commit.
struct AfterCommit {
    letters: SyncSender<Letter>,
    moved: Arc<Moved>,
}

impl Mover {
    /// For the one connection that writes to the file. Must be dropped before it is.
    pub(super) fn start(
        connection: &mut Connection,
        file: &Path,
        durability: Durability,
    ) -> Result<Self, Error> {
        let (letters, inbox) = mpsc::sync_channel(1);
        let moved = Arc::new(Moved::default());
        let after = AfterCommit {
            letters: letters.clone(),
            moved: moved.clone(),
        };
        connection.wal_hook(Some(move |log: &mut Wal, pages| {
            after.committed(log, u32::try_from(pages).unwrap_or_default());
            Ok(())
        }))?;
        let file = file.to_owned();
        let thread = thread::Builder::new()
            .name("journal-log".to_owned())
            .spawn(move || work(&file, durability, &inbox, &moved))
            .map_err(|error| Error::Storage(format!("cannot start the journal's log: {error}")))?;
        Ok(Self {
            letters,
            thread: Some(thread),
        })
    }
}

impl Drop for Mover {
    fn drop(&mut self) {
        drop(self.letters.send(Letter::End));
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            warn!("what moves the journal's log had ended by itself; this is a defect of ours");
        }
    }
}

/// What is to be done about a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Nothing,
    /// By the thread.
    MoveBeside,
    /// By the writer.
    MoveHere,
    /// By the writer, who waits for the thread if that is at it: nothing more may come before.
    MoveAllHere,
}

/// Of a log of so many pages, of which so many are moved. After the log has begun anew, the latter may
/// still be of the one before.
fn step(pages: u32, moved: u32) -> Step {
    let left = pages.checked_sub(moved).unwrap_or(pages);
    match pages {
        TOO_LONG.. => Step::MoveAllHere,
        LONG.. if left <= FEW => Step::MoveHere,
        LONG.. => Step::MoveBeside,
        _ if left >= MOVE_AT => Step::MoveBeside,
        _ => Step::Nothing,
    }
}

impl AfterCommit {
    fn committed(&self, log: &mut Wal, pages: u32) {
        let moved = self.moved.pages.load(Ordering::Relaxed);
        match step(pages, moved) {
            Step::Nothing => {}
            // Without room for it the thread has one to come to.
            Step::MoveBeside => drop(self.letters.try_send(Letter::Move)),
            Step::MoveHere => self.moved.note(log.checkpoint_v2(CheckpointMode::PASSIVE)),
            Step::MoveAllHere => {
                let _alone = self.moved.moving();
                self.moved.note(log.checkpoint_v2(CheckpointMode::PASSIVE));
            }
        }
    }
}

fn work(file: &Path, durability: Durability, inbox: &Receiver<Letter>, moved: &Moved) {
    let mut connection = None;
    while let Ok(Letter::Move) = inbox.recv() {
        // Most journals are so small that it is never needed.
        let opened = match connection.take() {
            Some(connection) => Ok(connection),
            None => open::connect_to_move(file, durability),
        };
        match opened {
            Ok(opened) => {
                let _alone = moved.moving();
                moved.note(opened.wal_checkpoint_v2(Some("main"), CheckpointMode::PASSIVE));
                connection = Some(opened);
            }
            Err(error) => moved.tell(&error),
        }
    }
}

impl Moved {
    /// Notes how many pages of the log are in the file by now.
    fn note(&self, done: Result<(i32, i32), rusqlite::Error>) {
        match done {
            Ok((_, pages)) => {
                let pages = u32::try_from(pages).unwrap_or_default();
                self.pages.store(pages, Ordering::Relaxed);
                self.is_told.store(false, Ordering::Relaxed);
            }
            // The other one is at it.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {}
            Err(error) => self.tell(&error),
        }
    }

    fn moving(&self) -> MutexGuard<'_, ()> {
        self.moving.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Once, until it can be moved again. Nothing is lost: what could not be moved stays in the log.
    fn tell(&self, error: &rusqlite::Error) {
        if !self.is_told.swap(true, Ordering::Relaxed) {
            warn!(%error, "the journal's log could not be moved into its file, and grows until it can");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_moved_beside_the_writer_who_moves_the_rest() {
        for (pages, moved, expected) in [
            (0, 0, Step::Nothing),
            (MOVE_AT - 1, 0, Step::Nothing),
            (MOVE_AT, 0, Step::MoveBeside),
            (MOVE_AT + 9, MOVE_AT, Step::Nothing),
            (2 * MOVE_AT, MOVE_AT, Step::MoveBeside),
            // The log has begun anew, and nobody has noted it yet.
            (9, LONG, Step::Nothing),
            (MOVE_AT, LONG, Step::MoveBeside),
            (LONG, LONG - MOVE_AT, Step::MoveBeside),
            (LONG + 70, LONG, Step::MoveBeside),
            (LONG + 70, LONG + 10, Step::MoveHere),
            (TOO_LONG, 0, Step::MoveAllHere),
        ] {
            assert_eq!(step(pages, moved), expected, "{moved} of {pages}");
        }
    }
}
