//! F2: power cuts. Each system has an ext4 of its own, of which the power is cut under load; what it
//! had acknowledged must be there when the file system is mounted again.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use tempfile::TempDir;
use tokio::time::sleep;

use crate::kill::{DUPLICATES_PER_KILL, STALL, sluggish};
use crate::mount::Mount;
use crate::oracle::{Account, Act, Ledger, Load, Vendor, post};
use crate::report::Report;
use crate::setup::{orders_to, start};
use crate::support::command;
use crate::support::server::Server;
use crate::support::working_set::WorkingSet;
use crate::tools::{Rounds, copy_files, has, is_root, progress, random_millis, system};
use crate::{appender, nats};

const CUTS: usize = 50;

const CONNECTIONS: usize = 32;

/// For one order.
const FIRST_ORDER: Duration = Duration::from_secs(10);

/// How long a system runs until the cut.
pub(crate) fn until_the_cut() -> Duration {
    random_millis(50, 900)
}

/// What a system that is compared had acknowledged in all rounds, and what of it was gone.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) acked: u64,
    pub(crate) lost: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.acked += other.acked;
        self.lost += other.lost;
    }
}

pub(crate) async fn run(rounds: Rounds) -> Report {
    if !is_root() {
        return Report::skipped("needs root, for mounting file systems");
    }
    if !has("mkfs.ext4") || !has("python3") {
        return Report::skipped("needs mkfs.ext4 and python3");
    }
    let cuts = rounds.at_most(CUTS);
    let first = cut_a_first_start().await;
    let (account, torn) = cut_tagwerk(cuts).await;
    let bound = cuts as u64 * DUPLICATES_PER_KILL;
    let mut report = Report::new()
        .with("cuts", cuts)
        .with("acked", account.acked)
        .with("lost", account.open)
        .with("late", account.late)
        .with("late_lost", account.late_open)
        .with("wrong", account.wrong)
        .with("dup", account.duplicates)
        .with("dup_bound", bound)
        .with("integrity_bad", torn)
        .with("first_order_ok", u8::from(first.is_ok()))
        .require(account.acked > 50 * cuts as u64, "there was no load")
        .require(account.open == 0, "acknowledged events were lost")
        .require(account.wrong == 0, "something wrong was delivered")
        .require(account.duplicates <= bound, "too many duplicates")
        .require(torn == 0, "the journal was damaged")
        .require(first.is_ok(), &first.err().unwrap_or_default());
    let mut sqlite = Tally::default();
    for cut in 0..cuts {
        progress(&format!("F2 SQLite NORMAL, cut {cut} of {cuts}"));
        sqlite.add(appender::cut().await);
    }
    report = add(report, "sqlite_normal", sqlite);
    for (name, config) in nats::KINDS {
        report = match nats::why_not(config) {
            Some(why) => report.with(name, format!("skipped: {why}")),
            None => {
                let mut tally = Tally::default();
                for cut in 0..cuts {
                    progress(&format!("F2 {name}, cut {cut} of {cuts}"));
                    tally.add(nats::cut(config).await);
                }
                add(report, name, tally)
            }
        };
    }
    report
}

fn add(report: Report, name: &str, tally: Tally) -> Report {
    report
        .with(&format!("{name}_acked"), tally.acked)
        .with(&format!("{name}_lost"), tally.lost)
}

/// The power goes right after the very first order of a new installation; why that order does not
/// arrive after the next start, if so.
async fn cut_a_first_start() -> Result<(), String> {
    let ledger = Arc::new(Ledger::default());
    let vendor = Vendor::start(&ledger).await;
    let set = orders_to(vendor.address, &["crm"], "");
    let (data, image) = (set.file("data"), set.file("disk.img"));
    let mount = Mount::ext4(&image, &data)?;
    vendor.always("crm", Act::Silence);
    let (server, _) = start(&set).await;
    let switch = mount.power_switch().await;
    assert_eq!(post(server.address, &ledger).await.unwrap(), 200);
    switch.cut().await;
    server.kill().await;
    mount.unmount()?;
    let _mount = Mount::ext4(&image, &data)?;
    vendor.always("crm", Act::status(200));
    let serve = command::tagwerk(set.path(), &["serve"]);
    let server = Server::try_spawn(&set, serve).await;
    let server =
        server.map_err(|ended| format!("a cut after the first order: {}", ended.stderr))?;
    let open = ledger.settled(FIRST_ORDER).await.open;
    server.kill().await;
    match open {
        0 => Ok(()),
        _ => Err("the first order was lost".to_owned()),
    }
}

/// The account, and how often the journal was not in order.
async fn cut_tagwerk(cuts: usize) -> (Account, usize) {
    let ledger = Arc::new(Ledger::default());
    let vendor = Vendor::start(&ledger).await;
    let set = orders_to(vendor.address, &["crm"], "");
    let data = set.file("data");
    let image = set.file("disk.img");
    let load = Load::start(&ledger, CONNECTIONS);
    let mut mount = Mount::ext4(&image, &data).unwrap();
    settle_in(&set).await;
    let mut torn = 0;
    for cut in 0..cuts {
        // A slow vendor: what was acknowledged is only in the journal.
        vendor.always(
            "crm",
            if cut % 2 == 1 {
                sluggish()
            } else {
                Act::status(200)
            },
        );
        let (server, _) = start(&set).await;
        load.aim_at(server.address);
        let switch = mount.power_switch().await;
        sleep(until_the_cut()).await;
        // A machine without power answers nobody; this one may, for a moment.
        ledger.freeze(true);
        switch.cut().await;
        server.kill().await;
        load.hold();
        mount.unmount().unwrap();
        mount = Mount::ext4(&image, &data).unwrap();
        torn += usize::from(!is_in_order(&data));
        ledger.freeze(false);
        let acked = ledger.account().acked;
        progress(&format!("F2 cut {cut} of {cuts}, {acked} acked"));
    }
    load.stop().await;
    vendor.always("crm", Act::status(200));
    let (server, _) = start(&set).await;
    let account = ledger.settled(STALL).await;
    server.stop().await;
    mount.unmount().unwrap();
    (account, torn)
}

/// A first start, and enough time for the system to write what it made: what comes of a cut before
/// that is looked at apart.
async fn settle_in(set: &WorkingSet) {
    let (server, _) = start(set).await;
    server.stop().await;
    system("sync", &["-f", set.file("data").to_str().unwrap()]).unwrap();
}

/// Whether SQLite finds nothing wrong with a copy of the journal: opening it changes it.
fn is_in_order(data: &Path) -> bool {
    let copy = TempDir::new().unwrap();
    copy_files(data, copy.path());
    let connection = Connection::open(copy.path().join("journal.sqlite")).unwrap();
    let found = connection.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0));
    found.is_ok_and(|found| found == "ok")
}
