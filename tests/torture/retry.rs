//! F5 and F6: a vendor that fails, and one that says when to come back.
//!
//! Each destination has two orders only, so that no circuit breaker comes in between: what is looked
//! at is the schedule.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;

use crate::oracle::{Act, Arrival, Ledger, Vendor, post};
use crate::report::Report;
use crate::setup::{orders_to, start};
use crate::support::working_set::WorkingSet;
use crate::tools::{Rounds, millis};

/// The waits that are configured; the vendor fails once more than there are.
const WAITS: [u64; 4] = [200, 500, 1_000, 2_000];

const DESTINATIONS: [&str; 8] = ["d0", "d1", "d2", "d3", "d4", "d5", "d6", "d7"];

const ORDERS: usize = 2;

/// What a busy machine may add to a wait.
const SLACK: Duration = Duration::from_millis(150);

/// Times are kept in whole milliseconds.
const ROUNDING: Duration = Duration::from_millis(2);

const PATIENCE: Duration = Duration::from_secs(60);

/// The waits between the attempts of each delivery.
pub(crate) fn gaps(log: &[Arrival]) -> BTreeMap<(Arc<str>, u64), Vec<Duration>> {
    let mut last = BTreeMap::new();
    let mut gaps: BTreeMap<(Arc<str>, u64), Vec<Duration>> = BTreeMap::new();
    for arrival in log {
        let key = (arrival.destination.clone(), arrival.order);
        if let Some(before) = last.insert(key.clone(), arrival.at) {
            gaps.entry(key).or_default().push(arrival.at - before);
        }
    }
    gaps
}

/// Whether a gap is a wait, ±20 %.
pub(crate) fn keeps(gap: Duration, wait: Duration) -> bool {
    gap + ROUNDING >= wait.mul_f64(0.8) && gap <= wait.mul_f64(1.2) + SLACK
}

/// Waits until so many have arrived everywhere.
pub(crate) async fn all_arrived(vendor: &Vendor, deliveries: usize, last_attempt: u32) -> bool {
    let arrived = async {
        loop {
            let log = vendor.log();
            let last = log.iter().filter(|arrival| arrival.attempt == last_attempt);
            if last.count() >= deliveries {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, arrived).await.is_ok()
}

pub(crate) async fn outage(_rounds: Rounds) -> Report {
    let ledger = Arc::new(Ledger::default());
    let vendor = Vendor::start(&ledger).await;
    vendor.keep_log();
    let failures = WAITS.len() as u32;
    for name in DESTINATIONS {
        vendor.by_attempt(name, move |attempt| {
            Act::status(if attempt <= failures { 500 } else { 200 })
        });
    }
    let waits = WAITS.map(|wait| format!("\"{wait}ms\"")).join(", ");
    let set = orders_to(vendor.address, &DESTINATIONS, &format!("retry = [{waits}]"));
    let (server, _) = start(&set).await;
    for _ in 0..ORDERS {
        assert_eq!(post(server.address, &ledger).await.unwrap(), 200);
    }
    let deliveries = ORDERS * DESTINATIONS.len();
    let arrived = all_arrived(&vendor, deliveries, failures + 1).await;
    server.stop().await;

    let gaps = gaps(&vendor.log());
    let pairs = gaps.values().flat_map(|gaps| gaps.iter().zip(WAITS));
    let off = pairs.filter(|(gap, wait)| !keeps(**gap, Duration::from_millis(*wait)));
    let off: Vec<String> = off
        .map(|(gap, wait)| format!("{}/{wait}", millis(*gap)))
        .collect();
    let attempts = vendor.log().len();
    let expected = deliveries * (WAITS.len() + 1);
    Report::new()
        .with("deliveries", deliveries)
        .with("attempts", attempts)
        .with("schedule_ms", WAITS.map(|wait| wait.to_string()).join(","))
        .with("off_schedule", off.len())
        .with("lost", if arrived { 0 } else { 1 })
        .require(arrived, "not everything arrived")
        .require(attempts == expected, "there were more or fewer attempts")
        .require(off.is_empty(), &format!("off schedule: {off:?}"))
}

/// The value of the header, and after how long the second request must come. What says nothing is a
/// second.
const ASKED: [(&str, &str, u64); 4] = [
    ("one", "1", 1_000),
    ("thirty", "30", 30_000),
    ("past", "Sun, 06 Nov 1994 08:49:37 GMT", 1_000),
    ("nonsense", "soon", 1_000),
];

pub(crate) async fn retry_after(_rounds: Rounds) -> Report {
    let ledger = Arc::new(Ledger::default());
    let vendor = Vendor::start(&ledger).await;
    vendor.keep_log();
    for (name, asked, _) in ASKED.iter().chain(&[("day", "86400", 0)]) {
        let header = format!("Retry-After: {asked}\r\n");
        vendor.by_attempt(name, move |attempt| match attempt {
            1 => Act::answer(429, &header, ""),
            _ => Act::status(200),
        });
    }
    let mut names: Vec<&str> = ASKED.iter().map(|asked| asked.0).collect();
    names.push("day");
    // One attempt is all there is: if a 429 were one, nothing would come again.
    let set = orders_to(vendor.address, &names, "retry = \"off\"");
    let (server, _) = start(&set).await;
    assert_eq!(post(server.address, &ledger).await.unwrap(), 200);
    let arrived = all_arrived(&vendor, ASKED.len(), 2).await;
    server.stop().await;

    let gaps = gaps(&vendor.log());
    let mut report = Report::new();
    for (name, _, wait) in ASKED {
        let key = (Arc::from(name), 0);
        let gap = gaps.get(&key).and_then(|gaps| gaps.first()).copied();
        let gap = gap.unwrap_or_default();
        report = report
            .with(&format!("{name}_ms"), millis(gap))
            .require(keeps(gap, Duration::from_millis(wait)), name);
    }
    let due = due_in_seconds(&set, "day");
    report
        .with("day_due_s", due)
        .require(arrived, "not everything arrived")
        .require(
            (3_500..=3_600 * 6 / 5).contains(&due),
            "a day is not cut to an hour",
        )
}

/// When the one delivery of a destination is due. It is only on disk that this can be seen.
fn due_in_seconds(set: &WorkingSet, destination: &str) -> u64 {
    let connection = Connection::open(set.file("data/journal.sqlite")).unwrap();
    let due = connection.query_row(
        "SELECT due FROM delivery WHERE destination = ?1 AND state = 0",
        [destination],
        |row| row.get::<_, i64>(0),
    );
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let due = u64::try_from(due.unwrap_or(0) / 1_000).unwrap_or(0);
    due.saturating_sub(now.unwrap_or_default().as_secs())
}
