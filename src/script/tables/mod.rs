//! Tables that scripts look things up in: `tables/NAME.csv`, `.json` or `.toml`, read whole when a set is
//! loaded and never changed. What a file means is in `read`.

mod read;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use super::Fault;
use super::value::Value;
use crate::config::suggest;

/// Bytes of one file: some 100,000 products.
pub const TABLE_BYTES: u64 = 8 * 1024 * 1024;

/// Bytes of all files of a folder; in memory they take a few times as many.
pub const ALL_BYTES: u64 = 32 * 1024 * 1024;

/// Rows of one table.
pub const TABLE_ROWS: usize = 100_000;

/// Tables of a set.
pub const TABLES: usize = 64;

/// All tables of a set.
#[derive(Debug, Default)]
pub struct Tables {
    by_name: BTreeMap<String, Table>,
    /// Some could not be read, so that nothing is known of them.
    are_unread: bool,
}

/// One table.
#[derive(Debug)]
pub(super) struct Table {
    /// The file, as messages name it.
    file: String,
    rows: HashMap<String, Value>,
    /// Of a CSV file, whose rows all have the same.
    columns: Option<Vec<String>>,
}

impl Tables {
    /// Reads a folder; one that is not there has none. `shown` is how messages name it.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn read(folder: &Path, shown: &Path) -> Result<Arc<Self>, Vec<Fault>> {
        read::folder(folder, shown).map(Arc::new)
    }

    /// In the place of tables that could not be read: any key may be in them. For judging scripts, not for
    /// running them.
    pub fn unread() -> Arc<Self> {
        Arc::new(Self {
            are_unread: true,
            ..Self::default()
        })
    }

    /// Tables made by hand: a name and its rows.
    #[cfg(test)]
    pub(super) fn of(
        rows: impl IntoIterator<Item = (&'static str, HashMap<String, Value>)>,
    ) -> Self {
        let table = |(name, rows): (&'static str, _)| {
            let table = Table {
                file: format!("tables/{name}.json"),
                rows,
                columns: None,
            };
            (name.to_owned(), table)
        };
        Self {
            by_name: rows.into_iter().map(table).collect(),
            are_unread: false,
        }
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// The row of a key; none if there is no such key.
    ///
    /// # Errors
    /// If there is no such table.
    pub(super) fn row(&self, table: &str, key: &str) -> Result<Option<&Value>, String> {
        match self.are_unread {
            true => Ok(None),
            false => Ok(self.table(table)?.rows.get(key)),
        }
    }

    /// A column of the row of a key; none if there is no such key, or if that row has none.
    ///
    /// # Errors
    /// If there is no such table, or if none of its rows can have such a column.
    pub(super) fn cell(
        &self,
        table: &str,
        key: &str,
        column: &str,
    ) -> Result<Option<Value>, String> {
        if self.are_unread {
            return Ok(None);
        }
        let table = self.table(table)?;
        if let Some(columns) = &table.columns
            && !columns.iter().any(|known| known == column)
        {
            let known = columns.iter().map(String::as_str);
            let hint =
                suggest(column, known).unwrap_or_else(|| format!("it has {}", columns.join(", ")));
            return Err(format!("{} has no column `{column}`; {hint}", table.file));
        }
        let Some(row) = table.rows.get(key) else {
            return Ok(None);
        };
        let map = row.as_map_ref();
        let map = map.map_err(|_| format!("the rows of {} have no columns", table.file))?;
        Ok(map.get(column).cloned())
    }

    fn table(&self, name: &str) -> Result<&Table, String> {
        self.by_name.get(name).ok_or_else(|| {
            let known = self.by_name.keys().map(String::as_str);
            let hint = suggest(name, known).unwrap_or_else(|| match self.by_name.is_empty() {
                true => format!("put {name}.csv, .json or .toml into the folder of tables"),
                false => format!(
                    "there are {}",
                    self.by_name.keys().cloned().collect::<Vec<_>>().join(", ")
                ),
            });
            format!("there is no table \"{name}\"; {hint}")
        })
    }
}
