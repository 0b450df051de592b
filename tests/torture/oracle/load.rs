//! Senders. Each order is sent once; what becomes of it is written into the ledger.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::ledger::{Ledger, sum_of};
use super::wire::Wire;

/// After a refusal or a lost connection: not to spin, and soon enough to see the end of it.
const BREATH: Duration = Duration::from_millis(5);

/// Senders that send as fast as they are answered, to whichever server they are aimed at.
pub(crate) struct Load {
    aim: watch::Sender<Option<SocketAddr>>,
    senders: JoinSet<()>,
}

impl Load {
    pub(crate) fn start(ledger: &Arc<Ledger>, connections: usize) -> Self {
        let (aim, target) = watch::channel(None);
        let senders = (0..connections)
            .map(|_| send_on(target.clone(), ledger.clone()))
            .collect();
        Self { aim, senders }
    }

    pub(crate) fn aim_at(&self, server: SocketAddr) {
        self.aim.send_replace(Some(server));
    }

    /// Aims at nobody: what is under way is finished, and nothing more is sent.
    pub(crate) fn hold(&self) {
        self.aim.send_replace(None);
    }

    /// Ends the senders between two orders.
    pub(crate) async fn stop(mut self) {
        drop(self.aim);
        while self.senders.join_next().await.is_some() {}
    }
}

async fn send_on(mut target: watch::Receiver<Option<SocketAddr>>, ledger: Arc<Ledger>) {
    while target.has_changed().is_ok() {
        let aim = *target.borrow_and_update();
        let Some(server) = aim else {
            if target.changed().await.is_err() {
                return;
            }
            continue;
        };
        // An error is the fault's doing: it ends this connection and nothing else.
        if send_to(server, &target, &ledger).await.is_err() {
            sleep(BREATH).await;
        }
    }
}

/// Until the aim changes, or the server closes.
async fn send_to(
    server: SocketAddr,
    target: &watch::Receiver<Option<SocketAddr>>,
    ledger: &Ledger,
) -> io::Result<()> {
    let mut wire = Wire::connect(server).await?;
    while target.has_changed().is_ok_and(|changed| !changed) {
        let order = ledger.draw();
        let (status, closes) = match exchange(&mut wire, order).await {
            Ok(answered) => answered,
            Err(error) => {
                ledger.unanswered(order);
                return Err(error);
            }
        };
        ledger.answer(order, status);
        if status != 200 {
            sleep(BREATH).await;
        }
        if closes {
            break;
        }
    }
    Ok(())
}

/// Sends one order on a connection of its own; the status of the answer.
pub(crate) async fn post(server: SocketAddr, ledger: &Ledger) -> io::Result<u16> {
    let order = ledger.draw();
    let mut wire = Wire::connect(server).await?;
    let (status, _) = exchange(&mut wire, order).await?;
    ledger.answer(order, status);
    Ok(status)
}

/// One order of an even load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) order: u64,
    pub(crate) sent: Instant,
    pub(crate) answered: Duration,
}

/// Sends `rate` orders a second, evenly, whatever the server makes of it.
pub(crate) async fn paced(
    server: SocketAddr,
    ledger: &Arc<Ledger>,
    rate: u32,
    time: Duration,
) -> Vec<Sample> {
    const CONNECTIONS: u32 = 16;
    let start = Instant::now();
    let mut senders: JoinSet<Vec<Sample>> = (0..CONNECTIONS)
        .map(|sender| {
            let first = start + sender * Duration::from_secs(1) / rate;
            let step = CONNECTIONS * Duration::from_secs(1) / rate;
            send_evenly(server, ledger.clone(), first, step, start + time)
        })
        .collect();
    let mut samples = Vec::new();
    while let Some(sent) = senders.join_next().await {
        samples.extend(sent.unwrap_or_default());
    }
    samples
}

async fn send_evenly(
    server: SocketAddr,
    ledger: Arc<Ledger>,
    mut at: Instant,
    step: Duration,
    end: Instant,
) -> Vec<Sample> {
    let mut samples = Vec::new();
    let Ok(mut wire) = Wire::connect(server).await else {
        return samples;
    };
    while at < end {
        sleep_until(at).await;
        let (order, sent) = (ledger.draw(), Instant::now());
        let Ok((status, _)) = exchange(&mut wire, order).await else {
            ledger.unanswered(order);
            break;
        };
        ledger.answer(order, status);
        samples.push(Sample {
            order,
            sent,
            answered: sent.elapsed(),
        });
        at += step;
    }
    samples
}

/// The status, and whether the server closes after it.
async fn exchange(wire: &mut Wire, order: u64) -> io::Result<(u16, bool)> {
    let body = format!("{{\"id\":{order},\"sum\":{}}}", sum_of(order));
    let length = body.len();
    let request = format!(
        "POST /order HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    wire.write(request.as_bytes()).await?;
    let answer = wire.read().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
    let closes = answer.header("connection") == Some("close");
    Ok((answer.status(), closes))
}
