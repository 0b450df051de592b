//! Saving files while requests run: what is new is live at once, what is broken never is, and no
//! sender notices either.

mod broken;
mod ways;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::support::raw::{Raw, request};
use crate::support::server::Server;
use crate::support::stand_in::StandIn;
use crate::support::working_set::{WorkingSet, http_destination};
use ways::Way;

const RELOADS: usize = 100;

/// Connections that ask which set is live, all the time.
const PROBES: usize = 4;

/// So that they leave the other processor to the server.
const BETWEEN_PROBES: Duration = Duration::from_millis(1);

/// The stand-in remembers 10,000 requests; each order makes two.
const BETWEEN_ORDERS: Duration = Duration::from_millis(15);

/// What is promised to whoever saves a file.
const LIVE_WITHIN: Duration = Duration::from_millis(500);

/// Far more than one reload takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Tells, by its own number and those of both modules, which set it belongs to.
const CLIENT: &str = r#"
import "version" as version;
import "mounted" as mounted;
const PATH = ["/order", "/probe"];
fn own() { OWN }
fn modules() { if version::number() > mounted::number() { version::number() } else { mounted::number() } }
fn newest() { if own() > modules() { own() } else { modules() } }
fn parse(request) {
    if request.path == "/probe" { return (); }
    #{ event_name: "order", order_id: request.json.id, modules: modules() }
}
fn respond(request, events) {
    let parsed = if events.is_empty() { modules() } else { events[0].modules };
    #{ body: #{ newest: newest(), modules: modules(), parsed: parsed } }
}
"#;

/// Two of these run for each order.
const TAG: &str = r#"
import "version" as version;
import "mounted" as mounted;
const ON = "order";
const TO = "crm";
fn tag(event) {
    let modules = if version::number() > mounted::number() { version::number() } else { mounted::number() };
    #{ body: #{ id: event.order_id, modules: modules } }
}
"#;

fn client(own: usize) -> String {
    CLIENT.replace("OWN", &own.to_string())
}

fn module(number: usize) -> String {
    format!("fn number() {{ {number} }}\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_reloads_fail_no_request_and_mix_no_sets() {
    let crm = StandIn::of("http").await;
    let table = http_destination("crm", crm.address) + "rate = \"off\"\n";
    let set = WorkingSet::new(&table)
        .with("clients/order.rhai", &client(0))
        .with("tags/first.rhai", TAG)
        .with("tags/second.rhai", TAG);
    ways::lay_out(&set);
    let server = Server::start(&set).await;
    let load = Load::start(server.address);

    let mut live = Vec::new();
    for reload in 1..=RELOADS {
        let way = Way::ALL[reload % Way::ALL.len()];
        way.save(&set, reload).await;
        let saved = Instant::now();
        load.seen(reload).await.unwrap_or_else(|_| {
            panic!("{way:?}: never live\n{}", server.log());
        });
        live.push(saved.elapsed());
    }
    let Finished { answered, orders } = load.finish().await;
    crm.wait_for(2 * orders.len()).await;
    server.stop().await;

    live.sort_unstable();
    let (middle, longest) = (live[RELOADS / 2], live[RELOADS - 1]);
    println!(
        "RESULT reload reloads={RELOADS} requests={answered} events={} failed=0 live_ms_p50={} live_ms_max={}",
        orders.len(),
        middle.as_millis(),
        longest.as_millis(),
    );
    assert_one_set_each(&orders, &crm.bodies());
    assert!(orders.len() > RELOADS && answered > 10 * RELOADS as u64);
    assert!(middle <= LIVE_WITHIN, "{live:?}");
    crm.stop().await;
}

/// Both tags of an event were of one set, and not of an older one than the client's.
fn assert_one_set_each(orders: &BTreeMap<u64, u64>, bodies: &[Value]) {
    let mut seen: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for body in bodies {
        let number = |key: &str| body[key].as_u64().unwrap();
        seen.entry(number("id"))
            .or_default()
            .push(number("modules"));
    }
    for (id, parsed) in orders {
        let tags = &seen[id];
        let same = tags.len() == 2 && tags[0] == tags[1];
        assert!(same && tags[0] >= *parsed, "{id}: {parsed}, {tags:?}");
    }
}

/// Requests without end. Any answer but a good one is a failed test.
struct Load {
    newest: watch::Sender<usize>,
    answered: Arc<AtomicU64>,
    probes: JoinSet<()>,
    orders: JoinSet<BTreeMap<u64, u64>>,
}

struct Finished {
    answered: u64,
    /// The orders that were taken, and the set that took them.
    orders: BTreeMap<u64, u64>,
}

impl Load {
    fn start(server: SocketAddr) -> Self {
        let newest = watch::Sender::new(0);
        let answered = Arc::new(AtomicU64::new(0));
        let mut probes = JoinSet::new();
        for _ in 0..PROBES {
            probes.spawn(probe(server, newest.clone(), answered.clone()));
        }
        let mut orders = JoinSet::new();
        orders.spawn(order(server, newest.subscribe()));
        Self {
            newest,
            answered,
            probes,
            orders,
        }
    }

    /// Returns when an answer came from a set that is at least this new.
    async fn seen(&self, number: usize) -> Result<(), tokio::time::error::Elapsed> {
        let mut newest = self.newest.subscribe();
        timeout(PATIENCE, newest.wait_for(|seen| *seen >= number))
            .await
            .map(drop)
    }

    async fn finish(mut self) -> Finished {
        self.newest.send_replace(usize::MAX);
        while let Some(probe) = self.probes.join_next().await {
            probe.expect("a probe failed");
        }
        let orders = self.orders.join_next().await.unwrap();
        Finished {
            answered: self.answered.load(Ordering::Relaxed),
            orders: orders.expect("an order failed"),
        }
    }
}

async fn probe(server: SocketAddr, newest: watch::Sender<usize>, answered: Arc<AtomicU64>) {
    let mut raw = Raw::connect(server).await;
    while *newest.borrow() != usize::MAX {
        let answer = good_answer(&mut raw, "/probe", "").await;
        answered.fetch_add(1, Ordering::Relaxed);
        let seen = answer["newest"].as_u64().unwrap() as usize;
        newest.send_if_modified(|newest| {
            let is_newer = seen > *newest;
            *newest = seen.max(*newest);
            is_newer
        });
        sleep(BETWEEN_PROBES).await;
    }
}

async fn order(server: SocketAddr, newest: watch::Receiver<usize>) -> BTreeMap<u64, u64> {
    let mut raw = Raw::connect(server).await;
    let mut taken = BTreeMap::new();
    for id in 0.. {
        if *newest.borrow() == usize::MAX {
            break;
        }
        let answer = good_answer(&mut raw, "/order", &format!("{{\"id\":{id}}}")).await;
        taken.insert(id, answer["modules"].as_u64().unwrap());
        sleep(BETWEEN_ORDERS).await;
    }
    taken
}

/// Asks once. The answer is a good one, and `parse` and `respond` were of one set.
async fn good_answer(raw: &mut Raw, path: &str, body: &str) -> Value {
    let answer = raw.send(request("POST", path, &[], body)).await.answer();
    let answer = answer.await.expect("the connection was closed");
    assert_eq!(answer.status, 200, "{}", answer.body);
    let json = answer.json();
    assert_eq!(json["modules"], json["parsed"]);
    json
}
