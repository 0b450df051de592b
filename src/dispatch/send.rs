//! Sends one request and settles its deliveries. What that says of the destination goes back to
//! the worker, in a report; nothing here decides when the next request may leave.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::warn;

use super::Dispatch;
use super::backoff::obeyed;
use super::gate::Begun;
use super::gather::Batch;
use super::onlooker::{self, Noticed};
use super::settle::Settling;
use crate::clock::Millis;
use crate::delivery::{ErrorClass, State};
use crate::destination::{Destination, Item, Outgoing, Verdict};
use crate::journal::{Pending, Settlement};
use crate::outcome::Outcome;
use crate::telemetry::{Attempt, DestinationMeter, VendorAnswer};

/// One request on its way.
pub(super) struct Send {
    pub dispatch: Dispatch,
    pub destination: Arc<Destination>,
    pub begun: Begun,
    /// How long to leave the vendor alone if it has had enough and does not say.
    pub hold: Duration,
    /// Counts up with the settings that requests are sent with.
    pub epoch: u64,
    /// Where its deliveries are counted.
    pub meter: Arc<DestinationMeter>,
}

/// How a request ended: everything that is to be known of it, once for each.
#[derive(Debug)]
pub(super) struct Report {
    pub begun: Begun,
    pub epoch: u64,
    pub end: End,
    /// Deliveries that were in it.
    pub deliveries: usize,
    /// From the first byte that left to the last that came.
    pub took: Duration,
    /// What must be sent again at once, in these parts.
    pub again: Vec<Batch>,
}

/// What a request says of its destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The vendor answered. Also if it refused deliveries: then it works.
    Answered,
    /// The vendor failed, or did not answer.
    Failed { why: String, is_timeout: bool },
    /// The vendor has had enough for so long.
    Throttled { wait: Duration, why: String },
    /// The vendor takes nothing until a person has acted.
    Refused { why: String },
    /// What it was sent to is gone.
    Gone { why: String },
    /// Nothing was sent.
    Unsent,
}

impl End {
    /// What it is counted as, if there was a request.
    pub(super) fn answer(&self) -> Option<VendorAnswer> {
        match self {
            Self::Answered => Some(VendorAnswer::Answered),
            Self::Failed { is_timeout, .. } => Some(match is_timeout {
                true => VendorAnswer::TimedOut,
                false => VendorAnswer::Failed,
            }),
            Self::Throttled { .. } => Some(VendorAnswer::Throttled),
            Self::Refused { .. } => Some(VendorAnswer::Refused),
            Self::Gone { .. } => Some(VendorAnswer::Gone),
            Self::Unsent => None,
        }
    }
}

/// What came back.
struct Answer {
    verdict: Verdict,
    took: Duration,
    is_timeout: bool,
    may_have_arrived: bool,
    /// For whoever watches.
    seen: Option<onlooker::Attempt>,
}

/// A journal that cannot write is tried again after this.
const UNMARKED_WAIT: Millis = 1_000;

impl Send {
    /// Sends, and settles all that is not to be sent again at once.
    pub(super) async fn run(self, mut batch: Batch) -> Report {
        self.bury_expired(&mut batch).await;
        if self.destination.options.dry_run {
            self.rehearse(&batch).await;
            return self.unsent();
        }
        let Some(outgoing) = self.encode(&mut batch).await else {
            return self.unsent();
        };
        if self.destination.is_at_most_once() && !self.mark(&mut batch).await {
            return self.unsent();
        }
        let answer = self.exchange(outgoing, batch.deliveries.len()).await;
        Report {
            end: self.end(&answer),
            deliveries: batch.deliveries.len(),
            took: answer.took,
            again: self.conclude(batch, answer).await,
            ..self.unsent()
        }
    }

    /// Settles what a request that broke off had: it may have left, and may have been marked.
    pub(super) async fn broke_off(self, mut batch: Batch) -> Report {
        if self.destination.is_at_most_once() && !self.mark(&mut batch).await {
            return self.unsent();
        }
        let why = "sending it broke off, which is a defect of ours".to_owned();
        let end = End::Failed {
            why: why.clone(),
            is_timeout: false,
        };
        let settling = self.settling(&batch, true);
        let failed = || Outcome::Retry {
            after: None,
            why: why.clone(),
        };
        let settled = batch.deliveries.iter();
        let settled = settled.map(|pending| settling.settlement(pending, failed()));
        let settled: Vec<Settlement> = settled.collect();
        self.notice_settled(&batch.deliveries, &settled);
        self.conclude_all(settled).await;
        Report {
            end,
            ..self.unsent()
        }
    }

    fn unsent(&self) -> Report {
        Report {
            begun: self.begun,
            epoch: self.epoch,
            end: End::Unsent,
            deliveries: 0,
            took: Duration::ZERO,
            again: Vec::new(),
        }
    }

    /// Takes out what is too old to be sent.
    async fn bury_expired(&self, batch: &mut Batch) {
        let now = self.dispatch.clock.steady();
        let is_expired = |pending: &Pending| pending.delivery.expires.is_some_and(|at| at < now);
        if !batch.deliveries.iter().any(is_expired) {
            return;
        }
        let settling = self.settling(batch, true);
        let all = std::mem::take(&mut batch.deliveries);
        let (expired, left): (Vec<_>, _) = all.into_iter().partition(is_expired);
        batch.deliveries = left;
        let settled = expired.iter().map(|pending| settling.expired(pending));
        let settled: Vec<Settlement> = settled.collect();
        self.notice_settled(&expired, &settled);
        self.conclude_all(settled).await;
    }

    async fn rehearse(&self, batch: &Batch) {
        let settling = self.settling(batch, true);
        let rehearsed = batch.deliveries.iter().map(|pending| Settlement {
            state: State::DryRun,
            note: Some("dry_run is set for this destination".to_owned()),
            ..settling.postponed(pending, settling.now)
        });
        let rehearsed: Vec<Settlement> = rehearsed.collect();
        self.notice_settled(&batch.deliveries, &rehearsed);
        self.dispatch.settle(rehearsed).await;
    }

    /// The request of a batch, without the deliveries that can never be sent; these are settled.
    async fn encode(&self, batch: &mut Batch) -> Option<Outgoing> {
        while !batch.deliveries.is_empty() {
            let now = self.dispatch.clock.now();
            let items = batch.deliveries.iter().map(|pending| item(pending, now));
            let items: Vec<Item<'_>> = items.collect();
            match self.destination.vendor.encode(&items) {
                Ok(outgoing) => return Some(outgoing),
                Err(refused) => {
                    let last = batch.deliveries.len() - 1;
                    let bad = batch.deliveries.remove(refused.index.min(last));
                    let settling = self.settling(batch, true);
                    let settled = settling.bury(&bad, ErrorClass::Invalid, refused.why);
                    let settled = vec![settled];
                    self.notice_settled(&[bad], &settled);
                    self.conclude_all(settled).await;
                }
            }
        }
        None
    }

    /// Makes sure that nothing of this is sent a second time, whatever happens from here on. False
    /// if it cannot be made sure.
    async fn mark(&self, batch: &mut Batch) -> bool {
        if batch.is_marked {
            return true;
        }
        let settling = self.settling(batch, true);
        let marks = batch
            .deliveries
            .iter()
            .map(|pending| settling.mark(pending));
        self.dispatch.settle(marks.collect()).await;
        batch.is_marked = true;
        let Err(error) = self.dispatch.journal.flush().await else {
            return true;
        };
        warn!(destination = %self.destination.name, %error, "nothing is sent at most once while the journal cannot write");
        let settling = self.settling(batch, true);
        let due = settling.now.saturating_add(UNMARKED_WAIT);
        let back = batch
            .deliveries
            .iter()
            .map(|pending| settling.postponed(pending, due));
        self.dispatch.settle(back.collect()).await;
        false
    }

    async fn exchange(&self, outgoing: Outgoing, count: usize) -> Answer {
        let (begun, at) = (Instant::now(), self.dispatch.clock.now());
        let timeout = self.destination.options.timeout;
        let courier = &self.dispatch.courier;
        let result = courier.carry(&self.destination, outgoing, timeout).await;
        let took = begun.elapsed();
        let watching = self.dispatch.onlooker.is_watching();
        let seen = watching.then(|| {
            let reply = result.as_ref().ok();
            let body = reply.map(|reply| onlooker::shown(&self.destination, reply));
            onlooker::Attempt {
                at,
                begun: begun.into_std(),
                took,
                status: reply.map(|reply| reply.status),
                body: body.unwrap_or_default(),
                error: result.as_ref().err().map(ToString::to_string),
                together: count,
            }
        });
        match result {
            Ok(reply) => Answer {
                verdict: self.destination.vendor.read(&reply, count),
                took,
                is_timeout: false,
                may_have_arrived: true,
                seen,
            },
            Err(error) => Answer {
                verdict: Verdict::All(error.outcome()),
                took,
                is_timeout: error.is_timeout(),
                may_have_arrived: error.may_have_arrived(),
                seen,
            },
        }
    }

    /// What an answer says of the destination. One that speaks of single deliveries says nothing.
    fn end(&self, answer: &Answer) -> End {
        let Verdict::All(outcome) = &answer.verdict else {
            return End::Answered;
        };
        let hidden = |why: &str| self.destination.hide(why);
        match outcome {
            Outcome::Retry { why, .. } => End::Failed {
                why: hidden(why),
                is_timeout: answer.is_timeout,
            },
            Outcome::Throttled { after, why } => End::Throttled {
                wait: after.map_or(self.hold, obeyed),
                why: hidden(why),
            },
            Outcome::Paused { why } => End::Refused { why: hidden(why) },
            Outcome::Disabled { why } => End::Gone { why: hidden(why) },
            Outcome::Delivered
            | Outcome::NotTried { .. }
            | Outcome::Rejected { .. }
            | Outcome::Redirected { .. } => End::Answered,
        }
    }

    /// Settles what is decided, and gives back the rest.
    async fn conclude(&self, mut batch: Batch, answer: Answer) -> Vec<Batch> {
        let settling = self.settling(&batch, answer.may_have_arrived);
        let (count, seen) = (batch.deliveries.len(), answer.seen.as_ref());
        match answer.verdict {
            Verdict::All(outcome) => {
                let outcomes = std::iter::repeat_n(outcome, count);
                self.settle(&settling, batch.deliveries, outcomes, seen)
                    .await;
                Vec::new()
            }
            Verdict::Each(outcomes) => {
                let held_up = self.settle(&settling, batch.deliveries, outcomes, seen);
                parts([held_up.await], batch.is_marked)
            }
            Verdict::Split(why) if count < 2 => {
                let outcome = Outcome::Rejected { why };
                self.settle(&settling, batch.deliveries, [outcome], seen)
                    .await;
                Vec::new()
            }
            Verdict::Split(_) => {
                if let Some(attempt) = seen {
                    let split = batch.deliveries.iter().map(|pending| Noticed {
                        id: pending.delivery.id,
                        outcome: "split",
                        settlement: None,
                    });
                    let split: Vec<Noticed> = split.collect();
                    self.dispatch.onlooker.noticed(Some(attempt), &split);
                }
                let second = batch.deliveries.split_off(count / 2);
                parts([batch.deliveries, second], batch.is_marked)
            }
        }
    }

    /// Settles a batch, but for what was only held up by its neighbours.
    async fn settle(
        &self,
        settling: &Settling<'_>,
        deliveries: Vec<Pending>,
        outcomes: impl IntoIterator<Item = Outcome>,
        seen: Option<&onlooker::Attempt>,
    ) -> Vec<Pending> {
        let silence = || Outcome::Retry {
            after: None,
            why: "the vendor did not say what became of it".to_owned(),
        };
        let outcomes = outcomes.into_iter().chain(std::iter::repeat_with(silence));
        let mut settled = Vec::with_capacity(deliveries.len());
        let (mut held_up, mut noticed) = (Vec::new(), Vec::new());
        for (pending, outcome) in deliveries.into_iter().zip(outcomes) {
            let (id, word) = (pending.delivery.id, onlooker::word(&outcome));
            let settlement = match outcome {
                Outcome::NotTried { .. } => {
                    held_up.push(pending);
                    None
                }
                outcome => Some(settling.settlement(&pending, outcome)),
            };
            if seen.is_some() {
                noticed.push(Noticed {
                    id,
                    outcome: word,
                    settlement: settlement.clone(),
                });
            }
            settled.extend(settlement);
        }
        if seen.is_some() {
            self.dispatch.onlooker.noticed(seen, &noticed);
        }
        self.conclude_all(settled).await;
        held_up
    }

    /// Tells whoever watches what is settled without an attempt.
    fn notice_settled(&self, deliveries: &[Pending], settled: &[Settlement]) {
        if !self.dispatch.onlooker.is_watching() {
            return;
        }
        let pairs = deliveries.iter().zip(settled);
        let noticed = pairs.map(|(pending, settlement)| Noticed {
            id: pending.delivery.id,
            outcome: settlement.state.as_str(),
            settlement: Some(settlement.clone()),
        });
        let noticed: Vec<Noticed> = noticed.collect();
        self.dispatch.onlooker.noticed(None, &noticed);
    }

    /// Settles after an attempt, or where there will be none.
    async fn conclude_all(&self, settled: Vec<Settlement>) {
        for attempt in [Attempt::Delivered, Attempt::Retried, Attempt::Dead] {
            let of_this = |settlement: &&Settlement| attempt_of(settlement.state) == Some(attempt);
            let count = settled.iter().filter(of_this).count();
            self.meter.attempted(attempt, count as u64);
        }
        self.dispatch.settle(settled).await;
    }

    fn settling(&self, batch: &Batch, may_have_arrived: bool) -> Settling<'_> {
        Settling {
            destination: &self.destination,
            from: match batch.is_marked {
                true => State::Dead,
                false => State::Pending,
            },
            hold: self.hold,
            may_have_arrived,
            now: self.dispatch.clock.steady(),
        }
    }
}

fn parts<const N: usize>(parts: [Vec<Pending>; N], is_marked: bool) -> Vec<Batch> {
    let parts = parts.into_iter().filter(|part| !part.is_empty());
    let batch = |deliveries| Batch {
        deliveries,
        is_marked,
    };
    parts.map(batch).collect()
}

fn attempt_of(state: State) -> Option<Attempt> {
    match state {
        State::Delivered => Some(Attempt::Delivered),
        State::Pending => Some(Attempt::Retried),
        State::Dead => Some(Attempt::Dead),
        State::DryRun | State::Skipped => None,
    }
}

fn item(pending: &Pending, now: Millis) -> Item<'_> {
    Item {
        sent_at: now,
        ..Item::from(&pending.delivery)
    }
}
