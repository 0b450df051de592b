//! What of an event's items goes into one value.

use rhai::{Array, Dynamic, Map};

use super::change::own;
use super::lookup;
use super::table::{Change, Given};
use crate::script::api::argument;
use crate::script::api::namespace::Problem;
use crate::script::api::number::{self, Number};

/// Every item's id.
pub(in crate::script::api) const IDS: Change = own(
    "each item's `item_id`, else `item_name`, as text",
    |given| {
        let items = maps(given)?;
        let ids = items.iter().filter_map(|item| {
            let (_, id) = lookup::first(item, &["item_id", "item_name"])?;
            argument::text("item_id", id).ok()
        });
        let ids: Array = ids.map(Dynamic::from).collect();
        Ok(unless_empty(ids))
    },
);

/// How many pieces.
pub(in crate::script::api) const COUNT: Change =
    own("the sum of `quantity`, 1 where it is missing", |given| {
        let quantities = maps(given)?.into_iter().map(|item| {
            let quantity = item.get("quantity").and_then(number::from_dynamic);
            match quantity {
                Some(Number::Integer(quantity)) => quantity,
                Some(Number::Float(quantity)) => quantity.round() as i64,
                None => 1,
            }
        });
        let sum = quantities.fold(0_i64, i64::saturating_add);
        Ok(if sum > 0 {
            Dynamic::from_int(sum)
        } else {
            Dynamic::UNIT
        })
    });

/// The items that are maps.
pub(in crate::script::api) fn maps(given: &Given<'_>) -> Result<Vec<Map>, Problem> {
    let Ok(items) = given.value.as_array_ref() else {
        return Err(argument::wrong(&given.shown(), &given.value, "an array"));
    };
    let maps = items.iter().filter_map(|item| item.as_map_ref().ok());
    Ok(maps.map(|item| item.clone()).collect())
}

fn unless_empty(values: Array) -> Dynamic {
    if values.is_empty() {
        return Dynamic::UNIT;
    }
    Dynamic::from_array(values)
}
