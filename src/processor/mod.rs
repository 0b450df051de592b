//! The processor: events in, deliveries out. For each event it looks up the tags that listen, runs
//! them, and makes their deliveries. `process` is the whole of it; the loop only moves events from
//! the journal to the script threads and deliveries back.

mod again;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::clock::{Clock, Millis};
use crate::delivery::{Delivery, DeliveryId, ErrorClass, State};
use crate::event::Event;
use crate::generation::{Generation, Live};
use crate::journal::{self, Journal, MAX_DELIVERIES, NewDelivery, Processed, TakenEvent};
use crate::preview::{DeliveryRecord, Preview, TagRecord, TagTrace, TransformTrace};
use crate::script::{Fault, Map, NotRun, Pool, Value, Worker};
use crate::tag::{self, Look, PreviewMode, Ran, Tag};

/// Events of one job: enough that moving them costs little, few enough that requests in the same
/// queue wait for less than a millisecond.
const EVENTS_PER_JOB: usize = 16;

/// Deliveries of one job, as the last one lets expect: those of many tags are to be sent and settled
/// before there are more of them than may wait for that unwritten, as each is then written twice.
const DELIVERIES_PER_JOB: usize = 256;

/// So many are worth a script thread of their own, which goes through them while the runtime's thread
/// serves its sockets: at saturation a tenth more are delivered so where others want the cores, too.
const WORTH_A_THREAD: usize = 6;

/// While a backlog is worked off, the processor rests for one part in so many of the time that it
/// works: answers come first, and do not wait for a processor that is always ready to run.
const REST_SHARE: u32 = 3;

/// Rests shorter than this are put together: the runtime's clock ticks once a millisecond.
const SHORTEST_REST: Duration = Duration::from_millis(2);

/// Deliveries of one event: half of what the journal numbers, so that there is room for a dead
/// letter of each tag that is beyond.
const MOST_DELIVERIES: usize = MAX_DELIVERIES / 2;

/// What an event became.
#[derive(Debug, Default)]
pub struct Handled {
    /// For the journal.
    pub made: journal::Made,
    /// What the tags did, if somebody watches.
    pub tags: Vec<TagRecord>,
}

/// Who watches, and what is done with what they see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// Nobody: live traffic.
    Off,
    /// A preview that sends nothing.
    Dry,
    /// A preview that sends.
    Send,
    /// A capture session: live traffic, and somebody watches.
    Capture,
}

/// Runs until stopped. Several of these may run on one journal.
pub async fn run(
    journal: Journal,
    live: Arc<Live>,
    pool: Pool,
    clock: Clock,
    preview: Preview,
    stop: CancellationToken,
) {
    let (mut most, mut rest) = (EVENTS_PER_JOB, Rest::default());
    loop {
        let events = tokio::select! {
            () = stop.cancelled() => return,
            events = journal.take_events(most) => events,
        };
        let begun = Instant::now();
        let (generation, events) = (live.current(), Arc::new(events));
        let job = || {
            let (of, taken, watching) = (generation.clone(), events.clone(), preview.clone());
            move |worker: &mut Worker| process_all(worker, &of, &taken, clock.steady(), &watching)
        };
        let are_few = events.len() < WORTH_A_THREAD && most == EVENTS_PER_JOB;
        let is_quick = are_few && generation.tag_pace.is_quick();
        let ran = match pool.run_near(is_quick, job()).await {
            // Nobody waits for an answer, so these wait for their turn.
            Err(NotRun::Busy) => pool.run(job()).await,
            ran => ran.ok(),
        };
        let processed = match ran {
            Some(processed) => processed,
            None => again::one_by_one(&pool, &generation, &events, clock).await,
        };
        let is_more = events.len() == most;
        let made = processed.iter().map(|one| one.made.deliveries.len()).sum();
        most = events_of_next_job(events.len(), made);
        if let Err(error) = journal.append_deliveries(processed).await {
            error!(%error, "deliveries could not be journalled; their events are processed again at the next start");
        }
        // Where there is always more, nothing here ever waits, and others want their turn. Else the
        // next look waits: to be asked again at once costs a look at all sockets.
        if is_more {
            tokio::task::yield_now().await;
        }
        rest.after(begun.elapsed(), journal.is_behind()).await;
    }
}

/// The time that the processor owes to others.
#[derive(Debug, Default)]
struct Rest(Duration);

impl Rest {
    /// Rests if it has worked long enough on a backlog.
    async fn after(&mut self, worked: Duration, is_behind: bool) {
        self.0 = match is_behind {
            true => self.0 + worked / REST_SHARE,
            false => Duration::ZERO,
        };
        if self.0 >= SHORTEST_REST {
            tokio::time::sleep(std::mem::take(&mut self.0)).await;
        }
    }
}

/// How many events the next job is to have, if they are like these, of which so many deliveries were made.
fn events_of_next_job(events: usize, made: usize) -> usize {
    let each = made.div_ceil(events.max(1)).max(1);
    (DELIVERIES_PER_JOB / each).clamp(1, EVENTS_PER_JOB)
}

fn process_all(
    worker: &mut Worker,
    generation: &Generation,
    events: &[TakenEvent],
    now: Millis,
    preview: &Preview,
) -> Vec<Processed> {
    let one = |taken: &TakenEvent| {
        let event = &taken.event;
        let made = match preview.awaits(event) {
            false => process(worker, generation, event, now, Watch::Off).made,
            true => {
                let begun = Instant::now();
                let handled = process(worker, generation, event, now, Watch::Capture);
                preview.processed(event, begun, handled.tags);
                handled.made
            }
        };
        Processed {
            number: taken.number,
            made,
        }
    };
    events.iter().map(one).collect()
}

/// Runs all tags that listen to an event. The same for live traffic, preview and `trace`.
pub fn process(
    worker: &mut Worker,
    generation: &Generation,
    event: &Event,
    now: Millis,
    watch: Watch,
) -> Handled {
    let mut handled = Handled::default();
    worker.next_event();
    let Some(data) = read(worker, event) else {
        return handled;
    };
    let listeners = generation.index.listeners(&name(&data)).into_iter();
    let tags = listeners.filter_map(|position| generation.tags.get(position));
    let tags = tags.filter(|tag| watch != Watch::Send || tag.preview != PreviewMode::Skip);
    let data = Value::from(data);
    for tag in tags {
        let context = Context {
            generation,
            event,
            tag,
            now,
            watch,
        };
        let ran = tag::run(worker, tag, &data, event.received_at, watch.look());
        context.add(ran, &mut handled);
    }
    handled
}

/// Runs the tag of that name alone, as [`process`] would among the others.
///
/// # Errors
/// Why the tag would not be handed the event, for a person.
pub fn process_one(
    worker: &mut Worker,
    generation: &Generation,
    event: &Event,
    tag: &str,
    now: Millis,
) -> Result<journal::Made, String> {
    process_one_watched(worker, generation, event, tag, now, Watch::Off).map(|handled| handled.made)
}

/// The same, and what the tag did.
///
/// # Errors
/// As [`process_one`].
pub fn process_one_watched(
    worker: &mut Worker,
    generation: &Generation,
    event: &Event,
    tag: &str,
    now: Millis,
    watch: Watch,
) -> Result<Handled, String> {
    let mut tags = generation.tags.iter().enumerate();
    let Some((position, tag)) = tags.find(|(_, one)| &*one.name == tag) else {
        return Err(format!("there is no tag {tag}"));
    };
    if !tag.enabled {
        return Err(format!("tag {} is switched off", tag.name));
    }
    let data = read(worker, event).ok_or("the event is not JSON")?;
    let event_name = name(&data);
    if !generation.index.listeners(&event_name).contains(&position) {
        return Err(format!("tag {} does not listen to {event_name}", tag.name));
    }
    let mut handled = Handled::default();
    worker.next_event();
    let context = Context {
        generation,
        event,
        tag,
        now,
        watch,
    };
    let ran = tag::run(worker, tag, &data.into(), event.received_at, watch.look());
    context.add(ran, &mut handled);
    Ok(handled)
}

impl Watch {
    fn look(self) -> Look {
        Look {
            records: self != Self::Off,
            counts: matches!(self, Self::Off | Self::Capture),
        }
    }
}

/// One tag and one event.
struct Context<'a> {
    generation: &'a Generation,
    event: &'a Event,
    tag: &'a Tag,
    now: Millis,
    watch: Watch,
}

fn read(worker: &Worker, event: &Event) -> Option<Map> {
    match worker.read(&event.data) {
        Ok(mut data) => {
            data.entry("event_id".into())
                .or_insert_with(|| (&*event.id).into());
            Some(data)
        }
        Err(error) => {
            error!(event = %event.id, %error, "an event in the journal is not JSON; it is kept and not processed");
            None
        }
    }
}

fn name(data: &Map) -> String {
    let name = data.get("event_name");
    name.map(ToString::to_string).unwrap_or_default()
}

impl Context<'_> {
    fn add(&self, mut ran: Ran, handled: &mut Handled) {
        let Context {
            event, tag, watch, ..
        } = self;
        let payloads = std::mem::take(&mut ran.payloads);
        let made = &mut handled.made;
        if made.deliveries.len() + payloads.len() > MOST_DELIVERIES {
            let message = format!(
                "the event makes more than {MOST_DELIVERIES} deliveries; those of this tag are not made"
            );
            ran.fault = Some(Fault::new(&tag.script.file, message));
        }
        let mut records = Vec::new();
        if let Some(fault) = &ran.fault {
            warn!(tag = %tag.name, event = %event.id, "{fault}");
            let dead = self.delivery(0, Vec::new(), State::Dead);
            made.deliveries.push(NewDelivery {
                delivery: dead,
                class: Some(ErrorClass::Script),
                note: Some(fault.to_string()),
            });
        } else if payloads.is_empty() {
            made.filtered.push(tag.name.clone());
        } else {
            for (ordinal, payload) in payloads.into_iter().enumerate() {
                let delivery = self.delivery(ordinal, payload, self.state());
                if *watch != Watch::Off {
                    records.push(self.record(&delivery));
                }
                made.deliveries.push(delivery.into());
            }
        }
        if *watch != Watch::Off {
            handled.tags.push(TagRecord {
                trace: tag_trace(tag, ran),
                deliveries: records,
            });
        }
    }

    fn delivery(&self, ordinal: usize, payload: Vec<u8>, state: State) -> Delivery {
        let delay = millis(self.tag.delay);
        let first_due = self.event.received_at.saturating_add(delay);
        Delivery {
            id: DeliveryId::of(&self.event.id, &self.tag.name, ordinal),
            event_id: self.event.id.clone(),
            received_at: self.event.received_at,
            tag: self.tag.name.clone(),
            destination: self.tag.to.clone(),
            payload: payload.into(),
            due: if delay == 0 { self.now } else { first_due },
            expires: (self.tag.max_age).map(|age| first_due.saturating_add(millis(age))),
            state,
        }
    }

    fn state(&self) -> State {
        match (self.watch, self.tag.preview) {
            (Watch::Dry, _) | (Watch::Send, PreviewMode::DryRun) => State::DryRun,
            _ => State::Pending,
        }
    }

    fn record(&self, delivery: &Delivery) -> DeliveryRecord {
        let destination = self.generation.destinations.get(&delivery.destination);
        DeliveryRecord::new(delivery.clone(), destination.cloned())
    }
}

fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}

fn tag_trace(tag: &Tag, ran: Ran) -> TagTrace {
    let script = &tag.script;
    let with_source = |fault: Fault| fault.with_source(&script.file, &script.source);
    let (conditions, consent) = TagTrace::conditions_of(ran.explanation);
    TagTrace {
        name: tag.name.to_string(),
        file: script.file.clone(),
        destination: tag.to.to_string(),
        fired: ran.skipped.is_none(),
        reason: ran.skipped.as_ref().map(tag::Skipped::reason),
        conditions,
        consent,
        transforms: ran
            .transformed
            .into_iter()
            .map(TransformTrace::from)
            .collect(),
        log: ran.log,
        fault: ran.fault.map(with_source),
        duration_us: u64::try_from(ran.took.as_micros()).unwrap_or(u64::MAX),
        deliveries: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_works_off_a_backlog_rests_a_quarter_of_the_time() {
        let (mut rest, job) = (Rest::default(), Duration::from_millis(3));
        for (is_behind, rested) in [(false, 0), (true, 10)] {
            let begun = tokio::time::Instant::now();
            for _ in 0..10 {
                rest.after(job, is_behind).await;
            }
            let slept = begun.elapsed();
            assert_eq!(slept, Duration::from_millis(rested), "{is_behind}");
        }
        rest.after(job, false).await;
        assert_eq!(rest.0, Duration::ZERO, "it owes nothing any more");
    }

    #[test]
    fn a_job_has_as_many_events_as_make_what_may_wait_unwritten() {
        for (events, deliveries, next) in [
            (0, 0, 16),
            (3, 0, 16),
            (3, 4, 16),
            (2, 32, 16),
            (1, 100, 2),
            (2, 200, 2),
            (1, 1_000, 1),
        ] {
            let found = events_of_next_job(events, deliveries);
            assert_eq!(found, next, "{deliveries} of {events}");
        }
    }
}
