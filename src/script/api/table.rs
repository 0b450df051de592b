//! `table::`: looking things up in the files of `tables/`. Which tables there are belongs to the set that
//! handles the event, so the call's frame has them.

use rhai::Dynamic;

use super::argument;
use super::host::Host;
use super::namespace::{Namespace, Problem};
use super::{Function, Topic};
use crate::script::frame;
use crate::script::tables::Tables;

pub(super) const TOPIC: Topic = Topic {
    name: "table",
    about: "Tables in files: `tables/products.csv` is the table `products`. The first column of a CSV file \
            is the key, its cells are texts; of JSON and TOML the outermost keys are. A saved table is \
            live like a script.",
    functions: &[
        Function {
            signature: "table::lookup(table, key) -> value",
            about: "The row of a key: of a CSV file a map by the names of its columns; `()` if there is \
                    no such key.",
            example: r#"table::lookup("products", "SKU-1").margin == 0.4 && table::lookup("products", "?") == ()"#,
        },
        Function {
            signature: "table::lookup(table, key, column) -> value",
            about: "One column of it; `()` if there is no such key.",
            example: r#"table::lookup("products", "SKU-1", "name") == "Mug""#,
        },
        Function {
            signature: "table::has(table, key) -> bool",
            about: "Whether there is such a key.",
            example: r#"table::has("products", "SKU-1") && !table::has("products", "?")"#,
        },
    ],
    register,
};

fn register(host: &mut Host) {
    Namespace::new(TOPIC.name)
        .two("lookup", lookup)
        .three("lookup", lookup_column)
        .two("has", has)
        .add_to(host);
}

fn lookup(table: Dynamic, key: Dynamic) -> Result<Dynamic, Problem> {
    of_tables(table, &key, |tables, table, key| {
        Ok(tables.row(table, key)?.cloned())
    })
}

fn lookup_column(table: Dynamic, key: Dynamic, column: Dynamic) -> Result<Dynamic, Problem> {
    let column = argument::text("column", column)?;
    of_tables(table, &key, |tables, table, key| {
        tables.cell(table, key, &column)
    })
}

fn has(table: Dynamic, key: Dynamic) -> Result<bool, Problem> {
    let found = of_tables(table, &key, |tables, table, key| {
        Ok(tables.row(table, key)?.map(|_| true.into()))
    });
    found.map(|found| !found.is_unit())
}

/// A key that is missing in the event is in no table.
fn of_tables(
    table: Dynamic,
    key: &Dynamic,
    look: impl FnOnce(&Tables, &str, &str) -> Result<Option<Dynamic>, String>,
) -> Result<Dynamic, Problem> {
    let table = argument::text("table", table)?;
    let key = match key.is_unit() {
        true => "".into(),
        false => argument::text("key", key.clone())?,
    };
    let found = frame::with_tables(|tables| look(tables, &table, &key));
    found.map(Option::unwrap_or_default).map_err(Problem)
}
