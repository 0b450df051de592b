//! What people see of the journal: pages, filters, windows.

use std::time::Duration;

use tagwerk::clock::Millis;
use tagwerk::delivery::{Delivery, DeliveryId, ErrorClass, State};
use tagwerk::event::Event;
use tagwerk::journal::{
    Entry, FailedRequest, Filter, Journal, Made, NewDelivery, Page, Record, RequestFilter, Window,
};

use super::{Fixture, START, entry, event, pass, settled, soon};

const ALL: Page = Page {
    after: 0,
    limit: usize::MAX,
};

const HOUR: Millis = 60 * 60 * 1_000;

fn made(
    event: &Event,
    tag: &str,
    to: &str,
    state: State,
    class: Option<ErrorClass>,
    due: Millis,
) -> NewDelivery {
    NewDelivery {
        delivery: Delivery {
            id: DeliveryId::of(&event.id, tag, 0),
            event_id: event.id.clone(),
            received_at: event.received_at,
            tag: tag.into(),
            destination: to.into(),
            payload: "{}".into(),
            due,
            expires: None,
            state,
        },
        class,
        note: None,
    }
}

/// Seven deliveries of four events, each of another kind.
async fn stocked() -> Fixture {
    let fixture = Fixture::sqlite();
    let (rejected, script) = (Some(ErrorClass::Rejected), Some(ErrorClass::Script));
    type One<'a> = (&'a str, &'a str, State, Option<ErrorClass>, Millis);
    let events: [&[One<'_>]; 4] = [
        &[
            ("orders", "slack", State::Pending, None, 10),
            ("orders2", "crm", State::Delivered, None, 20),
        ],
        &[
            ("orders", "slack", State::Dead, rejected, 30),
            ("orders2", "crm", State::Dead, script, 40),
        ],
        &[],
        &[
            ("orders", "crm", State::Dead, rejected, 50),
            ("orders2", "slack", State::DryRun, None, 60),
            ("orders3", "slack", State::Skipped, None, 70),
        ],
    ];
    let mut entries = Vec::new();
    for (id, deliveries) in events.into_iter().enumerate() {
        let event = event(id);
        let deliveries = deliveries
            .iter()
            .map(|(tag, to, state, class, due)| made(&event, tag, to, *state, *class, *due));
        let deliveries = Made {
            deliveries: deliveries.collect(),
            filtered: Vec::new(),
        };
        entries.push(Entry {
            made: Some(deliveries),
            event,
        });
    }
    fixture.journal.append(entries, None).await.unwrap();
    fixture
}

fn dues(records: &[Record]) -> Vec<Millis> {
    records.iter().map(|one| one.delivery.due).collect()
}

#[tokio::test]
async fn a_filter_means_what_it_says() {
    let Fixture { journal, .. } = &stocked().await;
    let any = Filter::default;
    let dead = || Filter {
        state: Some(State::Dead),
        ..Filter::default()
    };
    let name = |name: &str| Some(name.to_owned());
    let of_event = |id: usize, tag: &str| DeliveryId::of(&event(id).id, tag, 0);
    let cases = [
        (any(), vec![10, 20, 30, 40, 50, 60, 70]),
        (dead(), vec![30, 40, 50]),
        (
            Filter {
                state: Some(State::Pending),
                ..any()
            },
            vec![10],
        ),
        (
            Filter {
                state: Some(State::Skipped),
                ..any()
            },
            vec![70],
        ),
        (
            Filter {
                class: Some(ErrorClass::Rejected),
                ..any()
            },
            vec![30, 50],
        ),
        (
            Filter {
                class: Some(ErrorClass::Rejected),
                ..dead()
            },
            vec![30, 50],
        ),
        (
            Filter {
                class: Some(ErrorClass::Expired),
                ..dead()
            },
            vec![],
        ),
        (
            Filter {
                tag: name("orders"),
                ..any()
            },
            vec![10, 30, 50],
        ),
        (
            Filter {
                tag: name("orders"),
                ..dead()
            },
            vec![30, 50],
        ),
        (
            Filter {
                tag: name("order"),
                ..dead()
            },
            vec![],
        ),
        (
            Filter {
                destination: name("crm"),
                ..any()
            },
            vec![20, 40, 50],
        ),
        (
            Filter {
                destination: name("crm"),
                tag: name("orders"),
                ..dead()
            },
            vec![50],
        ),
        (
            Filter {
                since: Some(40),
                ..any()
            },
            vec![40, 50, 60, 70],
        ),
        (
            Filter {
                since: Some(40),
                until: Some(50),
                ..any()
            },
            vec![40],
        ),
        (
            Filter {
                since: Some(31),
                until: Some(50),
                ..dead()
            },
            vec![40],
        ),
        (
            Filter {
                ids: vec![of_event(1, "orders"), of_event(3, "orders2")],
                ..any()
            },
            vec![30, 60],
        ),
        (
            Filter {
                ids: vec![of_event(1, "orders"), of_event(3, "orders2")],
                ..dead()
            },
            vec![30],
        ),
        (
            Filter {
                ids: vec![of_event(9, "orders")],
                ..any()
            },
            vec![],
        ),
    ];
    for (filter, expected) in cases {
        let found = journal.deliveries(filter.clone(), ALL).await.unwrap();
        assert_eq!(dues(&found), expected, "{filter:?}");
        let count = journal.count_deliveries(filter.clone()).await.unwrap();
        assert_eq!(count, expected.len() as u64, "{filter:?}");
        // Page by page it is the same.
        let mut paged = Vec::new();
        let mut page = Page { after: 0, limit: 1 };
        loop {
            let part = journal.deliveries(filter.clone(), page).await.unwrap();
            let Some(last) = part.last() else { break };
            page.after = last.number;
            paged.extend(part);
        }
        assert_eq!(paged, found, "{filter:?}");
    }
}

#[tokio::test]
async fn many_ids_are_no_problem() {
    let Fixture { journal, .. } = &stocked().await;
    let ids = (0..40_000).map(|id| DeliveryId::of(&event(id).id, "orders", 0));
    let filter = Filter {
        ids: ids.collect(),
        ..Filter::default()
    };
    let found = journal.deliveries(filter, ALL).await.unwrap();
    assert_eq!(dues(&found), [10, 30, 50]);
}

#[tokio::test]
async fn a_record_is_the_delivery_and_its_event() {
    let Fixture { journal, .. } = &stocked().await;
    let all = journal.deliveries(Filter::default(), ALL).await.unwrap();
    let third = &all[2];
    assert_eq!((third.event, &third.data), (2, &event(1).data));
    assert_eq!(third.class, Some(ErrorClass::Rejected));
    assert_eq!(third.delivery.id, DeliveryId::of(&event(1).id, "orders", 0));
    assert_eq!(third.delivery.event_id, event(1).id);
    assert_eq!(journal.deliveries_of(2).await.unwrap(), all[2..4]);
}

#[tokio::test]
async fn what_was_settled_before_is_seen() {
    let Fixture { journal, .. } = &stocked().await;
    let taken = soon(journal.take_deliveries(&"slack".into(), 9)).await;
    let settlement = settled(&taken[0], State::Delivered);
    journal.settle(vec![settlement]).await.unwrap();
    let pending = Filter {
        state: Some(State::Pending),
        ..Filter::default()
    };
    assert_eq!(journal.count_deliveries(pending).await, Ok(0));
}

#[tokio::test]
async fn a_page_is_bounded_in_rows_and_in_bytes() {
    let fixture = Fixture::sqlite();
    let journal = &fixture.journal;
    let large = |id| {
        let mut entry = entry(id);
        entry.event.data = vec![b' '; 3 << 20].into();
        Entry {
            made: Some(Made::default()),
            ..entry
        }
    };
    let small = |id| Entry {
        made: Some(Made::default()),
        ..entry(id)
    };
    let mut entries: Vec<_> = (0..3).map(large).collect();
    entries.extend((3..1_203).map(small));
    journal.append(entries, None).await.unwrap();
    let mut sizes = Vec::new();
    let mut page = ALL;
    loop {
        let part = journal.events(Window::default(), page).await.unwrap();
        let Some(last) = part.last() else { break };
        page.after = last.number;
        sizes.push(part.len());
    }
    assert_eq!(sizes, [2, 1_000, 201]);
    assert_eq!(journal.count_events(Window::default()).await, Ok(1_203));
    let one = Page { after: 5, limit: 1 };
    let part = journal.events(Window::default(), one).await.unwrap();
    assert_eq!(part[0].number, 6);
}

/// Events that arrive one an hour, each two seconds before it is appended.
async fn hourly(journal: &Journal, clock: tagwerk::clock::Clock, count: usize) {
    for id in 0..count {
        let mut entry = entry(id);
        entry.event.received_at = clock.now() - 2_000;
        entry.made = Some(Made::default());
        journal.append(vec![entry], None).await.unwrap();
        pass(Duration::from_secs(60 * 60)).await;
    }
}

#[tokio::test]
async fn a_window_has_the_events_that_arrived_then() {
    let fixture = Fixture::sqlite();
    let (journal, clock) = (&fixture.journal, fixture.clock);
    let start = clock.now() - 2_000;
    hourly(journal, clock, 30).await;
    // One that arrived long ago and was replayed now, as number 31; and 32, not processed.
    let mut replayed = entry(30);
    replayed.event.received_at = start + 3 * HOUR + 1;
    replayed.made = Some(Made::default());
    journal
        .append(vec![replayed, entry(31)], None)
        .await
        .unwrap();
    // Times as people say them, to the minute and less.
    let at = |hours| Some(start + hours * HOUR - HOUR / 2);
    let cases = [
        (None, None, (1..=31).collect()),
        (at(0), None, (1..=31).collect()),
        (at(28), None, vec![29, 30]),
        (at(2), at(5), vec![3, 4, 5, 31]),
        (None, at(2), vec![1, 2]),
        (at(3), at(3), vec![]),
        (at(99), None, vec![]),
    ];
    for (since, until, expected) in cases {
        let window = Window { since, until };
        let found = journal.events(window, ALL).await.unwrap();
        let numbers: Vec<u64> = found.iter().map(|one| one.number).collect();
        assert_eq!(numbers, expected, "{window:?}");
        let count = journal.count_events(window).await.unwrap();
        assert_eq!(count, expected.len() as u64, "{window:?}");
    }
}

#[tokio::test]
async fn failed_requests_are_found_and_forgotten() {
    let fixture = Fixture::sqlite();
    let journal = &fixture.journal;
    let kept = [("a", "shop", 10), ("b", "blog", 20), ("c", "shop", 30)];
    for (id, client, received_at) in kept {
        let request = FailedRequest {
            id: id.to_owned(),
            received_at,
            client: client.to_owned(),
            fault: "clients/shop.rhai:3:7: no".to_owned(),
            message: "POST / HTTP/1.1".into(),
        };
        journal.keep_request(request).await.unwrap();
    }
    let any = RequestFilter::default;
    let cases = [
        (any(), "abc"),
        (
            RequestFilter {
                client: Some("shop".to_owned()),
                ..any()
            },
            "ac",
        ),
        (
            RequestFilter {
                since: Some(20),
                ..any()
            },
            "bc",
        ),
        (
            RequestFilter {
                since: Some(10),
                until: Some(20),
                ..any()
            },
            "a",
        ),
        (
            RequestFilter {
                ids: vec!["c".to_owned(), "x".to_owned()],
                ..any()
            },
            "c",
        ),
        (
            RequestFilter {
                ids: vec!["x".to_owned()],
                ..any()
            },
            "",
        ),
    ];
    for (filter, expected) in cases {
        let found = journal.failed_requests(filter.clone(), ALL).await.unwrap();
        let ids: String = found.iter().map(|one| &*one.request.id).collect();
        assert_eq!(ids, expected, "{filter:?}");
        let count = journal.count_failed_requests(filter.clone()).await.unwrap();
        assert_eq!(count, expected.len() as u64, "{filter:?}");
    }
    let all = journal.failed_requests(any(), ALL).await.unwrap();
    let (first, last) = (all[0].number, all[2].number);
    let page = Page {
        after: first,
        limit: 1,
    };
    assert_eq!(
        journal.failed_requests(any(), page).await.unwrap(),
        all[1..2]
    );
    let numbers = vec![first, last, last, 99];
    assert_eq!(journal.forget_requests(numbers.clone()).await, Ok(2));
    assert_eq!(journal.forget_requests(numbers).await, Ok(0));
    assert_eq!(
        journal.failed_requests(any(), ALL).await.unwrap(),
        all[1..2]
    );
}

#[tokio::test]
async fn the_oldest_undelivered_delivery_is_told() {
    let fixture = Fixture::sqlite();
    let journal = &fixture.journal;
    assert_eq!(journal.counts().await.unwrap().oldest_undelivered, None);
    for (id, age) in [(0, 30), (1, 20), (2, 10)] {
        let mut entry = entry(id);
        entry.event.received_at = START - age;
        let one = made(&entry.event, "orders", "slack", State::Pending, None, START);
        entry.made = Some(Made::from_iter([one.delivery]));
        journal.append(vec![entry], None).await.unwrap();
    }
    let taken = soon(journal.take_deliveries(&"slack".into(), 1)).await;
    let settlement = settled(&taken[0], State::Delivered);
    journal.settle(vec![settlement]).await.unwrap();
    let counts = journal.counts().await.unwrap();
    assert_eq!(counts.oldest_undelivered, Some(START - 20));
    assert!(counts.size > 4_096, "{}", counts.size);
}
