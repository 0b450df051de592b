//! What the draft set would do otherwise with events that were journalled: both sets make their
//! deliveries, dry, and these are compared. Nothing is sent, written or counted.

use super::compare::{self, Compared, Difference};
use crate::clock::Millis;
use crate::delivery::{Delivery, State};
use crate::generation::Generation;
use crate::journal::{Made, NewDelivery, TakenEvent};
use crate::processor::{self, Watch};
use crate::script::Worker;

/// The set that is live, and the one that might be.
#[derive(Clone, Copy)]
pub struct Sets<'a> {
    /// The live one.
    pub live: &'a Generation,
    /// The draft.
    pub draft: &'a Generation,
}

impl Sets<'_> {
    /// Runs one event through both. `tag` leaves out all others.
    pub fn compare(
        &self,
        worker: &mut Worker,
        taken: &TakenEvent,
        tag: Option<&str>,
        now: Millis,
    ) -> (Compared, Vec<Difference>) {
        let mut make = |set: &Generation| make(worker, set, taken, tag, now);
        let (mut live, mut draft) = (make(self.live).deliveries, make(self.draft).deliveries);
        let failing_alike = take_failing_alike(&mut live, &mut draft);
        let before: Vec<&Delivery> = live.iter().map(|new| &new.delivery).collect();
        let destinations = &self.draft.destinations;
        let mut comparison = compare::compare(destinations, taken.number, &draft, &before);
        comparison.compared.same += failing_alike;
        (comparison.compared, comparison.differences)
    }
}

fn make(
    worker: &mut Worker,
    set: &Generation,
    taken: &TakenEvent,
    tag: Option<&str>,
    now: Millis,
) -> Made {
    let event = &taken.event;
    let handled = match tag {
        None => processor::process(worker, set, event, now, Watch::Dry),
        // A tag that one of the sets does not have makes nothing there.
        Some(tag) => processor::process_one_watched(worker, set, event, tag, now, Watch::Dry)
            .unwrap_or_default(),
    };
    handled.made
}

/// A tag that fails in both sets, and in the same way, is no difference.
fn take_failing_alike(live: &mut Vec<NewDelivery>, draft: &mut Vec<NewDelivery>) -> u64 {
    let fails = |new: &NewDelivery| new.delivery.state == State::Dead;
    let alike = |a: &NewDelivery, b: &NewDelivery| {
        fails(a) && fails(b) && a.delivery.id == b.delivery.id && message(a) == message(b)
    };
    let same: Vec<NewDelivery> = draft
        .iter()
        .filter(|new| live.iter().any(|old| alike(old, new)))
        .cloned()
        .collect();
    for new in &same {
        live.retain(|old| !alike(old, new));
        draft.retain(|old| !alike(old, new));
    }
    same.len() as u64
}

/// The fault without its place: the draft's file has another name.
fn message(new: &NewDelivery) -> Option<&str> {
    let note = new.note.as_deref()?;
    Some(note.split_once(": ").map_or(note, |(_, message)| message))
}
