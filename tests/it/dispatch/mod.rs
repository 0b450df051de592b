//! Dispatch over real sockets: what leaves, when, and what becomes of it.
//!
//! Time is tokio's. It runs while requests are under way; where a test would have to wait, it is
//! moved on by hand.

mod attempts;
mod at_most_once;
mod batches;
mod every_type;
mod isolation;
mod settings;
mod standing;

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tagwerk::clock::{Clock, Millis};
use tagwerk::config::Environment;
use tagwerk::delivery::{Delivery, DeliveryId, State};
use tagwerk::destination::Courier;
use tagwerk::dispatch::{Dispatch, Nobody, Standing, Standings};
use tagwerk::emulator::Emulator;
use tagwerk::event::Event;
use tagwerk::generation::{Live, Reload};
use tagwerk::journal::{self, Entry, Journal, Record};
use tagwerk::telemetry::{DestinationState, Metrics};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::stand_in::{StandIn, kind};

/// The time of day at which every test starts.
const START: Millis = 1_720_602_000_000;

/// Far more than any of this takes, so that a hanging test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// Variables that a test may change while the program runs.
#[derive(Clone, Default)]
struct Variables(Arc<Mutex<BTreeMap<String, String>>>);

impl Environment for Variables {
    fn variable(&self, name: &str) -> Option<String> {
        self.0.lock().unwrap().get(name).cloned()
    }
}

/// A running dispatch.
struct Rig {
    folder: TempDir,
    variables: Variables,
    live: Arc<Live>,
    journal: Journal,
    clock: Clock,
    standings: Standings,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl Rig {
    async fn start(config: &str) -> Self {
        Self::start_with(config, |_, clock| Journal::memory(clock)).await
    }

    /// With a journal on disk.
    async fn start_on_disk(config: &str) -> Self {
        Self::start_with(config, |folder, clock| {
            Journal::sqlite(&folder.join("data"), clock)
        })
        .await
    }

    async fn start_with(
        config: &str,
        open: impl FnOnce(&Path, Clock) -> Result<Journal, journal::Error>,
    ) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("tagwerk.toml");
        std::fs::write(&file, config).unwrap();
        for scripts in ["clients", "tags"] {
            std::fs::create_dir(folder.path().join(scripts)).unwrap();
        }
        let variables = Variables::default();
        let live = Live::start(file, Box::new(variables.clone())).unwrap();
        let (live, clock) = (Arc::new(live), Clock::tokio(START));
        let journal = open(folder.path(), clock).unwrap();
        let stop = CancellationToken::new();
        let standings = Standings::default();
        let dispatch = Dispatch {
            journal: journal.clone(),
            live: live.clone(),
            courier: Courier::new().unwrap(),
            clock,
            standings: standings.clone(),
            metrics: Metrics::new(),
            onlooker: Arc::new(Nobody),
        };
        let running = tokio::spawn(dispatch.run(stop.clone()));
        Self {
            folder,
            variables,
            live,
            journal,
            clock,
            standings,
            stop,
            running,
        }
    }

    /// Gives the payloads to a destination, as one event's deliveries; the event's number.
    async fn send(&self, destination: &str, payloads: &[Value]) -> u64 {
        self.send_until(destination, payloads, None).await
    }

    /// The same, worth nothing after `expires`.
    async fn send_until(
        &self,
        destination: &str,
        payloads: &[Value],
        expires: Option<Millis>,
    ) -> u64 {
        let event = self.journal.counts().await.unwrap().newest_event + 1;
        let deliveries = payloads
            .iter()
            .enumerate()
            .map(|(ordinal, payload)| Delivery {
                id: DeliveryId::of(&event.to_string(), "tag", ordinal),
                event_id: event.to_string().into(),
                received_at: START,
                tag: "tag".into(),
                destination: destination.into(),
                payload: payload.to_string().into(),
                due: START,
                expires,
                state: State::Pending,
            });
        let entry = Entry {
            event: Event {
                id: event.to_string().into(),
                received_at: START,
                data: "{}".into(),
            },
            made: Some(deliveries.collect()),
        };
        self.journal.append(vec![entry], None).await.unwrap();
        event
    }

    /// The deliveries of an event, as soon as they are as wanted.
    async fn until(&self, event: u64, wanted: impl Fn(&Record) -> bool) -> Vec<Record> {
        soon(async {
            loop {
                let records = self.journal.deliveries_of(event).await.unwrap();
                if records.iter().all(&wanted) {
                    return records;
                }
            }
        })
        .await
    }

    async fn until_delivered(&self, event: u64) -> Vec<Record> {
        self.until(event, |record| record.delivery.state == State::Delivered)
            .await
    }

    /// How a destination stands.
    fn standing(&self, destination: &str) -> Standing {
        self.standings.all()[destination].clone()
    }

    /// The same, as soon as it is as wanted.
    async fn until_it_is(&self, destination: &str, state: DestinationState) -> Standing {
        soon(async {
            loop {
                match self.standings.all().get(destination) {
                    Some(standing) if standing.state == state => return standing.clone(),
                    _ => tokio::task::yield_now().await,
                }
            }
        })
        .await
    }

    /// Moves the time to when the deliveries of an event are tried again, after so many attempts.
    async fn pass_to_next_attempt(&self, event: u64, attempts: u32) -> Duration {
        let has_failed = |record: &Record| record.attempts == attempts && record.note.is_some();
        let records = self.until(event, has_failed).await;
        let due = records.iter().map(|record| record.delivery.due).max();
        let wait = u64::try_from(due.unwrap() - self.clock.now()).unwrap_or_default();
        let wait = Duration::from_millis(wait);
        pass(wait).await;
        wait
    }

    fn reload(&self, config: &str) {
        let file = self.folder.path().join("tagwerk.toml");
        std::fs::write(file, config).unwrap();
        assert!(matches!(self.live.reload(), Reload::Live(_)));
    }

    async fn stop(self) {
        self.stop.cancel();
        soon(self.running).await.unwrap();
    }
}

/// A stand-in that answers the first requests with these statuses.
async fn stand_in(name: &str, script: &[u16]) -> StandIn {
    StandIn::start(Emulator::new(kind(name)).answering(script.to_vec())).await
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap()
}

/// Moves tokio's time, and with it everybody's.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

fn http(address: SocketAddr, more: &str) -> String {
    format!("[destinations.crm]\ntype = \"http\"\nurl = \"http://{address}/hook\"\n{more}\n")
}

fn amplitude(address: SocketAddr, more: &str) -> String {
    format!(
        "[destinations.amplitude]\ntype = \"amplitude\"\napi_key = \"key\"\nendpoint = \"http://{address}\"\n{more}\n"
    )
}

fn signup(user: usize) -> Value {
    json!({ "event_type": "signup", "user_id": format!("user-{user}") })
}
