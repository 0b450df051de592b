//! The recount: walks over everything that is kept, and compares it with the books.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rusqlite::Transaction;

use super::stock::{tags, tallies};
use super::{connect_to_read_in, file_in, kept_beside, state_of, sum, unsigned};
use crate::delivery::{DeliveryId, State};
use crate::journal::error::Error;
use crate::journal::look::{TagCount, Verification};
use crate::journal::record::{TagBook, Tally, event_number};
use crate::journal::sqlite::NEWEST;

/// Problems that are told one by one.
const MOST_PROBLEMS: usize = 100;

/// Recounts the journal of a folder, whoever has it.
pub(in crate::journal) fn folder(folder: &Path) -> Result<Verification, Error> {
    let mut connection = connect_to_read_in(folder)?;
    let transaction = connection.transaction()?;
    let mut found = verify(&transaction)?;
    let damaged = kept_beside(&file_in(folder));
    if damaged.is_file() {
        found.problems.push(format!(
            "the disk had damaged the log when the server started, and what it held last is lost: {}; remove that file when you have seen to it",
            damaged.display()
        ));
    }
    Ok(found)
}

/// Recounts everything.
pub(in crate::journal) fn verify(file: &Transaction<'_>) -> Result<Verification, rusqlite::Error> {
    let mut problems = check_file(file)?;
    let found = match count_all(file, &mut problems) {
        // A file that is damaged cannot be read to its end.
        Err(error) if !problems.is_empty() => {
            problems.push(format!("it cannot be read to its end: {error}"));
            Verification::default()
        }
        found => found?,
    };
    let more = problems.len().saturating_sub(MOST_PROBLEMS);
    problems.truncate(MOST_PROBLEMS);
    if more > 0 {
        problems.push(format!("and {more} more"));
    }
    Ok(Verification { problems, ..found })
}

fn check_file(file: &Transaction<'_>) -> Result<Vec<String>, rusqlite::Error> {
    let mut query = file.prepare("PRAGMA quick_check")?;
    let lines = query.query_map([], |row| row.get::<_, String>(0))?;
    let mut problems = Vec::new();
    for line in lines {
        match line? {
            line if line == "ok" => {}
            line => problems.push(format!("the file is damaged: {line}")),
        }
    }
    Ok(problems)
}

fn count_all(
    file: &Transaction<'_>,
    problems: &mut Vec<String>,
) -> Result<Verification, rusqlite::Error> {
    let mut found = count_events(file)?;
    if found.acknowledged != found.kept + found.forgotten {
        problems.push(format!(
            "of {} acknowledged events {} are kept and {} were forgotten",
            found.acknowledged, found.kept, found.forgotten
        ));
    }
    let damaged = damaged_events(file)?;
    tell_damaged(&damaged, "events", problems);
    let recount = Recount::of(file)?;
    tell_damaged(&recount.damaged, "deliveries", problems);
    if recount.orphans > 0 {
        let orphans = recount.orphans;
        problems.push(format!("{orphans} deliveries have no event"));
    }
    compare_tallies(&recount, &tallies(file)?, problems);
    found.tags = compare_tags(&recount, tags(file)?, problems);
    Ok(found)
}

fn count_events(file: &Transaction<'_>) -> Result<Verification, rusqlite::Error> {
    let one = |sql: &str| file.query_row(sql, [], |row| row.get(0)).map(unsigned);
    Ok(Verification {
        acknowledged: one(&format!("SELECT {NEWEST} FROM progress"))?,
        forgotten: one("SELECT forgotten FROM progress")?,
        kept: one("SELECT count(*) FROM event")?,
        unprocessed: one(
            "SELECT count(*) FROM event WHERE number > (SELECT watermark FROM progress)
             AND NOT EXISTS (SELECT 1 FROM empty WHERE empty.event = event.number)
             AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.number
                             BETWEEN event.number << 16 AND (event.number << 16) + 65535)",
        )?,
        ..Verification::default()
    })
}

/// The numbers of events that are not as they were written.
fn damaged_events(file: &Transaction<'_>) -> Result<Vec<u64>, rusqlite::Error> {
    let mut query = file.prepare("SELECT number, id, received_at, sum, data FROM event")?;
    let mut rows = query.query([])?;
    let mut damaged = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, data) = (row.get_ref(1)?.as_str()?, row.get_ref(4)?.as_blob()?);
        if sum::of_event(id, row.get(2)?, data) != row.get::<_, u32>(3)? {
            damaged.push(unsigned(row.get(0)?));
        }
    }
    Ok(damaged)
}

fn tell_damaged(numbers: &[u64], what: &str, problems: &mut Vec<String>) {
    let Some(first) = numbers.first() else { return };
    let count = numbers.len();
    problems.push(format!(
        "the disk has damaged {count} {what}, the first is number {first}"
    ));
}

/// Deliveries of a kind, in the order of [`State::ALL`].
type States = [u64; State::ALL.len()];

/// What is there.
#[derive(Default)]
struct Recount {
    /// By tag and destination.
    deliveries: BTreeMap<String, BTreeMap<String, States>>,
    /// By tag: events that are settled and pending.
    events: BTreeMap<String, (u64, u64)>,
    orphans: u64,
    /// The numbers of deliveries that are not as they were written.
    damaged: Vec<u64>,
    /// Tags of the event that is being walked over, and whether it is pending for them.
    open: BTreeMap<String, bool>,
}

impl Recount {
    fn of(file: &Transaction<'_>) -> Result<Self, rusqlite::Error> {
        let mut query = file.prepare(
            "SELECT d.number, d.tag, d.destination, d.state, e.number IS NULL, d.id, d.sum, d.payload
             FROM delivery d NOT INDEXED LEFT JOIN event e ON e.number = d.number >> 16
             ORDER BY d.number",
        )?;
        let mut rows = query.query([])?;
        let mut recount = Self::default();
        let mut event = 0;
        while let Some(row) = rows.next()? {
            let number = unsigned(row.get(0)?);
            let of = event_number(number);
            if of != event {
                recount.end_event();
                event = of;
            }
            let (tag, destination) = (row.get_ref(1)?.as_str()?, row.get_ref(2)?.as_str()?);
            recount.add(tag, destination, state_of(row.get(3)?));
            recount.orphans += u64::from(row.get::<_, bool>(4)?);
            let payload = row.get_ref(7)?.as_blob()?;
            let sum = sum::of_delivery(DeliveryId(row.get(5)?), tag, destination, payload);
            if sum != row.get::<_, u32>(6)? {
                recount.damaged.push(number);
            }
        }
        recount.end_event();
        Ok(recount)
    }

    fn add(&mut self, tag: &str, destination: &str, state: State) {
        let destinations = entry(&mut self.deliveries, tag);
        let states = entry(destinations, destination);
        let place = State::ALL.iter().position(|one| *one == state);
        if let Some(count) = place.and_then(|place| states.get_mut(place)) {
            *count += 1;
        }
        *entry(&mut self.open, tag) |= state == State::Pending;
    }

    fn end_event(&mut self) {
        while let Some((tag, is_pending)) = self.open.pop_first() {
            let (settled, pending) = entry(&mut self.events, &tag);
            match is_pending {
                true => *pending += 1,
                false => *settled += 1,
            }
        }
    }

    fn states(&self, tag: &str, destination: &str) -> States {
        let destinations = self.deliveries.get(tag);
        let states = destinations.and_then(|destinations| destinations.get(destination));
        states.copied().unwrap_or_default()
    }
}

fn entry<'a, T: Default>(map: &'a mut BTreeMap<String, T>, key: &str) -> &'a mut T {
    map.entry(key.to_owned()).or_default()
}

fn compare_tallies(recount: &Recount, books: &[Tally], problems: &mut Vec<String>) {
    let mut known = BTreeSet::new();
    for Tally {
        tag,
        destination,
        deliveries,
        ..
    } in books
    {
        known.insert((tag, destination));
        let found = recount.states(tag, destination);
        for ((state, noted), found) in deliveries.iter().zip(found) {
            if *noted != found {
                problems.push(differs(tag, destination, *state, found, *noted));
            }
        }
    }
    for (tag, destinations) in &recount.deliveries {
        for (destination, states) in destinations {
            if known.contains(&(tag, destination)) {
                continue;
            }
            for (state, found) in State::ALL.into_iter().zip(states) {
                if *found > 0 {
                    problems.push(differs(tag, destination, state, *found, 0));
                }
            }
        }
    }
}

fn differs(tag: &str, destination: &str, state: State, found: u64, noted: u64) -> String {
    let state = state.as_str();
    format!("tag {tag} has {found} {state} deliveries for {destination}, and by the books {noted}")
}

fn compare_tags(
    recount: &Recount,
    books: Vec<TagBook>,
    problems: &mut Vec<String>,
) -> Vec<TagCount> {
    let mut books: BTreeMap<String, TagBook> = books
        .into_iter()
        .map(|book| (book.tag.clone(), book))
        .collect();
    for tag in recount.events.keys() {
        entry(&mut books, tag);
    }
    let mut tags = Vec::new();
    for (tag, book) in books {
        let (settled, pending) = recount.events.get(&tag).copied().unwrap_or_default();
        let count = TagCount {
            handed: book.handed,
            filtered: book.filtered,
            settled: settled + book.forgotten,
            pending,
            deliveries: deliveries_of(recount, &tag),
            tag,
        };
        if count.handed != count.filtered + count.settled + count.pending {
            problems.push(format!(
                "tag {} was handed {} events: {} are filtered, {} settled and {} pending",
                count.tag, count.handed, count.filtered, count.settled, count.pending
            ));
        }
        tags.push(count);
    }
    tags
}

fn deliveries_of(recount: &Recount, tag: &str) -> Vec<(State, u64)> {
    let mut total = States::default();
    for states in recount
        .deliveries
        .get(tag)
        .into_iter()
        .flat_map(BTreeMap::values)
    {
        for (total, count) in total.iter_mut().zip(states) {
            *total += count;
        }
    }
    State::ALL.into_iter().zip(total).collect()
}
