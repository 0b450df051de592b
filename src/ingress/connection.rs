//! One connection that has a seat: hyper between the guarded socket and the exchanges, until it ends or
//! its seat is another's.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::Poll;

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

/// Serves `stream` until the peer closes, a deadline passes, or the drain after the listener's stop is
/// over. Notes when it is idle. After `get_up` it is given back as soon as nothing is under way.
pub(super) async fn run<T, S>(
    stream: T,
    peer: IpAddr,
    shared: &Shared<S>,
    idle: &Idle,
    get_up: &CancellationToken,
) -> Option<T>
where
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
    let mut connection = http1::Builder::new()
        // A sender that closes its half has still asked, and is answered.
        .half_close(true)
        // Answers are small: to copy one is cheaper than to write it in two pieces.
        .writev(false)
        // Our own deadlines are finer: see `socket`.
        .header_read_timeout(None)
        .max_buf_size(READ_BUFFER.max(2 * limits.head_bytes))
        .serve_connection(TokioIo::new(socket), service);

    let what_comes = tokio::select! {
        biased;
        ended = &mut connection => Comes::End(ended),
        () = get_up.cancelled() => tokio::select! {
            biased;
            () = shared.stop.cancelled() => Comes::Drain,
            comes = until_idle(&mut connection, idle) => comes,
        },
    };
    let ended = match what_comes {
        Comes::End(ended) => ended,
        Comes::Idle => return into_stream(connection.into_parts()),
        Comes::Drain => {
            Pin::new(&mut connection).graceful_shutdown();
            let Ok(ended) = timeout(limits.drain_time, &mut connection).await else {
                shared.cut.fetch_add(1, Ordering::Relaxed);
                return None;
            };
            ended
        }
    };
    if let Err(error) = ended {
        debug!(%peer, %error, "connection ended");
    }
    None
}

/// What comes after a connection was served for some time.
enum Comes<E> {
    End(E),
    Drain,
    /// It waits for its next request, and its seat is another's.
    Idle,
}

/// Runs `connection` until it waits for its next request, or ends.
async fn until_idle<C: Future + Unpin>(connection: &mut C, idle: &Idle) -> Comes<C::Output> {
    poll_fn(|cx| match Pin::new(&mut *connection).poll(cx) {
        Poll::Ready(ended) => Poll::Ready(Comes::End(ended)),
        Poll::Pending if idle.time().is_some() => Poll::Ready(Comes::Idle),
        Poll::Pending => Poll::Pending,
    })
    .await
}

/// None if something was read that would be lost.
fn into_stream<T: AsyncRead + AsyncWrite + Unpin, S>(
    parts: http1::Parts<TokioIo<Socket<'_, T>>, S>,
) -> Option<T> {
    let stream = parts.io.into_inner().into_stream()?;
    parts.read_buf.is_empty().then_some(stream)
}
