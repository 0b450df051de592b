//! The vendor: answers as it is told to for each destination, and notes what arrived when. The
//! destination is the first segment of the path.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::ledger::Ledger;
use super::wire::{Message, Wire};

/// What becomes of one attempt.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// These bytes, and the connection stays open. If it is a 2xx, the order has arrived.
    Say(Bytes),
    /// The same after a while.
    SayLate(Duration, Bytes),
    /// These bytes, then the end of the connection.
    SayAndClose(Bytes),
    /// A head, then these bytes again and again with this much time between, until the peer closes
    /// or it was said so often.
    Drip(Bytes, Bytes, Duration, u32),
    /// Nothing, until the peer closes.
    Silence,
    /// A reset.
    Reset,
}

impl Act {
    /// An answer with a status, header lines (each with its end) and a body.
    pub(crate) fn answer(status: u16, headers: &str, body: &str) -> Self {
        let length = body.len();
        Self::Say(Bytes::from(format!(
            "HTTP/1.1 {status} x\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
        )))
    }

    pub(crate) fn status(status: u16) -> Self {
        Self::answer(status, "", "")
    }

    fn is_success(&self) -> bool {
        match self {
            Self::Say(bytes) | Self::SayLate(_, bytes) => bytes.starts_with(b"HTTP/1.1 2"),
            _ => false,
        }
    }
}

/// One attempt, as the vendor saw it.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    pub(crate) destination: Arc<str>,
    pub(crate) order: u64,
    /// Its `webhook-id`.
    pub(crate) delivery: Arc<str>,
    /// Which of several copies that were sent of the order, if the tag says so.
    pub(crate) copy: u64,
    /// From 1.
    pub(crate) attempt: u32,
    pub(crate) at: Instant,
    /// After how long the peer gave it up, if it was left waiting.
    pub(crate) cut: Option<Duration>,
}

/// How a destination answers its `attempt`-th attempt for an order.
type Behaviour = Arc<dyn Fn(u32) -> Act + Send + Sync>;

/// One that is listening, until dropped.
pub(crate) struct Vendor {
    pub(crate) address: SocketAddr,
    inner: Arc<Inner>,
    accepting: JoinHandle<()>,
}

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    ledger: Arc<Ledger>,
    behaviours: HashMap<String, Behaviour>,
    /// Attempts by destination and order, and all of them in a row: only if they are wanted.
    keeps_log: bool,
    attempts: HashMap<(Arc<str>, u64), u32>,
    log: Vec<Arrival>,
}

/// The body of a delivery.
#[derive(Deserialize)]
struct Body {
    id: u64,
    sum: u64,
    #[serde(default)]
    copy: u64,
}

impl Vendor {
    pub(crate) async fn start(ledger: &Arc<Ledger>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Arc::new(Inner::default());
        inner.lock().ledger = ledger.clone();
        let accepting = tokio::spawn(accept(listener, inner.clone()));
        Self {
            address,
            inner,
            accepting,
        }
    }

    /// From now on arrivals go to this ledger.
    pub(crate) fn record_in(&self, ledger: &Arc<Ledger>) {
        self.inner.lock().ledger = ledger.clone();
    }

    /// From now on also notes each attempt.
    pub(crate) fn keep_log(&self) {
        self.inner.lock().keeps_log = true;
    }

    /// Has a destination answer like this; 200 if nothing is said.
    pub(crate) fn always(&self, destination: &str, act: Act) {
        self.by_attempt(destination, move |_| act.clone());
    }

    /// The same, depending on how often the order came, from 1.
    pub(crate) fn by_attempt(
        &self,
        destination: &str,
        behaviour: impl Fn(u32) -> Act + Send + Sync + 'static,
    ) {
        let behaviours = &mut self.inner.lock().behaviours;
        behaviours.insert(destination.to_owned(), Arc::new(behaviour));
    }

    /// The attempts so far.
    pub(crate) fn log(&self) -> Vec<Arrival> {
        self.inner.lock().log.clone()
    }
}

impl Drop for Vendor {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What to do with an attempt, and its place in the log.
    fn receive(&self, request: &Message, body: Option<&Body>) -> (Act, Option<usize>) {
        let destination = request.first_segment();
        let order = body.map_or(u64::MAX, |body| body.id);
        let mut state = self.lock();
        let mut attempt = 1;
        let mut place = None;
        if state.keeps_log {
            let destination: Arc<str> = destination.into();
            let count = state.attempts.entry((destination.clone(), order));
            attempt = *count.and_modify(|count| *count += 1).or_insert(1);
            place = Some(state.log.len());
            state.log.push(Arrival {
                destination,
                order,
                delivery: request.header("webhook-id").unwrap_or_default().into(),
                copy: body.map_or(0, |body| body.copy),
                attempt,
                at: Instant::now(),
                cut: None,
            });
        }
        let behaviour = state.behaviours.get(destination);
        let act = behaviour.map_or_else(|| Act::status(200), |behaviour| behaviour(attempt));
        (act, place)
    }

    fn note_cut(&self, place: Option<usize>) {
        let mut state = self.lock();
        if let Some(arrival) = place.and_then(|place| state.log.get_mut(place)) {
            arrival.cut = Some(arrival.at.elapsed());
        }
    }
}

async fn accept(listener: TcpListener, vendor: Arc<Inner>) {
    while let Ok((stream, _)) = listener.accept().await {
        let vendor = vendor.clone();
        // A connection that breaks is the fault's doing.
        tokio::spawn(async move { serve(Wire::new(stream)?, &vendor).await });
    }
}

async fn serve(mut wire: Wire, vendor: &Inner) -> io::Result<()> {
    while let Some(request) = wire.read().await? {
        let body: Result<Body, _> = serde_json::from_slice(&request.body);
        let (act, place) = vendor.receive(&request, body.as_ref().ok());
        if act.is_success() {
            let (order, sum) = body.map_or((u64::MAX, u64::MAX), |body| (body.id, body.sum));
            let ledger = vendor.lock().ledger.clone();
            ledger.arrive(order, sum);
        }
        match act {
            Act::Say(bytes) => wire.write(&bytes).await?,
            Act::SayLate(wait, bytes) => {
                if timeout(wait, wire.closed()).await.is_ok() {
                    vendor.note_cut(place);
                    return Ok(());
                }
                wire.write(&bytes).await?;
            }
            Act::SayAndClose(bytes) => return wire.write(&bytes).await,
            Act::Drip(head, piece, wait, times) => {
                let dripped = drip(&mut wire, &head, &piece, wait, times).await;
                vendor.note_cut(place);
                return dripped;
            }
            Act::Silence => {
                wire.closed().await;
                vendor.note_cut(place);
                return Ok(());
            }
            Act::Reset => {
                wire.reset();
                return Ok(());
            }
        }
    }
    Ok(())
}

async fn drip(
    wire: &mut Wire,
    head: &[u8],
    piece: &[u8],
    wait: Duration,
    times: u32,
) -> io::Result<()> {
    wire.write(head).await?;
    for _ in 0..times {
        wire.write(piece).await?;
        if !wait.is_zero() && timeout(wait, wire.closed()).await.is_ok() {
            break;
        }
    }
    Ok(())
}
