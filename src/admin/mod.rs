//! The admin listener: a JSON API for the operator and the command line, and metrics, on an address
//! of its own.
//! It is never reached by way of the public listener, and everything but liveness needs the token.

mod api;
mod guard;
mod standing;
mod status;
mod token;

pub use api::verification_to_json;
pub use token::{admin_token, find_admin_token};

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::clock::{Clock, Millis};
use crate::dispatch::Standings;
use crate::error::BoxError;
use crate::generation::Live;
use crate::journal::Journal;
use crate::preview::Preview;
use crate::rerun::Rerunner;
use crate::secret::Secret;
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
    /// What opens the API.
    pub token: Secret,
    /// What senders call, for ready-made command lines.
    pub public_url: String,
    /// What is counted.
    pub metrics: Metrics,
    /// The time of day.
    pub clock: Clock,
    /// When the server started.
    pub started_at: Millis,
    /// `[journal] max_size`, in bytes, as it was then.
    pub max_size: u64,
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
    let address = listener.local_addr()?;
    let server = axum::serve(listener, router(admin, address)).with_graceful_shutdown({
        let stop = stop.clone();
        async move { stop.cancelled().await }
    });
    let late = async {
        stop.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        served = async { server.await } => Ok(served?),
        () = late => {
            warn!("admin connections were still open; they are closed");
            Ok(())
        }
    }
}

/// Nobody waits for an operator's open connection.
const DRAIN: Duration = Duration::from_secs(2);

fn router(admin: Admin, address: SocketAddr) -> Router {
    let guard = Arc::new(guard::Guard {
        token: admin.token.clone(),
        address,
    });
    api::routes()
        .layer(axum::middleware::from_fn_with_state(guard, guard::check))
        .with_state(admin)
}
