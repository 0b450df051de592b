//! Reads the body of one request whole, within its limits. It does not look at the bytes.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame, Incoming};

use super::deadline::Deadline;
use super::refusal::Refusal;

/// The most that is set aside for a body that was announced and has not come.
const MAX_CAPACITY_AHEAD: u64 = 64 * 1_024;

/// How many bytes of bodies are in memory, and how many may be.
#[derive(Debug)]
pub(super) struct Budget {
    used: AtomicUsize,
    limit: usize,
}

impl Budget {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            used: AtomicUsize::new(0),
            limit,
        }
    }
}

/// The share of one request in the [`Budget`], given back when it is dropped.
#[derive(Debug)]
pub(super) struct Share<'a> {
    budget: &'a Budget,
    bytes: usize,
}

impl<'a> Share<'a> {
    pub(super) fn of(budget: &'a Budget) -> Self {
        Self { budget, bytes: 0 }
    }

    /// Counts what has come, not what was announced: to announce costs a sender nothing.
    fn grow(&mut self, bytes: usize) -> Result<(), Refusal> {
        self.bytes += bytes;
        let before = self.budget.used.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes > self.budget.limit {
            return Err(Refusal::TooManyBodies);
        }
        Ok(())
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Reads `body` to its end, in at most `time`.
pub(super) async fn read(
    mut body: Incoming,
    max_bytes: u64,
    time: Duration,
    share: &mut Share<'_>,
) -> Result<Bytes, Refusal> {
    let announced = body.size_hint().lower();
    if announced > max_bytes {
        return Err(Refusal::BodyTooLarge);
    }
    let mut clock = BodyClock::default();
    let mut whole = Whole::default();
    while !body.is_end_stream() {
        let Some(data) = poll_fn(|cx| clock.poll_data(&mut body, cx, time)).await? else {
            break;
        };
        share.grow(data.len())?;
        if (whole.len() + data.len()) as u64 > max_bytes {
            return Err(Refusal::BodyTooLarge);
        }
        whole.push(data, announced);
    }
    Ok(whole.into_bytes())
}

/// Watches over the time of one body.
#[derive(Default)]
struct BodyClock {
    deadline: Deadline,
    was_asked: bool,
}

impl BodyClock {
    /// The next data, or nothing at the end.
    fn poll_data(
        &mut self,
        body: &mut Incoming,
        cx: &mut Context<'_>,
        time: Duration,
    ) -> Poll<Result<Option<Bytes>, Refusal>> {
        loop {
            match Pin::new(&mut *body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    // Trailers are not for us.
                    if let Ok(data) = Frame::into_data(frame) {
                        return Poll::Ready(Ok(Some(data)));
                    }
                }
                Poll::Ready(Some(Err(_))) => return Poll::Ready(Err(Refusal::BodyBroken)),
                Poll::Ready(None) => return Poll::Ready(Ok(None)),
                Poll::Pending => return self.wait(cx, time),
            }
        }
    }

    /// hyper begins to read a body when it is first asked for it, so the first answer is always
    /// "not yet", even if all of it is there. A timer is set only if it is so twice.
    fn wait<R>(&mut self, cx: &mut Context<'_>, time: Duration) -> Poll<Result<R, Refusal>> {
        if !self.was_asked {
            self.was_asked = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.deadline.is_over(cx, time) {
            return Poll::Ready(Err(Refusal::BodyTimeout));
        }
        Poll::Pending
    }
}

/// The body so far: as it came if it is one piece, as nearly all are; copied together otherwise.
#[derive(Default)]
struct Whole {
    first: Bytes,
    joined: BytesMut,
}

impl Whole {
    fn len(&self) -> usize {
        self.first.len() + self.joined.len()
    }

    fn push(&mut self, data: Bytes, announced: u64) {
        if self.len() == 0 {
            self.first = data;
            return;
        }
        if !self.first.is_empty() {
            let ahead = usize::try_from(announced.min(MAX_CAPACITY_AHEAD)).unwrap_or(0);
            self.joined
                .reserve(ahead.max(self.first.len() + data.len()));
            self.joined
                .extend_from_slice(&std::mem::take(&mut self.first));
        }
        self.joined.extend_from_slice(&data);
    }

    fn into_bytes(self) -> Bytes {
        if self.joined.is_empty() {
            self.first
        } else {
            self.joined.freeze()
        }
    }
}
