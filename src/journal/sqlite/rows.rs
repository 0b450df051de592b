//! Rows of the tables from and to what they stand for.

use std::sync::Arc;

use rusqlite::{Row as SqlRow, Transaction, params};

use super::tally::Tally;
use crate::delivery::{Delivery, DeliveryId, ErrorClass, State};
use crate::event::Event;
use crate::journal::record::{FailedRequest, Pending, Record, Settlement, TakenEvent};
use crate::journal::store::{NewEvent, Row};

pub(super) fn insert_events(
    transaction: &Transaction<'_>,
    events: &[NewEvent],
) -> Result<(), rusqlite::Error> {
    let mut insert = transaction.prepare_cached("INSERT INTO event VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for new in events {
        insert.execute(params![
            signed(new.number),
            &*new.event.id,
            new.event.received_at,
            new.came_processed,
            &new.event.data[..]
        ])?;
    }
    Ok(())
}

pub(super) fn insert_rows(
    transaction: &Transaction<'_>,
    rows: &[Row],
    tally: &mut Tally,
) -> Result<(), rusqlite::Error> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO delivery VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    for row in rows {
        let delivery = &row.delivery;
        insert.execute(params![
            signed(row.number),
            &delivery.id.0[..],
            &*delivery.tag,
            &*delivery.destination,
            code_of(delivery.state),
            row.attempts,
            delivery.due,
            delivery.expires,
            row.class.map(code_of_class),
            row.note,
            &delivery.payload[..]
        ])?;
        tally.add(&delivery.destination, delivery.state, 1);
    }
    Ok(())
}

pub(super) fn settle_rows(
    transaction: &Transaction<'_>,
    settlements: &[Settlement],
    tally: &mut Tally,
) -> Result<(), rusqlite::Error> {
    let mut update = transaction.prepare_cached(
        "UPDATE delivery SET state = ?2, attempts = ?3, due = ?4, class = ?5, note = ?6
         WHERE number = ?1 AND state = ?7",
    )?;
    for settled in settlements {
        let changed = update.execute(params![
            signed(settled.number),
            code_of(settled.state),
            settled.attempts,
            settled.due,
            settled.class.map(code_of_class),
            settled.note,
            code_of(settled.from)
        ])?;
        if changed == 1 && settled.state != settled.from {
            tally.add(&settled.destination, settled.from, -1);
            tally.add(&settled.destination, settled.state, 1);
        }
    }
    Ok(())
}

pub(super) fn insert_requests(
    transaction: &Transaction<'_>,
    requests: &[FailedRequest],
) -> Result<(), rusqlite::Error> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO failed_request (id, received_at, client, fault, message)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for request in requests {
        insert.execute(params![
            request.id,
            request.received_at,
            request.client,
            request.fault,
            &request.message[..]
        ])?;
    }
    Ok(())
}

/// Of `number, id, received_at, data`.
pub(super) fn read_event(row: &SqlRow<'_>) -> Result<TakenEvent, rusqlite::Error> {
    let id: String = row.get(1)?;
    let data: Vec<u8> = row.get(3)?;
    Ok(TakenEvent {
        number: unsigned(row.get(0)?),
        event: Event {
            id: id.into(),
            received_at: row.get(2)?,
            data: data.into(),
        },
    })
}

/// Of `number, due, expires, attempts, id, event's id, event's received_at, tag, payload`.
pub(super) fn read_pending(
    row: &SqlRow<'_>,
    destination: &Arc<str>,
) -> Result<Pending, rusqlite::Error> {
    let (event_id, tag): (String, String) = (row.get(5)?, row.get(7)?);
    let payload: Vec<u8> = row.get(8)?;
    Ok(Pending {
        number: unsigned(row.get(0)?),
        attempts: row.get(3)?,
        delivery: Delivery {
            id: DeliveryId(row.get(4)?),
            event_id: event_id.into(),
            received_at: row.get(6)?,
            tag: tag.into(),
            destination: destination.clone(),
            payload: payload.into(),
            due: row.get(1)?,
            expires: row.get(2)?,
            state: State::Pending,
        },
    })
}

/// Of the same, and `destination, state, class, note, event's data`.
pub(super) fn read_record(event: u64, row: &SqlRow<'_>) -> Result<Record, rusqlite::Error> {
    let destination: String = row.get(9)?;
    let pending = read_pending(row, &destination.into())?;
    let data: Vec<u8> = row.get(13)?;
    Ok(Record {
        event,
        data: data.into(),
        attempts: pending.attempts,
        number: pending.number,
        delivery: Delivery {
            state: state_of(row.get(10)?),
            ..pending.delivery
        },
        class: row.get::<_, Option<i64>>(11)?.and_then(class_of),
        note: row.get(12)?,
    })
}

/// The number of a state in the file.
pub(super) fn code_of(state: State) -> i64 {
    match state {
        State::Pending => 0,
        State::Delivered => 1,
        State::Dead => 2,
        State::DryRun => 3,
        State::Skipped => 4,
    }
}

pub(super) fn state_of(code: i64) -> State {
    match code {
        0 => State::Pending,
        1 => State::Delivered,
        3 => State::DryRun,
        4 => State::Skipped,
        _ => State::Dead,
    }
}

/// The number of an error class in the file.
pub(super) fn code_of_class(class: ErrorClass) -> i64 {
    match class {
        ErrorClass::Script => 0,
        ErrorClass::Invalid => 1,
        ErrorClass::Rejected => 2,
        ErrorClass::Redirected => 3,
        ErrorClass::Exhausted => 4,
        ErrorClass::Expired => 5,
        ErrorClass::Unconfirmed => 6,
    }
}

pub(super) fn class_of(code: i64) -> Option<ErrorClass> {
    ErrorClass::ALL
        .into_iter()
        .find(|class| code_of_class(*class) == code)
}

// SQLite's integers are signed. Numbers count up from 1, so neither way loses anything.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{code_of, state_of};
    use crate::delivery::State;

    #[test]
    fn a_state_comes_back_from_its_number() {
        for state in [
            State::Pending,
            State::Delivered,
            State::Dead,
            State::DryRun,
            State::Skipped,
        ] {
            assert_eq!(state_of(code_of(state)), state);
        }
    }
}
