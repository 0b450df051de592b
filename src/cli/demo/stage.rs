//! The demo's server and vendors: set up on free ports and in a folder of their own, and cleared
//! away afterwards.

use std::collections::BTreeMap;
use std::fs::DirBuilder;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::show::Outcome;
use crate::app::{App, Start, open_journal};
use crate::case;
use crate::cli::Exit;
use crate::cli::working_set::{CarriedFile, REQUESTS, SCRIPTS, write_new};
use crate::clock::Clock;
use crate::delivery::State;
use crate::destination::{HttpClient, Outgoing};
use crate::emulator::{self, Emulator, Kind};
use crate::error::BoxError;
use crate::generation::Live;
use crate::journal::Counts;
use crate::telemetry::Metrics;
use crate::workers::Workers;

/// Everything that the demo runs.
pub(super) struct Stage {
    pub(super) app: App,
    /// Where the scripts are, to be edited while it runs.
    pub(super) folder: Folder,
    emulators: Vec<(Kind, Emulator)>,
    client: HttpClient,
    stop: CancellationToken,
}

/// How often is looked whether everything has arrived.
const LOOK: Duration = Duration::from_millis(50);

/// A server on this machine answers at once.
const TIMEOUT: Duration = Duration::from_secs(10);

impl Stage {
    /// Starts everything.
    pub(super) async fn set(listen: SocketAddr) -> Result<Self, Exit> {
        let stop = CancellationToken::new();
        let (emulators, vendors) = hire(&stop).await?;
        let listener = match TcpListener::bind(listen).await {
            Ok(listener) => listener,
            Err(_) => TcpListener::bind(ANY_PORT).await?,
        };
        let admin_listener = TcpListener::bind(ANY_PORT).await?;
        let config = configuration(
            listener.local_addr()?,
            admin_listener.local_addr()?,
            &vendors,
        );
        let folder = Folder::make()?;
        let config_file = folder.fill(&config)?;
        let nothing = || Box::new(BTreeMap::<String, String>::new());
        let live = Live::start(config_file, nothing())
            .map_err(|problems| Exit::configuration(&problems))?;
        let (clock, metrics) = (Clock::System, Metrics::new());
        let start = Start {
            journal: open_journal(&live, clock, &metrics, &Workers::default())?,
            live: live.into(),
            metrics,
            listener,
            admin_listener,
            environment: nothing(),
            clock,
        };
        Ok(Self {
            app: App::start(start)?,
            folder,
            emulators,
            client: HttpClient::new()?,
            stop,
        })
    }

    /// Sends the samples one after the other and waits until nothing is under way.
    pub(super) async fn play(&self) -> Result<Vec<Outcome>, Exit> {
        let mut sent = Vec::new();
        for file in REQUESTS {
            let before = self.counts().await?.newest_event;
            let status = self.send(file).await?;
            let after = self.counts().await?.newest_event;
            sent.push((file.0, status, before + 1..=after));
        }
        self.settled().await?;
        let mut outcomes = Vec::new();
        for (path, status, events) in sent {
            let mut deliveries = Vec::new();
            for event in events.clone() {
                deliveries.push(
                    self.app
                        .journal
                        .deliveries_of(event)
                        .await
                        .map_err(BoxError::from)?,
                );
            }
            outcomes.push(Outcome::new(path, status, deliveries));
        }
        Ok(outcomes)
    }

    async fn send(&self, (path, content): &CarriedFile) -> Result<u16, Exit> {
        let request = case::parse(content.as_bytes(), 0)
            .map_err(|why| BoxError::from(format!("{path}: {why}")))?;
        let mut headers: Vec<_> = request
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        headers.retain(|(name, _)| {
            *name != http::header::HOST && *name != http::header::CONTENT_LENGTH
        });
        let mark = if request.query.is_empty() { "" } else { "?" };
        let url = format!(
            "http://{}{}{mark}{}",
            self.app.address, request.path, request.query
        );
        let outgoing = Outgoing {
            method: request.method,
            url,
            headers,
            body: request.body,
        };
        Ok(self
            .client
            .send(outgoing, TIMEOUT)
            .await
            .map_err(BoxError::from)?
            .status)
    }

    async fn settled(&self) -> Result<(), Exit> {
        loop {
            let counts = self.counts().await?;
            if counts.unprocessed == 0 && counts.total(State::Pending) == 0 {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn counts(&self) -> Result<Counts, Exit> {
        Ok(self.app.journal.counts().await.map_err(BoxError::from)?)
    }

    /// How many items each stand-in accepted, and refused.
    pub(super) fn accepted(&self) -> Vec<(Kind, usize, usize)> {
        let count = |emulator: &Emulator| {
            let received = emulator.received();
            let accepted = received.iter().map(|one| one.accepted).sum();
            (accepted, received.iter().map(|one| one.refused.len()).sum())
        };
        self.emulators
            .iter()
            .map(|(kind, emulator)| {
                let (accepted, refused) = count(emulator);
                (*kind, accepted, refused)
            })
            .collect()
    }

    /// Stops everything; the folder goes with it.
    pub(super) async fn clear(self) {
        self.app.stop().await;
        self.stop.cancel();
    }
}

/// The vendors that the shipped tags send to, and one API of one's own.
const DEMONSTRATED: [&str; 4] = ["amplitude", "http", "slack", "tracify"];

const ANY_PORT: &str = "127.0.0.1:0";

type Hired = (Vec<(Kind, Emulator)>, BTreeMap<&'static str, SocketAddr>);

/// Starts a stand-in for each vendor.
async fn hire(stop: &CancellationToken) -> Result<Hired, Exit> {
    let mut emulators = Vec::new();
    let mut addresses = BTreeMap::new();
    for kind in DEMONSTRATED.map(str::parse::<Kind>) {
        let kind = kind.map_err(|unknown| BoxError::from(unknown.to_string()))?;
        let listener = TcpListener::bind(ANY_PORT).await?;
        addresses.insert(kind.as_str(), listener.local_addr()?);
        let emulator = Emulator::new(kind);
        tokio::spawn(emulator::serve(listener, emulator.clone(), stop.clone()));
        emulators.push((kind, emulator));
    }
    Ok((emulators, addresses))
}

/// A folder of the demo's own, which goes when the demo ends.
pub(super) struct Folder(PathBuf);

impl Folder {
    fn make() -> Result<Self, Exit> {
        let path = std::env::temp_dir().join(format!("tagwerk-demo-{}", std::process::id()));
        // Not if it is there already: it would be somebody else's.
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }

    /// Writes scripts and configuration; gives the configuration's file.
    fn fill(&self, config: &str) -> Result<PathBuf, Exit> {
        for (path, content) in SCRIPTS {
            write_new(&self.0, path, content)?;
        }
        write_new(&self.0, "tagwerk.toml", config)?;
        Ok(self.0.join("tagwerk.toml"))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left in the system's folder for temporary files does no harm.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// Keys that open nothing, and the stand-ins' addresses.
fn configuration(
    listen: SocketAddr,
    admin: SocketAddr,
    vendors: &BTreeMap<&str, SocketAddr>,
) -> String {
    let address = |name: &str| {
        vendors
            .get(name)
            .map(ToString::to_string)
            .unwrap_or_default()
    };
    format!(
        r#"# Made by `tagwerk demo`.
[server]
listen = "{listen}"
public_url = "http://{listen}"

[admin]
listen = "{admin}"

[destinations.amplitude]
type = "amplitude"
api_key = "demo-amplitude-key"
endpoint = "http://{amplitude}"

[destinations.tracify]
type = "tracify"
token = "demo-tracify-token"
customer_site_id = "00000000-0000-0000-0000-000000000000"
endpoint = "http://{tracify}"

[destinations.slack]
type = "slack"
webhook_url = "http://{slack}/services/T-DEMO/B-DEMO/demo-secret"

[destinations.crm]
type = "http"
url = "http://{http}/hooks/orders"
"#,
        amplitude = address("amplitude"),
        tracify = address("tracify"),
        slack = address("slack"),
        http = address("http"),
    )
}
