//! A stand-in for a vendor, served in this process until it is dropped.

use std::net::SocketAddr;
use std::time::Duration;

use tagwerk::emulator::{Emulator, Kind, serve};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Far more than any of this takes, so that a hanging test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// Which vendor is stood in for.
pub(crate) fn kind(name: &str) -> Kind {
    name.parse().unwrap_or_else(|unknown| panic!("{unknown}"))
}

/// A served stand-in.
pub(crate) struct StandIn {
    pub(crate) emulator: Emulator,
    pub(crate) address: SocketAddr,
    stop: CancellationToken,
    served: JoinHandle<()>,
}

impl StandIn {
    /// One that answers as the vendor does; the name is a destination type's.
    pub(crate) async fn of(name: &str) -> Self {
        Self::start(Emulator::new(kind(name))).await
    }

    pub(crate) async fn start(emulator: Emulator) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stop = CancellationToken::new();
        Self {
            address: listener.local_addr().unwrap(),
            served: tokio::spawn(serve(listener, emulator.clone(), stop.clone())),
            emulator,
            stop,
        }
    }

    /// Waits until so many items were accepted.
    pub(crate) async fn wait_for(&self, accepted: usize) {
        let waited = timeout(PATIENCE, self.emulator.wait_for(accepted)).await;
        let received = self.emulator.received();
        assert!(waited.is_ok(), "fewer than {accepted} came: {received:?}");
    }

    /// The bodies of what came, as JSON, oldest first.
    pub(crate) fn bodies(&self) -> Vec<serde_json::Value> {
        let received = self.emulator.received();
        let json = |body: &[u8]| serde_json::from_slice(body).unwrap_or_default();
        received.iter().map(|one| json(&one.body)).collect()
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        timeout(PATIENCE, self.served).await.unwrap().unwrap();
    }
}
