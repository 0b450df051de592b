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

use self::connection::{Confirmed, Connection, Stop};
use self::credentials::Credentials;
use crate::config::{Options, Rate, Section, has_sound_port};
use crate::destination::courier::{Carry, Carrying};
use crate::destination::dial::Dialer;
use crate::destination::encode::{Item, Limits, Outgoing, Refused, Vendor, Verdict, single};
use crate::destination::http_client::TransportError;
use crate::destination::payload::Payload;
use crate::destination::reply::{Reply, classify};
use crate::secret::Secret;

/// `[destinations.NAME]` with `type = "nats"`.
#[derive(Debug)]
struct Settings {
    server: Server,
    subject: String,
    credentials: Credentials,
    confirmed: Confirmed,
    idle: Idle,
}

/// Where to connect to.
#[derive(Debug, Default)]
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
    let url = section.required_text("url");
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
    let server = Server::read(options.host_or(&url));
    if server.is_none() && !url.is_empty() {
        let message = "`url` is not the address of a NATS server";
        let hint =
            "write nats://HOST:4222, or tls://HOST:4222; a user or a token has a key of its own";
        section.problem("url", message, Some(hint.to_owned()));
    }
    Arc::new(Settings {
        credentials: Credentials::load(section),
        server: server.unwrap_or_default(),
        subject,
        confirmed,
        idle: Idle::default(),
    })
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
        self.message(item).map_err(|why| Refused { index: 0, why })
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
    fn carry(&self, outgoing: Outgoing, dialer: Dialer, timeout: Duration) -> Carrying<'_> {
        Box::pin(async move {
            let published = self.publish(&outgoing, &dialer);
            match tokio::time::timeout(timeout, published).await {
                Ok(Ok(reply) | Err(Stop::Said(reply))) => Ok(reply),
                Ok(Err(Stop::Failed(error))) => Err(error),
                Err(_) => Err(TransportError::late(timeout)),
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
        Ok(Outgoing {
            method: Method::POST,
            url: format!("{}/{subject}", self.server.shown()),
            headers: Vec::new(),
            body: content.into(),
        })
    }

    async fn publish(&self, outgoing: &Outgoing, dialer: &Dialer) -> Result<Reply, Stop> {
        let (_, subject) = outgoing.url.rsplit_once('/').unwrap_or_default();
        let mut connection = match self.idle.take().await {
            Some(connection) => connection,
            None => {
                Connection::open(dialer, &self.server, &self.credentials, self.confirmed).await?
            }
        };
        let reply = connection.publish(subject, &outgoing.body, self.confirmed);
        let reply = reply.await?;
        self.idle.keep(connection);
        Ok(reply)
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
