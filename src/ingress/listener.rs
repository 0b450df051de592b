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
use tokio::sync::oneshot;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::door::Door;
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
    let door = Arc::new(Door::new(service, settings, stop.clone()));
    let (ended, has_ended) = oneshot::channel::<()>();
    let accepting = Accepting::prepare(listener, door.clone(), stop)?;
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
    stop: CancellationToken,
}

impl<S: Service> Accepting<S> {
    fn prepare(
        listener: TcpListener,
        door: Arc<Door<S>>,
        stop: CancellationToken,
    ) -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        // A socket belongs to the runtime that it was made on.
        let listener = listener.into_std()?;
        let listener = {
            let _on = runtime.enter();
            TcpListener::from_std(listener)?
        };
        Ok(Self {
            runtime,
            listener,
            door,
            stop,
        })
    }

    fn run(self) {
        self.runtime.block_on(async {
            while let Some(accepted) = self.stop.run_until_cancelled(self.listener.accept()).await {
                match accepted {
                    Ok((stream, peer)) => welcome(&self.door, stream, peer.ip().to_canonical()),
                    Err(error) => pause_after(&error).await,
                }
            }
        });
    }
}

fn welcome<S: Service>(door: &Arc<Door<S>>, stream: TcpStream, peer: IpAddr) {
    let done = match door.find_seat(peer) {
        Ok(seat) => door.let_in(stream, peer, seat),
        Err(why) => match door.find_place_to_stand() {
            Some(place) => {
                let standing = stand(stream, peer, why, door.clone());
                tokio::spawn(async move {
                    standing.await;
                    drop(place);
                });
                Ok(())
            }
            None => turn_away(stream, &door.refuse(peer, why, true)),
        },
    };
    if let Err(error) = done {
        debug!(%peer, %error, "a connection ended at the door");
    }
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
