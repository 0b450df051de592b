//! One connection: hyper between the guarded socket and the exchanges, and its end.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::atomic::Ordering;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::Service;
use super::exchange::{self, Shared};
use super::idle::Idle;
use super::remains::RefusedHead;
use super::socket::Socket;

/// How much hyper reads ahead. Every head fits, and a large body comes in few pieces.
const READ_BUFFER: usize = 64 * 1_024;

/// Serves `stream` until the peer closes, a deadline passes, or the drain after `stop` is over. Notes
/// when it is idle.
pub(super) async fn run<T, S>(
    stream: T,
    peer: IpAddr,
    shared: &Shared<S>,
    idle: &Idle,
    stop: &CancellationToken,
) where
    T: AsyncRead + AsyncWrite + Unpin,
    S: Service,
{
    let limits = shared.settings.limits;
    let refused_head = RefusedHead::default();
    let refused_head = &refused_head;
    let service = service_fn(|request: hyper::Request<Incoming>| async move {
        Ok::<_, Infallible>(exchange::answer(shared, peer, request, refused_head).await)
    });
    let socket = Socket::new(stream, limits, refused_head, idle);
    let connection = http1::Builder::new()
        // A sender that closes its half has still asked, and is answered.
        .half_close(true)
        // Answers are small: to copy one is cheaper than to write it in two pieces.
        .writev(false)
        // Our own deadlines are finer: see `socket`.
        .header_read_timeout(None)
        .max_buf_size(READ_BUFFER.max(2 * limits.head_bytes))
        .serve_connection(TokioIo::new(socket), service);
    let mut connection = pin!(connection);

    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => Some(ended),
        () = stop.cancelled() => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            let Ok(ended) = timeout(limits.drain_time, connection).await else {
                shared.cut.fetch_add(1, Ordering::Relaxed);
                return;
            };
            ended
        }
    };
    if let Err(error) = ended {
        debug!(%peer, %error, "connection ended");
    }
}
