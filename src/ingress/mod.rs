//! The public HTTP/1.1 listener: it turns sockets into [`Request`]s and sends [`Response`]s back.
//! It knows nothing of clients, scripts or the journal; what stands behind it is a [`Service`].
//!
//! hyper parses and writes; around it stands what hyper leaves open:
//!
//! ```text
//! listener ─ door ─ seats accept, count, drain; who gets in
//!   standing              one socket without a seat: each request is refused at once
//!   connection            one socket with a seat: hyper between the two below
//!     socket ─ guard      sees every byte before hyper: head, framing, target; deadlines
//!     exchange ─ body     one request: admission, body, the service, the answer
//! ```
//!
//! `guard`, `head`, `framing`, `target` and `remains` are pure: bytes in, verdict out.

mod refusal;
mod target;
mod head;
mod framing;
mod guard;
mod remains;
mod deadline;
mod idle;
mod socket;
mod sender;
mod request_id;
mod body;
mod exchange;
mod connection;
mod seats;
mod pace;
mod wire;
mod door;
mod standing;
mod listener;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use ipnet::IpNet;

use crate::clock::Clock;
use crate::request::{Head, Request, Response};
use crate::telemetry::Metrics;

pub use listener::{Drained, serve};

/// What stands behind the listener.
pub trait Service: Send + Sync + 'static {
    /// Called with the head of a request, before any of its body is read. It must not block.
    fn admit(&self, head: &Head<'_>, request_id: &str) -> Admission;

    /// Called with the whole request. It has no deadline here; dropped when the sender's
    /// connection breaks or the drain time is over, so an answer may be made and never sent.
    fn handle(&self, request: Request) -> impl Future<Output = Response> + Send;

    /// Called when the listener itself says no, with what it would answer; gives what to answer.
    /// Whoever watches sees such requests here. It must not block.
    fn refused(&self, refused: Refused, answer: Response) -> Response {
        drop(refused);
        answer
    }
}

/// A request that the listener did not hand on.
#[derive(Debug)]
pub struct Refused {
    /// As far as it was read: without its body, or with the beginning of it.
    pub request: Request,
    /// The head as it came, if that is what was wrong.
    pub head: Option<Bytes>,
    /// Why.
    pub why: &'static str,
}

/// What [`Service::admit`] says to a request head.
#[derive(Debug)]
pub enum Admission {
    /// Read the body, and hand the whole request on if it is no larger than this.
    Read {
        /// In bytes. A larger body is answered 413, from its `content-length` if it has one.
        max_body: u64,
    },
    /// Answer at once and leave the body unread. If there is a body, the connection is closed.
    Answer(Response),
}

/// How the listener is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What one sender, and all together, may take up.
    pub limits: Limits,
    /// Peers whose `x-forwarded-for` is believed, and whose connections are not counted by address.
    pub trusted_proxies: Vec<IpNet>,
    /// Where [`Request::received_at`] comes from. Deadlines run on tokio's time.
    pub clock: Clock,
    /// Where refusals are counted.
    pub metrics: Metrics,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            trusted_proxies: Vec::new(),
            clock: Clock::System,
            metrics: Metrics::new(),
        }
    }
}

/// The bounds of the listener. The defaults are the constants of the same names.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections that are served; for one more those that are idle get up, or it is refused with 503.
    pub connections: usize,
    /// The same of one address (one /64 network of IPv6); then it is refused with 429.
    pub connections_per_address: usize,
    /// Open connections beyond these, whose requests are refused until there is a place for them; one
    /// more is answered 503 (or 429) and closed.
    pub standing: usize,
    /// From the first byte of a head (or, for the first one, from the accept) to its last; then 408.
    pub head_time: Duration,
    /// From the head to the last byte of the body; then 408.
    pub body_time: Duration,
    /// Between two requests on one connection; then it is closed.
    pub idle_time: Duration,
    /// The same while as many are served as may be: then it gets up, and stands until its next request.
    pub idle_time_if_full: Duration,
    /// How long the peer may take nothing of an answer; then the connection is cut.
    pub write_time: Duration,
    /// From the stop signal to the end of the last request; then it is cut.
    pub drain_time: Duration,
    /// Header fields of one request; more are answered 431.
    pub headers: usize,
    /// Bytes of a head with its empty line; more are answered 431. Must be larger than
    /// `target_bytes`, or 414 is never answered.
    pub head_bytes: usize,
    /// Bytes of a request target, path and query; more are answered 414.
    pub target_bytes: usize,
    /// Bytes of all bodies that are being read or handled; above it requests are answered 503.
    pub bodies_bytes: usize,
}

/// An idle one was measured to take 22 KiB, so that is 43 MiB.
pub const CONNECTIONS: usize = 2_048;
/// A sender needs a handful; one address shall not take all of [`CONNECTIONS`].
pub const CONNECTIONS_PER_ADDRESS: usize = 128;
/// One was measured to take 5.4 KiB, so that is 22 MiB.
pub const STANDING: usize = 4_096;
/// A head is one packet, or a few; a slower one is broken or hostile.
pub const HEAD_TIME: Duration = Duration::from_secs(5);
/// The largest body (8 MiB) over a slow mobile uplink needs more, an ordinary one far less.
pub const BODY_TIME: Duration = Duration::from_secs(10);
/// Longer than the pause between two webhooks of a busy shop, short enough to free the seats.
pub const IDLE_TIME: Duration = Duration::from_secs(60);
/// Longer than a sender takes between two requests that it has to send, as to get up and to get in again
/// costs something; shorter, and more requests find a seat: of 1,000 connections of one address 65 % of capacity
/// were taken where it is 500 ms, 93 % at 100 ms, 97 % at 20 ms (refusals having a quarter of the time).
pub const IDLE_TIME_IF_FULL: Duration = Duration::from_millis(50);
/// Answers are small: whoever takes nothing for so long has gone, or wants to hold our memory.
pub const WRITE_TIME: Duration = Duration::from_secs(10);
/// Within what process supervisors give between SIGTERM and SIGKILL.
pub const DRAIN_TIME: Duration = Duration::from_secs(10);
/// Browsers behind two proxies send about 30.
pub const HEADERS: usize = 64;
/// Twice what browsers with large cookies send.
pub const HEAD_BYTES: usize = 16 * 1_024;
/// The longest URL that common proxies pass on.
pub const TARGET_BYTES: usize = 8 * 1_024;
/// With [`CONNECTIONS`] it bounds the listener's memory.
pub const BODIES_BYTES: usize = 64 * 1_024 * 1_024;

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: CONNECTIONS,
            connections_per_address: CONNECTIONS_PER_ADDRESS,
            standing: STANDING,
            head_time: HEAD_TIME,
            body_time: BODY_TIME,
            idle_time: IDLE_TIME,
            idle_time_if_full: IDLE_TIME_IF_FULL,
            write_time: WRITE_TIME,
            drain_time: DRAIN_TIME,
            headers: HEADERS,
            head_bytes: HEAD_BYTES,
            target_bytes: TARGET_BYTES,
            bodies_bytes: BODIES_BYTES,
        }
    }
}
