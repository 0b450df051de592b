//! What every kind of journal does.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use tagwerk::clock::Millis;
use tagwerk::delivery::State;
use tagwerk::journal::{Entry, Error, FailedRequest, Made, Processed, Settlement};

use super::{
    Fixture, START, at_once, delivery, entry, event, fill, name, pass, processed, retried, settled,
    soon,
};

/// Each of these functions is a test of each kind of journal.
macro_rules! on_every_kind {
    ($($test:ident)*) => {
        mod memory { $(
            #[tokio::test]
            async fn $test() { super::$test(super::Fixture::memory()).await }
        )* }
        mod sqlite { $(
            #[tokio::test]
            async fn $test() { super::$test(super::Fixture::sqlite()).await }
        )* }
    };
}

on_every_kind! {
    events_come_in_order_and_each_once
    several_takers_share
    more_events_than_fit_in_memory_all_come_in_order
    large_events_all_come_though_few_fit_in_memory
    deliveries_are_handed_on_at_once
    a_delayed_delivery_waits_until_it_is_due
    a_destination_gets_only_its_own
    what_is_settled_does_not_come_again_and_a_retry_comes_when_it_is_due
    a_delivery_that_was_taken_does_not_come_again_before_it_is_settled
    more_deliveries_than_fit_in_memory_all_come_once
    room_that_is_made_is_filled
    what_is_not_to_be_sent_is_not_handed_out
    an_event_that_comes_processed_is_not_handed_out
    deliveries_can_be_looked_at
    everything_is_counted
    giving_up_a_wait_loses_nothing
    a_closed_journal_refuses
}

async fn events_come_in_order_and_each_once(Fixture { journal, .. }: Fixture) {
    for batch in [0..1, 1..40, 40..100] {
        journal
            .append(batch.map(entry).collect(), None)
            .await
            .unwrap();
    }
    let mut ids = Vec::new();
    while ids.len() < 100 {
        let taken = soon(journal.take_events(7)).await;
        assert!((1..=7).contains(&taken.len()));
        for one in taken {
            assert_eq!(one.number, ids.len() as u64 + 1);
            ids.push(one.event);
        }
    }
    assert_eq!(ids, (0..100).map(event).collect::<Vec<_>>());
    assert_eq!(at_once(&journal, journal.take_events(1)).await, None);
}

async fn several_takers_share(Fixture { journal, .. }: Fixture) {
    const COUNT: usize = 2_000;
    let seen = Mutex::new(Vec::new());
    let take = async || {
        let mut last = 0;
        while seen.lock().unwrap().len() < COUNT {
            for one in journal.take_events(3).await {
                assert!(one.number > last, "each taker sees them in order");
                last = one.number;
                seen.lock().unwrap().push(one.number);
            }
        }
    };
    let append = async {
        for first in (0..COUNT).step_by(10) {
            let entries = (first..first + 10).map(entry).collect();
            journal.append(entries, None).await.unwrap();
        }
    };
    // Those who find nothing at the end wait for ever: the first to see the end ends it.
    let takers = async {
        tokio::select! { () = take() => {}, () = take() => {}, () = take() => {}, () = take() => {} }
    };
    soon(async { tokio::join!(append, takers) }).await;
    let mut seen = seen.into_inner().unwrap();
    seen.sort_unstable();
    assert_eq!(seen, (1..=COUNT as u64).collect::<Vec<_>>());
}

async fn more_events_than_fit_in_memory_all_come_in_order(Fixture { journal, .. }: Fixture) {
    const COUNT: usize = 25_000;
    for first in (0..COUNT).step_by(500) {
        let entries = (first..first + 500).map(entry).collect();
        journal.append(entries, None).await.unwrap();
    }
    assert_eq!(journal.counts().await.unwrap().unprocessed, COUNT as u64);
    let mut expected = 1;
    while expected <= COUNT as u64 {
        let taken = soon(journal.take_events(64)).await;
        let mut made = Vec::new();
        for one in &taken {
            assert_eq!(one.number, expected);
            expected += 1;
            made.push(processed(one, &[]));
        }
        journal.append_deliveries(made).await.unwrap();
    }
    assert_eq!(journal.counts().await.unwrap().unprocessed, 0);
    // And it is no longer behind: what comes now is handed on.
    journal.append(vec![entry(COUNT)], None).await.unwrap();
    assert_eq!(soon(journal.take_events(64)).await[0].number, expected);
}

async fn large_events_all_come_though_few_fit_in_memory(Fixture { journal, .. }: Fixture) {
    const COUNT: usize = 50;
    let large = |id| {
        let mut entry = entry(id);
        entry.event.data = vec![b' '; 1 << 20].into();
        entry
    };
    for id in 0..COUNT {
        journal.append(vec![large(id)], None).await.unwrap();
    }
    let mut numbers = Vec::new();
    while numbers.len() < COUNT {
        let taken = soon(journal.take_events(100)).await;
        numbers.extend(taken.iter().map(|one| one.number));
    }
    assert_eq!(numbers, (1..=COUNT as u64).collect::<Vec<_>>());
}

async fn deliveries_are_handed_on_at_once(Fixture { journal, .. }: Fixture) {
    let slack = name("slack");
    assert_eq!(
        at_once(&journal, journal.take_deliveries(&slack, 9)).await,
        None
    );
    fill(&journal, "slack", 3).await;
    journal.counts().await.unwrap(); // all three have arrived
    let taken = soon(journal.take_deliveries(&slack, 2)).await;
    let expected = [0, 1].map(|id| delivery(&event(id), "slack", 0, START));
    assert_eq!(taken.len(), 2);
    for (pending, expected) in taken.iter().zip(expected) {
        assert_eq!((pending.attempts, &pending.delivery), (0, &expected));
    }
    assert_eq!(soon(journal.take_deliveries(&slack, 2)).await.len(), 1);
}

async fn a_delayed_delivery_waits_until_it_is_due(Fixture { journal, clock, .. }: Fixture) {
    let slack = name("slack");
    journal.append(vec![entry(0)], None).await.unwrap();
    let taken = soon(journal.take_events(1)).await;
    // Longer than the journal ever waits without a look at the clock.
    let delays: [Millis; 3] = [200_000, 10_000, 0];
    let deliveries = delays.iter().enumerate().map(|(ordinal, delay)| {
        let due = START + delay;
        delivery(&event(0), "slack", ordinal, due)
    });
    let made = Processed {
        number: taken[0].number,
        made: deliveries.collect(),
    };
    journal.append_deliveries(vec![made]).await.unwrap();
    for delay in delays.into_iter().rev() {
        let wait = START + delay - clock.now();
        if wait > 1_000 {
            pass(Duration::from_millis(wait as u64 - 1_000)).await;
            let early = at_once(&journal, journal.take_deliveries(&slack, 9)).await;
            assert_eq!(early, None, "{delay}");
            pass(Duration::from_secs(1)).await;
        }
        let taken = soon(journal.take_deliveries(&slack, 9)).await;
        assert_eq!(taken.len(), 1);
        assert_eq!(taken[0].delivery.due, START + delay);
    }
}

async fn a_destination_gets_only_its_own(Fixture { journal, .. }: Fixture) {
    journal
        .append(vec![entry(0), entry(1)], None)
        .await
        .unwrap();
    let taken = soon(journal.take_events(2)).await;
    let made = taken.iter().map(|one| processed(one, &["a", "b", "a"]));
    journal.append_deliveries(made.collect()).await.unwrap();
    for (destination, expected) in [("a", vec![0, 2, 0, 2]), ("b", vec![1, 1])] {
        let taken = soon(journal.take_deliveries(&name(destination), 9)).await;
        let ordinals: Vec<_> = taken.iter().map(|one| one.number & 0xffff).collect();
        assert_eq!(ordinals, expected);
        let rest = at_once(&journal, journal.take_deliveries(&name(destination), 9)).await;
        assert_eq!(rest, None);
    }
    let other = at_once(&journal, journal.take_deliveries(&name("c"), 9)).await;
    assert_eq!(other, None);
}

async fn what_is_settled_does_not_come_again_and_a_retry_comes_when_it_is_due(
    Fixture { journal, clock, .. }: Fixture,
) {
    let slack = name("slack");
    fill(&journal, "slack", 4).await;
    journal.counts().await.unwrap();
    let taken = soon(journal.take_deliveries(&slack, 9)).await;
    let due = clock.now() + 5_000;
    let settlements = vec![
        settled(&taken[0], State::Delivered),
        settled(&taken[1], State::Dead),
        retried(&taken[2], due + 5_000),
        retried(&taken[3], due),
    ];
    journal.settle(settlements).await.unwrap();
    assert_eq!(
        at_once(&journal, journal.take_deliveries(&slack, 9)).await,
        None
    );
    for (index, due) in [(3, due), (2, due + 5_000)] {
        pass(Duration::from_secs(5)).await;
        let again = soon(journal.take_deliveries(&slack, 9)).await;
        assert_eq!(again.len(), 1);
        assert_eq!(again[0].number, taken[index].number);
        assert_eq!((again[0].attempts, again[0].delivery.due), (1, due));
    }
}

async fn a_delivery_that_was_taken_does_not_come_again_before_it_is_settled(
    Fixture { journal, .. }: Fixture,
) {
    let slack = name("slack");
    fill(&journal, "slack", 10).await;
    journal.counts().await.unwrap();
    let taken = soon(journal.take_deliveries(&slack, 10)).await;
    // A retry that is due has the disk read, where the others still stand as pending.
    let again = retried(&taken[9], START);
    journal.settle(vec![again]).await.unwrap();
    let second = soon(journal.take_deliveries(&slack, 10)).await;
    assert_eq!(second.len(), 1);
    assert_eq!(second[0].number, taken[9].number);
    assert_eq!(
        at_once(&journal, journal.take_deliveries(&slack, 10)).await,
        None
    );
}

async fn more_deliveries_than_fit_in_memory_all_come_once(Fixture { journal, .. }: Fixture) {
    const COUNT: usize = 20_000;
    let slack = name("slack");
    fill(&journal, "slack", COUNT).await;
    let mut seen = BTreeSet::new();
    while seen.len() < COUNT {
        let taken = soon(journal.take_deliveries(&slack, 300)).await;
        for one in &taken {
            assert!(seen.insert(one.number), "{} came twice", one.number);
        }
        let settled = taken.iter().map(|one| settled(one, State::Delivered));
        journal.settle(settled.collect()).await.unwrap();
    }
    let counts = journal.counts().await.unwrap();
    assert_eq!(counts.total(State::Delivered), COUNT as u64);
    assert_eq!(counts.total(State::Pending), 0);
    assert_eq!(
        at_once(&journal, journal.take_deliveries(&slack, 9)).await,
        None
    );
}

async fn room_that_is_made_is_filled(Fixture { journal, .. }: Fixture) {
    const COUNT: usize = 10_000;
    let slack = name("slack");
    // Somebody waits already when they come.
    assert_eq!(
        at_once(&journal, journal.take_deliveries(&slack, 1)).await,
        None
    );
    fill(&journal, "slack", COUNT).await;
    let mut taken = Vec::new();
    while let Some(more) = at_once(&journal, journal.take_deliveries(&slack, 100)).await {
        taken.extend(more);
    }
    assert!(taken.len() < COUNT, "senders hold all {COUNT}");
    let first = taken.iter().take(10);
    let first: Vec<Settlement> = first.map(|one| settled(one, State::Delivered)).collect();
    let wait = journal.take_deliveries(&slack, 100);
    tokio::pin!(wait);
    assert_eq!(at_once(&journal, &mut wait).await, None);
    journal.settle(first).await.unwrap();
    assert!(!soon(wait).await.is_empty());
}

async fn what_is_not_to_be_sent_is_not_handed_out(Fixture { journal, .. }: Fixture) {
    journal.append(vec![entry(0)], None).await.unwrap();
    let taken = soon(journal.take_events(1)).await;
    let states = [State::DryRun, State::Skipped, State::Dead];
    let deliveries = states.iter().enumerate().map(|(ordinal, state)| {
        let mut one = delivery(&event(0), "slack", ordinal, START);
        one.state = *state;
        one
    });
    let made = Processed {
        number: taken[0].number,
        made: deliveries.collect(),
    };
    journal.append_deliveries(vec![made]).await.unwrap();
    let none = at_once(&journal, journal.take_deliveries(&name("slack"), 9)).await;
    assert_eq!(none, None);
    let counts = journal.counts().await.unwrap();
    for state in states {
        assert_eq!(counts.total(state), 1);
    }
}

async fn an_event_that_comes_processed_is_not_handed_out(Fixture { journal, .. }: Fixture) {
    let with = |id, deliveries| Entry {
        event: event(id),
        made: Some(deliveries),
    };
    let one = delivery(&event(0), "slack", 0, START);
    let entries = vec![
        with(0, Made::from_iter([one.clone()])),
        with(1, Made::default()),
        entry(2),
    ];
    journal.append(entries, None).await.unwrap();
    let taken = soon(journal.take_events(9)).await;
    assert_eq!(taken.len(), 1);
    assert_eq!((taken[0].number, &taken[0].event), (3, &event(2)));
    let sent = soon(journal.take_deliveries(&name("slack"), 9)).await;
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].delivery, one);
    assert_eq!(journal.counts().await.unwrap().unprocessed, 1);
}

async fn deliveries_can_be_looked_at(Fixture { journal, .. }: Fixture) {
    fill(&journal, "slack", 2).await;
    journal.counts().await.unwrap();
    let taken = soon(journal.take_deliveries(&name("slack"), 2)).await;
    let settlement = Settlement {
        note: Some("400 no_text".to_owned()),
        ..settled(&taken[1], State::Dead)
    };
    journal.settle(vec![settlement]).await.unwrap();
    let first = journal.deliveries_of(1).await.unwrap();
    assert_eq!((first[0].attempts, &first[0].note), (0, &None));
    assert_eq!(first[0].delivery, taken[0].delivery);
    let second = &journal.deliveries_of(2).await.unwrap()[0];
    assert_eq!((second.event, &second.data), (2, &event(1).data));
    assert_eq!(second.delivery.state, State::Dead);
    assert_eq!(second.attempts, 1);
    assert_eq!(second.note.as_deref(), Some("400 no_text"));
    assert_eq!(journal.deliveries_of(3).await.unwrap(), []);
}

async fn everything_is_counted(Fixture { journal, .. }: Fixture) {
    fill(&journal, "slack", 5).await;
    journal.counts().await.unwrap();
    journal
        .append(vec![entry(5), entry(6)], None)
        .await
        .unwrap();
    let taken = soon(journal.take_deliveries(&name("slack"), 3)).await;
    let settled = [State::Delivered, State::Dead].map(|state| settled(&taken[0], state));
    // The second says something of a delivery that is not pending any more: it is too late.
    for settlement in settled {
        journal.settle(vec![settlement]).await.unwrap();
        journal.flush().await.unwrap();
    }
    let request = FailedRequest {
        id: "r-1".to_owned(),
        received_at: START,
        client: "shop".to_owned(),
        fault: "clients/shop.rhai:3:7: no".to_owned(),
        message: "POST / HTTP/1.1".into(),
    };
    assert_eq!(journal.keep_request(request).await, Ok(()));
    let counts = journal.counts().await.unwrap();
    let expected = [("pending", 4), ("delivered", 1)];
    let expected = expected.map(|(state, count)| (("slack".to_owned(), state), count));
    assert_eq!(counts.deliveries, expected.into());
    assert_eq!((counts.unprocessed, counts.failed_requests), (2, 1));
    assert_eq!(counts.newest_event, 7);
}

async fn giving_up_a_wait_loses_nothing(Fixture { journal, .. }: Fixture) {
    let slack = name("slack");
    let mut numbers = BTreeSet::new();
    let mut sent = BTreeSet::new();
    for id in 0..300 {
        // Each wait is dropped at some point: before it began, while it has the disk read, while
        // it waits for a change, or when that has come.
        drop(journal.take_events(1));
        tokio::select! {
            biased;
            taken = journal.take_events(1) => {
                numbers.extend(taken.iter().map(|one| one.number));
                let made = taken.iter().map(|one| processed(one, &["slack"]));
                journal.append_deliveries(made.collect()).await.unwrap();
            }
            taken = journal.take_deliveries(&slack, 1) => {
                sent.extend(taken.iter().map(|one| one.number));
            }
            result = journal.append(vec![entry(id)], None) => result.unwrap(),
        }
    }
    let newest = journal.counts().await.unwrap().newest_event;
    while numbers.len() < newest as usize {
        let taken = soon(journal.take_events(9)).await;
        numbers.extend(taken.iter().map(|one| one.number));
        let made = taken.iter().map(|one| processed(one, &["slack"]));
        journal.append_deliveries(made.collect()).await.unwrap();
    }
    while sent.len() < newest as usize {
        let taken = soon(journal.take_deliveries(&slack, 9)).await;
        sent.extend(taken.iter().map(|one| one.number));
    }
}

async fn a_closed_journal_refuses(Fixture { journal, .. }: Fixture) {
    let other = journal.clone();
    journal.append(vec![entry(0)], None).await.unwrap();
    soon(journal.close()).await.unwrap();
    assert_eq!(other.append(vec![entry(1)], None).await, Err(Error::Closed));
    assert_eq!(other.flush().await, Err(Error::Closed));
    assert_eq!(other.counts().await, Err(Error::Closed));
    assert!(!other.is_healthy());
}
