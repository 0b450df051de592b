//! The clients that we ship for whoever sends in a form of its own: what its requests become, what is
//! answered, and that nothing it sends can break them.

mod browser;
mod segment;

use proptest::prelude::*;
use serde_json::Value;

/// As many as a client takes at once; without optimisation the script engine is twenty times slower, and a
/// script's time is the same.
fn many(most: usize) -> usize {
    if cfg!(debug_assertions) { 3 } else { most }
}

/// Any JSON that is not deep: what a sender with a fault in it might send.
fn any_json(keys: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        "[0-9-]{1,4}T?[0-9:.]{0,12}Z?".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 8, move |inner| {
        let key = proptest::sample::select(keys).prop_map(str::to_owned);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}
