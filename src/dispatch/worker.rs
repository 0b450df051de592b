//! The worker of one destination: waits for deliveries, and for leave to send them. It learns from
//! reports what became of requests, and does not look into them.

use std::pin::pin;
use std::sync::Arc;

use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info};

use super::Dispatch;
use super::breaker::Leave;
use super::gate::Gate;
use super::gather::{Batch, Gather};
use super::pace::Pace;
use super::send::{Report, Send};
use super::settle::postponed;
use super::standing::{Board, Stand};
use crate::config;
use crate::delivery::State;
use crate::destination::Destination;
use crate::telemetry::{DestinationMeter, DestinationState};

/// Runs until stopped, then waits for what is being sent. What was taken and not yet sent is still
/// pending in the journal.
pub(super) async fn run(dispatch: Dispatch, name: Arc<str>, stop: CancellationToken) {
    let mut worker = Worker::new(dispatch, name);
    worker.work(&stop).await;
    worker.finish().await;
}

struct Worker {
    dispatch: Dispatch,
    name: Arc<str>,
    target: Target,
    /// What the gate was made for.
    settings: Option<config::Destination>,
    gate: Gate,
    /// Counts the gates: what was sent before a reload says nothing of the new settings.
    epoch: u64,
    gather: Gather,
    pace: Pace,
    sends: JoinSet<Report>,
    board: Arc<Board>,
    meter: Arc<DestinationMeter>,
    /// What was last written on the board.
    written: Option<(DestinationState, Option<Instant>)>,
}

/// What the configuration says of the destination.
enum Target {
    Here(Arc<Destination>),
    /// It waits for these variables.
    NotConfigured(String),
    Removed,
}

impl Worker {
    fn new(dispatch: Dispatch, name: Arc<str>) -> Self {
        let board = dispatch.standings.board(&name, dispatch.clock.now());
        let meter = dispatch.metrics.destination(&name);
        Self {
            dispatch,
            name,
            target: Target::Removed,
            settings: None,
            gate: Gate::new(1, Instant::now()),
            epoch: 0,
            gather: Gather::default(),
            pace: Pace::new(),
            sends: JoinSet::new(),
            board,
            meter,
            written: None,
        }
    }

    async fn work(&mut self, stop: &CancellationToken) {
        let mut changed = self.dispatch.live.subscribe();
        let board = self.board.clone();
        let mut stopped = pin!(stop.cancelled());
        let mut resumed = pin!(board.resumed());
        self.configure();
        loop {
            let leave = self.leave();
            self.write();
            tokio::select! {
                // A change comes before all else: nothing may leave with settings that are not any
                // more.
                biased;
                () = &mut stopped => return,
                _ = changed.changed() => self.configure(),
                () = &mut resumed => {
                    resumed.set(board.resumed());
                    self.resume();
                }
                Some(ended) = self.sends.join_next() => self.ended(ended),
                () = until(leave) => {}
                batch = gathered(&self.target, leave, &self.dispatch, &mut self.gather, &mut self.pace) => {
                    self.start(batch, leave);
                }
            }
        }
    }

    /// Follows the configuration. What was learnt of a destination holds while its settings do.
    fn configure(&mut self) {
        let generation = self.dispatch.live.current();
        self.target = match generation.destinations.get(&self.name) {
            Some(found) if found.missing.is_empty() => Target::Here(found.clone()),
            Some(found) => Target::NotConfigured(wants(&found.missing)),
            None => Target::Removed,
        };
        let settings = generation.config.destinations.get(&*self.name);
        if self.settings.as_ref() != settings {
            self.settings = settings.cloned();
            self.begin_anew();
        }
        self.written = None;
    }

    fn resume(&mut self) {
        info!(destination = %self.name, "resumed by hand");
        self.begin_anew();
    }

    fn begin_anew(&mut self) {
        let settings = self.settings.as_ref();
        let most = settings.map_or(1, |settings| settings.options.concurrency);
        self.gate = Gate::new(most, Instant::now());
        self.epoch += 1;
    }

    fn leave(&self) -> Leave {
        match self.target {
            Target::Here(_) => self.gate.leave(self.sends.len(), Instant::now()),
            Target::NotConfigured(_) | Target::Removed => Leave::Later,
        }
    }

    fn start(&mut self, batch: Batch, leave: Leave) {
        let (Target::Here(destination), Leave::Now { is_probe }) = (&self.target, leave) else {
            return;
        };
        let send = Send {
            dispatch: self.dispatch.clone(),
            destination: destination.clone(),
            begun: self.gate.begin(is_probe, Instant::now()),
            hold: self.gate.next_hold(),
            epoch: self.epoch,
            meter: self.meter.clone(),
        };
        self.sends.spawn(send.run(batch));
    }

    /// Notes what has ended, all at once.
    fn ended(&mut self, first: Result<Report, JoinError>) {
        self.note(first);
        while let Some(next) = self.sends.try_join_next() {
            self.note(next);
        }
    }

    /// Every request that has ended comes by here, once.
    fn note(&mut self, ended: Result<Report, JoinError>) {
        let report = match ended {
            Ok(report) => report,
            Err(error) => {
                error!(destination = %self.name, %error, "a sender failed; what it had is sent again at the next start");
                return;
            }
        };
        let Report {
            deliveries,
            took,
            end,
            ..
        } = &report;
        debug!(destination = %self.name, deliveries, ?took, ?end, "request ended");
        if let Some(answer) = end.answer() {
            self.meter.request(answer, *took, *deliveries);
        }
        if report.epoch == self.epoch {
            self.gate.ended(report.begun, end, Instant::now());
        }
        self.gather.put_back(report.again);
    }

    /// Writes on the board how the destination stands, if that has changed.
    fn write(&mut self) {
        self.board.count(self.sends.len(), self.gate.concurrency());
        let now = Instant::now();
        let stand = match &self.target {
            Target::Here(_) => self.gate.stand(now),
            Target::NotConfigured(wants) => {
                Stand::new(DestinationState::NotConfigured, None, wants)
            }
            Target::Removed => Stand {
                state: DestinationState::Removed,
                ..Stand::ready()
            },
        };
        let written = Some((stand.state, stand.until));
        if self.written == written {
            return;
        }
        self.board
            .write(&self.name, &stand, now, self.dispatch.clock.now());
        self.written = written;
    }

    /// Waits for what is being sent. What is dead in the journal and was not answered is brought
    /// back: it is in our hands, so it has not arrived.
    async fn finish(mut self) {
        while let Some(ended) = self.sends.join_next().await {
            self.note(ended);
        }
        let now = self.dispatch.clock.steady();
        let marked = self.gather.into_marked();
        let back: Vec<_> = marked
            .map(|pending| postponed(&pending, State::Dead, now))
            .collect();
        if !back.is_empty() {
            self.dispatch.settle(back).await;
        }
    }
}

/// Returns when the time has come, if that is what there is to wait for.
async fn until(leave: Leave) {
    match leave {
        Leave::At(at) => sleep_until(at).await,
        Leave::Now { .. } | Leave::Later => std::future::pending().await,
    }
}

/// The deliveries of the next request, once one may leave.
async fn gathered(
    target: &Target,
    leave: Leave,
    dispatch: &Dispatch,
    gather: &mut Gather,
    pace: &mut Pace,
) -> Batch {
    let (Target::Here(destination), Leave::Now { .. }) = (target, leave) else {
        return std::future::pending().await;
    };
    let take = |most| dispatch.journal.take_deliveries(&destination.name, most);
    let pace = (!destination.options.dry_run).then_some(pace);
    gather.next(&destination.limits(), pace, take).await
}

/// Environment variables, as one writes them: `$SLACK_WEBHOOK_URL`.
fn wants(missing: &[String]) -> String {
    let names: Vec<String> = missing.iter().map(|name| format!("${name}")).collect();
    names.join(", ")
}
