//! F1: `kill -9` under load, again and again.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::oracle::{Act, Ledger, Load, Vendor};
use crate::report::Report;
use crate::setup::{orders_to, start};
use crate::tools::{Rounds, millis, percentile, progress, random_millis};

const KILLS: usize = 200;

const CONNECTIONS: usize = 32;

/// Of each kill: what was under way to the vendor (`concurrency`), completions that waited to be
/// written (`MAX_MARKS`), and those that came along with a commit under way (`MAX_COMMANDS`).
pub(crate) const DUPLICATES_PER_KILL: u64 = 16 + 1_000 + 512;

const READY: Duration = Duration::from_secs(1);

/// For as long as something still arrives, it is waited.
pub(crate) const STALL: Duration = Duration::from_secs(90);

/// A vendor that takes about 300 a second: less than comes in, so that there is a backlog.
pub(crate) fn sluggish() -> Act {
    let ok = bytes::Bytes::from_static(b"HTTP/1.1 200 x\r\nContent-Length: 0\r\n\r\n");
    Act::SayLate(Duration::from_millis(50), ok)
}

pub(crate) async fn run(rounds: Rounds) -> Report {
    let kills = rounds.at_most(KILLS);
    let ledger = Arc::new(Ledger::default());
    let vendor = Vendor::start(&ledger).await;
    let set = orders_to(vendor.address, &["crm"], "");
    let load = Load::start(&ledger, CONNECTIONS);
    let mut ready_after = Vec::new();
    let mut worst = 0;
    for kill in 0..kills {
        vendor.always(
            "crm",
            if kill % 3 == 2 {
                sluggish()
            } else {
                Act::status(200)
            },
        );
        let before = ledger.account().duplicates;
        let (server, ready) = start(&set).await;
        ready_after.push(ready);
        load.aim_at(server.address);
        sleep(random_millis(50, 1_500)).await;
        server.kill().await;
        let account = ledger.account();
        worst = worst.max(account.duplicates - before);
        progress(&format!(
            "F1 kill {kill} of {kills}, {} acked",
            account.acked
        ));
    }
    load.stop().await;
    vendor.always("crm", Act::status(200));
    let (server, ready) = start(&set).await;
    ready_after.push(ready);
    let account = ledger.settled(STALL).await;
    let journal = journal_mib(&set);
    server.stop().await;

    let bound = kills as u64 * DUPLICATES_PER_KILL;
    let slowest = ready_after.iter().max().copied().unwrap_or_default();
    Report::new()
        .with("kills", kills)
        .with("acked", account.acked)
        .with("lost", account.open)
        .with("wrong", account.wrong)
        .with("dup", account.duplicates)
        .with("dup_most_per_kill", worst)
        .with("dup_bound", bound)
        .with("ready_p50_ms", millis(percentile(&mut ready_after, 0.5)))
        .with("ready_max_ms", millis(slowest))
        .with("journal_mib", journal)
        .require(account.acked > 100 * kills as u64, "there was no load")
        .require(account.open == 0, "acknowledged events were lost")
        .require(account.wrong == 0, "something wrong was delivered")
        .require(account.duplicates <= bound, "too many duplicates")
        .require(slowest <= READY, "it took more than 1 s to be ready")
}

fn journal_mib(set: &crate::support::working_set::WorkingSet) -> u64 {
    let file = std::fs::metadata(set.file("data/journal.sqlite"));
    file.map_or(0, |file| file.len() >> 20)
}
