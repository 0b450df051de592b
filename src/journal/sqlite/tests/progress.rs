//! How far the file has come, and which commits note it.

use tempfile::TempDir;

use super::{NOW, count, event, open, row};
use crate::delivery::State;
use crate::journal::sqlite::Sqlite;
use crate::journal::store::{Batch, Store};

#[test]
fn new_events_alone_are_their_own_note_of_how_far_it_is() {
    let folder = TempDir::new().unwrap();
    let mut store = open(folder.path());
    let noted = |store: &Sqlite| -> (i64, i64, i64) {
        let sql = "SELECT commits, newest, watermark FROM progress";
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        store.connection.query_row(sql, [], row).unwrap()
    };
    let mut batch = |number, new, rows, watermark| {
        let batch = Batch {
            number,
            events: vec![event(new, NOW)],
            rows,
            watermark,
            ..Batch::default()
        };
        assert!(!store.progress().unwrap().has(&batch));
        store.commit(&batch).unwrap();
        let progress = store.progress().unwrap();
        assert!(progress.has(&batch) && progress.newest == new);
        noted(&store)
    };
    assert_eq!(batch(1, 1, Vec::new(), 0), (0, 0, 0));
    let rows = vec![row(1, 0, State::Delivered, NOW)];
    assert_eq!(batch(2, 2, rows, 1), (2, 2, 1));
    assert_eq!(batch(3, 3, Vec::new(), 1), (2, 2, 1));
    assert_eq!(batch(4, 4, Vec::new(), 3), (4, 4, 3), "the watermark");
    assert_eq!(batch(5, 5, Vec::new(), 3), (4, 4, 3));
    assert_eq!(count(&mut store).newest_event, 5);
    drop(store);
    assert_eq!(open(folder.path()).progress().unwrap().newest, 5);
    let marks = Batch {
        number: 6,
        ..Batch::default()
    };
    let mut store = open(folder.path());
    assert!(!store.progress().unwrap().has(&marks));
    store.commit(&marks).unwrap();
    assert!(store.progress().unwrap().has(&marks));
}
