//! F3: a full disk.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::kill::{STALL, sluggish};
use crate::mount::Mount;
use crate::oracle::{Act, Ledger, Load, Vendor, post};
use crate::report::Report;
use crate::setup::{orders_to, ready, start};
use crate::support::server::Server;
use crate::tools::{Rounds, is_root, millis};

const MIB: u32 = 64;

/// A file that has nothing to do with us, and is removed in the end.
const FILLER_MIB: usize = 24;

const CONNECTIONS: usize = 16;

/// Refusals in all until the disk counts as full.
const REFUSALS: u64 = 500;

const PATIENCE: Duration = Duration::from_secs(60);

/// How long the disk stays full.
const FULL: Duration = Duration::from_secs(5);

const RECOVERY: Duration = Duration::from_secs(5);

pub(crate) async fn run(_rounds: Rounds) -> Report {
    if !is_root() {
        return Report::skipped("needs root, for mounting a tmpfs");
    }
    let ledger = Arc::new(Ledger::default());
    let vendor = Vendor::start(&ledger).await;
    let set = orders_to(vendor.address, &["crm"], "");
    let mount = Mount::tmpfs(&set.file("data"), MIB).unwrap();
    let filler = set.file("data/filler");
    std::fs::write(&filler, vec![0; FILLER_MIB << 20]).unwrap();
    // Slow, so that much is undelivered when the disk is full.
    vendor.always("crm", sluggish());
    let (server, _) = start(&set).await;
    let load = Load::start(&ledger, CONNECTIONS);
    load.aim_at(server.address);
    let is_full = ledger
        .until(|account| account.refused > REFUSALS, PATIENCE)
        .await;

    let before = ledger.account();
    let mut unready = 0;
    let mut looks = 0;
    let since = Instant::now();
    while since.elapsed() < FULL {
        looks += 1;
        unready += usize::from(server.get("/readyz").await.status == 503);
        sleep(Duration::from_millis(50)).await;
    }
    let during = ledger.account();

    vendor.always("crm", Act::status(200));
    load.stop().await;
    std::fs::remove_file(&filler).unwrap();
    let recovered = recovery(&server, &ledger).await;
    let account = ledger.settled(STALL).await;
    let process = server.process();
    server.kill().await;
    let (server, _) = start(&set).await;
    let account_after = ledger.settled(STALL).await;
    server.stop().await;
    mount.unmount().unwrap();

    Report::new()
        .with("acked", account.acked)
        .with("refused", account.refused)
        .with("odd", account.odd)
        .with("open_when_full", before.open)
        .with("delivered_while_full", during.arrived - before.arrived)
        .with("acked_while_full", during.acked - before.acked)
        .with("unready", format!("{unready}/{looks}"))
        .with("recovered_ms", millis(recovered))
        .with("lost", account.open.max(account_after.open))
        .with("wrong", account_after.wrong)
        .with("dup", account_after.duplicates)
        .require(process > 0 && is_full, "the disk was never full")
        .require(
            account.odd == 0,
            "something else than 200 and 503 was answered",
        )
        .require(
            during.arrived > before.arrived + 100,
            "deliveries did not go on",
        )
        .require(unready > 0, "/readyz never said no")
        .require(recovered <= RECOVERY, "it took more than 5 s to recover")
        .require(
            account.open == 0 && account_after.open == 0,
            "acknowledged events were lost",
        )
        .require(account_after.wrong == 0, "something wrong was delivered")
}

/// Until it is ready and takes an order.
async fn recovery(server: &Server, ledger: &Ledger) -> Duration {
    let since = Instant::now();
    let taken = async {
        ready(server).await;
        while post(server.address, ledger).await.ok() != Some(200) {
            sleep(Duration::from_millis(10)).await;
        }
    };
    drop(tokio::time::timeout(PATIENCE, taken).await);
    since.elapsed()
}
