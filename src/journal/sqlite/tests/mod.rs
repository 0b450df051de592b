//! What cannot be seen through the journal: the file itself, and forgetting.

mod log;
mod progress;

use std::collections::HashSet;
use std::path::Path;

use tempfile::TempDir;

use super::Sqlite;
use super::{stock, verify};
use crate::clock::Millis;
use crate::delivery::{Delivery, DeliveryId, State};
use crate::event::Event;
use crate::journal::record::{Counts, FailedRequest, delivery_number};
use crate::journal::store::{
    Batch, Expiry, Heard, NewEvent, Progress, Room, Row, Store, Swept, Wanted,
};

const NOW: Millis = 1_000_000;

/// Nothing expires before, everything with a smaller time does.
const EXPIRY: Expiry = Expiry {
    events: NOW,
    dead_letters: NOW,
    keys: NOW,
    now: Millis::MAX,
};

fn open(folder: &Path) -> Sqlite {
    Sqlite::open(folder).unwrap()
}

fn event(number: u64, received_at: Millis) -> NewEvent {
    NewEvent {
        number,
        event: Event {
            id: number.to_string().into(),
            received_at,
            data: vec![b' '; 2_000].into(),
        },
        came_processed: false,
    }
}

fn row(event: u64, index: usize, state: State, due: Millis) -> Row {
    Row {
        number: delivery_number(event, index),
        attempts: 0,
        delivery: Delivery {
            id: DeliveryId::of(&event.to_string(), "tag", index),
            event_id: event.to_string().into(),
            received_at: NOW,
            tag: "tag".into(),
            destination: "slack".into(),
            payload: "{}".into(),
            due,
            expires: None,
            state,
        },
        class: None,
        note: None,
    }
}

/// Sweeps until there is nothing more to forget; how many steps that took.
fn sweep(store: &mut Sqlite, expiry: Expiry) -> usize {
    let steps = (1..1_000).find(|_| store.sweep(expiry).unwrap() == Swept::All);
    steps.expect("a sweep ends")
}

fn count(store: &mut Sqlite) -> Counts {
    stock::counts(&store.connection.transaction().unwrap()).unwrap()
}

fn numbers(store: &Sqlite) -> Vec<i64> {
    let mut query = store
        .connection
        .prepare("SELECT number FROM event ORDER BY 1")
        .unwrap();
    let rows = query.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

fn pragma(store: &Sqlite, name: &str) -> String {
    let value = |row: &rusqlite::Row<'_>| row.get::<_, rusqlite::types::Value>(0);
    match store
        .connection
        .pragma_query_value(None, name, value)
        .unwrap()
    {
        rusqlite::types::Value::Integer(number) => number.to_string(),
        rusqlite::types::Value::Text(text) => text,
        other => format!("{other:?}"),
    }
}

#[test]
fn the_file_is_set_up_so_that_a_commit_is_on_disk() {
    let folder = TempDir::new().unwrap();
    for _ in 0..2 {
        let mut store = open(folder.path());
        for (name, value) in [
            ("journal_mode", "wal"),
            ("synchronous", "2"), // full
            ("locking_mode", "normal"),
            ("auto_vacuum", "2"), // incremental
            ("page_size", "4096"),
            ("user_version", "2"),
        ] {
            assert_eq!(pragma(&store, name), value, "{name}");
        }
        store.recover().unwrap();
        assert_eq!(pragma(&store, "synchronous"), "2");
    }
}

#[test]
fn a_commit_happens_as_a_whole_or_not_at_all() {
    let folder = TempDir::new().unwrap();
    let mut store = open(folder.path());
    let batch = Batch {
        number: 1,
        events: vec![event(1, NOW), event(2, NOW)],
        rows: vec![row(1, 0, State::Pending, NOW)],
        ..Batch::default()
    };
    store.commit(&batch).unwrap();
    let again = Batch {
        number: 2,
        events: vec![event(3, NOW), event(2, NOW)],
        rows: vec![row(3, 0, State::Pending, NOW)],
        watermark: 2,
        ..Batch::default()
    };
    store.commit(&again).unwrap_err();
    store.recover().unwrap();
    assert_eq!(numbers(&store), [1, 2]);
    let progress = Progress {
        commits: 1,
        newest: 2,
        watermark: 0,
    };
    assert_eq!(store.progress().unwrap(), progress);
    assert_eq!(count(&mut store).total(State::Pending), 1);
}

/// How SQLite would answer.
fn plan(store: &Sqlite, question: &str) -> Vec<String> {
    let sql = format!("EXPLAIN QUERY PLAN {question}");
    let mut query = store.connection.prepare(&sql).unwrap();
    let plan = query.query_map([], |row| row.get::<_, String>(3)).unwrap();
    plan.map(Result::unwrap).collect()
}

#[test]
fn questions_are_answered_from_an_index_without_sorting() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    let joined = "CROSS JOIN event e ON e.number = d.number >> 16";
    let dead = "FROM (SELECT * FROM delivery INDEXED BY dead WHERE state = 2) d";
    let by_key = "SEARCH e USING INTEGER PRIMARY KEY (rowid=?)";
    for (question, expected) in [
        (
            format!(
                "SELECT d.payload FROM delivery d {joined} WHERE d.state = 0 AND d.destination = 'slack' ORDER BY d.due, d.number"
            ),
            vec!["SEARCH d USING INDEX pending (destination=?)", by_key],
        ),
        (
            format!(
                "SELECT d.payload {dead} {joined} WHERE d.number > 1 AND d.due > 2 ORDER BY d.number"
            ),
            vec!["SEARCH delivery USING INDEX dead (number>?)", by_key],
        ),
        (
            format!(
                "SELECT count(*) {dead} WHERE d.number > 1 AND d.due > 2 AND d.tag = 'a' AND d.class = 1 AND hex(d.id) = '' AND d.destination = 'b'"
            ),
            vec!["SEARCH delivery USING COVERING INDEX dead (number>?)"],
        ),
        (
            "SELECT min(number) FROM delivery INDEXED BY pending WHERE state = 0".to_owned(),
            vec!["SEARCH delivery USING COVERING INDEX pending"],
        ),
        (
            "SELECT max(event) FROM minute WHERE at <= 1".to_owned(),
            vec!["SEARCH minute USING INTEGER PRIMARY KEY (rowid<?)"],
        ),
    ] {
        assert_eq!(plan(&store, &question), expected, "{question}");
    }
}

#[test]
fn what_is_held_is_not_read_and_what_finds_no_room_is_next() {
    let folder = TempDir::new().unwrap();
    let mut store = open(folder.path());
    let due_at = [5, 1, 2, 3, 9];
    let rows = due_at.iter().enumerate();
    let batch = Batch {
        number: 1,
        events: vec![event(1, NOW)],
        rows: rows
            .map(|(index, due)| row(1, index, State::Pending, *due))
            .collect(),
        ..Batch::default()
    };
    store.commit(&batch).unwrap();
    let held = |index| HashSet::from([delivery_number(1, index)]);
    for (held, rows, bytes, now, expected, next) in [
        (HashSet::new(), 99, 99, 7, vec![1, 2, 3, 5], Some(9)),
        (HashSet::new(), 99, 99, 9, vec![1, 2, 3, 5, 9], None),
        (HashSet::new(), 2, 99, 9, vec![1, 2], Some(3)),
        (HashSet::new(), 99, 3, 9, vec![1, 2], Some(3)),
        (held(1), 2, 99, 9, vec![2, 3], Some(5)),
        (held(4), 99, 99, 7, vec![1, 2, 3, 5], None),
        (HashSet::new(), 99, 99, 0, vec![], Some(1)),
    ] {
        let wanted = Wanted {
            held,
            room: Room { rows, bytes },
        };
        let found = store.due(&"slack".into(), now, wanted).unwrap();
        let ready: Vec<Millis> = found.ready.iter().map(|one| one.delivery.due).collect();
        assert_eq!((ready, found.next), (expected, next), "at {now}");
    }
}

#[test]
fn only_what_is_finished_and_old_is_forgotten() {
    let folder = TempDir::new().unwrap();
    let mut store = open(folder.path());
    let (ancient, old, young) = (NOW - 11, NOW - 1, NOW);
    let expiry = Expiry {
        dead_letters: NOW - 10,
        ..EXPIRY
    };
    // Of each event: when it arrived, its deliveries and when they were settled, and whether it is
    // kept.
    type Case<'a> = (Millis, &'a [(State, Millis)], bool);
    let cases: &[Case<'_>] = &[
        (old, &[], false),
        (
            old,
            &[(State::Delivered, old), (State::Skipped, old)],
            false,
        ),
        (
            old,
            &[(State::Delivered, old), (State::Delivered, young)],
            true,
        ),
        (old, &[(State::Delivered, old), (State::Pending, old)], true),
        (old, &[(State::Dead, old), (State::DryRun, old)], true),
        (old, &[(State::Dead, ancient), (State::DryRun, old)], false),
        (young, &[(State::Delivered, old)], true),
        (old, &[(State::Delivered, old)], false),
        (old, &[], true), // above the watermark
    ];
    let mut batch = Batch {
        number: 1,
        watermark: cases.len() as u64 - 1,
        ..Batch::default()
    };
    for (number, (received_at, states, _)) in (1..).zip(cases) {
        batch.events.push(event(number, *received_at));
        let rows = states.iter().enumerate();
        batch
            .rows
            .extend(rows.map(|(index, (state, due))| row(number, index, *state, *due)));
    }
    store.commit(&batch).unwrap();
    sweep(&mut store, expiry);
    let kept = (1..).zip(cases).filter(|(_, (_, _, is_kept))| *is_kept);
    let kept: Vec<i64> = kept.map(|(number, _)| number).collect();
    assert_eq!(numbers(&store), kept);
    let left = kept
        .iter()
        .map(|number| cases[*number as usize - 1].1.len() as u64);
    let counts = count(&mut store);
    assert_eq!(counts.deliveries.values().sum::<u64>(), left.sum::<u64>());
    // The tally on disk says the same.
    store.recover().unwrap();
    assert_eq!(count(&mut store), counts);
}

#[test]
fn the_books_agree_with_a_recount_after_a_sweep() {
    let folder = TempDir::new().unwrap();
    let mut store = open(folder.path());
    let heard = |event, tag: &str, has_fired| Heard {
        event,
        tag: tag.into(),
        has_fired,
    };
    let batch = Batch {
        number: 1,
        events: (1..=4).map(|number| event(number, NOW - 1)).collect(),
        rows: vec![
            row(1, 0, State::Delivered, NOW - 1),
            row(1, 1, State::DryRun, NOW - 1),
            row(2, 0, State::Pending, NOW - 1),
            row(4, 0, State::Skipped, NOW - 1),
        ],
        heard: vec![
            heard(1, "tag", true),
            heard(1, "other", false),
            heard(2, "tag", true),
            heard(3, "tag", false),
            heard(4, "tag", true),
        ],
        empty: vec![3],
        watermark: 4,
        ..Batch::default()
    };
    store.commit(&batch).unwrap();
    let mut verified = |forgotten| {
        let transaction = store.connection.transaction().unwrap();
        let found = verify::verify(&transaction).unwrap();
        assert_eq!(found.problems, [""; 0]);
        let numbers = (found.acknowledged, found.kept, found.forgotten);
        assert_eq!(numbers, (4, 4 - forgotten, forgotten));
        let tag = &found.tags[1];
        let numbers = (tag.handed, tag.filtered, tag.settled, tag.pending);
        assert_eq!(numbers, (4, 1, 2, 1));
        drop(transaction);
        sweep(&mut store, EXPIRY);
    };
    verified(0);
    verified(3);
    let counts = count(&mut store);
    assert_eq!((counts.forgotten, counts.tags[1].forgotten), (3, 2));
    assert_eq!(counts.tallies[0].forgotten, 3);
}

#[test]
fn a_reader_holds_up_no_commit_but_is_waited_for_where_the_log_is_written_anew() {
    let folder = TempDir::new().unwrap();
    let mut store = open(folder.path());
    let batch = |number| Batch {
        number,
        events: vec![event(number, NOW)],
        ..Batch::default()
    };
    store.commit(&batch(1)).unwrap();
    let mut reader = super::open::connect_to_read(store.file()).unwrap();
    let reading = reader.transaction().unwrap();
    let seen = || stock::counts(&reading).unwrap().newest_event;
    assert_eq!(seen(), 1);
    store.commit(&batch(2)).unwrap();
    assert_eq!(seen(), 1, "it goes on seeing the file as it was");
    store.recover().unwrap_err();
    drop(reading);
    store.recover().unwrap();
    store.commit(&batch(3)).unwrap();
    let reading = reader.transaction().unwrap();
    assert_eq!(stock::counts(&reading).unwrap().newest_event, 3);
}

#[test]
fn what_is_temporary_is_removed_in_the_end() {
    let store = Sqlite::temporary().unwrap();
    let folder = store.file().parent().unwrap().to_owned();
    assert_eq!(pragma(&store, "synchronous"), "0");
    assert!(folder.is_dir());
    drop(store);
    assert!(!folder.try_exists().unwrap());
}

#[test]
fn numbers_go_on_when_everything_was_forgotten() {
    let folder = TempDir::new().unwrap();
    let mut store = open(folder.path());
    let batch = Batch {
        number: 1,
        events: (1..=7).map(|number| event(number, NOW - 1)).collect(),
        watermark: 7,
        ..Batch::default()
    };
    store.commit(&batch).unwrap();
    sweep(&mut store, EXPIRY);
    assert_eq!(numbers(&store), [0; 0]);
    drop(store);
    assert_eq!(open(folder.path()).progress().unwrap().newest, 7);
}

#[test]
fn a_large_backlog_is_forgotten_in_steps_and_the_file_shrinks() {
    let folder = TempDir::new().unwrap();
    let mut store = open(folder.path());
    let before = store.size();
    let events = 1..=5_000;
    let requests = (0..700).map(|_| FailedRequest {
        id: "r".to_owned(),
        received_at: NOW - 1,
        client: "shop".to_owned(),
        fault: "no".to_owned(),
        message: "POST /".into(),
    });
    let batch = Batch {
        number: 1,
        events: events
            .clone()
            .map(|number| event(number, NOW - 1))
            .collect(),
        rows: events
            .map(|number| row(number, 0, State::Delivered, NOW - 1))
            .collect(),
        requests: requests.collect(),
        watermark: 5_000,
        ..Batch::default()
    };
    store.commit(&batch).unwrap();
    let full = store.size();
    assert!(full > 10_000_000, "{full}");
    let steps = sweep(&mut store, EXPIRY);
    assert!((10..30).contains(&steps), "{steps}");
    assert!(store.size() < before + 100_000, "{}", store.size());
    assert_eq!(count(&mut store).failed_requests, 0);
    // Also while it goes on.
    let file = store.file();
    let left = std::fs::metadata(file).unwrap().len();
    assert!(left < full / 2, "{left} of {full} bytes are left");
}

#[test]
fn a_sweep_finds_what_is_behind_a_dead_letter_that_is_kept() {
    let folder = TempDir::new().unwrap();
    let mut store = open(folder.path());
    let mut batch = Batch {
        number: 1,
        events: (1..=1_200).map(|number| event(number, NOW - 1)).collect(),
        watermark: 1_200,
        ..Batch::default()
    };
    batch.rows.push(row(1, 0, State::Dead, NOW));
    batch.rows.push(row(600, 0, State::Dead, NOW));
    store.commit(&batch).unwrap();
    sweep(&mut store, EXPIRY);
    assert_eq!(numbers(&store), [1, 600]);
    let later = Expiry {
        dead_letters: NOW + 1,
        ..EXPIRY
    };
    sweep(&mut store, later);
    assert_eq!(numbers(&store), [0; 0]);
}

#[test]
fn what_came_while_the_clock_was_wrong_hides_nothing_behind_it() {
    let folder = TempDir::new().unwrap();
    let mut store = open(folder.path());
    let at = |number| if number <= 600 { NOW + 9_999 } else { NOW - 1 };
    let batch = Batch {
        number: 1,
        events: (1..=1_200)
            .map(|number| event(number, at(number)))
            .collect(),
        watermark: 1_200,
        ..Batch::default()
    };
    store.commit(&batch).unwrap();
    let now = Expiry { now: NOW, ..EXPIRY };
    sweep(&mut store, now);
    assert_eq!(numbers(&store), (1..=600).collect::<Vec<_>>());
}

#[test]
fn a_start_waits_for_whoever_reads_the_log() {
    let folder = TempDir::new().unwrap();
    let mut killed = open(folder.path());
    let batch = Batch {
        number: 1,
        events: vec![event(1, NOW)],
        ..Batch::default()
    };
    killed.commit(&batch).unwrap();
    let file = killed.file().to_owned();
    let mut reader = super::open::connect_to_read(&file).unwrap();
    let reading = reader.transaction().unwrap();
    assert_eq!(stock::counts(&reading).unwrap().newest_event, 1);
    // The log is left behind, as by a kill: its reader keeps SQLite from moving it away.
    drop(killed);
    let at_once = super::open::AFTER_A_FAILURE;
    let impatient = super::open::connect(&file, super::Durability::Disk, at_once);
    let why = impatient.err().map(|error| error.to_string());
    let why = why.unwrap_or_default();
    assert!(why.contains("while another program reads it"), "{why}");
    let home = folder.path().to_owned();
    let opening = std::thread::spawn(move || Sqlite::open(&home).map(drop));
    drop(reading);
    assert_eq!(opening.join().unwrap(), Ok(()));
}
