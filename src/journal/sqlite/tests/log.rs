//! The log beside the file: that it is moved into it, and how long it may become.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::{NOW, event, numbers, open};
use crate::journal::sqlite::Sqlite;
use crate::journal::sqlite::mover::{MOVE_AT, TOO_LONG};
use crate::journal::store::{Batch, Store};

const PAGE: u64 = 4_096;

/// One event of so many pages.
fn large(number: u64, pages: u32) -> Batch {
    let mut new = event(number, NOW);
    new.event.data = vec![b' '; pages as usize * PAGE as usize].into();
    Batch {
        number,
        events: vec![new],
        ..Batch::default()
    }
}

fn size(file: &Path) -> u64 {
    fs::metadata(file).unwrap().len()
}

fn log(store: &Sqlite) -> u64 {
    size(&store.file().with_extension("sqlite-wal"))
}

#[test]
fn the_log_is_moved_beside_the_writer() {
    let folder = TempDir::new().unwrap();
    let mut store = open(folder.path());
    store.commit(&large(1, MOVE_AT / 2)).unwrap();
    store.mover = None; // which ends when it has done what it was told
    assert!(size(store.file()) < u64::from(MOVE_AT / 2) * PAGE);
    store.recover().unwrap();
    store.commit(&large(2, MOVE_AT)).unwrap();
    store.mover = None;
    assert!(size(store.file()) > u64::from(MOVE_AT) * PAGE);
    assert!(log(&store) > u64::from(MOVE_AT) * PAGE);
    drop(store);
    assert_eq!(numbers(&open(folder.path())), [1, 2]);
}

#[test]
fn the_log_begins_anew_also_if_nobody_moves_it_but_the_writer() {
    let mut store = Sqlite::temporary().unwrap();
    let most = u64::from(TOO_LONG + MOVE_AT) * (PAGE + 24);
    for (commits, is_moved_beside) in [(1..=100, true), (101..=200, false)] {
        if !is_moved_beside {
            store.mover = None;
        }
        for number in commits {
            store.commit(&large(number, MOVE_AT / 2)).unwrap();
            assert!(log(&store) <= most, "{number}: {}", log(&store));
        }
    }
    assert_eq!(numbers(&store).len(), 200);
}
