//! The admin listener: a JSON API for the operator and the command line, and metrics, on an address
//! of its own.
//! It is never reached by way of the public listener, and everything but the page's own files needs
//! a token or a browser session.

mod access;
mod api;
mod audit;
mod guard;
mod page;
mod series;
mod standing;
mod status;
mod token;

pub use access::{Access, Role, Tokens};
pub use api::verification_to_json;
pub use audit::Audit;
pub use series::Series;
pub use token::{admin_tokens, find_admin_token};

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::clock::{Clock, Millis};
use crate::config;
use crate::dispatch::Standings;
use crate::error::BoxError;
use crate::generation::Live;
use crate::journal::Journal;
use crate::preview::Preview;
use crate::rerun::Rerunner;
use crate::telemetry::Metrics;

/// What the API looks at and acts on.
#[derive(Clone)]
pub struct Admin {
    /// The live set.
    pub live: Arc<Live>,
    /// Events and deliveries.
    pub journal: Journal,
    /// Sessions and traces.
    pub preview: Preview,
    /// What runs things again.
    pub rerunner: Rerunner,
    /// How the destinations stand.
    pub standings: Standings,
    /// Who is let in.
    pub access: Arc<Access>,
    /// Who changed what.
    pub audit: Arc<Audit>,
    /// Where the listener is.
    pub address: SocketAddr,
    /// `[admin] hosts`, as it was at the start.
    pub hosts: Vec<String>,
    /// Where the public listener is.
    pub public_address: SocketAddr,
    /// What is counted.
    pub metrics: Metrics,
    /// The time of day.
    pub clock: Clock,
    /// When the server started.
    pub started_at: Millis,
    /// Room for those who follow the stream, [`MAX_LISTENERS`].
    pub listeners: Arc<Semaphore>,
    /// The last minutes in numbers.
    pub series: Series,
    /// When streams end.
    pub stop: CancellationToken,
    /// `[journal] max_size`, in bytes, as it was then.
    pub max_size: u64,
}

impl Admin {
    /// How a browser on this machine calls it.
    fn base_url(&self) -> String {
        config::url_of(self.address)
    }

    /// What senders call, for ready-made command lines.
    fn public_url(&self) -> String {
        let server = &self.live.current().config.server;
        server.url_at(self.public_address)
    }
}

/// Serves until stopped.
///
/// # Errors
/// If the listener fails.
pub async fn serve(
    listener: TcpListener,
    admin: Admin,
    stop: CancellationToken,
) -> Result<(), BoxError> {
    let sampler = tokio::spawn(series::sample(admin.clone()));
    let server = axum::serve(listener, router(admin)).with_graceful_shutdown({
        let stop = stop.clone();
        async move { stop.cancelled().await }
    });
    let late = async {
        stop.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    let result = tokio::select! {
        served = async { server.await } => Ok(served?),
        () = late => {
            warn!("admin connections were still open; they are closed");
            Ok(())
        }
    };
    sampler.abort();
    result
}

/// Pages and terminals that may follow the stream at once.
pub const MAX_LISTENERS: usize = 64;

/// Nobody waits for an operator's open connection.
const DRAIN: Duration = Duration::from_secs(2);

fn router(admin: Admin) -> Router {
    let guard = Arc::new(guard::Guard {
        access: admin.access.clone(),
        audit: admin.audit.clone(),
        address: admin.address,
        hosts: admin.hosts.clone(),
        clock: admin.clock,
    });
    api::routes()
        .merge(page::routes())
        .layer(axum::middleware::from_fn_with_state(guard, guard::check))
        .with_state(admin)
}
