//! Repeats of an append are recognised, and never before what they repeat is on disk.

use std::time::Duration;

use tagwerk::journal::{
    DedupeKey, Entry, Error, FailedRequest, Journal, Known, Page, RequestFilter,
};
use tempfile::TempDir;

use super::{Fixture, START, entry, open, pass, soon};

fn key(id: &str) -> Option<DedupeKey> {
    Some(DedupeKey::of("shop", id))
}

async fn newest(journal: &Journal) -> u64 {
    journal.counts().await.unwrap().newest_event
}

#[tokio::test]
async fn a_repeat_is_refused_and_another_key_is_not() {
    let fixture = Fixture::sqlite();
    let journal = &fixture.journal;
    for (id, expected) in [
        ("a", Ok(())),
        ("a", Err(Error::Duplicate)),
        ("b", Ok(())),
        ("a", Err(Error::Duplicate)),
    ] {
        assert_eq!(journal.append(vec![entry(0)], key(id)).await, expected);
    }
    journal.append(vec![entry(0)], None).await.unwrap();
    assert_eq!(newest(journal).await, 3);
}

#[tokio::test]
async fn of_those_that_come_at_once_one_is_taken() {
    let fixture = Fixture::sqlite();
    let journal = &fixture.journal;
    let entries = || vec![entry(0), entry(1)];
    let (a, b, c, d) = tokio::join!(
        journal.append(entries(), key("a")),
        journal.append(entries(), key("a")),
        journal.append(entries(), key("b")),
        journal.append(entries(), key("a")),
    );
    let duplicate = Err(Error::Duplicate);
    assert_eq!((a, b), (Ok(()), duplicate.clone()));
    assert_eq!((c, d), (Ok(()), duplicate));
    assert_eq!(newest(journal).await, 4);
}

#[tokio::test]
async fn keys_are_known_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    journal.append(vec![entry(0)], key("a")).await.unwrap();
    soon(journal.close()).await.unwrap();
    let journal = open(folder.path());
    let again = journal.append(vec![entry(0)], key("a")).await;
    assert_eq!(again, Err(Error::Duplicate));
    assert_eq!(newest(&journal).await, 1);
}

#[tokio::test]
async fn a_day_later_it_is_new() {
    let fixture = Fixture::sqlite();
    let journal = &fixture.journal;
    journal.append(vec![entry(0)], key("a")).await.unwrap();
    let day = Duration::from_millis(DedupeKey::WINDOW as u64);
    for (wait, expected) in [
        (day - Duration::from_secs(60), Err(Error::Duplicate)),
        (Duration::from_secs(120), Ok(())),
        (day - Duration::from_secs(60), Err(Error::Duplicate)),
    ] {
        pass(wait).await;
        let again = journal.append(vec![entry(0)], key("a")).await;
        assert_eq!(again, expected, "after {wait:?}");
    }
}

async fn keep(journal: &Journal, id: &str) -> u64 {
    let request = FailedRequest {
        id: id.to_owned(),
        received_at: START,
        client: "shop".to_owned(),
        fault: "no".to_owned(),
        message: "POST / HTTP/1.1".into(),
    };
    journal.keep_request(request).await.unwrap();
    let page = Page { after: 0, limit: 9 };
    let filter = RequestFilter {
        ids: vec![id.to_owned()],
        ..RequestFilter::default()
    };
    journal.failed_requests(filter, page).await.unwrap()[0].number
}

#[tokio::test]
async fn a_kept_request_is_replaced_once() {
    let fixture = Fixture::sqlite();
    let journal = &fixture.journal;
    type Case = (Vec<Entry>, Option<DedupeKey>, Result<(), Error>, u64);
    let cases: [Case; 4] = [
        (vec![entry(0), entry(1)], None, Ok(()), 2),
        (vec![entry(2)], key("a"), Ok(()), 3),
        // Its sender has repeated it meanwhile, and it was accepted.
        (vec![entry(2)], key("a"), Err(Error::Duplicate), 3),
        (vec![], None, Ok(()), 3),
    ];
    for (number, (entries, key, expected, events)) in cases.into_iter().enumerate() {
        let request = keep(journal, &number.to_string()).await;
        let (first, second) = tokio::join!(
            journal.append_instead(entries.clone(), key, request),
            journal.append_instead(entries.clone(), None, request),
        );
        assert_eq!(first, expected, "{number}");
        assert_eq!(second, Err(Error::Duplicate), "{number}: it is gone");
        let third = journal.append_instead(entries, None, request).await;
        assert_eq!(third, Err(Error::Duplicate), "{number}: it is gone");
        let counts = journal.counts().await.unwrap();
        assert_eq!((counts.newest_event, counts.failed_requests), (events, 0));
    }
}

fn named(ids: &[&str]) -> Vec<Entry> {
    let named = |id: &&str| {
        let mut entry = entry(0);
        entry.event.id = (*id).into();
        entry
    };
    ids.iter().map(named).collect()
}

fn by_event() -> Known {
    Known::ByEvent("shop".into())
}

/// Which of the ids are there, in order.
async fn taken(journal: &Journal) -> Vec<String> {
    let taken = soon(journal.take_events(100)).await;
    taken
        .iter()
        .map(|taken| taken.event.id.to_string())
        .collect()
}

#[tokio::test]
async fn of_events_that_are_known_one_by_one_only_the_new_are_taken() {
    let fixture = Fixture::sqlite();
    let journal = &fixture.journal;
    let duplicate = Err(Error::Duplicate);
    for (ids, expected) in [
        (&["a", "b", "a"][..], Ok(())),
        (&["a"], duplicate.clone()),
        (&["b", "c"], Ok(())),
        (&["c", "a", "b"], duplicate.clone()),
        (&[], Ok(())),
    ] {
        let result = journal.append(named(ids), by_event()).await;
        assert_eq!(result, expected, "{ids:?}");
    }
    // Another client's are others, and so are those of an append that is known as a whole.
    let other = Known::ByEvent("other".into());
    journal.append(named(&["a"]), other).await.unwrap();
    journal.append(named(&["a"]), None).await.unwrap();
    assert_eq!(taken(journal).await, ["a", "b", "c", "a", "a"]);
}

#[tokio::test]
async fn events_that_come_twice_at_once_are_taken_once() {
    let fixture = Fixture::sqlite();
    let journal = &fixture.journal;
    let (a, b, c) = tokio::join!(
        journal.append(named(&["a", "b"]), by_event()),
        journal.append(named(&["b", "c"]), by_event()),
        journal.append(named(&["c", "a"]), by_event()),
    );
    assert_eq!((a, b, c), (Ok(()), Ok(()), Err(Error::Duplicate)));
    assert_eq!(taken(journal).await, ["a", "b", "c"]);
}

#[tokio::test]
async fn a_kept_request_is_replaced_by_what_is_new_of_it() {
    let fixture = Fixture::sqlite();
    let journal = &fixture.journal;
    journal.append(named(&["a"]), by_event()).await.unwrap();
    for (ids, expected, events) in [
        (&["a", "b"], Ok(()), 2),
        (&["b", "a"], Err(Error::Duplicate), 2),
    ] {
        let request = keep(journal, ids[0]).await;
        let result = journal
            .append_instead(named(ids), by_event(), request)
            .await;
        assert_eq!(result, expected, "{ids:?}");
        let counts = journal.counts().await.unwrap();
        assert_eq!((counts.newest_event, counts.failed_requests), (events, 0));
    }
}
