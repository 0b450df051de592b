//! Where a connection is: with those who are served, which have a seat, or with those who stand; and how
//! those are told. It accepts nothing and reads nothing.

use std::io;
use std::net::IpAddr;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

use super::body::Budget;
use super::connection;
use super::exchange::Shared;
use super::pace::{Pace, Reading};
use super::refusal::Refusal;
use super::request_id::RequestIds;
use super::seats::{Seat, Seats, StandingPlace};
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
    serving: Handle,
    got_up: mpsc::Sender<GotUp>,
    seats: Arc<Seats>,
    pace: Mutex<Pace>,
    too_many: WireText,
    too_many_from_address: WireText,
}

/// A connection whose seat is another's, between two requests. It belongs to no runtime.
#[derive(Debug)]
pub(super) struct GotUp {
    pub(super) stream: std::net::TcpStream,
    pub(super) peer: IpAddr,
    pub(super) place: StandingPlace,
}

impl<S: Service> Door<S> {
    /// Connections will be served on the runtime that this is called on, until `stop` is cancelled. Those
    /// that get up come out at the other end.
    pub(super) fn new(
        service: Arc<S>,
        settings: Settings,
        stop: CancellationToken,
    ) -> (Self, mpsc::Receiver<GotUp>) {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let (got_up, who_got_up) = mpsc::channel(settings.limits.standing.max(1));
        let door = Self {
            seats: Seats::new(settings.limits),
            tasks: TaskTracker::new(),
            serving: Handle::current(),
            got_up,
            pace: Mutex::new(Pace::new(processors, reading())),
            too_many: WireText::of(Refusal::TooManyConnections),
            too_many_from_address: WireText::of(Refusal::TooManyFromAddress),
            shared: Arc::new(Shared {
                service,
                request_ids: RequestIds::new(random_seed()),
                bodies: Budget::new(settings.limits.bodies_bytes),
                stop,
                cut: AtomicUsize::new(0),
                settings,
            }),
        };
        (door, who_got_up)
    }

    pub(super) fn find_seat(&self, peer: IpAddr) -> Result<Seat, Refusal> {
        let is_trusted = sender::is_trusted(peer, &self.shared.settings.trusted_proxies);
        self.seats.take(peer, is_trusted, &self.shared.stop)
    }

    /// The right to stay without a seat, while there is room for that.
    pub(super) fn find_place_to_stand(&self) -> Option<StandingPlace> {
        self.seats.stand()
    }

    /// Serves `stream` from now on, as long as it has the seat; then it stands, if there is room.
    pub(super) fn let_in(
        self: &Arc<Self>,
        stream: TcpStream,
        peer: IpAddr,
        seat: Seat,
    ) -> io::Result<()> {
        // Sockets belong to the runtime that they were made on.
        let stream = stream.into_std()?;
        let door = Arc::clone(self);
        let serve = async move {
            if let Err(error) = door.serve(stream, peer, seat).await {
                debug!(%peer, %error, "a connection ended at the door");
            }
        };
        self.tasks.spawn_on(serve, &self.serving);
        Ok(())
    }

    async fn serve(
        self: Arc<Self>,
        stream: std::net::TcpStream,
        peer: IpAddr,
        seat: Seat,
    ) -> io::Result<()> {
        let stream = TcpStream::from_std(stream)?;
        let given_back =
            connection::run(stream, peer, &self.shared, seat.idle(), seat.get_up()).await;
        if let Some(stream) = given_back
            && let Some(place) = seat.stand()
        {
            let stream = stream.into_std()?;
            // There are no more places than it has room for; after the stop nobody takes it.
            self.got_up
                .try_send(GotUp {
                    stream,
                    peer,
                    place,
                })
                .ok();
        }
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
