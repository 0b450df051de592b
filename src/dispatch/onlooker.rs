//! Whoever watches what becomes of deliveries. It decides nothing, and is asked first whether it
//! watches at all, so that nothing is put together for nobody.

use std::time::{Duration, Instant};

use crate::clock::Millis;
use crate::delivery::DeliveryId;
use crate::destination::{Destination, Reply};
use crate::journal::Settlement;
use crate::outcome::Outcome;

/// Is told of attempts and settlements. Must not wait for anything.
pub trait Onlooker: Send + Sync {
    /// False if it wants to know nothing now.
    fn is_watching(&self) -> bool;

    /// What became of deliveries, after an attempt or without one.
    fn noticed(&self, attempt: Option<&Attempt>, deliveries: &[Noticed]);
}

/// Nobody watches.
#[derive(Clone, Copy, Debug)]
pub struct Nobody;

impl Onlooker for Nobody {
    fn is_watching(&self) -> bool {
        false
    }

    fn noticed(&self, _: Option<&Attempt>, _: &[Noticed]) {}
}

/// One request to a vendor.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// When it began.
    pub at: Millis,
    /// The same moment, by the clock that durations are taken from.
    pub begun: Instant,
    /// From the first byte that left to the last that came.
    pub took: Duration,
    /// The vendor's status, if it answered.
    pub status: Option<u16>,
    /// The start of its answer, without our secrets.
    pub body: String,
    /// Why there was no answer.
    pub error: Option<String>,
    /// Deliveries that were in it.
    pub together: usize,
}

/// What became of one delivery.
#[derive(Clone, Debug)]
pub struct Noticed {
    /// Which.
    pub id: DeliveryId,
    /// What the attempt means for it.
    pub outcome: &'static str,
    /// How it is settled; not at all, if it is sent again at once.
    pub settlement: Option<Settlement>,
}

/// How much of a vendor's answer is shown.
const SHOWN_CHARACTERS: usize = 2_000;

/// The start of a vendor's answer, without our secrets.
pub(super) fn shown(destination: &Destination, reply: &Reply) -> String {
    // Before it is cut: half a secret would not be known.
    let body = destination.hide(&String::from_utf8_lossy(&reply.body));
    let start: String = body.chars().take(SHOWN_CHARACTERS).collect();
    let more = if start.len() < body.len() { "…" } else { "" };
    format!("{start}{more}")
}

/// The word for what an attempt means for a delivery.
pub(super) fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Delivered => "delivered",
        Outcome::Retry { .. } => "retry",
        Outcome::Throttled { .. } => "throttled",
        Outcome::NotTried { .. } => "not_tried",
        Outcome::Rejected { .. } => "rejected",
        Outcome::Redirected { .. } => "redirected",
        Outcome::Paused { .. } => "paused",
        Outcome::Disabled { .. } => "disabled",
    }
}
