//! Sends one batch and settles each of its deliveries.

use std::sync::Arc;

use tracing::{debug, warn};

use super::pause::Pause;
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
    pub pause: Arc<Pause>,
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
                    let outcomes = vec![outcome; part.len()];
                    self.settle(&part, outcomes).await;
                }
                Verdict::Each(outcomes) => self.settle(&part, outcomes).await,
                Verdict::Split(why) if part.len() < 2 => {
                    self.settle(&part, vec![Outcome::Rejected { why }]).await;
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
        let timeout = self.destination.options.timeout;
        match self.dispatch.client.send(outgoing, timeout).await {
            Ok(reply) => self.destination.vendor.read(&reply, count),
            Err(error) => Verdict::All(Outcome::Retry {
                after: None,
                why: error.to_string(),
            }),
        }
    }

    /// Settles a batch; what the vendor has said nothing of is tried again.
    async fn settle(&self, batch: &[Pending], outcomes: Vec<Outcome>) {
        let now = self.dispatch.clock.now();
        let silence = || Outcome::Retry {
            after: None,
            why: "the vendor did not say what became of it".to_owned(),
        };
        let outcomes = outcomes.into_iter().chain(std::iter::repeat_with(silence));
        let settled = batch
            .iter()
            .zip(outcomes)
            .map(|(pending, outcome)| self.settlement(pending, outcome, now));
        self.dispatch.settle(settled.collect()).await;
    }

    fn settlement(&self, pending: &Pending, outcome: Outcome, now: Millis) -> Settlement {
        let tried = Settlement {
            attempts: pending.attempts.saturating_add(1),
            ..postponed(pending, now)
        };
        match outcome {
            Outcome::Delivered => Settlement {
                state: State::Delivered,
                ..tried
            },
            Outcome::Retry { after, why } => {
                let why = self.destination.hide(&why);
                match self.wait(pending, after) {
                    Some(wait) => self.again(tried, pending, wait, why),
                    None => {
                        let why = format!("given up after {} attempts: {why}", tried.attempts);
                        self.dead(tried, pending, why)
                    }
                }
            }
            Outcome::Rejected { why } => self.dead(tried, pending, self.destination.hide(&why)),
            Outcome::NotTried { why } => self.untried(pending, why),
            // A key that was rotated must not burn the backlog.
            Outcome::Paused { why } => {
                let untried = self.untried(pending, why);
                if self.pause.begin(&self.destination) {
                    let why = untried.note.as_deref();
                    warn!(destination = %self.destination.name, why, "refused as a whole; check its settings");
                }
                untried
            }
        }
    }

    /// How long until the next attempt, in milliseconds, if there is one.
    fn wait(&self, pending: &Pending, after: Option<std::time::Duration>) -> Option<Millis> {
        let attempts = pending.attempts.saturating_add(1);
        let retry = &self.destination.options.retry;
        let wait = next_wait(retry, attempts, after, jitter(pending))?;
        Some(Millis::try_from(wait.as_millis()).unwrap_or(Millis::MAX))
    }

    fn again(&self, tried: Settlement, pending: &Pending, wait: Millis, why: String) -> Settlement {
        debug!(destination = %self.destination.name, id = %pending.delivery.id, attempt = tried.attempts, wait_ms = wait, why, "delivery failed, will retry");
        Settlement {
            due: tried.due.saturating_add(wait),
            note: Some(why),
            ..tried
        }
    }

    fn dead(&self, tried: Settlement, pending: &Pending, why: String) -> Settlement {
        warn!(destination = %self.destination.name, tag = %pending.delivery.tag, id = %pending.delivery.id, why, "delivery refused, kept as a dead letter");
        Settlement {
            state: State::Dead,
            note: Some(why),
            ..tried
        }
    }

    /// Still the next in the queue.
    fn untried(&self, pending: &Pending, why: String) -> Settlement {
        Settlement {
            note: Some(self.destination.hide(&why)),
            ..postponed(pending, pending.delivery.due)
        }
    }
}

/// Pending as before, at another time.
pub(super) fn postponed(pending: &Pending, due: Millis) -> Settlement {
    Settlement {
        number: pending.number,
        destination: pending.delivery.destination.clone(),
        tag: pending.delivery.tag.clone(),
        from: State::Pending,
        state: State::Pending,
        class: None,
        attempts: pending.attempts,
        due,
        note: None,
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
    let bytes = pending.delivery.id.0;
    let byte = bytes.get(pending.attempts as usize % bytes.len()).copied();
    f64::from(byte.unwrap_or_default()) / 255.0
}
