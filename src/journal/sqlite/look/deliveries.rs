//! Deliveries by what is known of them.
//!
//! Dead letters have an index that holds all they are asked by. The others are found by walking in
//! the order of their numbers, from where the last page ended: all pages together walk once.

use rusqlite::{ToSql, Transaction, named_params};

use super::{class_of, code_of, code_of_class, list, read_record, room, signed, unsigned};
use crate::delivery::State;
use crate::journal::look::{DeadGroup, Filter, Page};
use crate::journal::record::Record;

/// One page.
pub(in crate::journal) fn page(
    file: &Transaction<'_>,
    filter: &Filter,
    page: Page,
) -> Result<Vec<Record>, rusqlite::Error> {
    let sql = format!(
        "SELECT d.number, d.due, d.expires, d.attempts, d.id, e.id, e.received_at, d.tag,
                d.sum, d.payload, d.destination, d.state, d.class, d.note, e.sum, e.data
         FROM {} CROSS JOIN event e ON e.number = d.number >> 16
         WHERE d.number > :after AND {CONDITIONS} ORDER BY d.number",
        rows_of(filter)
    );
    let mut query = file.prepare_cached(&sql)?;
    let mut rows = Parameters::of(filter).with(page.after, |all| query.query(all))?;
    let mut room = room(page);
    let mut found = Vec::new();
    while !room.is_full()
        && let Some(row) = rows.next()?
    {
        let record = read_record(row)?;
        room.take(record.data.len() + record.delivery.payload.len());
        found.push(record);
    }
    Ok(found)
}

/// How many there are.
pub(in crate::journal) fn count(
    file: &Transaction<'_>,
    filter: &Filter,
) -> Result<u64, rusqlite::Error> {
    let rows = rows_of(filter);
    let sql = format!("SELECT count(*) FROM {rows} WHERE d.number > :after AND {CONDITIONS}");
    let mut query = file.prepare_cached(&sql)?;
    let count = Parameters::of(filter).with(0, |all| query.query_row(all, |row| row.get(0)));
    count.map(unsigned)
}

/// Dead letters by why they are dead, tag and destination, the most first.
pub(in crate::journal) fn dead(file: &Transaction<'_>) -> Result<Vec<DeadGroup>, rusqlite::Error> {
    let mut query = file.prepare_cached(
        "SELECT g.class, g.tag, g.destination, g.count, g.oldest, g.newest, d.note
         FROM (SELECT class, tag, destination, count(*) AS count, min(due) AS oldest,
                      max(due) AS newest, max(number) AS last
               FROM delivery INDEXED BY dead WHERE state = 2
               GROUP BY class, tag, destination) g
         JOIN delivery d ON d.number = g.last
         ORDER BY g.count DESC, g.tag, g.destination LIMIT 1000",
    )?;
    let rows = query.query_map([], |row| {
        Ok(DeadGroup {
            class: class_of(row.get(0)?),
            tag: row.get(1)?,
            destination: row.get(2)?,
            count: unsigned(row.get(3)?),
            oldest_at: row.get(4)?,
            newest_at: row.get(5)?,
            note: row.get(6)?,
        })
    })?;
    rows.collect()
}

/// All of an event.
pub(in crate::journal) fn of_event(
    file: &Transaction<'_>,
    event: u64,
) -> Result<Vec<Record>, rusqlite::Error> {
    let mut query = file.prepare_cached(
        "SELECT d.number, d.due, d.expires, d.attempts, d.id, e.id, e.received_at, d.tag,
                d.sum, d.payload, d.destination, d.state, d.class, d.note, e.sum, e.data
         FROM event e JOIN delivery d
             ON d.number BETWEEN e.number << 16 AND (e.number << 16) + 65535
         WHERE e.number = ?1 ORDER BY d.number",
    )?;
    let rows = query.query_map([signed(event)], read_record)?;
    rows.collect()
}

const CONDITIONS: &str = "(:state IS NULL OR d.state = :state)
    AND (:class IS NULL OR d.class = :class)
    AND (:tag IS NULL OR d.tag = :tag)
    AND (:destination IS NULL OR d.destination = :destination)
    AND (:since IS NULL OR d.due >= :since)
    AND (:until IS NULL OR d.due < :until)
    AND (:ids IS NULL OR lower(hex(d.id)) IN (SELECT value FROM json_each(:ids)))";

/// Where to look. The index is used only where the text of the question says that it may be.
fn rows_of(filter: &Filter) -> &'static str {
    match filter.state {
        Some(State::Dead) => "(SELECT * FROM delivery INDEXED BY dead WHERE state = 2) d",
        _ => "delivery d NOT INDEXED",
    }
}

/// What a filter's conditions are about, as the file has it.
struct Parameters<'a> {
    filter: &'a Filter,
    ids: Option<String>,
}

impl<'a> Parameters<'a> {
    fn of(filter: &'a Filter) -> Self {
        Self {
            filter,
            ids: list(&filter.ids),
        }
    }

    fn with<T>(&self, after: u64, ask: impl FnOnce(&[(&str, &dyn ToSql)]) -> T) -> T {
        let filter = self.filter;
        ask(named_params! {
            ":after": signed(after),
            // That they are dead is said already; asked again, it had to be read from the rows.
            ":state": filter.state.filter(|state| *state != State::Dead).map(code_of),
            ":class": filter.class.map(code_of_class),
            ":tag": filter.tag,
            ":destination": filter.destination,
            ":since": filter.since,
            ":until": filter.until,
            ":ids": self.ids,
        })
    }
}
