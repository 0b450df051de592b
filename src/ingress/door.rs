//! What decides whether a connection gets in: the seats, and the tasks that serve who has one; and
//! how who has none is told. It accepts nothing and reads nothing.

use std::io;
use std::net::IpAddr;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

use super::body::Budget;
use super::connection;
use super::exchange::Shared;
use super::pace::{Pace, Reading};
use super::refusal::Refusal;
use super::request_id::RequestIds;
use super::seats::{Seat, Seats};
use super::wire::WireText;
use super::{Service, Settings, sender};
use crate::clock::thread_time;

/// Of one listener.
#[derive(Debug)]
pub(super) struct Door<S> {
    pub(super) shared: Arc<Shared<S>>,
    /// The connections that have a seat.
    pub(super) tasks: TaskTracker,
    /// Where they are served.
    runtime: Handle,
    stop: CancellationToken,
    seats: Arc<Seats>,
    standing_places: Arc<Semaphore>,
    pace: Mutex<Pace>,
    too_many: WireText,
    too_many_from_address: WireText,
}

impl<S: Service> Door<S> {
    /// Connections will be served on the runtime that this is called on, until `stop` is cancelled.
    pub(super) fn new(service: Arc<S>, settings: Settings, stop: CancellationToken) -> Self {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        Self {
            seats: Seats::new(settings.limits),
            standing_places: Arc::new(Semaphore::new(settings.limits.standing)),
            tasks: TaskTracker::new(),
            runtime: Handle::current(),
            stop,
            pace: Mutex::new(Pace::new(processors, reading())),
            too_many: WireText::of(Refusal::TooManyConnections),
            too_many_from_address: WireText::of(Refusal::TooManyFromAddress),
            shared: Arc::new(Shared {
                service,
                request_ids: RequestIds::new(random_seed()),
                bodies: Budget::new(settings.limits.bodies_bytes),
                cut: AtomicUsize::new(0),
                settings,
            }),
        }
    }

    pub(super) fn find_seat(&self, peer: IpAddr) -> Result<Seat, Refusal> {
        let is_trusted = sender::is_trusted(peer, &self.shared.settings.trusted_proxies);
        self.seats.take(peer, is_trusted, &self.stop)
    }

    /// The right to stay without a seat, while there is room for that.
    pub(super) fn find_place_to_stand(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.standing_places).try_acquire_owned().ok()
    }

    /// Serves `stream` from now on.
    pub(super) fn let_in(&self, stream: TcpStream, peer: IpAddr, seat: Seat) -> io::Result<()> {
        stream.set_nodelay(true)?;
        // Sockets belong to the runtime that they were made on.
        let stream = stream.into_std()?;
        let shared = Arc::clone(&self.shared);
        let serve = async move {
            match TcpStream::from_std(stream) {
                Ok(stream) => {
                    connection::run(stream, peer, &shared, seat.idle(), seat.leave()).await;
                }
                Err(error) => debug!(%peer, %error, "could not serve a connection"),
            }
        };
        self.tasks.spawn_on(serve, &self.runtime);
        Ok(())
    }

    /// What to write to one who is refused; whether that is the last answer on its connection.
    ///
    /// Blocks this thread now and then: see [`Pace`].
    pub(super) fn refuse(&self, peer: IpAddr, why: Refusal, is_last: bool) -> String {
        debug!(%peer, status = why.status(), "refused at the door: {}", why.message());
        self.shared.settings.metrics.refused(why.counted_as());
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(time) = pace.refused(reading) {
            rest(time);
        }
        let request_id = self.shared.request_ids.make();
        match why {
            Refusal::TooManyConnections => self.too_many.with(&request_id, is_last),
            Refusal::TooManyFromAddress => self.too_many_from_address.with(&request_id, is_last),
            why => WireText::of(why).with(&request_id, is_last),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "there is nothing to wait for: the others are to have the processor"
)]
fn rest(time: Duration) {
    thread::sleep(time);
}

fn reading() -> Reading {
    Reading {
        at: Instant::now(),
        worked: thread_time(),
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
