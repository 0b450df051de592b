//! F8: vendors that are slow in several ways.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::sleep;

use crate::neighbours::{Shape, compare};
use crate::oracle::{Act, Ledger, Vendor, post};
use crate::report::Report;
use crate::setup::{orders_to, start};
use crate::tools::{Rounds, millis};

const TIMEOUT: Duration = Duration::from_secs(1);

/// How much later than `timeout` it may be cut.
const LATE: Duration = Duration::from_millis(500);

/// A 200 with a long body.
pub(crate) const LONG_HEAD: &str = "HTTP/1.1 200 x\r\nContent-Length: 1000000\r\n\r\n";

pub(crate) fn drip() -> Act {
    let piece = Bytes::from_static(b"x");
    Act::Drip(LONG_HEAD.into(), piece, Duration::from_secs(1), 60)
}

pub(crate) fn late(seconds: u64) -> Act {
    let ok = Bytes::from_static(b"HTTP/1.1 200 x\r\nContent-Length: 0\r\n\r\n");
    Act::SayLate(Duration::from_secs(seconds), ok)
}

pub(crate) async fn run(rounds: Rounds) -> Report {
    let kinds = [
        ("five", late(5)),
        ("fifteen", late(15)),
        ("drip", drip()),
        ("never", Act::Silence),
    ];
    let ledger = Arc::new(Ledger::default());
    let vendor = Vendor::start(&ledger).await;
    vendor.keep_log();
    for (name, act) in &kinds {
        vendor.always(name, act.clone());
    }
    let names: Vec<&str> = kinds.iter().map(|kind| kind.0).collect();
    let set = orders_to(vendor.address, &names, "timeout = \"1s\"\nretry = [\"1h\"]");
    let (server, _) = start(&set).await;
    for _ in 0..4 {
        assert_eq!(post(server.address, &ledger).await.unwrap(), 200);
    }
    sleep(TIMEOUT + LATE + LATE).await;
    let cuts: Vec<Option<Duration>> = vendor.log().iter().map(|arrival| arrival.cut).collect();
    let in_time = |cut: &&Option<Duration>| {
        cut.is_some_and(|cut| cut + Duration::from_millis(50) >= TIMEOUT && cut <= TIMEOUT + LATE)
    };
    let cut_in_time = cuts.iter().filter(in_time).count();
    let slowest = cuts.iter().flatten().max().copied().unwrap_or_default();
    server.kill().await;

    let report = Report::new()
        .with("timeout_ms", TIMEOUT.as_millis())
        .with("attempts", cuts.len())
        .with("cut_in_time", cut_in_time)
        .with("cut_max_ms", millis(slowest))
        .require(cuts.len() == 4 * kinds.len(), "not everything was tried")
        .require(cut_in_time == cuts.len(), "not everything was cut in time");
    let shape = Shape {
        destinations: 2,
        allowed: 1.2,
    };
    let acts = [("fifteen", late(15)), ("drip", drip())];
    compare(report, rounds, shape, &acts).await
}
