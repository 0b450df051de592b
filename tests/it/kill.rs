//! SIGKILL under load, again and again: nothing that was acknowledged may be lost. (The page cache
//! survives a kill, so this shows that nothing is acknowledged from memory alone; the order of
//! fsync and answer is another test's.)

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::support::raw::{Raw, request};
use crate::support::server::Server;
use crate::support::stand_in::StandIn;
use crate::support::working_set::WorkingSet;

const ROUNDS: usize = 20;

/// Connections that post one order after the other.
const SENDERS: usize = 8;

/// A kill makes these arrive twice: what is on its way to the vendor (16 at once), and what has
/// arrived and is not yet marked so on disk. Under this load the marks go with the next append,
/// so those are the deliveries of a few milliseconds.
const DUPLICATES_PER_KILL: usize = 16 + 48;

/// Far more than anything that is waited for takes.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_in_twenty_kills() {
    let crm = StandIn::of("http").await;
    let set = WorkingSet::of_orders(crm.address);
    let mut load = Load::start();
    let mut acked = BTreeSet::new();
    for round in 0..ROUNDS {
        let server = Server::start(&set).await;
        load.aim_at(server.address);
        // Every fifth one dies while it is still picking up what the one before left.
        let wanted = if round % 5 == 4 {
            0
        } else {
            40 + round * 37 % 100
        };
        load.collect(wanted, &mut acked).await;
        server.kill().await;
    }
    let server = Server::start(&set).await;
    load.aim_at(server.address);
    load.collect(SENDERS, &mut acked).await;
    load.stop(&mut acked).await;

    let delivered = timeout(PATIENCE, all_of(&acked, &crm)).await;
    server.stop().await;
    let arrived = order_ids(&crm);
    let distinct: BTreeSet<u64> = arrived.iter().copied().collect();
    let lost = acked.difference(&distinct).count();
    let duplicates = arrived.len() - distinct.len();
    println!(
        "RESULT kill rounds={ROUNDS} acked={} delivered={} lost={lost} duplicates={duplicates} duplicates_bound={}",
        acked.len(),
        distinct.len(),
        ROUNDS * DUPLICATES_PER_KILL,
    );
    assert!(delivered.is_ok() && lost == 0, "{lost} events were lost");
    assert!(acked.len() > 500, "there was no load");
    assert!(duplicates <= ROUNDS * DUPLICATES_PER_KILL);
    crm.stop().await;
}

fn order_ids(crm: &StandIn) -> Vec<u64> {
    let bodies = crm.bodies();
    bodies
        .iter()
        .map(|body| body["id"].as_u64().unwrap())
        .collect()
}

/// Returns when every one of these has arrived.
async fn all_of(acked: &BTreeSet<u64>, crm: &StandIn) {
    loop {
        let arrived = order_ids(crm);
        if acked.is_subset(&arrived.iter().copied().collect()) {
            return;
        }
        crm.emulator.wait_for(arrived.len() + 1).await;
    }
}

/// Senders that know no end: what is not acknowledged is given up, never sent again.
struct Load {
    aim: watch::Sender<Option<SocketAddr>>,
    acked: mpsc::Receiver<u64>,
    senders: JoinSet<()>,
}

impl Load {
    fn start() -> Self {
        let (aim, target) = watch::channel(None);
        let (acknowledge, acked) = mpsc::channel(10_000);
        let next = Arc::new(AtomicU64::new(0));
        let senders = (0..SENDERS)
            .map(|_| send_on(target.clone(), next.clone(), acknowledge.clone()))
            .collect();
        Self {
            aim,
            acked,
            senders,
        }
    }

    fn aim_at(&self, server: SocketAddr) {
        self.aim.send_replace(Some(server));
    }

    /// Waits for so many acknowledgements.
    async fn collect(&mut self, count: usize, into: &mut BTreeSet<u64>) {
        for _ in 0..count {
            let id = timeout(PATIENCE, self.acked.recv()).await;
            into.insert(id.expect("nothing is acknowledged any more").unwrap());
        }
    }

    /// Ends the senders between two requests, and takes what was acknowledged until then.
    async fn stop(mut self, into: &mut BTreeSet<u64>) {
        drop(self.aim);
        while self.senders.join_next().await.is_some() {}
        while let Ok(id) = self.acked.try_recv() {
            into.insert(id);
        }
    }
}

/// Posts orders to whichever server there is, until there is nobody to aim any more.
async fn send_on(
    mut target: watch::Receiver<Option<SocketAddr>>,
    next: Arc<AtomicU64>,
    acknowledge: mpsc::Sender<u64>,
) {
    while target.has_changed().is_ok() {
        let address = *target.borrow_and_update();
        if let Some(address) = address {
            // An error is the kill: it ends this connection and nothing else.
            post_orders(address, &target, &next, &acknowledge)
                .await
                .ok();
        }
        if target.changed().await.is_err() {
            return;
        }
    }
}

async fn post_orders(
    address: SocketAddr,
    target: &watch::Receiver<Option<SocketAddr>>,
    next: &AtomicU64,
    acknowledge: &mpsc::Sender<u64>,
) -> std::io::Result<()> {
    let mut raw = Raw::try_connect(address).await?;
    while target.has_changed().is_ok_and(|changed| !changed) {
        let id = next.fetch_add(1, Ordering::Relaxed);
        raw.send(request("POST", "/order", &[], &format!("{{\"id\":{id}}}")))
            .await;
        match raw.try_answer().await? {
            Some(answer) if answer.status == 200 => acknowledge.send(id).await.unwrap(),
            Some(answer) => panic!("answered {}: {}", answer.status, answer.body),
            None => return Ok(()),
        }
    }
    Ok(())
}
