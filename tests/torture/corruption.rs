//! F21: a damaged journal.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::oracle::{Account, Act, Ledger, Vendor, post};
use crate::report::Report;
use crate::setup::{orders_to, start};
use crate::support::command::{self, Ended};
use crate::support::server::Server;
use crate::support::working_set::WorkingSet;
use crate::tools::{Rounds, copy_files, progress};

/// Orders in the journal, of which one destination has all and the other has none.
const ORDERS: u64 = 100;

/// Positions of each kind of damage, spread over the file.
const POSITIONS: usize = 75;

/// The file that is damaged: everything is in it.
#[derive(Clone, Copy, Debug)]
enum Holder {
    /// The database, after it was stopped.
    Database,
    /// Its log, after it was killed.
    Log,
}

impl Holder {
    fn file(self) -> &'static str {
        match self {
            Self::Database => "journal.sqlite",
            Self::Log => "journal.sqlite-wal",
        }
    }
}

/// After this long without a delivery there are no more.
const QUIET: Duration = Duration::from_millis(400);

#[derive(Clone, Copy, Debug)]
enum Damage {
    /// A bit, anywhere.
    Flip,
    /// All from there on.
    Cut,
    /// A bit of an order's sum: what would arrive changed, if nobody noticed.
    Digit,
}

/// What became of one damaged journal.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    whole: usize,
    /// Not everything arrived, and it said so: in its log, or with `/readyz`.
    partly: usize,
    /// Not everything arrived, and it said nothing.
    silently: usize,
    refused: usize,
    /// Ended in another way than by refusing.
    broke: usize,
    panics: usize,
    wrong: u64,
}

pub(crate) async fn run(rounds: Rounds) -> Report {
    let positions = rounds.at_most(POSITIONS);
    let vendor = Vendor::start(&Arc::default()).await;
    let mut report = Report::new();
    let mut all = Tally::default();
    for holder in [Holder::Database, Holder::Log] {
        let set = make_journal(&vendor, holder).await;
        for damage in [Damage::Flip, Damage::Cut, Damage::Digit] {
            let tally = damage_all(&set, &vendor, holder, damage, positions).await;
            let key = format!("{holder:?}_{damage:?}").to_lowercase();
            report = report.with(&key, tally);
            all.add(tally);
        }
    }
    report
        .with("cases", 6 * positions)
        .with("whole", all.whole)
        .with("partly", all.partly)
        .with("silently", all.silently)
        .with("refused", all.refused)
        .with("broke", all.broke)
        .with("panics", all.panics)
        .with("wrong", all.wrong)
        .require(all.panics == 0, "it panicked")
        .require(all.broke == 0, "it ended without a reason")
        .require(all.wrong == 0, "something wrong was delivered")
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.whole += other.whole;
        self.partly += other.partly;
        self.silently += other.silently;
        self.refused += other.refused;
        self.broke += other.broke;
        self.panics += other.panics;
        self.wrong += other.wrong;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            whole,
            partly,
            silently,
            refused,
            wrong,
            ..
        } = self;
        write!(
            f,
            "whole:{whole},partly:{partly},silently:{silently},refused:{refused},wrong:{wrong}"
        )
    }
}

/// A folder whose `master` has a journal of orders that `crm` has, and `later` has not.
async fn make_journal(vendor: &Vendor, holder: Holder) -> WorkingSet {
    let ledger = Arc::new(Ledger::default());
    let set = orders_to(vendor.address, &["crm", "later"], "");
    vendor.record_in(&ledger);
    vendor.always("crm", Act::status(200));
    vendor.always("later", Act::Silence);
    let (server, _) = start(&set).await;
    send(&server, &ledger, ORDERS).await;
    ledger.settled(Duration::from_secs(10)).await;
    server.status().await; // when this is answered, all before it is written
    match holder {
        Holder::Database => server.stop().await,
        Holder::Log => server.kill().await,
    }
    copy_files(&set.file("data"), &set.file("master"));
    vendor.always("crm", Act::status(500)); // whatever it gets now, it has already
    vendor.always("later", Act::status(200));
    set
}

async fn send(server: &Server, ledger: &Ledger, orders: u64) {
    for _ in 0..orders {
        assert_eq!(post(server.address, ledger).await.unwrap(), 200);
    }
}

async fn damage_all(
    set: &WorkingSet,
    vendor: &Vendor,
    holder: Holder,
    damage: Damage,
    positions: usize,
) -> Tally {
    let file = holder.file();
    let mut tally = Tally::default();
    for at in places(&set.file("master").join(file), damage, positions) {
        progress(&format!("F21 {damage:?} {file} at {at}"));
        let data = set.file("data");
        fs::remove_dir_all(&data).unwrap();
        copy_files(&set.file("master"), &data);
        harm(&data.join(file), damage, at);
        try_out(set, vendor, &mut tally).await;
    }
    tally
}

/// Where to do it: so many places, spread over the file.
fn places(file: &Path, damage: Damage, positions: usize) -> Vec<u64> {
    const SUM: &[u8] = b"\"sum\":";
    let content = fs::read(file).unwrap();
    let all: Vec<usize> = match damage {
        Damage::Flip | Damage::Cut => (0..content.len()).collect(),
        Damage::Digit => {
            let found = content.windows(SUM.len()).enumerate();
            let found = found.filter(|(_, window)| *window == SUM);
            found.map(|(at, _)| at + SUM.len()).collect()
        }
    };
    // In the middle of a step, so that not all of them fall on page limits.
    let places = (0..positions).map(|n| all[(2 * n + 1) * all.len() / (2 * positions)] as u64);
    places.collect()
}

fn harm(file: &Path, damage: Damage, at: u64) {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(file)
        .unwrap();
    match damage {
        Damage::Cut => file.set_len(at).unwrap(),
        Damage::Flip | Damage::Digit => {
            let mut byte = [0];
            file.read_exact_at(&mut byte, at).unwrap();
            file.write_all_at(&[byte[0] ^ 0x01], at).unwrap();
        }
    }
}

/// Starts with the damaged journal; everything undelivered goes to a ledger of its own.
async fn try_out(set: &WorkingSet, vendor: &Vendor, tally: &mut Tally) {
    let ledger = Arc::new(Ledger::of_drawn(ORDERS));
    vendor.record_in(&ledger);
    let serve = command::tagwerk(set.path(), &["serve"]);
    match Server::try_spawn(set, serve).await {
        Ok(server) => {
            let account = quiet(&ledger).await;
            let said = server.log().contains("ERROR") || server.get("/readyz").await.status != 200;
            tally.panics += server.log().matches("panicked").count();
            server.kill().await;
            tally.wrong += account.wrong;
            match account.arrived >= ORDERS {
                true => tally.whole += 1,
                false if said => tally.partly += 1,
                false => tally.silently += 1,
            }
        }
        Err(Ended { code, stderr, .. }) => {
            let panicked = stderr.contains("panicked");
            tally.panics += usize::from(panicked);
            match (1..128).contains(&code) && !panicked && stderr.contains("error") {
                true => tally.refused += 1,
                false => tally.broke += 1,
            }
        }
    }
}

/// Waits until everything has arrived, or nothing more arrives.
async fn quiet(ledger: &Ledger) -> Account {
    let (mut last, mut since) = (ledger.account(), Instant::now());
    while last.arrived < ORDERS && since.elapsed() < QUIET {
        sleep(Duration::from_millis(5)).await;
        let now = ledger.account();
        if now.arrived != last.arrived {
            (last, since) = (now, Instant::now());
        }
    }
    sleep(Duration::from_millis(20)).await; // for what comes that should not
    ledger.account()
}
