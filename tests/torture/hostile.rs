//! F9: vendors whose answers are an attack, or nonsense.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::sleep;

use crate::oracle::{Act, Ledger, Vendor, post};
use crate::report::Report;
use crate::setup::{orders_to, start};
use crate::slow::LONG_HEAD;
use crate::statuses::states;
use crate::tools::{Rounds, memory_kib};

/// As many as are under way at once.
const ORDERS: usize = 16;

/// After so many failures in a row the breaker opens, and the rest waits.
const TRIED: usize = 10;

const KIB_PER_DELIVERY: u64 = 1_024;

/// Longer than `timeout`.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) async fn run(_rounds: Rounds) -> Report {
    let kinds = [
        ("huge", huge(), "delivered"),
        ("bomb", bomb(), "delivered"),
        ("headers", Act::SayAndClose(headers()), "pending"),
        ("garbage", Act::SayAndClose(garbage()), "pending"),
        ("reset", Act::Reset, "pending"),
        ("cut", Act::SayAndClose(cut_short()), "pending"),
        ("silent", Act::Silence, "pending"),
    ];
    let ledger = Arc::new(Ledger::default());
    let vendor = Vendor::start(&ledger).await;
    vendor.keep_log();
    for (name, act, _) in &kinds {
        vendor.always(name, act.clone());
    }
    let names: Vec<&str> = kinds.iter().map(|kind| kind.0).collect();
    let set = orders_to(vendor.address, &names, "timeout = \"2s\"\nretry = [\"1h\"]");
    let (server, _) = start(&set).await;
    let before = memory_kib(server.process(), "VmRSS");
    for _ in 0..ORDERS {
        assert_eq!(post(server.address, &ledger).await.unwrap(), 200);
    }
    sleep(PATIENCE).await;
    let states = states(&server).await;
    let grown = memory_kib(server.process(), "VmHWM").saturating_sub(before);
    let is_alive = server.get("/healthz").await.status == 200;
    let panics = server.log().matches("panicked").count();
    server.kill().await;

    let is_right = |(name, _, state): &&(&str, Act, &str)| {
        let expected = BTreeMap::from([((*state).to_owned(), ORDERS as u64)]);
        states.get(*name) == Some(&expected)
    };
    let log = vendor.log();
    let tried = |name: &str| {
        let of_kind = log.iter().filter(|arrival| *arrival.destination == *name);
        of_kind.count()
    };
    let least_tried = kinds.iter().map(|kind| tried(kind.0)).min().unwrap_or(0);
    let right = kinds.iter().filter(is_right).count();
    let bound = KIB_PER_DELIVERY * (ORDERS * kinds.len()) as u64;
    Report::new()
        .with("kinds", kinds.len())
        .with("classified", right)
        .with("deliveries", ORDERS * kinds.len())
        .with("attempts", log.len())
        .with("rss_grown_mib", grown >> 10)
        .with("rss_bound_mib", bound >> 10)
        .with("panics", panics)
        .require(
            right == kinds.len(),
            &format!("not as expected: {states:?}"),
        )
        .require(least_tried >= TRIED, "some kinds were hardly tried")
        .require(grown <= bound, "it took more than 1 MiB a delivery")
        .require(is_alive && panics == 0, "it panicked")
}

/// 1 GiB.
fn huge() -> Act {
    let head = format!("HTTP/1.1 200 x\r\nContent-Length: {}\r\n\r\n", 1 << 30);
    let piece = Bytes::from(vec![b'x'; 1 << 16]);
    Act::Drip(head.into(), piece, Duration::ZERO, 1 << 14)
}

/// 100 MiB of zeros, compressed.
fn bomb() -> Act {
    let script = "head -c 100M /dev/zero | gzip -9";
    let output = Command::new("sh")
        .args(["-c", script])
        .stderr(Stdio::null())
        .output();
    let body = output.unwrap().stdout;
    let length = body.len();
    let head =
        format!("HTTP/1.1 200 x\r\nContent-Encoding: gzip\r\nContent-Length: {length}\r\n\r\n");
    Act::Say([head.into_bytes(), body].concat().into())
}

fn headers() -> Bytes {
    let fields: String = (0..10_000).map(|n| format!("X-{n}: {n}\r\n")).collect();
    format!("HTTP/1.1 200 x\r\n{fields}Content-Length: 0\r\n\r\n").into()
}

fn garbage() -> Bytes {
    let mut bytes = vec![0; 10_000];
    getrandom::fill(&mut bytes).unwrap();
    bytes.into()
}

fn cut_short() -> Bytes {
    format!("{LONG_HEAD}only this").into()
}
