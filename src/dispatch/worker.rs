//! The worker of one destination: waits for deliveries, and for leave to send them. It learns from
//! reports what became of requests, and does not look into them.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info};

use super::Dispatch;
use super::breaker::Leave;
use super::gate::{Begun, Gate};
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
    /// What each of them was given, should it break off.
    under_way: HashMap<Id, UnderWay>,
    board: Arc<Board>,
    meter: Arc<DestinationMeter>,
    /// What was last written on the board.
    written: Option<(DestinationState, Option<Instant>)>,
}

/// A request that has left: with what, and what it carries.
struct UnderWay {
    destination: Arc<Destination>,
    begun: Begun,
    hold: Duration,
    epoch: u64,
    batch: Batch,
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
            under_way: HashMap::new(),
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
                Some(ended) = self.sends.join_next_with_id() => self.ended(ended),
                () = until(leave) => {}
                batch = gathered(&self.target, leave, &self.dispatch, &mut self.gather, &mut self.pace) => {
                    self.start(batch, leave);
                }
            }
        }
    }

    /// Follows the configuration. What was learnt of a destination holds while its settings do; but
    /// one that waits for a person may look whether it was this that it waited for.
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
        } else {
            self.gate.hope(Instant::now());
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
        let under_way = UnderWay {
            destination: destination.clone(),
            begun: self.gate.begin(is_probe, Instant::now()),
            hold: self.gate.next_hold(),
            epoch: self.epoch,
            batch: batch.clone(),
        };
        let send = self.sender(&under_way);
        let id = self.sends.spawn(send.run(batch)).id();
        self.under_way.insert(id, under_way);
    }

    fn sender(&self, under_way: &UnderWay) -> Send {
        Send {
            dispatch: self.dispatch.clone(),
            destination: under_way.destination.clone(),
            begun: under_way.begun,
            hold: under_way.hold,
            epoch: under_way.epoch,
            meter: self.meter.clone(),
        }
    }

    /// Notes what has ended, all at once.
    fn ended(&mut self, first: Result<(Id, Report), JoinError>) {
        self.note(first);
        while let Some(next) = self.sends.try_join_next_with_id() {
            self.note(next);
        }
    }

    /// Every request that has ended comes by here, once.
    fn note(&mut self, ended: Result<(Id, Report), JoinError>) {
        let report = match ended {
            Ok((id, report)) => {
                self.under_way.remove(&id);
                report
            }
            Err(error) => return self.broke_off(&error),
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

    /// A panic is a defect of ours. To what it had it is one more attempt that failed: it is tried
    /// again as the schedule says, and is a dead letter in the end.
    fn broke_off(&mut self, error: &JoinError) {
        error!(destination = %self.name, %error, "sending a request broke off, which is a defect of ours: please report it");
        if let Some(under_way) = self.under_way.remove(&error.id()) {
            let send = self.sender(&under_way);
            self.sends.spawn(send.broke_off(under_way.batch));
        }
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
        while let Some(ended) = self.sends.join_next_with_id().await {
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::clock::Clock;
    use crate::delivery::{Delivery, DeliveryId, ErrorClass};
    use crate::destination::{Courier, Item, Limits, Outgoing, Refused, Reply, Vendor, Verdict};
    use crate::dispatch::Nobody;
    use crate::event::Event;
    use crate::generation::Live;
    use crate::journal::{Entry, Journal};
    use crate::secret::Secret;
    use crate::telemetry::Metrics;

    /// A vendor's file with a defect.
    #[derive(Debug)]
    struct Broken(Arc<dyn Vendor>);

    impl Vendor for Broken {
        fn encode(&self, items: &[Item<'_>]) -> Result<Outgoing, Refused> {
            panic!("a defect, met by {} items", items.len())
        }

        fn read(&self, reply: &Reply, count: usize) -> Verdict {
            self.0.read(reply, count)
        }

        fn limits(&self) -> Limits {
            self.0.limits()
        }

        fn secrets(&self) -> Vec<&Secret> {
            self.0.secrets()
        }
    }

    async fn worker_with_a_defect(options: &str) -> Worker {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tagwerk.toml");
        let config = "[destinations.crm]\ntype = \"http\"\nurl = \"http://crm.test\"\n";
        std::fs::write(&file, format!("{config}{options}\n")).unwrap();
        for scripts in ["clients", "tags"] {
            std::fs::create_dir(folder.path().join(scripts)).unwrap();
        }
        let nothing: BTreeMap<String, String> = BTreeMap::new();
        let (live, clock) = (Live::start(file, Box::new(nothing)), Clock::tokio(0));
        let dispatch = Dispatch {
            journal: Journal::memory(clock).unwrap(),
            live: Arc::new(live.unwrap()),
            courier: Courier::new().unwrap(),
            clock,
            standings: Default::default(),
            metrics: Metrics::new(),
            onlooker: Arc::new(Nobody),
        };
        let mut worker = Worker::new(dispatch, "crm".into());
        worker.configure();
        if let Target::Here(destination) = &mut worker.target {
            let vendor = Arc::new(Broken(destination.vendor.clone()));
            Arc::make_mut(destination).vendor = vendor;
        }
        worker
    }

    #[tokio::test]
    async fn what_a_defect_of_ours_meets_is_tried_again_or_seen() {
        let often = (State::Pending, 1, None);
        let never = (State::Dead, 1, Some(ErrorClass::Exhausted));
        let once = (State::Dead, 1, Some(ErrorClass::Unconfirmed));
        for (options, expected) in [
            ("", often),
            ("retry = \"off\"", never),
            ("delivery = \"at-most-once\"", once),
        ] {
            let mut worker = worker_with_a_defect(options).await;
            let journal = worker.dispatch.journal.clone();
            let delivery = Delivery {
                id: DeliveryId::of("e", "tag", 0),
                event_id: "e".into(),
                received_at: 0,
                tag: "tag".into(),
                destination: "crm".into(),
                payload: "{}".into(),
                due: 0,
                expires: None,
                state: State::Pending,
            };
            let entry = Entry {
                event: Event {
                    id: "e".into(),
                    received_at: 0,
                    data: "{}".into(),
                },
                made: Some([delivery].into_iter().collect()),
            };
            journal.append(vec![entry], None).await.unwrap();
            let batch = Batch {
                deliveries: journal.take_deliveries(&"crm".into(), 9).await,
                is_marked: false,
            };
            worker.start(batch, Leave::Now { is_probe: false });
            for _ in 0..2 {
                let ended = worker.sends.join_next_with_id().await.unwrap();
                worker.ended(ended);
            }
            assert!(worker.sends.is_empty() && worker.under_way.is_empty());
            let found = &journal.deliveries_of(1).await.unwrap()[0];
            let got = (found.delivery.state, found.attempts, found.class);
            assert_eq!(got, expected, "{options}");
            assert!(found.note.as_ref().unwrap().contains("defect"), "{found:?}");
            // It is in nobody's hands any more.
            if found.delivery.state == State::Dead {
                assert_eq!(journal.send_again(vec![found.number]).await, Ok(1));
            }
        }
    }
}
