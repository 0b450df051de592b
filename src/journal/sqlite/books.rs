//! The books: how many deliveries stand where, and what tags did with the events that they were
//! handed. Kept with each commit, because counting a million rows would take a second each time;
//! `verify` does count them.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, params};

use super::rows::{code_of, signed};
use crate::delivery::State;
use crate::journal::store::Heard;

/// By how much one commit changes them. One statement a row that changes.
#[derive(Debug, Default)]
pub(super) struct Books {
    tallies: HashMap<(Arc<str>, Arc<str>), Tally>,
    tags: HashMap<Arc<str>, Events>,
}

/// Of a tag and a destination.
#[derive(Debug, Default)]
struct Tally {
    states: [i64; State::ALL.len()],
    forgotten: i64,
}

/// Of a tag.
#[derive(Debug, Default)]
struct Events {
    since: Option<i64>,
    filtered: i64,
    fired: i64,
    forgotten: i64,
}

impl Books {
    /// Deliveries that there were not, or not any more if `count` is negative.
    pub(super) fn count(
        &mut self,
        tag: &Arc<str>,
        destination: &Arc<str>,
        state: State,
        count: i64,
    ) {
        let tally = self.tally(tag, destination);
        if let Some(of_state) = tally.states.get_mut(place_of(state)) {
            *of_state += count;
        }
    }

    /// A delivery that has another state now.
    pub(super) fn moved(
        &mut self,
        tag: &Arc<str>,
        destination: &Arc<str>,
        from: State,
        state: State,
    ) {
        if from != state {
            self.count(tag, destination, from, -1);
            self.count(tag, destination, state, 1);
        }
    }

    /// A delivery that is forgotten.
    pub(super) fn forget(&mut self, tag: &Arc<str>, destination: &Arc<str>, state: State) {
        self.count(tag, destination, state, -1);
        self.tally(tag, destination).forgotten += 1;
    }

    /// An event that is forgotten with the deliveries of this tag.
    pub(super) fn forget_event(&mut self, tag: &Arc<str>) {
        self.tag(tag).forgotten += 1;
    }

    /// A tag that was handed an event.
    pub(super) fn hear(&mut self, heard: &Heard) {
        let events = self.tag(&heard.tag);
        let number = signed(heard.event);
        events.since = Some(events.since.map_or(number, |since| since.min(number)));
        match heard.has_fired {
            true => events.fired += 1,
            false => events.filtered += 1,
        }
    }

    fn tally(&mut self, tag: &Arc<str>, destination: &Arc<str>) -> &mut Tally {
        let key = (tag.clone(), destination.clone());
        self.tallies.entry(key).or_default()
    }

    fn tag(&mut self, tag: &Arc<str>) -> &mut Events {
        self.tags.entry(tag.clone()).or_default()
    }

    /// Writes what changes.
    pub(super) fn save(&self, connection: &Connection) -> Result<(), rusqlite::Error> {
        if !self.tallies.is_empty() {
            self.save_tallies(connection)?;
        }
        if !self.tags.is_empty() {
            self.save_tags(connection)?;
        }
        Ok(())
    }

    fn save_tallies(&self, connection: &Connection) -> Result<(), rusqlite::Error> {
        let mut upsert = connection.prepare_cached(
            "INSERT INTO tally VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (tag, destination) DO UPDATE SET
                 pending = pending + excluded.pending,
                 delivered = delivered + excluded.delivered,
                 dead = dead + excluded.dead,
                 dry_run = dry_run + excluded.dry_run,
                 skipped = skipped + excluded.skipped,
                 forgotten = forgotten + excluded.forgotten",
        )?;
        for ((tag, destination), Tally { states, forgotten }) in &self.tallies {
            let [pending, delivered, dead, dry_run, skipped] = states;
            upsert.execute(params![
                tag,
                destination,
                pending,
                delivered,
                dead,
                dry_run,
                skipped,
                forgotten
            ])?;
        }
        Ok(())
    }

    fn save_tags(&self, connection: &Connection) -> Result<(), rusqlite::Error> {
        let mut upsert = connection.prepare_cached(
            "INSERT INTO tag VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (name) DO UPDATE SET
                 since = min(coalesce(since, excluded.since), coalesce(excluded.since, since)),
                 handed = handed + excluded.handed,
                 filtered = filtered + excluded.filtered,
                 fired = fired + excluded.fired,
                 forgotten = forgotten + excluded.forgotten",
        )?;
        for (tag, events) in &self.tags {
            let handed = events.filtered + events.fired;
            upsert.execute(params![
                tag,
                events.since,
                handed,
                events.filtered,
                events.fired,
                events.forgotten
            ])?;
        }
        Ok(())
    }
}

/// Notes that a tag that had made nothing of an event was run again and made something. Which of
/// the older events it was handed is not kept: it had filtered this one if it was there by then,
/// and else is handed it now.
pub(super) fn fire_late(
    connection: &Connection,
    event: u64,
    tag: &str,
) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(
            "INSERT INTO tag VALUES (?1, NULL, 1, 0, 1, 0)
             ON CONFLICT (name) DO UPDATE SET
                 handed = handed + NOT (filtered > 0 AND coalesce(since <= ?2, 0)),
                 filtered = filtered - (filtered > 0 AND coalesce(since <= ?2, 0)),
                 fired = fired + 1",
        )?
        .execute(params![tag, signed(event)])?;
    Ok(())
}

/// Where a state stands in the columns, which are in the order of their numbers.
fn place_of(state: State) -> usize {
    usize::try_from(code_of(state)).unwrap_or_default()
}
