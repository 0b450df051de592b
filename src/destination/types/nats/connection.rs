//! One connection to a NATS server: it says hello, publishes one message at a time, and waits until the
//! server, or a stream, has it. It knows no delivery and no tag.

use bytes::BytesMut;
use http::StatusCode;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Duration, Instant, timeout};

use super::Server;
use super::credentials::Credentials;
use super::message::head_length;
use super::wire::{self, Message, Operation};
use crate::destination::dial::{Dialer, Stream};
use crate::destination::http_client::TransportError;
use crate::destination::reply::Reply;

pub(super) struct Connection {
    stream: Box<dyn Stream>,
    read: BytesMut,
    /// The largest message, headers and body, as the server says.
    max_payload: usize,
    /// Where streams answer: below this.
    inbox: String,
    published: u64,
    /// When something was last heard.
    heard: Instant,
    is_good: bool,
}

/// Why there is no connection, or nothing came of a message.
pub(super) enum Stop {
    /// The server's own words, with the status of HTTP that means the same.
    Said(Reply),
    Failed(TransportError),
}

impl Stop {
    /// True if another server may do better: this one is down, full or going.
    pub(super) fn is_of_one_server(&self) -> bool {
        match self {
            Self::Said(reply) => reply.status == 503,
            Self::Failed(_) => true,
        }
    }
}

impl From<TransportError> for Stop {
    fn from(error: TransportError) -> Self {
        Self::Failed(error)
    }
}

/// How a message is confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Confirmed {
    /// The server has it.
    ByServer,
    /// A stream has stored it.
    ByStream,
}

/// Acknowledgements of streams are far smaller.
const MAX_MESSAGE: usize = 64 * 1024;

/// Servers close what does not answer their pings, which come every two minutes and which nobody reads
/// while nothing is published.
const IDLE: Duration = Duration::from_secs(30);

impl Connection {
    /// Connects and says who we are.
    pub(super) async fn open(
        dialer: &Dialer,
        server: &Server,
        credentials: &Credentials,
        confirmed: Confirmed,
    ) -> Result<Self, Stop> {
        let tcp = dialer.connect(&server.host, server.port).await?;
        let mut connection = Self {
            stream: Box::new(tcp),
            read: BytesMut::new(),
            max_payload: 0,
            inbox: inbox()?,
            published: 0,
            heard: Instant::now(),
            is_good: true,
        };
        let info = connection.greeting().await?;
        let connection = match server.is_tls || info["tls_required"] == true {
            true => connection.secured(dialer, server).await?,
            false => connection,
        };
        connection.introduced(&info, credentials, confirmed).await
    }

    async fn greeting(&mut self) -> Result<Value, Stop> {
        match self.hear(false).await? {
            Operation::Info(info) => Ok(info),
            Operation::Error(text) => Err(said(&text)),
            _ => Err(failed("the server does not begin with INFO", false)),
        }
    }

    /// What was said before encryption is not believed after it.
    async fn secured(self, dialer: &Dialer, server: &Server) -> Result<Self, Stop> {
        if !self.read.is_empty() {
            return Err(failed("the server goes on before TLS", false));
        }
        let stream = dialer.secure(self.stream, &server.host).await?;
        Ok(Self {
            stream: Box::new(stream),
            ..self
        })
    }

    async fn introduced(
        mut self,
        info: &Value,
        credentials: &Credentials,
        confirmed: Confirmed,
    ) -> Result<Self, Stop> {
        if info["headers"] != true {
            let text = "the server knows no headers: it is older than NATS 2.2";
            return Err(TransportError::no_leave(text.to_owned()).into());
        }
        let max = info["max_payload"].as_u64().unwrap_or_default();
        self.max_payload = usize::try_from(max).unwrap_or(usize::MAX);
        let mut options = Map::new();
        for (key, value) in [
            ("verbose", json!(false)),
            ("pedantic", json!(true)),
            ("tls_required", json!(info["tls_required"] == true)),
            ("name", json!("tagwerk")),
            ("lang", json!("rust")),
            ("version", json!(env!("CARGO_PKG_VERSION"))),
            ("protocol", json!(1)),
            ("headers", json!(true)),
            ("no_responders", json!(true)),
        ] {
            options.insert(key.to_owned(), value);
        }
        credentials.add(&mut options, info["nonce"].as_str().unwrap_or_default());
        let mut hello = format!("CONNECT {}\r\n", Value::Object(options));
        if confirmed == Confirmed::ByStream {
            hello.push_str(&format!("SUB {}.* 1\r\n", self.inbox));
        }
        hello.push_str("PING\r\n");
        self.write(hello.as_bytes(), false).await?;
        loop {
            match self.hear(false).await? {
                Operation::Pong => return Ok(self),
                Operation::Error(text) => return Err(said(&text)),
                _ => {}
            }
        }
    }

    /// Publishes one message and waits for its confirmation.
    pub(super) async fn publish(
        &mut self,
        subject: &str,
        content: &[u8],
        confirmed: Confirmed,
    ) -> Result<Reply, Stop> {
        if content.len() > self.max_payload {
            let (size, most) = (content.len(), self.max_payload);
            let text = format!("a message of {size} bytes, the server takes {most}");
            return Ok(reply(413, text));
        }
        self.published += 1;
        let inbox = format!("{}.{}", self.inbox, self.published);
        let (to, end) = match confirmed {
            Confirmed::ByServer => (String::new(), "\r\nPING\r\n"),
            Confirmed::ByStream => (format!("{inbox} "), "\r\n"),
        };
        let head = head_length(content);
        let line = format!("HPUB {subject} {to}{head} {}\r\n", content.len());
        let mut bytes = Vec::with_capacity(line.len() + content.len() + end.len());
        bytes.extend_from_slice(line.as_bytes());
        bytes.extend_from_slice(content);
        bytes.extend_from_slice(end.as_bytes());
        // Until it is confirmed nothing else may be sent on this connection.
        self.is_good = false;
        self.write(&bytes, true).await?;
        loop {
            match self.hear(true).await? {
                Operation::Pong if confirmed == Confirmed::ByServer => {
                    self.is_good = true;
                    return Ok(reply(200, "the server has it".to_owned()));
                }
                Operation::Message(message) if message.subject == inbox => {
                    self.is_good = true;
                    return Ok(acknowledged(&message));
                }
                Operation::Error(text) => return Err(said(&text)),
                _ => {}
            }
        }
    }

    /// True if another message may be sent on it: it has not been closed, and nothing is on its way.
    pub(super) async fn is_good(&mut self) -> bool {
        if !self.is_good || self.heard.elapsed() > IDLE {
            return false;
        }
        // What has come meanwhile; nothing, most often.
        loop {
            match timeout(Duration::ZERO, self.hear(false)).await {
                Err(_) => return self.is_good,
                Ok(Ok(Operation::Error(_)) | Err(_)) => return false,
                Ok(Ok(Operation::Info(info))) if info["ldm"] == true => return false, // it is going down
                Ok(Ok(_)) => {}
            }
        }
    }

    /// The next thing that the server says; its pings are answered.
    async fn hear(&mut self, may_have_arrived: bool) -> Result<Operation, Stop> {
        loop {
            let next = wire::next(&mut self.read, MAX_MESSAGE);
            let next = next.map_err(|why| {
                failed(
                    &format!("no answer of a NATS server: {why}"),
                    may_have_arrived,
                )
            })?;
            match next {
                Some(Operation::Ping) => self.write(b"PONG\r\n", may_have_arrived).await?,
                Some(operation) => return Ok(operation),
                None => self.fill(may_have_arrived).await?,
            }
        }
    }

    async fn fill(&mut self, may_have_arrived: bool) -> Result<(), Stop> {
        let count = self.stream.read_buf(&mut self.read).await;
        let count = count
            .map_err(|error| failed(&format!("the connection broke: {error}"), may_have_arrived))?;
        if count == 0 {
            return Err(failed("the server closed the connection", may_have_arrived));
        }
        self.heard = Instant::now();
        Ok(())
    }

    async fn write(&mut self, bytes: &[u8], may_have_arrived: bool) -> Result<(), Stop> {
        // Half of it written would spoil all that follows.
        let was_good = std::mem::replace(&mut self.is_good, false);
        let written = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        let written = written.await;
        self.is_good = was_good;
        written.map_err(|error| failed(&format!("the connection broke: {error}"), may_have_arrived))
    }
}

/// One that nobody else listens to or can guess.
fn inbox() -> Result<String, TransportError> {
    let mut random = [0; 16];
    getrandom::fill(&mut random)
        .map_err(|error| TransportError::new(format!("no random number: {error}"), false))?;
    Ok(format!("_INBOX.{}", hex::encode(random)))
}

fn failed(why: &str, may_have_arrived: bool) -> Stop {
    Stop::Failed(TransportError::new(why.to_owned(), may_have_arrived))
}

fn reply(status: u16, text: String) -> Reply {
    Reply {
        status,
        body: text.into(),
        ..Reply::default()
    }
}

/// An error of the server's, with the status of HTTP that means the same.
fn said(text: &str) -> Stop {
    let lower = text.to_ascii_lowercase();
    let has = |part: &str| lower.contains(part);
    let status = if has("authoriz") || has("authentication") {
        401
    } else if has("permissions violation") {
        403
    } else if has("maximum payload") {
        413
    } else if has("subject") || has("parser") || has("protocol") {
        400
    } else {
        503 // too many connections, a slow consumer, going down
    };
    Stop::Said(reply(status, format!("-ERR '{text}'")))
}

/// What JetStream says of a message.
fn acknowledged(message: &Message) -> Reply {
    let body = message.content.slice(message.head..);
    let head = String::from_utf8_lossy(message.content.get(..message.head).unwrap_or_default());
    if head.starts_with("NATS/1.0 503") {
        let text = "no stream takes this subject: make one, or set `jetstream = false`";
        return reply(503, text.to_owned());
    }
    let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
    let status = match (answer["error"]["code"].as_u64(), answer["seq"].is_u64()) {
        (Some(code), _) => u16::try_from(code)
            .ok()
            .filter(|code| StatusCode::from_u16(*code).is_ok_and(|code| !code.is_success()))
            .unwrap_or(500),
        (None, true) => 200,
        (None, false) => 502,
    };
    Reply {
        status,
        body,
        ..Reply::default()
    }
}
