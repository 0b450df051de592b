//! The whole: builds the parts, starts them, and drains them. The only file that knows all of them.

mod service;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use crate::admin::{self, Access, Admin, Audit, Role, admin_tokens};
use crate::clock::Clock;
use crate::config::{self, Environment};
use crate::destination::Courier;
use crate::dispatch::{Dispatch, Standings};
use crate::error::BoxError;
use crate::generation::{self, Live};
use crate::ingress;
use crate::journal::{self, Journal};
use crate::preview::Preview;
use crate::processor;
use crate::rerun::Rerunner;
use crate::script::Pool;
use crate::secret::Secret;
use crate::telemetry::Metrics;
use crate::workers::Workers;
use service::Front;

/// A running Tagwerk.
pub struct App {
    /// The live set.
    pub live: Arc<Live>,
    /// Events and deliveries.
    pub journal: Journal,
    /// Sessions and traces.
    pub preview: Preview,
    /// What is counted.
    pub metrics: Metrics,
    /// Where senders call.
    pub address: SocketAddr,
    /// Where the operator calls.
    pub admin_address: SocketAddr,
    /// Who is let in to the admin API.
    pub access: Arc<Access>,
    parts: Parts,
}

/// What is stopped one after the other, so that nothing that was accepted is dropped.
struct Parts {
    front: Arc<Front>,
    doors: CancellationToken,
    loops: CancellationToken,
    door_tasks: TaskTracker,
    loop_tasks: TaskTracker,
}

impl Parts {
    fn new(front: Front) -> Self {
        Self {
            front: Arc::new(front),
            doors: CancellationToken::new(),
            loops: CancellationToken::new(),
            door_tasks: TaskTracker::new(),
            loop_tasks: TaskTracker::new(),
        }
    }
}

/// What [`App::start`] needs.
pub struct Start {
    /// The live set; it was loaded without a problem.
    pub live: Arc<Live>,
    /// Where events and deliveries are kept.
    pub journal: Journal,
    /// Where it counts, and all else does.
    pub metrics: Metrics,
    /// The public listener.
    pub listener: TcpListener,
    /// The admin listener.
    pub admin_listener: TcpListener,
    /// For the admin token.
    pub environment: Box<dyn Environment + Send + Sync>,
    /// The time of day.
    pub clock: Clock,
}

/// How long what runs may take to end: senders first, then vendors. Together with the listener's
/// own ten seconds it stays below the twenty that process supervisors commonly give.
const LOOPS_DRAIN: Duration = Duration::from_secs(6);

/// How long `/readyz` says no before the listener closes, so that a load balancer can look away.
pub const LAME_DUCK: Duration = Duration::from_millis(500);

/// Opens the journal that a configuration asks for, and with it takes the data folder.
///
/// # Errors
/// As [`Journal::open`].
pub fn open_journal(
    live: &Live,
    clock: Clock,
    metrics: &Metrics,
    workers: &Workers,
) -> Result<Journal, journal::Error> {
    let config = &live.current().config;
    Journal::open_counting(&config.journal, &config.data.dir, clock, metrics, workers)
}

impl App {
    /// Builds and starts everything.
    ///
    /// # Errors
    /// If the admin token can be neither read nor made, or the system gives us no threads.
    pub fn start(start: Start) -> Result<Self, BoxError> {
        let Start {
            live,
            journal,
            metrics,
            listener,
            admin_listener,
            environment,
            clock,
        } = start;
        let config = live.current().config.clone();
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let pool = Pool::start_counting(threads, &metrics)?;
        let preview = Preview::new(clock);
        let address = listener.local_addr()?;
        let parts = Parts::new(Front::new(
            live.clone(),
            journal.clone(),
            pool.clone(),
            preview.clone(),
            metrics.clone(),
            clock,
            address,
        ));
        let app = Self {
            address,
            admin_address: admin_listener.local_addr()?,
            access: Access::new(admin_tokens(&config.data.dir, &*environment)?, clock).into(),
            live,
            journal,
            preview,
            metrics,
            parts,
        };
        let standings = Standings::default();
        app.run_loops(&pool, threads, Courier::new()?, clock, standings.clone());
        app.open_front(listener, clock)?;
        app.open_admin(admin_listener, standings, pool, clock);
        Ok(app)
    }

    /// Processors, senders, and the watch over the files.
    fn run_loops(
        &self,
        pool: &Pool,
        processors: usize,
        courier: Courier,
        clock: Clock,
        standings: Standings,
    ) {
        let Parts {
            loops, loop_tasks, ..
        } = &self.parts;
        let (live, journal) = (&self.live, &self.journal);
        for _ in 0..processors {
            let (journal, live, pool) = (journal.clone(), live.clone(), pool.clone());
            let preview = self.preview.clone();
            let run = processor::run(journal, live, pool, clock, preview, loops.clone());
            loop_tasks.spawn(run);
        }
        let dispatch = Dispatch {
            journal: journal.clone(),
            live: live.clone(),
            courier,
            clock,
            standings,
            metrics: self.metrics.clone(),
            onlooker: Arc::new(self.preview.clone()),
        };
        loop_tasks.spawn(dispatch.run(loops.clone()));
        loop_tasks.spawn(generation::watch(live.clone(), loops.clone()));
    }

    fn open_front(&self, listener: TcpListener, clock: Clock) -> io::Result<()> {
        let config = &self.live.current().config;
        let settings = ingress::Settings {
            trusted_proxies: config.server.trusted_proxies.clone(),
            clock,
            metrics: self.metrics.clone(),
            ..ingress::Settings::default()
        };
        let (front, doors) = (self.parts.front.clone(), self.parts.doors.clone());
        let drained = ingress::serve(listener, front, settings, doors)?;
        self.parts.door_tasks.spawn(async move {
            let requests = drained.await.cut;
            if requests > 0 {
                warn!(
                    requests,
                    "some requests did not end in time and were cut off"
                );
            }
        });
        Ok(())
    }

    fn open_admin(&self, listener: TcpListener, standings: Standings, pool: Pool, clock: Clock) {
        let config = self.live.current().config.clone();
        let admin = Admin {
            live: self.live.clone(),
            journal: self.journal.clone(),
            preview: self.preview.clone(),
            rerunner: Rerunner {
                journal: self.journal.clone(),
                live: self.live.clone(),
                pool,
                clock,
            },
            standings,
            access: self.access.clone(),
            audit: Audit::in_folder(&config.data.dir).into(),
            address: self.admin_address,
            hosts: config.admin.hosts.clone(),
            public_address: self.address,
            metrics: self.metrics.clone(),
            clock,
            started_at: clock.now(),
            listeners: Arc::new(Semaphore::new(admin::MAX_LISTENERS)),
            series: admin::Series::default(),
            stop: self.parts.loops.clone(),
            max_size: config.journal.max_size,
        };
        let loops = self.parts.loops.clone();
        self.parts.loop_tasks.spawn(async move {
            if let Err(error) = admin::serve(listener, admin, loops).await {
                warn!(%error, "the admin listener ended");
            }
        });
    }

    /// A link that logs a browser in to the page, once.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn login_link(&self) -> Result<Secret, BoxError> {
        let base = config::url_of(self.admin_address);
        self.access.login_link(&base, Role::Admin)
    }

    /// Drains: no new requests, those under way are answered, what is being sent is finished. What
    /// is not delivered stays in the journal.
    pub async fn stop(self) {
        info!("stopping: no new requests, finishing those under way");
        self.parts.front.drain();
        tokio::time::sleep(LAME_DUCK).await;
        self.parts.doors.cancel();
        self.parts.door_tasks.close();
        self.parts.door_tasks.wait().await;
        self.parts.loops.cancel();
        self.parts.loop_tasks.close();
        if tokio::time::timeout(LOOPS_DRAIN, self.parts.loop_tasks.wait())
            .await
            .is_err()
        {
            warn!("some deliveries did not end in time; they are sent again at the next start");
        }
        match self.journal.close().await {
            Ok(()) => info!("stopped; what is not delivered stays in the journal"),
            Err(error) => {
                warn!(%error, "the last marks could not be written; some deliveries will be sent twice")
            }
        }
    }
}
