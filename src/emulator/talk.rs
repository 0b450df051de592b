//! Serves stand-ins for vendors that do not speak HTTP: carries bytes between sockets and the conversation
//! that the vendor's file holds. It decides nothing.

use std::io;

use bytes::BytesMut;
use http::HeaderMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::{Emulator, Incoming};
use crate::destination::{Begin, Heard, Spoken, Talk};

/// Serves until `stop` is cancelled.
pub(super) async fn serve(
    listener: TcpListener,
    emulator: Emulator,
    begin: Begin,
    stop: CancellationToken,
) {
    let mut connections = JoinSet::new(); // ends them when it is dropped
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(stream, emulator.clone(), begin()));
                }
                Err(error) => {
                    warn!(kind = %emulator.kind, %error, "stand-in stopped serving");
                    return;
                }
            },
        }
    }
}

async fn converse(stream: TcpStream, emulator: Emulator, talk: Box<dyn Talk>) {
    if let Err(error) = talk_over(stream, &emulator, talk).await {
        debug!(kind = %emulator.kind, %error, "a connection broke");
    }
}

async fn talk_over(
    mut stream: TcpStream,
    emulator: &Emulator,
    mut talk: Box<dyn Talk>,
) -> io::Result<()> {
    stream.write_all(&talk.greeting()).await?;
    let mut read = BytesMut::new();
    loop {
        let said = match talk.hear(&mut read) {
            Heard::Said(said) => said,
            Heard::Asked(spoken) => {
                let answer = emulator.receive(incoming(spoken));
                talk.answer(&answer)
            }
            Heard::More => match stream.read_buf(&mut read).await? {
                0 => return Ok(()),
                _ => continue,
            },
        };
        stream.write_all(&said.bytes).await?;
        if said.is_last {
            return stream.shutdown().await;
        }
    }
}

fn incoming(spoken: Spoken) -> Incoming {
    Incoming {
        method: spoken.method,
        path: spoken.path,
        query: String::new(),
        headers: HeaderMap::new(),
        body: Some(spoken.body),
    }
}
