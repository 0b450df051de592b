//! F19: SIGTERM under load, again and again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::kill::{STALL, sluggish};
use crate::oracle::{Act, Ledger, Load, Vendor};
use crate::report::Report;
use crate::setup::{orders_to, start};
use crate::tools::{Rounds, millis, progress, random_millis};

const STOPS: usize = 50;

const CONNECTIONS: usize = 32;

/// What process supervisors commonly give.
const IN_TIME: Duration = Duration::from_secs(20);

pub(crate) async fn run(rounds: Rounds) -> Report {
    let stops = rounds.at_most(STOPS);
    let ledger = Arc::new(Ledger::default());
    let vendor = Vendor::start(&ledger).await;
    let set = orders_to(vendor.address, &["crm"], "");
    let load = Load::start(&ledger, CONNECTIONS);
    let mut slowest = Duration::ZERO;
    let mut bad_exits = 0;
    for stop in 0..stops {
        vendor.always(
            "crm",
            if stop % 3 == 2 {
                sluggish()
            } else {
                Act::status(200)
            },
        );
        let (mut server, _) = start(&set).await;
        load.aim_at(server.address);
        sleep(random_millis(50, 1_000)).await;
        let told = Instant::now();
        server.signal_terminate().await;
        bad_exits += usize::from(!server.ended().await.success());
        slowest = slowest.max(told.elapsed());
        let acked = ledger.account().acked;
        progress(&format!("F19 stop {stop} of {stops}, {acked} acked"));
    }
    load.stop().await;
    vendor.always("crm", Act::status(200));
    let (server, _) = start(&set).await;
    let account = ledger.settled(STALL).await;
    server.stop().await;
    Report::new()
        .with("stops", stops)
        .with("acked", account.acked)
        .with("lost", account.open)
        .with("accepted_without_answer", account.unanswered_and_arrived)
        .with("refused", account.refused)
        .with("odd", account.odd)
        .with("dup", account.duplicates)
        .with("wrong", account.wrong)
        .with("bad_exits", bad_exits)
        .with("stop_max_ms", millis(slowest))
        .require(account.acked > 50 * stops as u64, "there was no load")
        .require(account.open == 0, "acknowledged events were lost")
        .require(
            account.unanswered_and_arrived == 0,
            "what was accepted was not answered",
        )
        .require(
            account.odd == 0,
            "something else than 200 and 503 was answered",
        )
        .require(account.wrong == 0, "something wrong was delivered")
        .require(bad_exits == 0, "it did not end with 0")
        .require(slowest <= IN_TIME, "it took more than 20 s")
}
