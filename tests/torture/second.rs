//! F24: a second process on the same folder.

use std::sync::Arc;

use crate::oracle::{Ledger, Vendor, post};
use crate::report::Report;
use crate::setup::{orders_to, start};
use crate::support::command;
use crate::tools::Rounds;

const LOCKED: i32 = 73;

pub(crate) async fn run(_rounds: Rounds) -> Report {
    let ledger = Arc::new(Ledger::default());
    let vendor = Vendor::start(&ledger).await;
    let set = orders_to(vendor.address, &["crm"], "");
    let (server, _) = start(&set).await;
    let second = command::run(set.path(), &["serve"]).await;
    let status = post(server.address, &ledger).await.unwrap_or(0);
    let account = ledger.settled(std::time::Duration::from_secs(10)).await;
    server.stop().await;
    Report::new()
        .with("exit", second.code)
        .with("first_answers", status)
        .with("lost", account.open)
        .require(second.code == LOCKED, "the second one did not end with 73")
        .require(second.stderr.contains("error"), "it did not say why")
        .require(
            status == 200 && account.open == 0,
            "the first one took harm",
        )
}
