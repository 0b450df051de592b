//! For F2, NATS JetStream: a file stream that is published to, in as much of its protocol as that
//! takes. What has a PubAck is acknowledged.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::mount::Mount;
use crate::power::{Tally, until_the_cut};
use crate::tools::{has, system};

/// Settings that are compared: a name, and lines of the `jetstream` block.
pub(crate) const KINDS: [(&str, &str); 2] = [
    ("nats_default", ""),
    ("nats_always", "sync_interval: always"),
];

/// Messages under way.
const WINDOW: u64 = 64;

/// Far more than a start takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why this kind cannot be tried here, if so.
pub(crate) fn why_not(settings: &str) -> Option<String> {
    if !has("nats-server") {
        return Some("nats-server is not installed".to_owned());
    }
    let folder = TempDir::new().unwrap();
    let config = configure(folder.path(), folder.path(), 4222, settings);
    let refused = system("nats-server", &["-t", "-c", &config]).err();
    let version = system("nats-server", &["--version"]).unwrap_or_default();
    refused.map(|_| format!("{} does not know {settings:?}", version.trim()))
}

/// One power cut.
pub(crate) async fn cut(settings: &str) -> Tally {
    let folder = TempDir::new().unwrap();
    let (image, data) = (folder.path().join("disk.img"), folder.path().join("data"));
    let mount = Mount::ext4(&image, &data).unwrap();
    let port = free_port().await;
    let config = configure(folder.path(), &data, port, settings);
    let (mut server, mut client) = start(&config, port).await;
    client.ask("STREAM.CREATE", STREAM).await.unwrap();
    let acked = Arc::new(AtomicU64::new(0));
    let publishing = tokio::spawn(publish(client, acked.clone()));
    let switch = mount.power_switch().await;
    sleep(until_the_cut()).await;
    let acked = acked.load(Ordering::Relaxed);
    switch.cut().await;
    server.kill().await.unwrap();
    drop(publishing.await.unwrap());
    mount.unmount().unwrap();

    let mount = Mount::ext4(&image, &data).unwrap();
    let (mut server, mut client) = start(&config, port).await;
    let found = client.ask("STREAM.INFO", "").await.unwrap_or_default();
    let found = found["state"]["last_seq"].as_u64().unwrap_or(0);
    server.kill().await.unwrap();
    mount.unmount().unwrap();
    Tally {
        acked,
        lost: acked.saturating_sub(found),
    }
}

const STREAM: &str = r#"{"name":"T","subjects":["t"],"storage":"file"}"#;

fn configure(folder: &Path, data: &Path, port: u16, settings: &str) -> String {
    let file = folder.join("nats.conf");
    let data = data.display();
    let text = format!(
        "listen: \"127.0.0.1:{port}\"\njetstream {{\n  store_dir: \"{data}\"\n  {settings}\n}}\n"
    );
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

async fn free_port() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

async fn start(config: &str, port: u16) -> (Child, Client) {
    let server = Command::new("nats-server")
        .args(["-c", config])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let connected = async {
        loop {
            if let Ok(client) = Client::connect(([127, 0, 0, 1], port).into()).await {
                return client;
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    let client = timeout(PATIENCE, connected).await;
    (server, client.expect("NATS does not start"))
}

/// Keeps a window full until the connection ends. Sequence numbers count up from 1, so the highest
/// that was acknowledged says how many were.
async fn publish(mut client: Client, acked: Arc<AtomicU64>) -> io::Result<()> {
    let payload = [b'x'; 200];
    for _ in 0..WINDOW {
        client.publish("t", &payload).await?;
    }
    loop {
        let answer = client.answer().await?;
        let sequence = answer["seq"].as_u64();
        let sequence = sequence.ok_or_else(|| io::Error::other(answer.to_string()))?;
        acked.fetch_max(sequence, Ordering::Relaxed);
        client.publish("t", &payload).await?;
    }
}

/// A connection, subscribed to answers.
struct Client(BufReader<TcpStream>);

impl Client {
    async fn connect(to: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        let mut client = Self(BufReader::new(stream));
        let hello = "CONNECT {\"verbose\":false}\r\nSUB answer 1\r\nPING\r\n";
        client.0.write_all(hello.as_bytes()).await?;
        while client.line().await? != "PONG" {}
        Ok(client)
    }

    /// A request to JetStream's API; asked again while it is not there yet.
    async fn ask(&mut self, what: &str, json: &str) -> io::Result<Value> {
        let subject = format!("$JS.API.{what}.T");
        let asked = async {
            loop {
                self.publish(&subject, json.as_bytes()).await?;
                if let Ok(answer) = timeout(Duration::from_secs(1), self.answer()).await {
                    return answer;
                }
            }
        };
        timeout(PATIENCE, asked).await.map_err(io::Error::other)?
    }

    async fn publish(&mut self, subject: &str, payload: &[u8]) -> io::Result<()> {
        let mut message = format!("PUB {subject} answer {}\r\n", payload.len()).into_bytes();
        message.extend_from_slice(payload);
        message.extend_from_slice(b"\r\n");
        self.0.write_all(&message).await
    }

    /// The next answer; one that is empty says that nobody is there to answer.
    async fn answer(&mut self) -> io::Result<Value> {
        loop {
            let line = self.line().await?;
            if line == "PING" {
                self.0.write_all(b"PONG\r\n").await?;
            }
            let Some(header) = line.strip_prefix("MSG ") else {
                continue;
            };
            let length = header
                .rsplit(' ')
                .next()
                .and_then(|length| length.parse().ok());
            let mut payload = vec![0; length.unwrap_or(0) + 2];
            self.0.read_exact(&mut payload).await?;
            if let Ok(answer) = serde_json::from_slice(&payload) {
                return Ok(answer);
            }
        }
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        match self.0.read_line(&mut line).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line.trim_end().to_owned()),
        }
    }
}
