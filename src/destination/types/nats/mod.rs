//! NATS: a payload is one message, `{ body, subject, headers }`, all optional. It is confirmed by a stream
//! of JetStream's, or by the server alone. The server is the configuration's and nothing in an event can
//! change it; the other servers of a cluster, which it names, are not dialled.

mod connection;
mod credentials;
mod facts;
mod judge;
mod message;
mod talk;
mod wire;

pub(in crate::destination) use facts::TYPE;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Method, Uri};
use tokio::time::timeout;

use self::connection::{Confirmed, Connection, Stop};
use self::credentials::Credentials;
use crate::config::{Options, Rate, Section, has_sound_port};
use crate::destination::courier::{Carry, Carrying};
use crate::destination::dial::Dialer;
use crate::destination::encode::{Item, Limits, Outgoing, Refused, Vendor, Verdict, single};
use crate::destination::http_client::{CONNECT_TIMEOUT, TransportError};
use crate::destination::payload::Payload;
use crate::destination::reply::{Reply, classify};
use crate::secret::Secret;

/// `[destinations.NAME]` with `type = "nats"`.
#[derive(Debug)]
struct Settings {
    /// At least one, but for settings that are refused.
    servers: Vec<Server>,
    subject: String,
    credentials: Credentials,
    confirmed: Confirmed,
    idle: Idle,
}

/// Where to connect to.
#[derive(Debug)]
struct Server {
    host: String,
    port: u16,
    is_tls: bool,
}

/// Connections on which nothing is under way; each carries one message at a time.
#[derive(Default)]
struct Idle(Mutex<Vec<Connection>>);

impl fmt::Debug for Idle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Idle")
    }
}

const PORT: u16 = 4222;

fn load(section: &mut Section, options: &Options) -> Arc<dyn Vendor> {
    let servers = load_servers(section, options);
    let subject = section.required_text("subject");
    if !subject.is_empty()
        && let Some(why) = message::subject_problem(&subject)
    {
        section.problem("subject", why, None);
    }
    let confirmed = match section.flag("jetstream") {
        Some(false) => Confirmed::ByServer,
        _ => Confirmed::ByStream,
    };
    Arc::new(Settings {
        credentials: Credentials::load(section),
        servers,
        subject,
        confirmed,
        idle: Idle::default(),
    })
}

fn load_servers(section: &mut Section, options: &Options) -> Vec<Server> {
    let url = section.required_text("url");
    let others = section.text_list("servers").unwrap_or_default();
    let mut written = vec![("url", url)];
    written.extend(others.into_iter().map(|other| ("servers", other)));
    let mut servers = Vec::new();
    for (key, text) in written.iter().filter(|(_, text)| !text.is_empty()) {
        match Server::read(text) {
            Some(server) => servers.push(server),
            None => {
                let message = format!("`{key}` is not the address of a NATS server");
                let hint = "write nats://HOST:4222, or tls://HOST:4222; a user or a token has a key of its own";
                section.problem(key, message, Some(hint.to_owned()));
            }
        }
    }
    match &options.endpoint {
        Some(endpoint) => Server::read(endpoint).into_iter().collect(),
        None => servers,
    }
}

impl Server {
    /// `nats://HOST:PORT` or `tls://HOST:PORT`; of a stand-in `http://HOST:PORT`.
    fn read(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let is_tls = match uri.scheme_str()? {
            "nats" | "http" => false,
            "tls" | "https" => true,
            _ => return None,
        };
        let is_bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
        let is_anonymous = !uri.authority()?.as_str().contains('@');
        (is_bare && is_anonymous && has_sound_port(&uri)).then_some(Self {
            host: uri.host()?.to_owned(),
            port: uri.port_u16().unwrap_or(PORT),
            is_tls,
        })
    }

    fn shown(&self) -> String {
        let scheme = if self.is_tls { "tls" } else { "nats" };
        format!("{scheme}://{}:{}", self.host, self.port)
    }
}

impl Vendor for Settings {
    fn encode(&self, items: &[Item<'_>]) -> Result<Outgoing, Refused> {
        let item = single(items)?;
        self.message(item).map_err(Refused::only)
    }

    fn read(&self, reply: &Reply, _count: usize) -> Verdict {
        Verdict::All(classify(reply))
    }

    fn limits(&self) -> Limits {
        Limits::single(Rate::Off)
    }

    fn secrets(&self) -> Vec<&Secret> {
        self.credentials.secrets()
    }

    fn carrier(&self) -> Option<&dyn Carry> {
        Some(self)
    }
}

impl Carry for Settings {
    fn carry(&self, outgoing: Outgoing, dialer: Dialer, time: Duration) -> Carrying<'_> {
        Box::pin(async move {
            let published = self.publish(&outgoing, &dialer);
            match timeout(time, published).await {
                Ok(Ok(reply) | Err(Stop::Said(reply))) => Ok(reply),
                Ok(Err(Stop::Failed(error))) => Err(error),
                Err(_) => Err(TransportError::late(time)),
            }
        })
    }
}

impl Settings {
    fn message(&self, item: &Item<'_>) -> Result<Outgoing, String> {
        let payload = Payload::open(item.payload)?;
        payload.refuse_unknown(TYPE.fields)?;
        let subject = payload.text("subject")?;
        let subject = subject.as_deref().unwrap_or(&self.subject);
        if let Some(why) = message::subject_problem(subject) {
            return Err(why);
        }
        let headers = payload.map("headers")?.unwrap_or_default();
        let body = payload.get("body").unwrap_or_default();
        let body = match body.starts_with('"') {
            true => serde_json::from_str(&body).map_err(|error| error.to_string())?,
            false => body,
        };
        let content = message::content(&headers, &item.id.to_string(), body.as_bytes())?;
        let server = self.servers.first().ok_or("there is no server")?;
        Ok(Outgoing {
            method: Method::POST,
            url: format!("{}/{subject}", server.shown()),
            headers: Vec::new(),
            body: content.into(),
        })
    }

    async fn publish(&self, outgoing: &Outgoing, dialer: &Dialer) -> Result<Reply, Stop> {
        let (_, subject) = outgoing.url.rsplit_once('/').unwrap_or_default();
        let mut connection = match self.idle.take().await {
            Some(connection) => connection,
            None => self.open(dialer).await?,
        };
        let reply = connection.publish(subject, &outgoing.body, self.confirmed);
        let reply = reply.await?;
        self.idle.keep(connection);
        Ok(reply)
    }

    /// A connection to the first server that is up, in the order of the settings.
    async fn open(&self, dialer: &Dialer) -> Result<Connection, Stop> {
        let mut last = Stop::Failed(TransportError::no_leave("there is no server".to_owned()));
        for server in &self.servers {
            let opened = Connection::open(dialer, server, &self.credentials, self.confirmed);
            match timeout(CONNECT_TIMEOUT, opened).await {
                Err(_) => last = Stop::Failed(TransportError::late(CONNECT_TIMEOUT).before("INFO")),
                Ok(Err(stop)) if stop.is_of_one_server() => last = stop,
                Ok(opened) => return opened,
            }
        }
        Err(last)
    }
}

impl Idle {
    /// One that still holds; those that do not are closed.
    async fn take(&self) -> Option<Connection> {
        loop {
            let mut connection = self.connections().pop()?;
            if connection.is_good().await {
                return Some(connection);
            }
        }
    }

    fn keep(&self, connection: Connection) {
        // There are no more of them than requests at once: `concurrency`.
        self.connections().push(connection);
    }

    fn connections(&self) -> MutexGuard<'_, Vec<Connection>> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
