//! F3: a full disk.

use std::fmt::{self, Display};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::kill::{DUPLICATES_PER_KILL, STALL, sluggish};
use crate::mount::Mount;
use crate::oracle::{Act, Ledger, Load, Vendor, post, sum_of};
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

/// How long the disk stays full, before and after a kill.
const FULL: Duration = Duration::from_secs(5);

/// A tenth of the disk is kept back for what was acknowledged, so nothing fails: it is only new events
/// that there is no room for. When to come again, in seconds.
const RETRY_AFTER: &str = "30";

/// One while the disk is full, one in the end.
const KILLS: u64 = 2;

/// At least so many are delivered meanwhile, by a vendor that takes 300 a second.
const DELIVERED: u64 = 500;

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

    let full = watch(&server, &ledger).await;
    server.kill().await;
    let server = Server::start(&set).await; // it may still be full, and not ready
    load.aim_at(server.address);
    let full_after_kill = watch(&server, &ledger).await;

    vendor.always("crm", Act::status(200));
    load.stop().await;
    std::fs::remove_file(&filler).unwrap();
    let recovered = recovery(&server, &ledger).await;
    let account = ledger.settled(STALL).await;
    server.kill().await;
    let (server, _) = start(&set).await;
    let account_after = ledger.settled(STALL).await;
    server.stop().await;
    mount.unmount().unwrap();

    let bound = KILLS * DUPLICATES_PER_KILL;
    Report::new()
        .with("acked", account.acked)
        .with("refused", account.refused)
        .with("odd", account.odd)
        .with("open_when_full", full.open)
        .with("while_full", &full)
        .with("after_a_kill", &full_after_kill)
        .with("recovered_ms", millis(recovered))
        .with("lost", account.open.max(account_after.open))
        .with("wrong", account_after.wrong)
        .with("dup", account_after.duplicates)
        .with("dup_bound", bound)
        .require(is_full, "the disk was never full")
        .require(
            account.odd == 0,
            "something else than 200 and 503 was answered",
        )
        .require(
            full.delivered > DELIVERED && full_after_kill.delivered > DELIVERED,
            "deliveries did not go on",
        )
        .require(
            full.refused > 0 && full_after_kill.refused > 0,
            "new events were not refused",
        )
        .require(
            full.says_when && full_after_kill.says_when,
            "a refusal did not say that the journal is full, and when to come again",
        )
        .require(
            full.unready == full.looks,
            "/readyz did not say that new events are refused",
        )
        .require(recovered <= RECOVERY, "it took more than 5 s to recover")
        .require(
            account.open == 0 && account_after.open == 0,
            "acknowledged events were lost",
        )
        .require(account_after.wrong == 0, "something wrong was delivered")
        .require(account_after.duplicates <= bound, "too many duplicates")
}

/// What was seen while the disk was full.
#[derive(Debug)]
struct Full {
    open: u64,
    delivered: u64,
    acked: u64,
    refused: u64,
    unready: usize,
    looks: usize,
    /// Each refusal that was looked at says that the journal is full, and when to come again.
    says_when: bool,
}

impl Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            delivered,
            acked,
            refused,
            unready,
            looks,
            ..
        } = self;
        write!(
            f,
            "delivered:{delivered},acked:{acked},refused:{refused},unready:{unready}/{looks}"
        )
    }
}

/// Looks on for [`FULL`].
async fn watch(server: &Server, ledger: &Ledger) -> Full {
    let before = ledger.account();
    let (mut unready, mut looks, mut says_when) = (0, 0, true);
    let since = Instant::now();
    while since.elapsed() < FULL {
        looks += 1;
        unready += usize::from(server.get("/readyz").await.status != 200);
        let order = ledger.draw();
        let body = format!("{{\"id\":{order},\"sum\":{}}}", sum_of(order));
        let answer = server.post("/order", &body).await;
        ledger.answer(order, answer.status);
        says_when &= answer.status != 503
            || answer.header("retry-after") == Some(RETRY_AFTER)
                && answer.body.contains("the journal is full");
        sleep(Duration::from_millis(50)).await;
    }
    let after = ledger.account();
    Full {
        open: before.open,
        delivered: after.arrived - before.arrived,
        acked: after.acked - before.acked,
        refused: after.refused - before.refused,
        unready,
        looks,
        says_when,
    }
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
