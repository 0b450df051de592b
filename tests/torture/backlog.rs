//! L8 and S1: a vendor that was down for long.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::oracle::{Act, Ledger, Load, Vendor, paced};
use crate::report::Report;
use crate::setup::{orders_to, start};
use crate::statuses::open;
use crate::support::server::Server;
use crate::tools::{Rounds, memory_kib, millis, percentile, progress};

const BACKLOG: u64 = 500_000;

const WAITING: u64 = 1_000_000;

const CONNECTIONS: usize = 32;

/// What goes on coming in, in events a second.
const ARRIVALS: u32 = 1_000;

/// How much faster it must be drained than that.
const DRAIN: f64 = 2.0 * ARRIVALS as f64;

const MEMORY_MIB: u64 = 256;

const READY: Duration = Duration::from_secs(2);

/// For how long the answers to senders are measured.
const MEASURED: Duration = Duration::from_secs(10);

/// The longest that a vendor may wait to be tried again.
const STALL: Duration = Duration::from_secs(300);

/// Often enough not to run out before the vendor is well.
const RETRY: &str = "retry = [\"5s\", \"10s\", \"20s\", \"30s\", \"30s\", \"30s\", \"30s\", \"30s\", \"30s\", \"30s\", \"30s\", \"30s\", \"30s\", \"30s\"]";

/// A tenth of it, for a quick try.
fn size(rounds: Rounds, whole: u64) -> u64 {
    if rounds.0.is_some() {
        whole / 10
    } else {
        whole
    }
}

pub(crate) async fn drain(rounds: Rounds) -> Report {
    let backlog = size(rounds, BACKLOG);
    let ledger = Arc::new(Ledger::default());
    let vendor = Vendor::start(&ledger).await;
    vendor.always("crm", Act::status(503));
    let set = orders_to(vendor.address, &["crm"], RETRY);
    let (server, _) = start(&set).await;
    let filled = fill(&server, &ledger, backlog).await;
    let mut down = answers(paced(server.address, &ledger, ARRIVALS, MEASURED).await);

    vendor.always("crm", Act::status(200));
    let up = Instant::now();
    // The breaker is open: it resumes with the next probe, and it is from then on that is measured.
    let is_resumed = ledger.until(|account| account.arrived > 100, STALL).await;
    let resumed = up.elapsed();
    let load = tokio::spawn({
        let (address, ledger) = (server.address, ledger.clone());
        async move { answers(paced(address, &ledger, ARRIVALS, MEASURED).await) }
    });
    let account = ledger.settled(STALL).await;
    let drained = (up.elapsed() - resumed).as_secs_f64();
    let mut while_draining = load.await.unwrap();
    let account_after = ledger.settled(STALL).await;
    let memory = memory_kib(server.process(), "VmHWM") >> 10;
    server.stop().await;

    let rate = account.arrived as f64 / drained;
    Report::new()
        .with("backlog", backlog)
        .with("accepted_per_s", format!("{filled:.0}"))
        .with("drained_per_s", format!("{rate:.0}"))
        .with("drain_s", format!("{drained:.1}"))
        .with("resumed_s", format!("{:.1}", resumed.as_secs_f64()))
        .with("rss_peak_mib", memory)
        .with("answer_p99_down_ms", millis(percentile(&mut down, 0.99)))
        .with(
            "answer_p99_draining_ms",
            millis(percentile(&mut while_draining, 0.99)),
        )
        .with("acked", account_after.acked)
        .with("lost", account_after.open)
        .with("wrong", account_after.wrong)
        .with("dup", account_after.duplicates)
        .require(is_resumed, "a vendor that is well again was not tried")
        .require(account_after.open == 0, "acknowledged events were lost")
        .require(account_after.wrong == 0, "something wrong was delivered")
        .require(rate >= DRAIN, "it drains too slowly")
        .require(memory <= MEMORY_MIB, "it took more than 256 MiB")
}

pub(crate) async fn start_with(rounds: Rounds) -> Report {
    let waiting = size(rounds, WAITING);
    let ledger = Arc::new(Ledger::default());
    let vendor = Vendor::start(&ledger).await;
    vendor.always("crm", Act::Silence);
    let set = orders_to(vendor.address, &["crm"], "");
    let (server, _) = start(&set).await;
    fill(&server, &ledger, waiting).await;
    let pending = wait_until_processed(&server).await;
    server.kill().await;
    let (server, ready) = start(&set).await;
    let memory = memory_kib(server.process(), "VmRSS") >> 10;
    sleep(Duration::from_secs(5)).await;
    let later = memory_kib(server.process(), "VmRSS") >> 10;
    let journal = std::fs::metadata(set.file("data/journal.sqlite"))
        .unwrap()
        .len()
        >> 20;
    server.kill().await;
    Report::new()
        .with("pending", pending)
        .with("ready_ms", millis(ready))
        .with("rss_mib", memory)
        .with("rss_later_mib", later)
        .with("journal_mib", journal)
        .require(pending >= waiting, "fewer were pending")
        .require(ready <= READY, "it took more than 2 s to be ready")
        .require(later <= MEMORY_MIB, "it took more than 256 MiB")
}

/// Waits until all events have become deliveries; how many these are.
async fn wait_until_processed(server: &Server) -> u64 {
    let begin = Instant::now();
    loop {
        let status = server.status().await;
        if status["journal"]["unprocessed"] == 0 {
            return open(&status);
        }
        assert!(begin.elapsed() < STALL, "processing takes too long");
        sleep(Duration::from_millis(100)).await;
    }
}

/// Sends until so many are acknowledged; how many a second that were.
async fn fill(server: &Server, ledger: &Arc<Ledger>, orders: u64) -> f64 {
    let begin = Instant::now();
    let load = Load::start(ledger, CONNECTIONS);
    load.aim_at(server.address);
    while ledger.account().acked < orders {
        progress(&format!("{} of {orders} acked", ledger.account().acked));
        sleep(Duration::from_millis(100)).await;
        assert!(begin.elapsed() < 2 * STALL, "filling takes too long");
    }
    load.stop().await;
    ledger.account().acked as f64 / begin.elapsed().as_secs_f64()
}

fn answers(samples: Vec<crate::oracle::Sample>) -> Vec<Duration> {
    samples.into_iter().map(|sample| sample.answered).collect()
}
