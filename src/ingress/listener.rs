//! Accepts connections, refuses those that are too many, and drains when told to stop.

use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::body::Budget;
use super::connection;
use super::exchange::Shared;
use super::refusal::Refusal;
use super::request_id::RequestIds;
use super::seats::{Seat, Seats};
use super::{Service, Settings, sender};
use crate::request::Response;

/// Out of file descriptors: one becomes free when a connection ends, not sooner for asking often.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long a connection that got no seat may take to read why.
const REFUSAL_TIME: Duration = Duration::from_secs(1);
/// How many such connections are waited for at the same time; the others are closed when they were told.
const REFUSALS_AT_ONCE: usize = 512;
/// After so many the requests under way have their turn. In a rush that comes back at once a connection
/// that is turned away costs a third of a request: with 128 in a row (tokio's own limit) 46 % of what
/// can be taken was taken, with 16 it was 73 %, with 8 81 to 94 %.
const REFUSALS_IN_A_ROW: u32 = 8;
/// Bytes that are read at once to be thrown away.
const SCRAP: usize = 1_024;
/// How often, where nobody waits for the peer.
const SCRAPS: usize = 64;

/// How the drain went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Connections whose request did not end within the drain time, and which were cut.
    pub cut: usize,
}

/// Serves `listener` until `stop` is cancelled; then closes it, lets running requests finish
/// within `settings.limits.drain_time`, and returns. Idle connections are closed at once.
pub async fn serve<S: Service>(
    listener: TcpListener,
    service: Arc<S>,
    settings: Settings,
    stop: CancellationToken,
) -> Drained {
    let door = Door::new(service, settings);
    let mut refused = 0_u32;
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let peer = peer.ip().to_canonical();
                refused += u32::from(!door.welcome(stream, peer, &stop));
                if refused == REFUSALS_IN_A_ROW {
                    refused = 0;
                    yield_now().await;
                }
            }
            Err(error) => pause_after(&error).await,
        }
    }
    drop(listener);
    door.tasks.close();
    door.tasks.wait().await;
    Drained {
        cut: door.shared.cut.load(Ordering::Relaxed),
    }
}

/// What the accept loop holds.
struct Door<S> {
    shared: Arc<Shared<S>>,
    seats: Arc<Seats>,
    refusing: Arc<AtomicUsize>,
    tasks: TaskTracker,
}

impl<S: Service> Door<S> {
    fn new(service: Arc<S>, settings: Settings) -> Self {
        Self {
            seats: Seats::new(settings.limits),
            refusing: Arc::default(),
            tasks: TaskTracker::new(),
            shared: Arc::new(Shared {
                service,
                request_ids: RequestIds::new(random_seed()),
                bodies: Budget::new(settings.limits.bodies_bytes),
                cut: AtomicUsize::new(0),
                settings,
            }),
        }
    }

    /// False if it was turned away.
    fn welcome(&self, stream: TcpStream, peer: IpAddr, stop: &CancellationToken) -> bool {
        let is_trusted = sender::is_trusted(peer, &self.shared.settings.trusted_proxies);
        let seat = self.seats.take(peer, is_trusted, stop);
        let is_welcome = seat.is_ok();
        match seat {
            Ok(seat) => self.seat(stream, peer, seat),
            Err(why) => self.turn_away(stream, peer, why),
        }
        is_welcome
    }

    fn seat(&self, stream: TcpStream, peer: IpAddr, seat: Seat) {
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%peer, %error, "could not set TCP_NODELAY");
        }
        let shared = Arc::clone(&self.shared);
        self.tasks.spawn(async move {
            connection::run(stream, peer, &shared, seat.idle(), seat.leave()).await;
        });
    }

    fn turn_away(&self, stream: TcpStream, peer: IpAddr, why: Refusal) {
        debug!(%peer, status = why.status(), "connection refused: {}", why.message());
        self.shared.settings.metrics.refused(why.counted_as());
        let request_id = self.shared.request_ids.make();
        let answer = wire_text(&why.response(&request_id), &request_id);
        if self.refusing.fetch_add(1, Ordering::Relaxed) >= REFUSALS_AT_ONCE {
            self.refusing.fetch_sub(1, Ordering::Relaxed);
            if let Err(error) = say_at_once(stream, &answer) {
                debug!(%peer, %error, "could not say why the connection was refused");
            }
            return;
        }
        let refusing = Arc::clone(&self.refusing);
        self.tasks.spawn(async move {
            if let Ok(Err(error)) = timeout(REFUSAL_TIME, say(stream, &answer)).await {
                debug!(%peer, %error, "could not say why the connection was refused");
            }
            refusing.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

/// Writes the answer, and reads until the peer has closed: a socket that is closed with unread
/// bytes is reset, and the answer lost.
async fn say(mut stream: TcpStream, answer: &[u8]) -> io::Result<()> {
    stream.write_all(answer).await?;
    stream.shutdown().await?;
    let mut scrap = [0; SCRAP];
    while stream.read(&mut scrap).await? > 0 {}
    Ok(())
}

/// The same without a wait: nothing was written to it yet, so there is room for the answer, and most
/// have sent their request by now, and no more.
fn say_at_once(stream: TcpStream, answer: &[u8]) -> io::Result<()> {
    let mut stream = stream.into_std()?;
    stream.write_all(answer)?;
    let mut scrap = [0; SCRAP];
    for _ in 0..SCRAPS {
        if !matches!(stream.read(&mut scrap), Ok(SCRAP)) {
            break;
        }
    }
    Ok(())
}

/// An answer as it goes over the wire, for connections that hyper does not get to see.
fn wire_text(response: &Response, request_id: &str) -> Vec<u8> {
    let reason = http::StatusCode::from_u16(response.status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or_default();
    let mut text = format!(
        "HTTP/1.1 {} {reason}\r\nconnection: close\r\nx-request-id: {request_id}\r\ncontent-length: {}\r\n",
        response.status,
        response.body.len(),
    )
    .into_bytes();
    for (name, value) in &response.headers {
        text.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    text.extend_from_slice(b"\r\n");
    text.extend_from_slice(&response.body);
    text
}

/// Some errors belong to the connection that was not accepted; all others would come at once
/// again, and an accept loop that goes on without a pause would spin.
async fn pause_after(error: &io::Error) {
    let is_of_the_peer = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    );
    if !is_of_the_peer {
        warn!(%error, "could not accept a connection, will go on in 100 ms; if files ran out, raise the limit of open files");
        sleep(ACCEPT_PAUSE).await;
    }
}

/// Without a source of randomness the time of day will do: ids are no secret.
fn random_seed() -> u64 {
    getrandom::u64().unwrap_or_else(|_| {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_micros().try_into().unwrap_or(0))
    })
}
