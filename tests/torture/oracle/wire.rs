//! HTTP/1.1 messages as they stand on the wire, in both directions: a head as text and a body by its
//! `Content-Length`. Quick, and no more than the oracle needs.

use std::io;
use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One request or answer.
#[derive(Debug)]
pub(crate) struct Message {
    /// Its head, in lower case.
    pub(crate) head: String,
    pub(crate) body: Bytes,
}

impl Message {
    /// The value of a header field by its lower-case name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (field, value) = line.split_once(':')?;
            (field == name).then(|| value.trim())
        })
    }

    /// The status of an answer.
    pub(crate) fn status(&self) -> u16 {
        let word = self.head.split(' ').nth(1);
        word.and_then(|status| status.parse().ok()).unwrap_or(0)
    }

    /// The first segment of a request's path.
    pub(crate) fn first_segment(&self) -> &str {
        let path = self.head.split(' ').nth(1).unwrap_or_default();
        path.split('/').nth(1).unwrap_or_default()
    }
}

/// The near end of a connection.
pub(crate) struct Wire {
    stream: TcpStream,
    buffer: BytesMut,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: BytesMut::with_capacity(4_096),
        })
    }

    pub(crate) async fn connect(to: SocketAddr) -> io::Result<Self> {
        Self::new(TcpStream::connect(to).await?)
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// The next message, or nothing if the peer has closed.
    pub(crate) async fn read(&mut self) -> io::Result<Option<Message>> {
        loop {
            if let Some(message) = self.take() {
                return Ok(Some(message));
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// Returns when the peer has closed, reading over what comes until then.
    pub(crate) async fn closed(&mut self) {
        let mut scrap = [0; 1_024];
        while self
            .stream
            .read(&mut scrap)
            .await
            .is_ok_and(|read| read > 0)
        {}
    }

    /// Closes with a reset instead of an end.
    pub(crate) fn reset(self) {
        // What was not read when a socket is closed makes the kernel answer with RST.
        self.stream.set_zero_linger().ok();
    }

    /// A whole message out of the buffer.
    fn take(&mut self) -> Option<Message> {
        let end = self
            .buffer
            .windows(4)
            .position(|four| four == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(self.buffer.get(..end)?).to_ascii_lowercase();
        let mut message = Message {
            head,
            body: Bytes::new(),
        };
        let length = message.header("content-length");
        let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
        if self.buffer.len() < end + 4 + length {
            return None;
        }
        let mut whole = self.buffer.split_to(end + 4 + length);
        message.body = whole.split_off(end + 4).freeze();
        Some(message)
    }
}
