//! What only a journal on disk does: it is there again.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tagwerk::clock::Clock;
use tagwerk::config;
use tagwerk::delivery::State;
use tagwerk::journal::{Entry, Error, Journal, Made};
use tempfile::TempDir;

use super::{
    START, at_once, delivery, entry, event, fill, name, open, processed, retried, settled, soon,
    tamper,
};

#[tokio::test]
async fn after_a_restart_what_was_not_finished_comes_again() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    journal
        .append((0..10).map(entry).collect(), None)
        .await
        .unwrap();
    let taken = soon(journal.take_events(10)).await;
    // Not the first ones, so that "all up to here are processed" cannot be said of any.
    let made = taken[4..].iter().map(|one| processed(one, &["slack"]));
    journal.append_deliveries(made.collect()).await.unwrap();
    let sent = soon(journal.take_deliveries(&name("slack"), 10)).await;
    assert_eq!(sent.len(), 6);
    let settlements = vec![
        settled(&sent[0], State::Delivered),
        settled(&sent[1], State::Dead),
        retried(&sent[2], START + 1),
    ];
    journal.settle(settlements).await.unwrap();
    soon(journal.close()).await.unwrap();

    let journal = open(folder.path());
    assert_eq!(journal.counts().await.unwrap().total(State::Pending), 4);
    assert_eq!(soon(journal.take_events(99)).await, taken[..4]);
    assert_eq!(at_once(&journal, journal.take_events(1)).await, None);
    let again = soon(journal.take_deliveries(&name("slack"), 99)).await;
    assert_eq!(again[..3], sent[3..]);
    assert_eq!(
        (again[3].number, again[3].attempts),
        (sent[2].number, 1),
        "the retry comes last, it is due last"
    );
    journal.append(vec![entry(10)], None).await.unwrap();
    let next = soon(journal.take_events(1)).await;
    assert_eq!(next[0].number, 11, "numbers go on");
}

#[tokio::test]
async fn an_event_that_came_processed_without_deliveries_stays_processed() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    let came_processed = Entry {
        event: event(1),
        made: Some(Made::default()),
    };
    let entries = vec![entry(0), came_processed, entry(2)];
    journal.append(entries, None).await.unwrap();
    soon(journal.close()).await.unwrap();
    let journal = open(folder.path());
    let taken = soon(journal.take_events(9)).await;
    let numbers: Vec<u64> = taken.iter().map(|one| one.number).collect();
    assert_eq!(numbers, [1, 3]);
}

#[tokio::test]
async fn deliveries_that_came_with_their_event_are_there_again() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    let one = delivery(&event(0), "slack", 0, START);
    let came_processed = Entry {
        event: event(0),
        made: Some(Made::from_iter([one.clone()])),
    };
    journal.append(vec![came_processed], None).await.unwrap();
    soon(journal.close()).await.unwrap();
    let journal = open(folder.path());
    let sent = soon(journal.take_deliveries(&name("slack"), 9)).await;
    assert_eq!(sent[0].delivery, one);
    assert_eq!(at_once(&journal, journal.take_events(1)).await, None);
}

#[tokio::test]
async fn dropping_the_last_handle_writes_what_is_left() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    fill(&journal, "slack", 3).await;
    let sent = soon(journal.take_deliveries(&name("slack"), 1)).await;
    let delivered = settled(&sent[0], State::Delivered);
    journal.settle(vec![delivered]).await.unwrap();
    drop(journal);
    // The thread ends on its own; until then the folder is taken.
    let journal = soon(async {
        loop {
            match Journal::sqlite(folder.path(), Clock::tokio(START)) {
                Ok(journal) => return journal,
                Err(error) => assert_eq!(error, Error::Locked(folder.path().to_owned())),
            }
            tokio::task::yield_now().await;
        }
    });
    let counts = journal.await.counts().await.unwrap();
    assert_eq!(counts.total(State::Delivered), 1);
    assert_eq!(counts.total(State::Pending), 2);
}

#[tokio::test]
async fn a_folder_has_one_journal_at_a_time() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    let second = Journal::sqlite(folder.path(), Clock::System).err();
    assert_eq!(second, Some(Error::Locked(folder.path().to_owned())));
    soon(journal.close()).await.unwrap();
    open(folder.path());
}

#[tokio::test]
async fn what_a_newer_version_wrote_is_refused() {
    let folder = TempDir::new().unwrap();
    soon(open(folder.path()).close()).await.unwrap();
    // SQLite's header has the version of the user's tables in bytes 60 to 63.
    let file = folder.path().join("journal.sqlite");
    let mut bytes = fs::read(&file).unwrap();
    bytes[60..64].copy_from_slice(&7_u32.to_be_bytes());
    fs::write(&file, bytes).unwrap();
    let error = Journal::sqlite(folder.path(), Clock::System).err().unwrap();
    assert_eq!(error, Error::Newer { found: 7, known: 2 });
}

#[tokio::test]
async fn what_is_no_journal_is_an_error_and_stays_as_it_is() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("journal.sqlite");
    let garbage = "not a database ".repeat(1_000);
    fs::write(&file, &garbage).unwrap();
    let error = Journal::sqlite(folder.path(), Clock::System).err().unwrap();
    assert!(matches!(error, Error::Storage(_)), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), garbage);

    let below_a_file = file.join("data");
    let error = Journal::sqlite(&below_a_file, Clock::System).err().unwrap();
    assert!(
        error.to_string().contains("journal.sqlite/data"),
        "the text names the path: {error}"
    );
}

#[tokio::test]
async fn nobody_else_can_read_the_files() {
    let outer = TempDir::new().unwrap();
    let folder = outer.path().join("deep/data");
    let journal = open(&folder);
    journal.append(vec![entry(0)], None).await.unwrap();
    assert_eq!(mode(&folder), 0o700);
    let files: Vec<_> = fs::read_dir(&folder).unwrap().map(Result::unwrap).collect();
    let names: Vec<_> = files.iter().map(fs::DirEntry::file_name).collect();
    assert!(names.contains(&"journal.sqlite-wal".into()), "{names:?}");
    for file in files {
        assert_eq!(mode(&file.path()), 0o600, "{}", file.path().display());
    }
}

#[tokio::test]
async fn a_full_journal_refuses_events_and_goes_on_delivering() {
    let folder = TempDir::new().unwrap();
    let settings = config::Journal {
        max_size: 1 << 20,
        ..config::Journal::default()
    };
    let journal = Journal::open(&settings, folder.path(), Clock::tokio(START)).unwrap();
    let large = |id| {
        let mut entry = entry(id);
        entry.event.data = vec![b' '; 100_000].into();
        entry
    };
    assert!(!journal.is_full());
    let mut count = 0;
    while journal.append(vec![large(count)], None).await.is_ok() {
        count += 1;
        assert!(count < 12, "1.2 MB fit into 1 MiB");
    }
    assert_eq!(
        journal.append(vec![entry(99)], None).await,
        Err(Error::Full)
    );
    assert!(journal.is_full());
    let taken = soon(journal.take_events(99)).await;
    let made = taken.iter().map(|one| processed(one, &["slack"]));
    journal.append_deliveries(made.collect()).await.unwrap();
    let sent = soon(journal.take_deliveries(&name("slack"), 99)).await;
    let settlements = sent.iter().map(|one| settled(one, State::Delivered));
    journal.settle(settlements.collect()).await.unwrap();
    journal.flush().await.unwrap();
    let delivered = journal.counts().await.unwrap().total(State::Delivered);
    assert_eq!(delivered, count as u64);
    soon(journal.close()).await.unwrap();
    let journal = Journal::open(&settings, folder.path(), Clock::tokio(START)).unwrap();
    assert!(journal.is_full(), "before anybody asks");
    assert_eq!(
        journal.append(vec![entry(99)], None).await,
        Err(Error::Full)
    );
}

#[tokio::test]
async fn what_the_disk_has_damaged_is_not_used() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    fill(&journal, "slack", 2).await;
    journal
        .append(vec![entry(2), entry(3)], None)
        .await
        .unwrap();
    soon(journal.close()).await.unwrap();
    tamper(
        folder.path(),
        "UPDATE delivery SET payload = CAST(replace(payload, '0', '1') AS BLOB) WHERE number = 1 << 16;
         UPDATE event SET data = CAST(replace(data, '3', '4') AS BLOB) WHERE number = 4;",
    );
    let journal = open(folder.path());
    let sent = soon(journal.take_deliveries(&name("slack"), 9)).await;
    let payloads: Vec<&[u8]> = sent.iter().map(|one| &one.delivery.payload[..]).collect();
    assert_eq!(
        payloads,
        [&b""[..], &delivery(&event(1), "slack", 0, START).payload]
    );
    let taken = soon(journal.take_events(9)).await;
    let data: Vec<&[u8]> = taken.iter().map(|one| &one.event.data[..]).collect();
    assert_eq!(data, [&event(2).data[..], b""]);
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
