//! What changes when a tag is run again on an event: what it makes now beside what it made then.
//! Deliveries are the same if their ids are. It decides, and writes nothing.

use std::collections::HashSet;

use tracing::error;

use crate::clock::Millis;
use crate::delivery::{ErrorClass, State};
use crate::journal::look::{Reran, Rerun, Resend};
use crate::journal::record::{MAX_DELIVERIES, NewDelivery, delivery_number, event_number};
use crate::journal::store::{Edits, Replacement, Row, Standing};

/// Adds what is to change to `edits`. `standings` are all deliveries of the event, of other tags
/// too; those that are added here come to stand there.
pub(super) fn plan(
    standings: &mut Vec<Standing>,
    rerun: Rerun,
    is_held: impl Fn(&Standing) -> bool,
    now: Millis,
    edits: &mut Edits,
) -> Reran {
    let had_fired = standings.iter().any(|one| one.tag == rerun.tag);
    let mut reran = Reran::default();
    let mut made = HashSet::new();
    // A tag that failed has not said what it makes no longer.
    let has_failed = rerun.deliveries.iter().any(is_fault);
    for new in rerun.deliveries {
        if !made.insert(new.delivery.id) {
            continue; // an id is one delivery
        }
        let state = new.delivery.state;
        let old = standings.iter().find(|old| old.id == new.delivery.id);
        let is_done = match old {
            Some(old) if may_replace(old, rerun.resend) && !is_held(old) => {
                edits.replaced.push(replacement(old, new));
                true
            }
            Some(_) => false,
            None => add(standings, rerun.event, new, edits),
        };
        match state {
            _ if !is_done => reran.left += 1,
            State::Pending => reran.to_send += 1,
            State::Dead => reran.dead += 1,
            State::Delivered | State::DryRun | State::Skipped => {}
        }
    }
    let has_fired = standings.iter().any(|one| one.tag == rerun.tag);
    if has_fired && !had_fired {
        edits.fired_late.push((rerun.event, rerun.tag.clone()));
    }
    if !has_failed {
        let of_tag = standings.iter().filter(|one| one.tag == rerun.tag);
        for old in of_tag.filter(|old| !made.contains(&old.id)) {
            skip(old, is_held(old), now, edits, &mut reran);
        }
    }
    reran
}

fn is_fault(new: &NewDelivery) -> bool {
    new.class == Some(ErrorClass::Script)
}

fn may_replace(old: &Standing, resend: Resend) -> bool {
    match old.state {
        State::Pending | State::Dead => true,
        State::Delivered | State::DryRun | State::Skipped => resend == Resend::All,
    }
}

fn replacement(old: &Standing, new: NewDelivery) -> Replacement {
    Replacement {
        row: row(old.number, new),
        of: old.clone(),
    }
}

/// Adds a delivery that the tag never made before, if there is a number left for it.
fn add(standings: &mut Vec<Standing>, event: u64, new: NewDelivery, edits: &mut Edits) -> bool {
    let last = standings.iter().map(|one| one.number).max();
    let number = last.map_or(delivery_number(event, 0), |last| last + 1);
    if event_number(number) != event {
        error!(
            event,
            most = MAX_DELIVERIES,
            "an event has as many deliveries as it can have; no more are added"
        );
        return false;
    }
    let row = row(number, new);
    standings.push(Standing {
        number,
        id: row.delivery.id,
        tag: row.delivery.tag.clone(),
        destination: row.delivery.destination.clone(),
        state: row.delivery.state,
        attempts: 0,
        class: row.class,
        note: row.note.clone(),
    });
    edits.added.push(row);
    true
}

fn row(number: u64, new: NewDelivery) -> Row {
    Row {
        number,
        attempts: 0,
        delivery: new.delivery,
        class: new.class,
        note: new.note,
    }
}

/// What the tag makes no longer is not sent, unless it was or is being sent.
fn skip(old: &Standing, is_held: bool, now: Millis, edits: &mut Edits, reran: &mut Reran) {
    match old.state {
        State::Pending if is_held => reran.left += 1,
        State::Pending | State::Dead => {
            let mut skipped = old.settled(State::Skipped, now);
            let why = "its tag makes it no longer";
            skipped.note = Some(match &old.note {
                Some(note) => format!("{why}; before: {note}"),
                None => why.to_owned(),
            });
            edits.discarded.push(skipped);
            reran.skipped += 1;
        }
        State::Delivered | State::DryRun | State::Skipped => {}
    }
}
