//! A connection on which any bytes can be sent, and the answers to them read one by one. It judges
//! nothing that it sends.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// An answer or the end of the connection that is not there by then never comes.
const PATIENCE: Duration = Duration::from_secs(10);

/// One answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    /// What is no text in it, as in an image, is U+FFFD.
    pub(crate) body: String,
}

impl Answer {
    /// The value of a header field by its lower-case name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let field = self.headers.iter().find(|(field, _)| field == name);
        field.map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// The near end of a connection.
pub(crate) struct Raw {
    stream: BufReader<TcpStream>,
}

impl Raw {
    pub(crate) async fn connect(to: SocketAddr) -> Self {
        Self::try_connect(to).await.unwrap()
    }

    /// The same where the server may be gone.
    pub(crate) async fn try_connect(to: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    /// Sends bytes. That the peer has closed meanwhile is for the reader to find.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.stream.write_all(bytes.as_ref()).await.ok();
        self
    }

    /// Closes this side for writing.
    pub(crate) async fn finish(&mut self) {
        self.stream.shutdown().await.ok();
    }

    /// The next answer, or nothing if the connection was closed.
    pub(crate) async fn answer(&mut self) -> Option<Answer> {
        self.try_answer().await.expect("the answer is cut short")
    }

    /// The same where the server may die in the middle of it: then it is an error.
    pub(crate) async fn try_answer(&mut self) -> io::Result<Option<Answer>> {
        timeout(PATIENCE, self.read_answer(true))
            .await
            .expect("there is neither answer nor end")
    }

    /// The same for a request with HEAD, whose answer has a length and no body.
    pub(crate) async fn answer_without_body(&mut self) -> Option<Answer> {
        timeout(PATIENCE, self.read_answer(false))
            .await
            .expect("there is neither answer nor end")
            .expect("the answer is cut short")
    }

    async fn read_answer(&mut self, has_body: bool) -> io::Result<Option<Answer>> {
        let Some(line) = self.read_line().await else {
            return Ok(None);
        };
        let status = line.split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = Vec::new();
        loop {
            let line = self.read_line().await.ok_or(io::ErrorKind::UnexpectedEof)?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut answer = Answer {
            status,
            headers,
            body: String::new(),
        };
        let length = answer
            .header("content-length")
            .map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; if has_body { length } else { 0 }];
        self.stream.read_exact(&mut body).await?;
        answer.body = String::from_utf8_lossy(&body).into_owned();
        Ok(Some(answer))
    }

    /// A line without its end; nothing if the peer has closed, or has reset the connection.
    async fn read_line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.stream.read_line(&mut line).await {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(line.trim_end().to_owned()),
        }
    }
}

/// A request as it goes over the wire. `headers` are whole lines, without their ends; what HTTP
/// needs besides them is added.
pub(crate) fn request(method: &str, path: &str, headers: &[&str], body: &str) -> String {
    let mut text = format!("{method} {path} HTTP/1.1\r\n");
    if !headers.iter().any(|header| header.starts_with("Host:")) {
        text.push_str("Host: localhost\r\n");
    }
    for header in headers {
        text.push_str(header);
        text.push_str("\r\n");
    }
    if !body.is_empty() {
        text.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    text.push_str(body);
    text
}
