//! Sends one batch and settles each of its deliveries.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tracing::{debug, warn};

use super::worker::postponed;
use super::{Dispatch, next_wait};
use crate::clock::Millis;
use crate::delivery::State;
use crate::destination::{Destination, Item, Outgoing, Verdict};
use crate::journal::{Pending, Settlement};
use crate::outcome::Outcome;

/// One batch on its way.
pub(super) struct Send {
    pub dispatch: Dispatch,
    pub destination: Arc<Destination>,
    /// Set when the destination needs a person.
    pub pause: Arc<AtomicBool>,
}

impl Send {
    /// Sends; in halves where the vendor wants that. Settles everything.
    pub(super) async fn run(&self, batch: Vec<Pending>) {
        let mut parts = vec![batch];
        while let Some(mut part) = parts.pop() {
            let Some(outgoing) = self.encode(&mut part).await else {
                continue;
            };
            match self.exchange(outgoing, part.len()).await {
                Verdict::All(outcome) => {
                    let outcomes = part.iter().map(|_| outcome.clone()).collect();
                    self.settle(&part, outcomes).await;
                }
                Verdict::Each(outcomes) => self.settle(&part, outcomes).await,
                Verdict::Split(why) if part.len() < 2 => {
                    self.settle(&part, vec![Outcome::Rejected { why }]).await
                }
                Verdict::Split(_) => {
                    let second = part.split_off(part.len() / 2);
                    parts.extend([second, part]);
                }
            }
        }
    }

    /// The request of a batch, without the deliveries that can never be sent; these are settled.
    async fn encode(&self, batch: &mut Vec<Pending>) -> Option<Outgoing> {
        while !batch.is_empty() {
            let items: Vec<Item<'_>> = batch.iter().map(item).collect();
            match self.destination.vendor.encode(&items) {
                Ok(outgoing) => return Some(outgoing),
                Err(refused) => {
                    let bad = batch.remove(refused.index.min(batch.len() - 1));
                    self.settle(&[bad], vec![Outcome::Rejected { why: refused.why }])
                        .await;
                }
            }
        }
        None
    }

    async fn exchange(&self, outgoing: Outgoing, count: usize) -> Verdict {
        match self
            .dispatch
            .client
            .send(outgoing, self.destination.options.timeout)
            .await
        {
            Ok(reply) => self.destination.vendor.read(&reply, count),
            Err(error) => Verdict::All(Outcome::Retry {
                after: None,
                why: error.to_string(),
            }),
        }
    }

    async fn settle(&self, batch: &[Pending], outcomes: Vec<Outcome>) {
        let now = self.dispatch.clock.now();
        let settled = batch
            .iter()
            .zip(outcomes)
            .map(|(pending, outcome)| self.settlement(pending, outcome, now));
        if let Err(error) = self.dispatch.journal.settle(settled.collect()).await {
            warn!(destination = %self.destination.name, %error, "deliveries could not be settled; they will be sent again");
        }
    }

    fn settlement(&self, pending: &Pending, outcome: Outcome, now: Millis) -> Settlement {
        let settled = Settlement {
            attempts: pending.attempts + 1,
            ..postponed(pending, now)
        };
        match outcome {
            Outcome::Delivered => Settlement {
                state: State::Delivered,
                ..settled
            },
            Outcome::Rejected { why } => self.dead(settled, pending, why),
            Outcome::Paused { why } => self.paused(pending, why, now),
            // What the vendor would take at once was held up by its neighbours: no attempt is spent.
            Outcome::Retry {
                after: Some(Duration::ZERO),
                why,
            } => Settlement {
                attempts: pending.attempts,
                note: Some(why),
                ..settled
            },
            Outcome::Retry { after, why } => self.again(settled, pending, after, why, now),
        }
    }

    fn again(
        &self,
        settled: Settlement,
        pending: &Pending,
        after: Option<Duration>,
        why: String,
        now: Millis,
    ) -> Settlement {
        let jitter = jitter(pending);
        let Some(wait) = next_wait(
            &self.destination.options.retry,
            settled.attempts,
            after,
            jitter,
        ) else {
            return self.dead(
                settled,
                pending,
                format!("given up after {} attempts: {why}", pending.attempts + 1),
            );
        };
        debug!(destination = %self.destination.name, id = %pending.delivery.id, attempt = settled.attempts, ?wait, why, "delivery failed, will retry");
        let due = now.saturating_add(Millis::try_from(wait.as_millis()).unwrap_or(Millis::MAX));
        Settlement {
            due,
            note: Some(why),
            ..settled
        }
    }

    fn dead(&self, settled: Settlement, pending: &Pending, why: String) -> Settlement {
        warn!(destination = %self.destination.name, tag = %pending.delivery.tag, id = %pending.delivery.id, why, "delivery refused, kept as a dead letter");
        Settlement {
            state: State::Dead,
            note: Some(why),
            ..settled
        }
    }

    /// No attempt is spent: a key that was rotated must not burn the backlog.
    fn paused(&self, pending: &Pending, why: String, now: Millis) -> Settlement {
        if !self.pause.swap(true, Ordering::Relaxed) {
            warn!(destination = %self.destination.name, why, "refused as a whole; check its settings");
        }
        Settlement {
            note: Some(why),
            ..postponed(pending, now)
        }
    }
}

fn item(pending: &Pending) -> Item<'_> {
    Item {
        id: pending.delivery.id,
        payload: &pending.delivery.payload,
        received_at: pending.delivery.received_at,
    }
}

/// 0 to 1, different for each delivery and attempt, and the same when looked at again.
fn jitter(pending: &Pending) -> f64 {
    let byte = pending
        .delivery
        .id
        .0
        .get(pending.attempts as usize % 16)
        .copied()
        .unwrap_or(128);
    f64::from(byte) / 255.0
}
