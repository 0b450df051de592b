//! The socket that hyper reads and writes: every byte passes the [`StreamGuard`] first, and every
//! wait has its deadline. It answers nothing itself.
//!
//! **The stand-in.** A refused head must be answered after the answers to the requests before it,
//! once, and then the connection must end. hyper does all of that for a request, so in the place
//! of a refused head hyper is given a good one that says why, and [`exchange`](super::exchange)
//! answers it. No sender can forge it: it is HTTP/1.1 without `host`, which the guard lets
//! nobody else send.
//!
//! A head that arrives whole (nearly all do) is judged where hyper's read put it. Only an
//! unfinished head is copied out and held back; bodies are never copied.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use http::{Request, Version, header};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Limits;
use super::deadline::Deadline;
use super::guard::{Step, StreamGuard, Then};
use super::idle::Idle;
use super::refusal::Refusal;
use super::remains::RefusedHead;

/// The method of the stand-in.
const STAND_IN: &str = "REFUSED";
/// How much is read at once of a head that comes in pieces.
const PIECE: usize = 4_096;
/// How long a refused sender may go on sending until it has read the answer. Closing earlier
/// makes the kernel reset the connection, and the answer may be lost.
const LINGER_TIME: Duration = Duration::from_secs(1);
/// How many bytes of that are read.
const LINGER_BYTES: usize = 256 * 1_024;

/// Why `request` was refused, if it stands for a refused head.
pub(super) fn refusal_of<B>(request: &Request<B>) -> Option<Refusal> {
    let is_stand_in = request.method().as_str() == STAND_IN
        && request.version() == Version::HTTP_11
        && !request.headers().contains_key(header::HOST);
    if !is_stand_in {
        return None;
    }
    let number = request.uri().path().strip_prefix('/')?.parse().ok()?;
    Refusal::from_number(number)
}

fn stand_in(why: Refusal) -> String {
    let number = why.number();
    format!("{STAND_IN} /{number} HTTP/1.1\r\nconnection: close\r\n\r\n")
}

/// A guarded connection.
#[derive(Debug)]
pub(super) struct Socket<'a, T> {
    inner: T,
    /// What was refused, for whoever watches.
    refused_head: &'a RefusedHead,
    /// For whoever looks for a connection that could leave.
    idle: &'a Idle,
    guard: StreamGuard,
    limits: Limits,
    /// Bytes that were read and not given to hyper: an unfinished head, or what follows from it.
    held: BytesMut,
    /// So many of `held`, from the front, may go on.
    approved: usize,
    reading: Reading,
    waiting_for: Wait,
    read_deadline: Deadline,
    write_deadline: Deadline,
    lingered: usize,
}

/// Whether more is read from the peer for hyper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    Open,
    /// After a refused head or an expired wait hyper sees the end of the stream.
    Ended,
    /// hyper sees an error.
    Broken,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    Head,
    NextRequest,
    /// `exchange` watches over the time of the body.
    Body,
}

impl<'a, T: AsyncRead + AsyncWrite + Unpin> Socket<'a, T> {
    pub(super) fn new(
        inner: T,
        limits: Limits,
        refused_head: &'a RefusedHead,
        idle: &'a Idle,
    ) -> Self {
        Self {
            inner,
            refused_head,
            idle,
            guard: StreamGuard::new(limits),
            limits,
            held: BytesMut::new(),
            approved: 0,
            reading: Reading::Open,
            waiting_for: Wait::Head,
            read_deadline: Deadline::default(),
            write_deadline: Deadline::default(),
            lingered: 0,
        }
    }

    /// What it reads from, if nothing was read of a request that hyper has not had.
    pub(super) fn into_stream(self) -> Option<T> {
        let is_open = self.reading == Reading::Open && self.held.is_empty();
        (is_open && self.guard.is_between_requests()).then_some(self.inner)
    }

    /// Reads straight into hyper's buffer, and takes back what may not go on.
    fn poll_read_direct(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<Progress>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buf))?;
        let fresh = buf.filled().get(before..).unwrap_or_default();
        if fresh.is_empty() {
            return Poll::Ready(Ok(Progress::EndOfStream));
        }
        self.idle.end();
        let Step { pass, then } = self.guard.follow(fresh);
        let rest = fresh.get(pass..).unwrap_or_default();
        match then {
            Then::ReadOn => self.held.extend_from_slice(rest),
            Then::Refuse(_) => self.refused_head.keep(rest, self.limits.head_bytes),
            Then::BodyBroken => {}
        }
        buf.set_filled(before + pass);
        self.obey(then);
        if pass == 0 {
            return Poll::Ready(Ok(Progress::Held));
        }
        self.read_deadline.clear();
        Poll::Ready(Ok(Progress::Filled))
    }

    /// Reads the next piece of an unfinished head behind the others.
    fn poll_read_held(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Progress>> {
        let mut piece = [0; PIECE];
        let mut piece = ReadBuf::new(&mut piece);
        ready!(Pin::new(&mut self.inner).poll_read(cx, &mut piece))?;
        if piece.filled().is_empty() {
            return Poll::Ready(Ok(Progress::EndOfStream));
        }
        self.held.extend_from_slice(piece.filled());
        let Step { pass, then } = self.guard.follow(&self.held);
        self.approved = pass;
        if let Then::Refuse(_) = then {
            self.keep_refused(pass);
        }
        if then != Then::ReadOn {
            self.held.truncate(pass);
        }
        self.obey(then);
        Poll::Ready(Ok(Progress::Held))
    }

    fn obey(&mut self, then: Then) {
        match then {
            Then::ReadOn => {}
            Then::Refuse(why) => self.refuse(why),
            Then::BodyBroken => self.reading = Reading::Broken,
        }
    }

    /// Keeps what is refused of what is held.
    fn keep_refused(&self, from: usize) {
        let rest = self.held.get(from..).unwrap_or_default();
        self.refused_head.keep(rest, self.limits.head_bytes);
    }

    /// Puts the stand-in behind what may go on, and ends there.
    fn refuse(&mut self, why: Refusal) {
        self.held.truncate(self.approved);
        self.held.extend_from_slice(stand_in(why).as_bytes());
        self.approved = self.held.len();
        self.reading = Reading::Ended;
        self.guard.end();
    }

    /// Gives hyper approved bytes, as many as it has room for.
    fn hand_over(&mut self, buf: &mut ReadBuf<'_>) {
        let count = self.approved.min(buf.remaining());
        buf.put_slice(self.held.get(..count).unwrap_or_default());
        self.approved -= count;
        self.held.advance(count);
        self.read_deadline.clear();
        if self.held.is_empty() {
            // Few connections ever need it again.
            self.held = BytesMut::new();
        }
    }

    /// Called when there is nothing to read: true if that has been so for too long. hyper does
    /// not read while a request is handled, so that time does not count.
    fn is_overdue(&mut self, cx: &mut Context<'_>) -> bool {
        let wait = if !self.guard.is_between_requests() {
            Wait::Body
        } else if self.guard.heads() == 0 || !self.held.is_empty() {
            Wait::Head
        } else {
            Wait::NextRequest
        };
        if wait != self.waiting_for {
            self.waiting_for = wait;
            self.read_deadline.clear();
        }
        match wait {
            Wait::Body => false,
            Wait::Head => self.read_deadline.is_over(cx, self.limits.head_time),
            Wait::NextRequest => {
                self.idle.begin();
                self.read_deadline.is_over(cx, self.limits.idle_time)
            }
        }
    }

    /// Ends an expired wait: with an answer only if something was asked.
    fn give_up(&mut self) {
        if self.held.iter().all(u8::is_ascii_whitespace) {
            self.reading = Reading::Ended;
        } else {
            self.keep_refused(self.approved);
            self.refuse(Refusal::HeadTimeout);
        }
    }

    /// A written byte, or a timely one to come, is fine; too long a wait is an error.
    fn watch_write<R>(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        if outcome.is_ready() {
            self.write_deadline.clear();
        } else if self.write_deadline.is_over(cx, self.limits.write_time) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        outcome
    }
}

/// What a read came to.
enum Progress {
    /// hyper has new bytes.
    Filled,
    /// What came is held back, or something held back may go on now.
    Held,
    EndOfStream,
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for Socket<'_, T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if this.approved > 0 {
                this.hand_over(buf);
                return Poll::Ready(Ok(()));
            }
            match this.reading {
                Reading::Open => {}
                Reading::Ended => return Poll::Ready(Ok(())),
                Reading::Broken => return Poll::Ready(Err(io::ErrorKind::InvalidData.into())),
            }
            let read = if this.held.is_empty() {
                this.poll_read_direct(cx, buf)
            } else {
                this.poll_read_held(cx)
            };
            match read {
                Poll::Ready(Ok(Progress::Held)) => {}
                Poll::Ready(Ok(Progress::Filled | Progress::EndOfStream)) => {
                    return Poll::Ready(Ok(()));
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending if this.is_overdue(cx) => this.give_up(),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Socket<'_, T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.inner).poll_write(cx, bytes);
        this.watch_write(cx, outcome)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.inner).poll_write_vectored(cx, bytes);
        this.watch_write(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    /// Closes for writing. If the peer was cut short it is given a moment to read why.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.lingered == 0 {
            ready!(Pin::new(&mut this.inner).poll_shutdown(cx))?;
        }
        if this.guard.is_between_requests() {
            return Poll::Ready(Ok(()));
        }
        let mut scrap = [0; PIECE];
        while this.lingered < LINGER_BYTES {
            let mut scrap = ReadBuf::new(&mut scrap);
            match Pin::new(&mut this.inner).poll_read(cx, &mut scrap) {
                Poll::Ready(Ok(())) if !scrap.filled().is_empty() => {
                    this.lingered += scrap.filled().len();
                }
                Poll::Pending if !this.write_deadline.is_over(cx, LINGER_TIME) => {
                    return Poll::Pending;
                }
                _ => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}
