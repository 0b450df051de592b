//! The recount: it agrees with the books while all is well, and says what is wrong when it is not.

use tagwerk::delivery::State;
use tagwerk::journal::{Error, Journal, Made, Processed, Verification, verify_folder};
use tempfile::TempDir;

use super::{START, delivery, entry, event, name, open, processed, retried, settled, soon, tamper};

/// Ten events: of the first six a delivery each (delivered, dead, dry run, skipped, and two that
/// are pending), of the seventh two, two were filtered, one waits.
async fn fill(journal: &Journal) {
    journal
        .append((0..10).map(entry).collect(), None)
        .await
        .unwrap();
    let taken = soon(journal.take_events(10)).await;
    let mut made: Vec<Processed> = taken[..6]
        .iter()
        .map(|one| processed(one, &["slack"]))
        .collect();
    made.push(processed(&taken[6], &["slack", "crm"]));
    made.extend(taken[7..9].iter().map(|one| Processed {
        number: one.number,
        made: Made {
            deliveries: Vec::new(),
            filtered: vec!["tag".into(), "other".into()],
        },
    }));
    journal.append_deliveries(made).await.unwrap();
    let taken = soon(journal.take_deliveries(&name("slack"), 9)).await;
    let states = [State::Delivered, State::Dead, State::DryRun, State::Skipped];
    let mut settlements: Vec<_> = taken
        .iter()
        .zip(states)
        .map(|(one, state)| settled(one, state))
        .collect();
    settlements.push(retried(&taken[4], START));
    settlements.push(settled(&taken[6], State::Delivered));
    journal.settle(settlements).await.unwrap();
}

fn check(found: &Verification) {
    assert_eq!(found.problems, [""; 0]);
    let numbers = (
        found.acknowledged,
        found.kept,
        found.forgotten,
        found.unprocessed,
    );
    assert_eq!(numbers, (10, 10, 0, 1));
    let tags: Vec<_> = found
        .tags
        .iter()
        .map(|tag| {
            (
                &*tag.tag,
                tag.handed,
                tag.filtered,
                tag.settled,
                tag.pending,
            )
        })
        .collect();
    assert_eq!(tags, [("other", 2, 2, 0, 0), ("tag", 9, 2, 4, 3)]);
    let states = [2, 1, 1, 1, 3];
    let expected = [
        State::Delivered,
        State::Dead,
        State::DryRun,
        State::Skipped,
        State::Pending,
    ];
    for (state, count) in expected.into_iter().zip(states) {
        assert!(
            found.tags[1].deliveries.contains(&(state, count)),
            "{state:?}"
        );
    }
}

#[tokio::test]
async fn while_it_is_open_and_when_it_is_closed_it_is_the_same() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    fill(&journal).await;
    let found = journal.verify().await.unwrap();
    check(&found);
    assert_eq!(verify_folder(folder.path()), Ok(found.clone()));
    soon(journal.close()).await.unwrap();
    assert_eq!(verify_folder(folder.path()), Ok(found.clone()));
    let journal = open(folder.path());
    assert_eq!(journal.verify().await, Ok(found));
}

#[tokio::test]
async fn whatever_is_lost_is_told() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    fill(&journal).await;
    soon(journal.close()).await.unwrap();
    let file = folder.path().join("journal.sqlite");
    let whole = std::fs::read(&file).unwrap();
    let cases = [
        (
            "DELETE FROM event WHERE number = 10",
            "of 10 acknowledged events 9 are kept and 0 were forgotten",
        ),
        (
            "DELETE FROM event WHERE number = 3",
            "1 deliveries have no event",
        ),
        (
            "DELETE FROM delivery WHERE number = 1 << 16",
            "tag tag has 1 delivered deliveries for slack, and by the books 2",
        ),
        (
            "DELETE FROM delivery WHERE number = 1 << 16",
            "tag tag was handed 9 events: 2 are filtered, 3 settled and 3 pending",
        ),
        (
            "UPDATE delivery SET state = 1 WHERE number = 5 << 16",
            "tag tag has 1 pending deliveries for slack, and by the books 2",
        ),
        (
            "UPDATE delivery SET tag = 'else' WHERE number = 5 << 16",
            "tag else has 1 pending deliveries for slack, and by the books 0",
        ),
        (
            "UPDATE tag SET filtered = 1 WHERE name = 'other'",
            "tag other was handed 2 events: 1 are filtered, 0 settled and 0 pending",
        ),
        (
            "UPDATE delivery SET payload = CAST(replace(payload, '0', '1') AS BLOB) WHERE number = 5 << 16",
            "the disk has damaged 1 deliveries, the first is number 327680",
        ),
        (
            "UPDATE event SET data = CAST(data || ' ' AS BLOB) WHERE number IN (4, 6)",
            "the disk has damaged 2 events, the first is number 4",
        ),
        (
            "UPDATE progress SET newest = 12",
            "of 12 acknowledged events 10 are kept and 0 were forgotten",
        ),
    ];
    for (sql, problem) in cases {
        std::fs::write(&file, &whole).unwrap();
        tamper(folder.path(), sql);
        let found = verify_folder(folder.path()).unwrap();
        assert!(
            found.problems.iter().any(|found| found == problem),
            "{sql}: {:#?}",
            found.problems
        );
    }
}

#[tokio::test]
async fn a_damaged_file_is_told() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    fill(&journal).await;
    soon(journal.close()).await.unwrap();
    let file = folder.path().join("journal.sqlite");
    let whole = std::fs::read(&file).unwrap();
    let mut told = 0;
    // Each page but the first, which says that this is a database.
    for page in 1..whole.len() / 4_096 {
        let mut damaged = whole.clone();
        damaged[page * 4_096..(page + 1) * 4_096].fill(0x5a);
        std::fs::write(&file, &damaged).unwrap();
        told += match verify_folder(folder.path()) {
            Ok(found) => usize::from(!found.problems.is_empty()),
            Err(error) => usize::from(matches!(error, Error::Storage(_))),
        };
    }
    assert_eq!(told, whole.len() / 4_096 - 1);
}

#[tokio::test]
async fn where_there_is_no_journal_nothing_is_made() {
    let folder = TempDir::new().unwrap();
    let error = verify_folder(folder.path()).unwrap_err();
    assert!(
        error.to_string().contains("there is no journal here"),
        "{error}"
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn made_deliveries_of_an_event_that_came_processed_are_in_the_books() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    let came_processed = tagwerk::journal::Entry {
        event: event(0),
        made: Some(Made {
            deliveries: vec![delivery(&event(0), "slack", 0, START).into()],
            filtered: vec!["other".into()],
        }),
    };
    journal.append(vec![came_processed], None).await.unwrap();
    let found = journal.verify().await.unwrap();
    assert_eq!(found.problems, [""; 0]);
    let tags: Vec<_> = found
        .tags
        .iter()
        .map(|tag| (&*tag.tag, tag.handed, tag.pending))
        .collect();
    assert_eq!(tags, [("other", 1, 0), ("tag", 1, 1)]);
}
