//! `tagwerk serve`: the server, until it is told to stop.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use clap::Args;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

use super::Exit;
use crate::app::{App, Start, open_journal};
use crate::clock::Clock;
use crate::config::SystemEnvironment;
use crate::generation::Live;
use crate::script::{limits, make_room_here};
use crate::telemetry::{self, Metrics};
use crate::workers::Workers;

#[derive(Debug, Default, Args)]
#[command(after_help = "\
Examples:
  tagwerk serve
  tagwerk serve --config /etc/tagwerk/tagwerk.toml
  TAGWERK_LOG=debug TAGWERK_LOG_FORMAT=text tagwerk serve

SIGTERM and Ctrl-C drain: requests under way are answered, what is being sent is finished, the rest
stays in the journal. A second one ends at once, which is safe too.")]
pub(super) struct Options {}

pub(super) fn run(_options: &Options, config: &Path) -> Result<(), Exit> {
    telemetry::start(&SystemEnvironment);
    let live = Live::start(config.to_owned(), Box::new(SystemEnvironment))
        .map_err(|problems| Exit::configuration(&problems))?;
    let mut runtime = threads();
    let workers = Workers::of(&mut runtime);
    runtime.build()?.block_on(serve(live, workers))
}

/// The runtime of every command that has one.
pub(super) fn runtime() -> Result<Runtime, Exit> {
    Ok(threads().build()?)
}

/// Threads that have room for scripts; the journal has a thread of its own.
///
/// There are half as many as there are cores: scripts, which take the greater part, have threads too,
/// and each further one is woken to look for work that is done by then. On two cores an event takes a
/// tenth less CPU with one than with two, at saturation and at 200 a second.
fn threads() -> Builder {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut threads = Builder::new_multi_thread();
    threads
        .worker_threads(cores.div_ceil(2))
        .enable_all()
        .thread_stack_size(limits::STACK_BYTES)
        .on_thread_start(make_room_here);
    threads
}

async fn serve(live: Live, workers: Workers) -> Result<(), Exit> {
    // Before anybody is told that we listen: a signal from then on drains.
    let mut signals = Signals::listen()?;
    let config = live.current().config.clone();
    let (clock, metrics) = (Clock::System, Metrics::new());
    // The folder before the ports: a second server on it is told that, and not to take another port.
    let journal = open_journal(&live, clock, &metrics, &workers)?;
    let start = Start {
        listener: bind(config.server.listen, "[server] listen")?,
        admin_listener: bind(config.admin.listen, "[admin] listen")?,
        live: live.into(),
        journal,
        metrics,
        environment: Box::new(SystemEnvironment),
        clock,
    };
    let app = App::start(start)?;
    greet(&app)?;
    signals.next().await;
    tokio::select! {
        () = app.stop() => {}
        () = signals.next() => {
            warn!("stopped at once; what was under way is done again at the next start");
        }
    }
    Ok(())
}

/// Connections that may wait to be accepted: what Linux allows, if nobody has changed that. The kernel
/// drops what comes beyond, which is not told so and asks again a second later.
const BACKLOG: u32 = 4_096;

/// Opens a listener; `key` is what the user set its address with.
pub(super) fn bind(address: SocketAddr, key: &str) -> Result<TcpListener, Exit> {
    let failed = |error: io::Error| {
        let hint = match error.kind() {
            io::ErrorKind::AddrInUse => "\n  hint: take another port, or stop what listens there",
            _ => "",
        };
        Exit::misconfigured(format!("{key}: cannot listen on {address}: {error}{hint}"))
    };
    listen(address).map_err(failed)
}

/// As `TcpListener::bind`, with a longer queue.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn greet(app: &App) -> Result<(), Exit> {
    let generation = app.live.current();
    info!(
        generation = %generation.id,
        clients = generation.clients.len(),
        tags = generation.tags.len(),
        destinations = generation.destinations.len(),
        "loaded"
    );
    info!(address = %app.address, admin = %app.admin_address, "listening");
    let link = app.login_link()?;
    info!(
        link = link.expose(),
        "the page; this link logs one browser in, once, within ten minutes"
    );
    Ok(())
}

/// SIGTERM and Ctrl-C, caught from the moment this is made.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Catches them from now on.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// The next one.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
