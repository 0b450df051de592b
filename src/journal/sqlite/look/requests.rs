//! Requests whose client failed.

use rusqlite::{Transaction, named_params};

use super::{list, room, signed, unsigned};
use crate::journal::look::{KeptRequest, Page, RequestFilter};
use crate::journal::record::FailedRequest;

const CONDITIONS: &str = "number > :after
    AND (:client IS NULL OR client = :client)
    AND (:since IS NULL OR received_at >= :since)
    AND (:until IS NULL OR received_at < :until)
    AND (:ids IS NULL OR id IN (SELECT value FROM json_each(:ids)))";

/// One page.
pub(in crate::journal) fn page(
    file: &Transaction<'_>,
    filter: &RequestFilter,
    page: Page,
) -> Result<Vec<KeptRequest>, rusqlite::Error> {
    let sql = format!(
        "SELECT number, id, received_at, client, fault, message FROM failed_request
         WHERE {CONDITIONS} ORDER BY number"
    );
    let mut query = file.prepare_cached(&sql)?;
    let mut rows = query.query(named_params! {
        ":after": signed(page.after),
        ":client": filter.client,
        ":since": filter.since,
        ":until": filter.until,
        ":ids": list(&filter.ids),
    })?;
    let mut room = room(page);
    let mut found = Vec::new();
    while !room.is_full()
        && let Some(row) = rows.next()?
    {
        let message: Vec<u8> = row.get(5)?;
        room.take(message.len());
        found.push(KeptRequest {
            number: unsigned(row.get(0)?),
            request: FailedRequest {
                id: row.get(1)?,
                received_at: row.get(2)?,
                client: row.get(3)?,
                fault: row.get(4)?,
                message: message.into(),
            },
        });
    }
    Ok(found)
}

/// How many there are.
pub(in crate::journal) fn count(
    file: &Transaction<'_>,
    filter: &RequestFilter,
) -> Result<u64, rusqlite::Error> {
    let sql = format!("SELECT count(*) FROM failed_request WHERE {CONDITIONS}");
    let mut query = file.prepare_cached(&sql)?;
    let parameters = named_params! {
        ":after": 0,
        ":client": filter.client,
        ":since": filter.since,
        ":until": filter.until,
        ":ids": list(&filter.ids),
    };
    query.query_row(parameters, |row| row.get(0)).map(unsigned)
}
