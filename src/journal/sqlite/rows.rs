//! Rows of the tables from and to what they stand for.

use std::sync::Arc;

use rusqlite::{Connection, Row as SqlRow, params};

use super::books::Books;
use super::sum;
use crate::delivery::{Delivery, DeliveryId, ErrorClass, State};
use crate::event::Event;
use crate::journal::record::{
    FailedRequest, Pending, Record, Settlement, TakenEvent, event_number,
};
use crate::journal::store::{NewEvent, Replacement, Row, Standing};

pub(super) fn insert_events(
    connection: &Connection,
    events: &[NewEvent],
) -> Result<(), rusqlite::Error> {
    let mut insert = connection.prepare_cached("INSERT INTO event VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for new in events {
        insert.execute(params![
            signed(new.number),
            &*new.event.id,
            new.event.received_at,
            sum::of_event(&new.event.id, new.event.received_at, &new.event.data),
            &new.event.data[..]
        ])?;
    }
    Ok(())
}

pub(super) fn insert_rows(
    connection: &Connection,
    rows: &[Row],
    books: &mut Books,
) -> Result<(), rusqlite::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut insert = connection.prepare_cached(
        "INSERT INTO delivery VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
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
            sum_of(delivery),
            &delivery.payload[..]
        ])?;
        books.count(&delivery.tag, &delivery.destination, delivery.state, 1);
    }
    Ok(())
}

/// What has another state by now is left alone: that settlement comes too late.
pub(super) fn settle_rows(
    connection: &Connection,
    settlements: &[Settlement],
    books: &mut Books,
) -> Result<(), rusqlite::Error> {
    if settlements.is_empty() {
        return Ok(());
    }
    let mut update = connection.prepare_cached(
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
        if changed == 1 {
            let (tag, destination) = (&settled.tag, &settled.destination);
            books.moved(tag, destination, settled.from, settled.state);
        }
    }
    Ok(())
}

/// Dead letters that are to be sent again, however old they are.
pub(super) fn revive_rows(
    connection: &Connection,
    revived: &[Settlement],
    books: &mut Books,
) -> Result<(), rusqlite::Error> {
    let mut clear = connection
        .prepare_cached("UPDATE delivery SET expires = NULL WHERE number = ?1 AND state = ?2")?;
    for settled in revived {
        clear.execute([signed(settled.number), code_of(settled.from)])?;
    }
    settle_rows(connection, revived, books)
}

/// Deliveries that were made anew.
pub(super) fn replace_rows(
    connection: &Connection,
    replaced: &[Replacement],
    books: &mut Books,
) -> Result<(), rusqlite::Error> {
    let mut update = connection.prepare_cached(
        "UPDATE delivery SET destination = ?2, state = ?3, attempts = ?4, due = ?5, expires = ?6,
                class = ?7, note = ?8, sum = ?9, payload = ?10
         WHERE number = ?1 AND state = ?11",
    )?;
    for Replacement { row, of } in replaced {
        let delivery = &row.delivery;
        let changed = update.execute(params![
            signed(row.number),
            &*delivery.destination,
            code_of(delivery.state),
            row.attempts,
            delivery.due,
            delivery.expires,
            row.class.map(code_of_class),
            row.note,
            sum_of(delivery),
            &delivery.payload[..],
            code_of(of.state)
        ])?;
        if changed == 1 {
            books.count(&of.tag, &of.destination, of.state, -1);
            books.count(&delivery.tag, &delivery.destination, delivery.state, 1);
        }
    }
    Ok(())
}

pub(super) fn insert_requests(
    connection: &Connection,
    requests: &[FailedRequest],
) -> Result<(), rusqlite::Error> {
    if requests.is_empty() {
        return Ok(());
    }
    let mut insert = connection.prepare_cached(
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

pub(super) fn delete_requests(
    connection: &Connection,
    numbers: &[u64],
) -> Result<(), rusqlite::Error> {
    let mut delete = connection.prepare_cached("DELETE FROM failed_request WHERE number = ?1")?;
    for number in numbers {
        delete.execute([signed(*number)])?;
    }
    Ok(())
}

fn sum_of(delivery: &Delivery) -> u32 {
    sum::of_delivery(
        delivery.id,
        &delivery.tag,
        &delivery.destination,
        &delivery.payload,
    )
}

/// Of `number, id, received_at, sum, data`.
pub(super) fn read_event(row: &SqlRow<'_>) -> Result<TakenEvent, rusqlite::Error> {
    let number = unsigned(row.get(0)?);
    let (id, received_at, noted): (String, _, _) = (row.get(1)?, row.get(2)?, row.get(3)?);
    let data: Vec<u8> = row.get(4)?;
    let found = sum::of_event(&id, received_at, &data);
    Ok(TakenEvent {
        number,
        event: Event {
            id: id.into(),
            received_at,
            data: sum::whole(data, noted, found, "an event", number),
        },
    })
}

/// Of `number, due, expires, attempts, id, event's id, event's received_at, tag, sum, payload`.
pub(super) fn read_pending(
    row: &SqlRow<'_>,
    destination: &Arc<str>,
) -> Result<Pending, rusqlite::Error> {
    let (event_id, tag): (String, String) = (row.get(5)?, row.get(7)?);
    let (number, id) = (unsigned(row.get(0)?), DeliveryId(row.get(4)?));
    let (noted, payload): (_, Vec<u8>) = (row.get(8)?, row.get(9)?);
    let found = sum::of_delivery(id, &tag, destination, &payload);
    Ok(Pending {
        number,
        attempts: row.get(3)?,
        delivery: Delivery {
            id,
            event_id: event_id.into(),
            received_at: row.get(6)?,
            tag: tag.into(),
            destination: destination.clone(),
            payload: sum::whole(payload, noted, found, "a delivery", number),
            due: row.get(1)?,
            expires: row.get(2)?,
            state: State::Pending,
        },
    })
}

/// Of the same, and `destination, state, class, note, event's sum, event's data`.
pub(super) fn read_record(row: &SqlRow<'_>) -> Result<Record, rusqlite::Error> {
    let destination: String = row.get(10)?;
    let pending = read_pending(row, &destination.into())?;
    let (noted, data): (_, Vec<u8>) = (row.get(14)?, row.get(15)?);
    let event = event_number(pending.number);
    let found = sum::of_event(
        &pending.delivery.event_id,
        pending.delivery.received_at,
        &data,
    );
    Ok(Record {
        event,
        data: sum::whole(data, noted, found, "an event", event),
        attempts: pending.attempts,
        number: pending.number,
        delivery: Delivery {
            state: state_of(row.get(11)?),
            ..pending.delivery
        },
        class: row.get::<_, Option<i64>>(12)?.and_then(class_of),
        note: row.get(13)?,
    })
}

/// Of `number, id, tag, destination, state, attempts, class, note`.
pub(super) fn read_standing(row: &SqlRow<'_>) -> Result<Standing, rusqlite::Error> {
    let (tag, destination): (String, String) = (row.get(2)?, row.get(3)?);
    Ok(Standing {
        number: unsigned(row.get(0)?),
        id: DeliveryId(row.get(1)?),
        tag: tag.into(),
        destination: destination.into(),
        state: state_of(row.get(4)?),
        attempts: row.get(5)?,
        class: row.get::<_, Option<i64>>(6)?.and_then(class_of),
        note: row.get(7)?,
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
        for state in State::ALL {
            assert_eq!(state_of(code_of(state)), state);
        }
    }
}
