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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::plan;
    use crate::clock::Millis;
    use crate::delivery::{Delivery, DeliveryId, ErrorClass, State};
    use crate::journal::look::{Reran, Rerun, Resend};
    use crate::journal::record::{MAX_DELIVERIES, NewDelivery, delivery_number};
    use crate::journal::store::{Edits, Standing};

    const EVENT: u64 = 7;
    const NOW: Millis = 1_000;

    fn standing(tag: &str, ordinal: usize, state: State) -> Standing {
        Standing {
            number: delivery_number(EVENT, ordinal),
            id: DeliveryId::of("e", tag, ordinal),
            tag: tag.into(),
            destination: "slack".into(),
            state,
            attempts: 3,
            class: None,
            note: Some("500 no".to_owned()),
        }
    }

    fn made(ordinal: usize, state: State) -> NewDelivery {
        let delivery = Delivery {
            id: DeliveryId::of("e", "tag", ordinal),
            event_id: "e".into(),
            received_at: NOW,
            tag: "tag".into(),
            destination: "slack".into(),
            payload: "{}".into(),
            due: NOW,
            expires: None,
            state,
        };
        NewDelivery {
            class: (state == State::Dead).then_some(ErrorClass::Script),
            ..NewDelivery::from(delivery)
        }
    }

    fn run(
        standings: &mut Vec<Standing>,
        deliveries: Vec<NewDelivery>,
        resend: Resend,
        held: &[u64],
    ) -> (Edits, Reran) {
        let rerun = Rerun {
            event: EVENT,
            tag: "tag".into(),
            deliveries,
            resend,
        };
        let mut edits = Edits::default();
        let is_held = |one: &Standing| held.contains(&one.number);
        let reran = plan(standings, rerun, is_held, NOW, &mut edits);
        (edits, reran)
    }

    fn reran(to_send: u64, dead: u64, skipped: u64, left: u64) -> Reran {
        Reran {
            to_send,
            dead,
            skipped,
            left,
        }
    }

    #[test]
    fn what_stands_decides_what_is_sent() {
        use State::{Dead, Delivered, DryRun, Pending, Skipped};
        // What stood, whether it is being sent, what is made now; then what becomes of it, for
        // dead letters only and for all.
        for (stood, is_held, made_now, only_dead, all) in [
            (
                Dead,
                false,
                Some(Pending),
                reran(1, 0, 0, 0),
                reran(1, 0, 0, 0),
            ),
            (
                Dead,
                false,
                Some(Dead),
                reran(0, 1, 0, 0),
                reran(0, 1, 0, 0),
            ),
            (Dead, false, None, reran(0, 0, 1, 0), reran(0, 0, 1, 0)),
            (
                Pending,
                false,
                Some(Pending),
                reran(1, 0, 0, 0),
                reran(1, 0, 0, 0),
            ),
            (
                Pending,
                true,
                Some(Pending),
                reran(0, 0, 0, 1),
                reran(0, 0, 0, 1),
            ),
            (Pending, false, None, reran(0, 0, 1, 0), reran(0, 0, 1, 0)),
            (Pending, true, None, reran(0, 0, 0, 1), reran(0, 0, 0, 1)),
            (
                Delivered,
                false,
                Some(Pending),
                reran(0, 0, 0, 1),
                reran(1, 0, 0, 0),
            ),
            (Delivered, false, None, reran(0, 0, 0, 0), reran(0, 0, 0, 0)),
            (
                DryRun,
                false,
                Some(Pending),
                reran(0, 0, 0, 1),
                reran(1, 0, 0, 0),
            ),
            (
                Skipped,
                false,
                Some(Pending),
                reran(0, 0, 0, 1),
                reran(1, 0, 0, 0),
            ),
            (Skipped, false, None, reran(0, 0, 0, 0), reran(0, 0, 0, 0)),
        ] {
            for (resend, expected) in [(Resend::Dead, only_dead), (Resend::All, all)] {
                let old = standing("tag", 0, stood);
                let held = if is_held { vec![old.number] } else { vec![] };
                let now = made_now.map(|state| made(0, state));
                let new = now.into_iter().collect();
                let (edits, found) = run(&mut vec![old.clone()], new, resend, &held);
                assert_eq!(
                    found, expected,
                    "{stood:?} {is_held} {made_now:?} {resend:?}"
                );
                let replaced = edits.replaced.iter().map(|one| one.row.number);
                let changed = replaced.chain(edits.discarded.iter().map(|one| one.number));
                let is_changed = found.left == 0 && found != Reran::default();
                let expected = if is_changed { vec![old.number] } else { vec![] };
                assert_eq!(changed.collect::<Vec<_>>(), expected);
                assert!(edits.added.is_empty() && edits.fired_late.is_empty());
            }
        }
    }

    #[test]
    fn what_is_new_gets_the_next_numbers_beside_other_tags() {
        let mut standings = vec![standing("other", 0, State::Dead)];
        let new = vec![
            made(0, State::Pending),
            made(1, State::Pending),
            made(1, State::Pending),
        ];
        let (edits, found) = run(&mut standings, new, Resend::Dead, &[]);
        assert_eq!(found, reran(2, 0, 0, 0));
        let numbers: Vec<u64> = edits.added.iter().map(|row| row.number).collect();
        assert_eq!(numbers, [1, 2].map(|index| delivery_number(EVENT, index)));
        let tag: Arc<str> = "tag".into();
        assert_eq!(edits.fired_late, [(EVENT, tag)]);
        assert!(edits.discarded.is_empty(), "other tags' are not touched");
        // Another tag that is run again in the same commit sees them.
        assert_eq!(standings.len(), 3);
    }

    #[test]
    fn an_event_that_is_full_gets_no_more() {
        let mut standings = vec![standing("other", MAX_DELIVERIES - 2, State::Delivered)];
        let new = vec![made(0, State::Pending), made(1, State::Pending)];
        let (edits, found) = run(&mut standings, new, Resend::All, &[]);
        assert_eq!(found, reran(1, 0, 0, 1));
        assert_eq!(edits.added.len(), 1);
    }

    #[test]
    fn a_tag_that_fails_gives_nothing_up() {
        let mut standings = vec![
            standing("tag", 0, State::Pending),
            standing("tag", 1, State::Pending),
            standing("tag", 2, State::Dead),
        ];
        let new = vec![made(0, State::Dead)];
        let (edits, found) = run(&mut standings, new, Resend::All, &[]);
        assert_eq!(found, reran(0, 1, 0, 0));
        assert!(edits.discarded.is_empty());
    }

    #[test]
    fn what_is_skipped_says_why_and_what_was_before() {
        let mut standings = vec![standing("tag", 0, State::Dead)];
        let (edits, _) = run(&mut standings, Vec::new(), Resend::Dead, &[]);
        let skipped = &edits.discarded[0];
        assert_eq!(
            (skipped.from, skipped.state, skipped.due),
            (State::Dead, State::Skipped, NOW)
        );
        let expected = "its tag makes it no longer; before: 500 no";
        assert_eq!(skipped.note.as_deref(), Some(expected));
    }
}
