//! F7 and F12: every status, each from a destination of its own, so that one that pauses holds up no
//! other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;

use crate::oracle::{Act, Ledger, Vendor, post};
use crate::report::Report;
use crate::setup::{orders_to, start};
use crate::support::server::Server;
use crate::tools::Rounds;

/// What a vendor's status does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Delivered,
    /// Pending, and tried again.
    Again,
    Dead,
    /// The same soon, and it was no attempt.
    Throttled,
    /// Nothing more is sent but a probe, until a person has acted.
    Paused,
    /// Nothing more is sent.
    Disabled,
}

impl Outcome {
    /// Whether a second order is not even tried: everything stays pending, the first as well.
    fn holds(self) -> bool {
        matches!(self, Self::Paused | Self::Disabled)
    }

    /// What `/api/destinations` says then.
    fn standing(self) -> &'static str {
        match self {
            Self::Delivered | Self::Again | Self::Dead => "ready",
            Self::Throttled => "throttled",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
        }
    }
}

/// The table of delivery.md.
fn expected(status: u16) -> Outcome {
    match status {
        200..=299 => Outcome::Delivered,
        401 | 403 => Outcome::Paused,
        410 => Outcome::Disabled,
        429 => Outcome::Throttled,
        100..=199 | 408 | 425 | 500..=599 => Outcome::Again,
        _ => Outcome::Dead,
    }
}

/// An informational status is not an answer, so one waits for that until `timeout`. What is tried
/// again sooner than in an hour had no attempt counted.
const OPTIONS: &str = "timeout = \"1s\"\nretry = [\"1h\"]";

/// To each destination.
const ORDERS: u64 = 2;

const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn run(_rounds: Rounds) -> Report {
    let ledger = Arc::new(Ledger::default());
    let vendor = Vendor::start(&ledger).await;
    vendor.keep_log();
    let names: BTreeMap<String, u16> = (100..=599)
        .map(|status| (format!("s{status}"), status))
        .collect();
    for (name, status) in &names {
        vendor.always(name, Act::status(*status));
    }
    let destinations: Vec<&str> = names.keys().map(String::as_str).collect();
    let set = orders_to(vendor.address, &destinations, OPTIONS);
    let (server, _) = start(&set).await;
    assert_eq!(post(server.address, &ledger).await.unwrap(), 200);
    wait_until_tried(&vendor, names.len()).await;
    // Who is held gets no second order.
    assert_eq!(post(server.address, &ledger).await.unwrap(), 200);
    let held = names.values().filter(|status| expected(**status).holds());
    wait_until_tried(&vendor, 2 * names.len() - held.count()).await;
    sleep(Duration::from_millis(2_500)).await; // the last may be at their timeout, or held for a second

    let (states, standings) = (states(&server).await, standings(&server).await);
    let log = vendor.log();
    let mut wrong = Vec::new();
    for (name, status) in &names {
        let tried = log.iter().filter(|arrival| *arrival.destination == **name);
        let seen = Seen {
            states: states.get(name).cloned().unwrap_or_default(),
            standing: standings.get(name).cloned().unwrap_or_default(),
            tried: tried.map(|arrival| arrival.order).collect(),
        };
        if !seen.is_as(expected(*status)) {
            wrong.push(format!("{status}: {seen:?}"));
        }
    }
    server.kill().await;
    Report::new()
        .with("statuses", names.len())
        .with("as_in_the_table", names.len() - wrong.len())
        .require(
            wrong.is_empty(),
            &format!("not as in the table: {}", wrong.join(", ")),
        )
}

/// What became of two orders at one destination.
#[derive(Debug)]
struct Seen {
    /// How many of its deliveries are in which state.
    states: BTreeMap<String, u64>,
    /// How it stands itself.
    standing: String,
    /// The order of each request that it got.
    tried: Vec<u64>,
}

impl Seen {
    fn is_as(&self, outcome: Outcome) -> bool {
        let state = match outcome {
            Outcome::Delivered => "delivered",
            Outcome::Dead => "dead",
            Outcome::Again | Outcome::Throttled | Outcome::Paused | Outcome::Disabled => "pending",
        };
        let tried = match outcome {
            _ if outcome.holds() => self.tried == [0],
            Outcome::Throttled => self.tried.iter().filter(|order| **order == 0).count() > 1,
            _ => self.tried == [0, 1],
        };
        let all = BTreeMap::from([(state.to_owned(), ORDERS)]);
        tried && self.states == all && self.standing == outcome.standing()
    }
}

/// How each destination stands, as `/api/destinations` says.
async fn standings(server: &Server) -> BTreeMap<String, String> {
    let all = server.call("GET", "/api/destinations", "").await.json();
    let text = |one: &Value, key: &str| one[key].as_str().unwrap().to_owned();
    let all = all.as_array().unwrap().iter();
    all.map(|one| (text(one, "name"), text(one, "state")))
        .collect()
}

/// Waits for so many attempts; what is missing then is judged.
async fn wait_until_tried(vendor: &Vendor, attempts: usize) {
    let tried = async {
        while vendor.log().len() < attempts {
            sleep(Duration::from_millis(20)).await;
        }
    };
    drop(tokio::time::timeout(PATIENCE, tried).await);
}

/// Deliveries by destination and state, as `/api/status` counts them.
pub(crate) async fn states(server: &Server) -> BTreeMap<String, BTreeMap<String, u64>> {
    let status = server.status().await;
    let mut states: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for counted in status["deliveries"].as_array().unwrap() {
        let text = |key: &str| counted[key].as_str().unwrap().to_owned();
        let of_destination = states.entry(text("destination")).or_default();
        of_destination.insert(text("state"), counted["count"].as_u64().unwrap());
    }
    states
}

/// How many events and deliveries are still open.
pub(crate) fn open(status: &Value) -> u64 {
    let deliveries = status["deliveries"].as_array().unwrap().iter();
    let pending = deliveries.filter(|counted| counted["state"] == "pending");
    let pending: u64 = pending
        .filter_map(|counted| counted["count"].as_u64())
        .sum();
    pending + status["journal"]["unprocessed"].as_u64().unwrap_or(0)
}

const REDIRECTS: [u16; 5] = [301, 302, 303, 307, 308];

pub(crate) async fn redirects(_rounds: Rounds) -> Report {
    let ledger = Arc::new(Ledger::default());
    let vendor = Vendor::start(&ledger).await;
    let elsewhere = Vendor::start(&Arc::default()).await;
    vendor.keep_log();
    elsewhere.keep_log();
    let names = REDIRECTS.map(|status| format!("s{status}"));
    for (name, status) in names.iter().zip(REDIRECTS) {
        let to = format!("Location: http://{}/caught\r\n", elsewhere.address);
        vendor.always(name, Act::answer(status, &to, ""));
    }
    let destinations: Vec<&str> = names.iter().map(String::as_str).collect();
    let set = orders_to(vendor.address, &destinations, "");
    let (server, _) = start(&set).await;
    assert_eq!(post(server.address, &ledger).await.unwrap(), 200);
    wait_until_tried(&vendor, REDIRECTS.len()).await;
    server.status_where(|status| open(status) == 0).await;
    let states = states(&server).await;
    server.stop().await;
    let dead: u64 = states
        .values()
        .filter_map(|states| states.get("dead"))
        .sum();
    let followed = elsewhere.log().len();
    Report::new()
        .with("redirects", REDIRECTS.len())
        .with("followed", followed)
        .with("dead", dead)
        .require(followed == 0, "a redirect was followed")
        .require(dead == REDIRECTS.len() as u64, "not all are dead letters")
}
