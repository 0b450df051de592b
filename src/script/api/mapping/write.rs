//! Runs a table: rows in, payload out.

use rhai::{Array, Dynamic, Map};

use super::lookup;
use super::table::{Given, How, Names, Row};
use crate::script::api::argument;
use crate::script::api::keys::text;
use crate::script::api::namespace::Problem;

/// Adds what the rows find to a payload. `source` is what they look into: the event, or one of its items.
pub(super) fn fill(
    rows: &[Row],
    source: &Map,
    event: &Map,
    payload: &mut Map,
) -> Result<(), Problem> {
    for row in rows {
        let value = value(row, source, event)?;
        if value.is_unit() {
            continue;
        }
        match row.to.strip_suffix('*') {
            Some(to) => {
                let entries = value.try_cast::<Map>().unwrap_or_default();
                if !entries.is_empty() {
                    spread(payload, to.trim_end_matches('.'), entries);
                }
            }
            None => put(payload, row.to, value),
        }
    }
    Ok(())
}

/// What a row gives; `()` if nothing.
fn value(row: &Row, source: &Map, event: &Map) -> Result<Dynamic, Problem> {
    match row.how {
        How::Fixed(fixed) => return Ok(text(fixed)),
        How::Map(rows) => return map(rows, source, event, 1),
        How::Whole(rows) => return map(rows, source, event, rows.len()),
        How::Same(names) => return Ok(same(names, source)),
        _ => {}
    }
    let Some(given) = given(row, source, event) else {
        return Ok(Dynamic::UNIT);
    };
    match row.how {
        How::Is(change) => (change.apply)(&given),
        How::List(change) => list(&given, change.apply),
        How::Named(names) => named(&given, names),
        How::Each(rows) => each(rows, &given),
        How::Fixed(_) | How::Map(_) | How::Whole(_) | How::Same(_) => Ok(Dynamic::UNIT),
    }
}

fn given<'a>(row: &Row, source: &Map, event: &'a Map) -> Option<Given<'a>> {
    let always = match row.how {
        How::Is(change) => change.always,
        _ => false,
    };
    let found = lookup::first(source, row.from);
    let first = row.from.first().copied().unwrap_or_default();
    match found {
        Some((name, value)) => Some(Given { name, value, event }),
        None if always => Some(Given {
            name: first,
            value: Dynamic::UNIT,
            event,
        }),
        None => None,
    }
}

/// A map of the rows, if at least so many found something.
fn map(rows: &[Row], source: &Map, event: &Map, least: usize) -> Result<Dynamic, Problem> {
    let mut inner = Map::new();
    fill(rows, source, event, &mut inner)?;
    if inner.len() < least {
        return Ok(Dynamic::UNIT);
    }
    Ok(Dynamic::from_map(inner))
}

fn same(names: &[&'static str], source: &Map) -> Dynamic {
    let plain = |value: &Dynamic| {
        value.is_string() || value.is_int() || value.is_float() || value.is_bool()
    };
    let found = names.iter().filter_map(|name| {
        let value = lookup::at(source, name).filter(plain)?;
        Some(((*name).into(), value))
    });
    Dynamic::from_map(found.collect())
}

fn list(
    given: &Given<'_>,
    apply: fn(&Given<'_>) -> Result<Dynamic, Problem>,
) -> Result<Dynamic, Problem> {
    let values = match given.value.as_array_ref() {
        Ok(values) => values.clone(),
        Err(_) => vec![given.value.clone()],
    };
    let mut changed = Array::new();
    for value in values.into_iter().filter(lookup::is_there) {
        let one = Given { value, ..*given };
        let value = apply(&one)?;
        if !value.is_unit() {
            changed.push(value);
        }
    }
    if changed.is_empty() {
        return Ok(Dynamic::UNIT);
    }
    Ok(Dynamic::from_array(changed))
}

fn named(given: &Given<'_>, names: &Names) -> Result<Dynamic, Problem> {
    let name = argument::text(given.name, given.value.clone())?;
    let known = names
        .table
        .iter()
        .find(|(_, ours)| ours.contains(&name.as_str()));
    match known {
        Some((theirs, _)) => Ok(text(theirs)),
        None => (names.other.apply)(given),
    }
}

fn each(rows: &[Row], given: &Given<'_>) -> Result<Dynamic, Problem> {
    let Ok(elements) = given.value.as_array_ref() else {
        return Err(argument::wrong(
            &format!("event's {}", given.name),
            &given.value,
            "an array",
        ));
    };
    let mut made = Array::with_capacity(elements.len());
    for element in elements.iter() {
        // Pages send odd things; an element that is no map says nothing.
        let Ok(element) = element.as_map_ref() else {
            continue;
        };
        let one = map(rows, &element, given.event, 1)?;
        if !one.is_unit() {
            made.push(one);
        }
    }
    if made.is_empty() {
        return Ok(Dynamic::UNIT);
    }
    Ok(Dynamic::from_array(made))
}

/// Puts a value where a row says, making the maps and arrays on the way.
fn put(payload: &mut Map, to: &str, value: Dynamic) {
    let (part, rest) = match to.split_once('.') {
        Some((part, rest)) => (part, Some(rest)),
        None => (to, None),
    };
    if let Some(name) = part.strip_suffix("[]") {
        let element = match rest {
            Some(rest) => within_new(rest, value),
            None => value,
        };
        let array = payload
            .entry(name.into())
            .or_insert_with(|| Dynamic::from_array(Array::new()));
        if let Ok(mut array) = array.as_array_mut() {
            array.push(element);
        }
        return;
    }
    let Some(rest) = rest else {
        payload.insert(part.into(), value);
        return;
    };
    let inner = payload
        .entry(part.into())
        .or_insert_with(|| Dynamic::from_map(Map::new()));
    if let Ok(mut inner) = inner.as_map_mut() {
        put(&mut inner, rest, value);
    }
}

fn within_new(to: &str, value: Dynamic) -> Dynamic {
    let mut inner = Map::new();
    put(&mut inner, to, value);
    Dynamic::from_map(inner)
}

/// Adds each entry of a map to the map under `to`, or to the payload itself.
fn spread(payload: &mut Map, to: &str, entries: Map) {
    if to.is_empty() {
        payload.extend(entries);
        return;
    }
    let (part, rest) = to.split_once('.').unwrap_or((to, ""));
    let inner = payload
        .entry(part.into())
        .or_insert_with(|| Dynamic::from_map(Map::new()));
    if let Ok(mut inner) = inner.as_map_mut() {
        spread(&mut inner, rest, entries);
    }
}
