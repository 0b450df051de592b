//! What people change: dead letters are sent again or discarded, tags are run again.

use tagwerk::clock::Millis;
use tagwerk::delivery::{Delivery, ErrorClass, State};
use tagwerk::journal::{
    Filter, Journal, Made, NewDelivery, Page, Processed, Record, Reran, Rerun, Resend, Settlement,
};

use super::{
    Fixture, START, at_once, delivery, entry, event, fill, name, processed, settled, soon,
};

const ALL: Page = Page {
    after: 0,
    limit: usize::MAX,
};

async fn all(journal: &Journal) -> Vec<Record> {
    journal.deliveries(Filter::default(), ALL).await.unwrap()
}

/// So many events, each with a dead letter.
async fn dead_letters(journal: &Journal, count: usize) -> Vec<u64> {
    fill(journal, "slack", count).await;
    let mut numbers = Vec::new();
    while numbers.len() < count {
        let taken = soon(journal.take_deliveries(&name("slack"), 999)).await;
        numbers.extend(taken.iter().map(|one| one.number));
        let dead = taken.iter().map(|one| Settlement {
            class: Some(ErrorClass::Rejected),
            note: Some("400 no".to_owned()),
            ..settled(one, State::Dead)
        });
        journal.settle(dead.collect()).await.unwrap();
    }
    numbers
}

#[tokio::test]
async fn dead_letters_are_sent_again_as_they_are() {
    let fixture = Fixture::sqlite();
    let journal = &fixture.journal;
    let numbers = dead_letters(journal, 3).await;
    let (first, rest) = numbers.split_first().unwrap();
    // What is not there, twice there, or not dead counts nothing.
    let asked = vec![rest[0], rest[1], rest[0], 12_345];
    assert_eq!(journal.send_again(asked.clone()).await, Ok(2));
    assert_eq!(journal.send_again(asked).await, Ok(0));
    let again = soon(journal.take_deliveries(&name("slack"), 9)).await;
    let sent: Vec<u64> = again.iter().map(|one| one.number).collect();
    assert_eq!(sent, rest);
    assert_eq!(again[0].attempts, 0, "its schedule begins anew");
    assert_eq!(
        again[0].delivery.payload,
        delivery(&event(1), "slack", 0, START).payload
    );
    let records = all(journal).await;
    assert_eq!(
        (records[0].number, records[0].delivery.state),
        (*first, State::Dead)
    );
    assert_eq!(
        (records[1].class, records[1].note.as_deref()),
        (None, Some("400 no"))
    );
    let settlements = again.iter().map(|one| settled(one, State::Delivered));
    journal.settle(settlements.collect()).await.unwrap();
    let found = journal.verify().await.unwrap();
    assert_eq!(found.problems, [""; 0]);
    assert_eq!((found.tags[0].settled, found.tags[0].pending), (3, 0));
}

#[tokio::test]
async fn what_expired_is_sent_again_all_the_same() {
    let fixture = Fixture::sqlite();
    let journal = &fixture.journal;
    journal.append(vec![entry(0)], None).await.unwrap();
    let taken = soon(journal.take_events(1)).await;
    let old = Delivery {
        expires: Some(START - 1),
        state: State::Dead,
        ..delivery(&event(0), "slack", 0, START)
    };
    let made = Processed {
        number: taken[0].number,
        made: Made::from_iter([old]),
    };
    journal.append_deliveries(vec![made]).await.unwrap();
    assert_eq!(journal.send_again(vec![1 << 16]).await, Ok(1));
    let again = soon(journal.take_deliveries(&name("slack"), 9)).await;
    assert_eq!(again[0].delivery.expires, None);
}

#[tokio::test]
async fn more_than_fit_into_one_commit_are_changed() {
    const COUNT: usize = 1_700;
    let fixture = Fixture::sqlite();
    let journal = &fixture.journal;
    let numbers = dead_letters(journal, COUNT).await;
    assert_eq!(journal.send_again(numbers.clone()).await, Ok(COUNT as u64));
    assert_eq!(
        journal.counts().await.unwrap().total(State::Pending),
        COUNT as u64
    );
}

#[tokio::test]
async fn discarded_letters_are_skipped_and_say_why() {
    let fixture = Fixture::sqlite();
    let journal = &fixture.journal;
    let numbers = dead_letters(journal, 2).await;
    assert_eq!(journal.discard(vec![numbers[0]]).await, Ok(1));
    assert_eq!(journal.discard(vec![numbers[0]]).await, Ok(0));
    assert_eq!(journal.send_again(vec![numbers[0]]).await, Ok(0));
    let first = &all(journal).await[0];
    assert_eq!(first.delivery.state, State::Skipped);
    assert_eq!(first.note.as_deref(), Some("discarded: 400 no"));
    let none = at_once(journal, journal.take_deliveries(&name("slack"), 9)).await;
    assert_eq!(none, None);
    assert_eq!(journal.verify().await.unwrap().problems, [""; 0]);
}

/// A delivery that is dead before it is sent, as at-most-once wants it, and what then becomes of it.
#[tokio::test]
async fn a_delivery_that_is_marked_before_it_is_sent_is_settled_from_there() {
    for state in [State::Delivered, State::Dead, State::Pending] {
        let fixture = Fixture::sqlite();
        let journal = &fixture.journal;
        fill(journal, "slack", 1).await;
        let taken = soon(journal.take_deliveries(&name("slack"), 9)).await;
        let marked = Settlement {
            class: Some(ErrorClass::Unconfirmed),
            ..settled(&taken[0], State::Dead)
        };
        journal.settle(vec![marked]).await.unwrap();
        journal.flush().await.unwrap();
        assert_eq!(all(journal).await[0].delivery.state, State::Dead);
        let then = Settlement {
            from: State::Dead,
            ..settled(&taken[0], state)
        };
        // Twice, the second of which is too late or says the same.
        journal.settle(vec![then.clone(), then]).await.unwrap();
        assert_eq!(all(journal).await[0].delivery.state, state);
        assert_eq!(journal.verify().await.unwrap().problems, [""; 0]);
        let again = at_once(journal, journal.take_deliveries(&name("slack"), 9)).await;
        assert_eq!(again.is_some(), state == State::Pending, "{state:?}");
    }
}

#[tokio::test]
async fn what_is_being_sent_at_most_once_is_not_taken_out_of_its_senders_hands() {
    let fixture = Fixture::sqlite();
    let journal = &fixture.journal;
    let slack = name("slack");
    fill(journal, "slack", 1).await;
    let taken = soon(journal.take_deliveries(&slack, 9)).await;
    let number = taken[0].number;
    let mark = Settlement {
        class: Some(ErrorClass::Unconfirmed),
        ..settled(&taken[0], State::Dead)
    };
    journal.settle(vec![mark]).await.unwrap();
    assert_eq!(journal.send_again(vec![number]).await, Ok(0));
    assert_eq!(journal.discard(vec![number]).await, Ok(0));
    let again = rerun(1, vec![remade(0, 0, "slack")], Resend::All);
    assert_eq!(journal.rerun(vec![again]).await.unwrap().left, 1);
    let unconfirmed = Settlement {
        from: State::Dead,
        class: Some(ErrorClass::Unconfirmed),
        ..settled(&taken[0], State::Dead)
    };
    journal.settle(vec![unconfirmed]).await.unwrap();
    assert_eq!(journal.send_again(vec![number]).await, Ok(1));
    assert_eq!(soon(journal.take_deliveries(&slack, 9)).await.len(), 1);
}

fn rerun(event_number: u64, deliveries: Vec<Delivery>, resend: Resend) -> Rerun {
    Rerun {
        event: event_number,
        tag: "tag".into(),
        deliveries: deliveries.into_iter().map(NewDelivery::from).collect(),
        resend,
    }
}

fn remade(id: usize, ordinal: usize, destination: &str) -> Delivery {
    Delivery {
        payload: r#"{"remade":true}"#.into(),
        ..delivery(&event(id), destination, ordinal, START)
    }
}

#[tokio::test]
async fn a_tag_that_is_run_again_sends_what_it_makes_now() {
    let fixture = Fixture::sqlite();
    let journal = &fixture.journal;
    dead_letters(journal, 1).await;
    let made = vec![remade(0, 0, "crm"), remade(0, 1, "crm")];
    let reran = journal
        .rerun(vec![rerun(1, made.clone(), Resend::Dead)])
        .await;
    let expected = Reran {
        to_send: 2,
        ..Reran::default()
    };
    assert_eq!(reran, Ok(expected));
    let sent = soon(journal.take_deliveries(&name("crm"), 9)).await;
    let sent: Vec<&Delivery> = sent.iter().map(|one| &one.delivery).collect();
    assert_eq!(sent, made.iter().collect::<Vec<_>>());
    let none = at_once(journal, journal.take_deliveries(&name("slack"), 9)).await;
    assert_eq!(none, None, "the dead letter has another destination now");
    assert_eq!(journal.verify().await.unwrap().problems, [""; 0]);
    // Those are being sent now: they are left as they are.
    let reran = journal.rerun(vec![rerun(1, made, Resend::All)]).await;
    let expected = Reran {
        left: 2,
        ..Reran::default()
    };
    assert_eq!(reran, Ok(expected));
}

#[tokio::test]
async fn an_event_that_is_not_processed_is_left_alone() {
    let fixture = Fixture::sqlite();
    let journal = &fixture.journal;
    journal
        .append(vec![entry(0), entry(1)], None)
        .await
        .unwrap();
    let taken = soon(journal.take_events(2)).await;
    // Of the second nothing is made; the first is still open.
    let second = processed(&taken[1], &[]);
    journal.append_deliveries(vec![second]).await.unwrap();
    let reruns = (0..3).map(|id| rerun(id as u64 + 1, vec![remade(id, 0, "crm")], Resend::All));
    let reran = journal.rerun(reruns.collect()).await;
    let expected = Reran {
        to_send: 1,
        left: 2,
        ..Reran::default()
    };
    assert_eq!(reran, Ok(expected));
    let first = processed(&taken[0], &["slack"]);
    journal.append_deliveries(vec![first]).await.unwrap();
    journal.flush().await.unwrap();
    let tags: Vec<Millis> = all(journal)
        .await
        .iter()
        .map(|one| one.event as Millis)
        .collect();
    assert_eq!(tags, [1, 2]);
    assert_eq!(journal.verify().await.unwrap().problems, [""; 0]);
}

/// Of each tag: handed, filtered, fired.
async fn books(journal: &Journal) -> Vec<(String, [u64; 3])> {
    let counts = journal.counts().await.unwrap();
    let tags = counts.tags.into_iter();
    tags.map(|book| (book.tag, [book.handed, book.filtered, book.fired]))
        .collect()
}

#[tokio::test]
async fn the_books_are_right_when_a_tag_fires_late() {
    let fixture = Fixture::sqlite();
    let journal = &fixture.journal;
    journal
        .append(vec![entry(0), entry(1)], None)
        .await
        .unwrap();
    let taken = soon(journal.take_events(2)).await;
    for one in &taken {
        let filtered = Processed {
            number: one.number,
            made: Made {
                deliveries: Vec::new(),
                filtered: vec!["tag".into()],
            },
        };
        journal.append_deliveries(vec![filtered]).await.unwrap();
    }
    assert_eq!(books(journal).await, [("tag".to_owned(), [2, 2, 0])]);
    let one = rerun(1, vec![remade(0, 0, "crm")], Resend::All);
    let late = Rerun {
        tag: "new".into(),
        deliveries: vec![
            Delivery {
                tag: "new".into(),
                ..delivery(&event(0), "crm", 7, START)
            }
            .into(),
        ],
        ..one.clone()
    };
    for _ in 0..2 {
        journal
            .rerun(vec![one.clone(), late.clone()])
            .await
            .unwrap();
        let expected = [("new", [1, 0, 1]), ("tag", [2, 1, 1])];
        let expected = expected.map(|(tag, book)| (tag.to_owned(), book));
        assert_eq!(books(journal).await, expected);
        assert_eq!(journal.verify().await.unwrap().problems, [""; 0]);
    }
}
