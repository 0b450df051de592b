//! F15: the time of day jumps while deliveries wait for their next attempt.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::oracle::{Act, Ledger, Vendor, post};
use crate::report::Report;
use crate::retry::{all_arrived, gaps};
use crate::setup::{orders_to, ready};
use crate::support::command;
use crate::support::server::Server;
use crate::tools::{Rounds, millis, system};

const DESTINATIONS: [&str; 4] = ["d0", "d1", "d2", "d3"];

/// Of each delivery the first two attempts fail; the clock jumps between them.
const WAIT: Duration = Duration::from_secs(2);

const ORDERS: usize = 2;

/// A stall of one interval is allowed.
const STALL: Duration = Duration::from_millis(2 * 2_400 + 150);

pub(crate) async fn run(_rounds: Rounds) -> Report {
    let Some(library) = library() else {
        return Report::skipped("needs libfaketime");
    };
    let mut report = Report::new().with("wait_ms", WAIT.as_millis());
    for (name, jump) in [("none", "+0"), ("forward", "+3600"), ("back", "-3600")] {
        let (gaps, arrived) = jump_by(&library, jump).await;
        let is_burst = gaps.iter().any(|gap| *gap < WAIT.mul_f64(0.79));
        let is_stall = !arrived || gaps.iter().any(|gap| *gap > STALL);
        let text = |gap: Option<&Duration>| gap.map_or("none".to_owned(), |gap| millis(*gap));
        report = report
            .with(&format!("{name}_gap_least_ms"), text(gaps.iter().min()))
            .with(&format!("{name}_gap_most_ms"), text(gaps.iter().max()))
            .with(&format!("{name}_arrived"), u8::from(arrived))
            .require(!is_burst, &format!("{name}: a burst"))
            .require(!is_stall, &format!("{name}: a stall"));
    }
    report
}

fn library() -> Option<PathBuf> {
    let found = system("sh", &["-c", "ls /usr/lib/*/faketime/libfaketimeMT.so.1"]).ok()?;
    Some(found.lines().next()?.into())
}

/// The times between two attempts, and whether all arrived in the end.
async fn jump_by(library: &Path, jump: &str) -> (Vec<Duration>, bool) {
    let ledger = Arc::new(Ledger::default());
    let vendor = Vendor::start(&ledger).await;
    vendor.keep_log();
    for name in DESTINATIONS {
        vendor.by_attempt(name, |attempt| {
            Act::status(if attempt < 3 { 500 } else { 200 })
        });
    }
    let set = orders_to(vendor.address, &DESTINATIONS, "retry = [\"2s\", \"2s\"]");
    let offset = set.file("offset");
    move_clock(&offset, "+0");
    let mut serve = command::tagwerk(set.path(), &["serve"]);
    serve
        .env("LD_PRELOAD", library)
        .env("FAKETIME_TIMESTAMP_FILE", &offset)
        .env("FAKETIME_NO_CACHE", "1")
        // The monotonic clock does not jump when the time of day is set.
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("DONT_FAKE_MONOTONIC", "1");
    let server = Server::try_spawn(&set, serve).await.expect("it starts");
    ready(&server).await;
    for _ in 0..ORDERS {
        assert_eq!(post(server.address, &ledger).await.unwrap(), 200);
    }
    all_arrived(&vendor, ORDERS * DESTINATIONS.len(), 1).await;
    sleep(WAIT / 4).await;
    move_clock(&offset, jump);
    let arrived = all_arrived(&vendor, ORDERS * DESTINATIONS.len(), 3).await;
    server.kill().await;
    (
        gaps(&vendor.log()).into_values().flatten().collect(),
        arrived,
    )
}

/// By rename, so that nobody reads half of it.
fn move_clock(offset: &Path, by: &str) {
    let new = offset.with_extension("new");
    std::fs::write(&new, by).unwrap();
    std::fs::rename(&new, offset).unwrap();
}
