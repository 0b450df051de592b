//! Replays: the events of a time, through the tags as they are now. For real, or dry, and then with
//! what would differ from what was sent.

use std::ops::AddAssign;
use std::sync::Arc;

use super::compare::{self, Compared, Comparison, Difference};
use super::{Error, Rerunner, THINGS_PER_JOB, renewed};
use crate::clock::Millis;
use crate::delivery::{Delivery, State};
use crate::generation::Generation;
use crate::journal::{Made, NewDelivery, Page, Record, Reran, Rerun, Resend, TakenEvent, Window};
use crate::processor::{self, Watch};
use crate::script::Worker;

/// What to replay, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    /// Which events.
    pub window: Window,
    /// Only this tag; all, if nothing is said.
    pub tag: Option<Arc<str>>,
    /// Send nothing and write nothing.
    pub dry_run: bool,
    /// Compare with what is in the journal.
    pub diff: bool,
}

/// What became of a page of events.
#[derive(Clone, Debug, Default)]
pub struct Replayed {
    /// Events that were replayed.
    pub events: u64,
    /// What the journal did. A dry run counts what tags would make, and where they fail.
    pub reran: Reran,
    /// How the deliveries compare, if that was asked for.
    pub compared: Compared,
    /// Those that are not the same.
    pub differences: Vec<Difference>,
    /// Bytes of the requests in `differences`.
    pub shown: usize,
    /// Where to go on; nothing if there are no more.
    pub next: Option<u64>,
}

/// Bytes of requests that one answer shows. A page ends early beyond that.
pub const MOST_SHOWN_BYTES: usize = 4 * 1024 * 1024;

/// An event to replay.
struct Replaying {
    taken: TakenEvent,
    /// What is in the journal of it; read only to be compared.
    records: Vec<Record>,
    tag: Option<Arc<str>>,
    diff: bool,
}

impl Rerunner {
    /// Replays a page of events.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn replay(&self, replay: &Replay, page: Page) -> Result<Replayed, Error> {
        let mut events = self.journal.events(replay.window, page).await?.into_iter();
        let mut replayed = Replayed::default();
        while replayed.shown <= MOST_SHOWN_BYTES {
            let few: Vec<TakenEvent> = events.by_ref().take(THINGS_PER_JOB).collect();
            let Some(last) = few.last() else { break };
            replayed.next = Some(last.number);
            replayed.events += few.len() as u64;
            self.replay_few(replay, few, &mut replayed).await?;
        }
        if let Some(after) = replayed.next {
            let page = Page { after, limit: 1 };
            let is_last = self.journal.events(replay.window, page).await?.is_empty();
            replayed.next = (!is_last).then_some(after);
        }
        Ok(replayed)
    }

    async fn replay_few(
        &self,
        replay: &Replay,
        events: Vec<TakenEvent>,
        replayed: &mut Replayed,
    ) -> Result<(), Error> {
        let mut few = Vec::with_capacity(events.len());
        for taken in events {
            let mut records = Vec::new();
            if replay.diff {
                records = self.journal.deliveries_of(taken.number).await?;
            }
            few.push(Replaying {
                taken,
                records,
                tag: replay.tag.clone(),
                diff: replay.diff,
            });
        }
        let mut reruns = Vec::new();
        for (made, comparison) in self.run_all(few, run).await? {
            reruns.extend(made);
            replayed.compared += comparison.compared;
            replayed.differences.extend(comparison.differences);
            replayed.shown += comparison.shown;
        }
        let reran = match replay.dry_run {
            true => would(&reruns),
            false if reruns.is_empty() => Reran::default(),
            false => self.journal.rerun(reruns).await?,
        };
        replayed.reran += reran;
        Ok(())
    }
}

fn run(
    worker: &mut Worker,
    generation: &Generation,
    now: Millis,
    replaying: Replaying,
) -> (Vec<Rerun>, Comparison) {
    let TakenEvent { number, event } = &replaying.taken;
    let made = match &replaying.tag {
        None => processor::process(worker, generation, event, now, Watch::Off).made,
        // An event that the tag is not handed makes nothing, which is no fault.
        Some(tag) => {
            processor::process_one(worker, generation, event, tag, now).unwrap_or_default()
        }
    };
    let mut comparison = Comparison::default();
    if replaying.diff {
        let made = &made.deliveries;
        let of_tag = |record: &&Record| {
            let tag = replaying.tag.as_ref();
            tag.is_none_or(|tag| *tag == record.delivery.tag)
        };
        let records = replaying.records.iter().filter(of_tag);
        let before: Vec<&Delivery> = records.map(|record| &record.delivery).collect();
        comparison = compare::compare(&generation.destinations, *number, made, &before);
    }
    (by_tag(*number, made, now), comparison)
}

/// The journal puts one tag's deliveries in the place of what that tag made before.
fn by_tag(event: u64, made: Made, now: Millis) -> Vec<Rerun> {
    let nothing = |tag| Rerun {
        event,
        tag,
        deliveries: Vec::new(),
        resend: Resend::All,
    };
    let mut reruns: Vec<Rerun> = made.filtered.into_iter().map(nothing).collect();
    for new in made.deliveries {
        let tag = new.delivery.tag.clone();
        if reruns.last().is_none_or(|rerun| rerun.tag != tag) {
            reruns.push(nothing(tag));
        }
        if let Some(rerun) = reruns.last_mut() {
            rerun.deliveries.push(renewed(new, now));
        }
    }
    reruns
}

fn would(reruns: &[Rerun]) -> Reran {
    let made = reruns.iter().flat_map(|rerun| &rerun.deliveries);
    let is_dead = |new: &&NewDelivery| new.delivery.state == State::Dead;
    let dead = made.clone().filter(is_dead).count() as u64;
    Reran {
        to_send: made.count() as u64 - dead,
        dead,
        ..Reran::default()
    }
}

impl AddAssign for Replayed {
    fn add_assign(&mut self, next: Self) {
        self.events += next.events;
        self.reran += next.reran;
        self.compared += next.compared;
        self.differences.extend(next.differences);
        self.shown += next.shown;
        self.next = next.next;
    }
}
