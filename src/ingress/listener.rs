//! Accepts connections, on a thread of its own, and drains when told to stop. Who has no seat stays on
//! that thread: there a "no" is said at once, however much there is to do for those who are served.

use std::future::Future;
use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{self, Runtime};
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::door::{Door, GotUp};
use super::refusal::Refusal;
use super::standing::stand;
use super::{Service, Settings};

/// Out of file descriptors: one becomes free when a connection ends, not sooner for asking often.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Bytes that are read at once to be thrown away.
const SCRAP: usize = 1_024;
/// How often, at most.
const SCRAPS: usize = 64;

/// How the drain went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Connections whose request did not end within the drain time, and which were cut.
    pub cut: usize,
}

/// Serves `listener` until `stop` is cancelled; then closes it, and lets running requests finish within
/// `settings.limits.drain_time`. Idle connections are closed at once. What is returned waits for the end
/// of that, and need not be polled before.
///
/// # Errors
/// If the system has no thread for it.
pub fn serve<S: Service>(
    listener: TcpListener,
    service: Arc<S>,
    settings: Settings,
    stop: CancellationToken,
) -> io::Result<impl Future<Output = Drained> + Send> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (door, got_up) = Door::new(service, settings, stop.clone());
    let door = Arc::new(door);
    let (ended, has_ended) = oneshot::channel::<()>();
    let accepting = Accepting {
        listener: move_to(&runtime, listener)?,
        runtime,
        door: door.clone(),
        got_up,
        stop,
    };
    thread::Builder::new()
        .name("accept".to_owned())
        .spawn(move || {
            accepting.run();
            drop(ended);
        })?;
    Ok(async move {
        has_ended.await.ok();
        door.tasks.close();
        door.tasks.wait().await;
        Drained {
            cut: door.shared.cut.load(Ordering::Relaxed),
        }
    })
}

/// What the thread does.
struct Accepting<S> {
    runtime: Runtime,
    listener: TcpListener,
    door: Arc<Door<S>>,
    got_up: mpsc::Receiver<GotUp>,
    stop: CancellationToken,
}

impl<S: Service> Accepting<S> {
    fn run(mut self) {
        self.runtime.block_on(async {
            loop {
                tokio::select! {
                    () = self.stop.cancelled() => return,
                    accepted = self.listener.accept() => match accepted {
                        Ok((stream, peer)) => {
                            let peer = peer.ip().to_canonical();
                            note(peer, welcome(&self.door, stream, peer));
                        },
                        Err(error) => pause_after(&error).await,
                    },
                    Some(one) = self.got_up.recv() => {
                        note(one.peer, have_stand(&self.door, one));
                    }
                }
            }
        });
    }
}

fn note(peer: IpAddr, done: io::Result<()>) {
    if let Err(error) = done {
        debug!(%peer, %error, "a connection ended at the door");
    }
}

/// A socket belongs to the runtime that it was made on.
fn move_to(runtime: &Runtime, listener: TcpListener) -> io::Result<TcpListener> {
    let listener = listener.into_std()?;
    let _on = runtime.enter();
    TcpListener::from_std(listener)
}

fn welcome<S: Service>(door: &Arc<Door<S>>, stream: TcpStream, peer: IpAddr) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let why = match door.find_seat(peer) {
        Ok(seat) => return door.let_in(stream, peer, seat),
        Err(why) => why,
    };
    let Some(place) = door.find_place_to_stand() else {
        return turn_away(stream, &door.refuse(peer, why, true));
    };
    let patience = door.shared.settings.limits.head_time;
    tokio::spawn(stand(stream, peer, why, patience, place, door.clone()));
    Ok(())
}

/// Has a connection wait for its next request without a seat.
fn have_stand<S: Service>(
    door: &Arc<Door<S>>,
    GotUp {
        stream,
        peer,
        place,
    }: GotUp,
) -> io::Result<()> {
    let stream = TcpStream::from_std(stream)?;
    let (why, patience) = (
        Refusal::TooManyConnections,
        door.shared.settings.limits.idle_time,
    );
    tokio::spawn(stand(stream, peer, why, patience, place, door.clone()));
    Ok(())
}

/// Says why and closes, without a wait: nothing was written to it yet, so there is room for the answer,
/// and most have sent their request by now, and no more.
fn turn_away(stream: TcpStream, answer: &str) -> io::Result<()> {
    let mut stream = stream.into_std()?;
    stream.write_all(answer.as_bytes())?;
    let mut scrap = [0; SCRAP];
    for _ in 0..SCRAPS {
        if !matches!(stream.read(&mut scrap), Ok(SCRAP)) {
            break;
        }
    }
    Ok(())
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
        warn!(%error, "could not accept a connection, will go on in 100 ms; if files ran out, raise the hard limit of open files");
        sleep(ACCEPT_PAUSE).await;
    }
}
