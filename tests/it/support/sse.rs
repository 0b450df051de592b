//! A listener to the admin stream, over a socket of its own.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::server::Server;

/// What has not come by then never comes.
const PATIENCE: Duration = Duration::from_secs(20);

/// One message.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) data: Value,
}

/// An open stream.
pub(crate) struct Stream(BufReader<TcpStream>);

impl Stream {
    /// Opens it, with this query and these header lines.
    pub(crate) async fn open(server: &Server, query: &str, headers: &[&str]) -> Self {
        let mut stream = TcpStream::connect(server.admin).await.unwrap();
        let more: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        let request = format!(
            "GET /api/traces/stream?{query} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n{more}\r\n",
            server.admin, server.admin_token
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        Self(BufReader::new(stream))
    }

    /// The next message.
    pub(crate) async fn next(&mut self) -> Message {
        timeout(PATIENCE, self.read()).await.expect("nothing comes")
    }

    /// The next message of that name for which this is true; others are passed over.
    pub(crate) async fn until(&mut self, name: &str, wished: impl Fn(&Value) -> bool) -> Message {
        loop {
            let message = self.next().await;
            if message.name == name && wished(&message.data) {
                return message;
            }
        }
    }

    /// The next line of the list for which this is true. What happens fast is told once, as new; what
    /// takes longer, as new and as changed.
    pub(crate) async fn until_row(&mut self, wished: impl Fn(&Value) -> bool) -> Message {
        loop {
            let message = self.next().await;
            if ["trace", "update"].contains(&&*message.name) && wished(&message.data) {
                return message;
            }
        }
    }

    /// Each message comes in one chunk, so lines are not cut, and what is between them is no field.
    async fn read(&mut self) -> Message {
        let (mut id, mut name) = (String::new(), String::new());
        loop {
            let mut line = String::new();
            let read = self.0.read_line(&mut line).await.unwrap();
            assert!(read > 0, "the stream has ended");
            match line.trim_end().split_once(": ") {
                Some(("id", value)) => value.clone_into(&mut id),
                Some(("event", value)) => value.clone_into(&mut name),
                Some(("data", value)) => {
                    let data = serde_json::from_str(value).unwrap();
                    // The order of the fields is the server's; the id may come last.
                    if id.is_empty() {
                        let mut line = String::new();
                        self.0.read_line(&mut line).await.unwrap();
                        let value = line.trim_end().strip_prefix("id: ");
                        value.unwrap_or_default().clone_into(&mut id);
                    }
                    return Message { id, name, data };
                }
                _ => {}
            }
        }
    }
}
