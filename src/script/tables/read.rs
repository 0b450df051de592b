//! From files to tables. The first column of a CSV file is the key of its rows, and each row a map of
//! texts by the names in the first line; of JSON and TOML the keys are those of the outermost object.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rhai::Dynamic;

use super::{ALL_BYTES, TABLE_BYTES, TABLE_ROWS, TABLES, Table, Tables};
use crate::script::Fault;
use crate::script::value::{Map, Value};

const KIND: &str = "table";

pub(super) fn folder(folder: &Path, shown: &Path) -> Result<Tables, Vec<Fault>> {
    let whole =
        |message: String| vec![Fault::new(&shown.display().to_string(), message).of_kind(KIND)];
    let files =
        list(folder).map_err(|error| whole(format!("the folder cannot be read: {error}")))?;
    if files.len() > TABLES {
        return Err(whole(format!("there are more than {TABLES} tables")));
    }
    let mut tables = BTreeMap::new();
    let mut faults = Vec::new();
    let mut bytes = 0;
    for file in files {
        let named = shown
            .join(file.file_name().unwrap_or_default())
            .display()
            .to_string();
        let name = file
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        match table(&file, &named, &mut bytes) {
            Ok(table) => {
                if let Some(other) = tables.insert(name, table) {
                    faults.push(
                        Fault::new(&named, format!("{} has the same name", other.file))
                            .of_kind(KIND),
                    );
                }
            }
            Err(fault) => faults.push(fault.of_kind(KIND)),
        }
    }
    match faults.is_empty() {
        true => Ok(Tables {
            by_name: tables,
            are_unread: false,
        }),
        false => Err(faults),
    }
}

fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let is_table = path
            .extension()
            .is_some_and(|ending| ending == "csv" || ending == "json" || ending == "toml");
        let is_hidden = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if is_table && !is_hidden {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn table(file: &Path, named: &str, all: &mut u64) -> Result<Table, Fault> {
    let fault = |message: String| Fault::new(named, message);
    let unreadable = |error: io::Error| fault(format!("cannot be read: {error}"));
    let bytes = fs::metadata(file).map_err(unreadable)?.len();
    *all += bytes;
    if bytes > TABLE_BYTES {
        return Err(fault(format!(
            "it has {bytes} bytes, the most is {TABLE_BYTES}"
        )));
    }
    if *all > ALL_BYTES {
        return Err(fault(format!(
            "the tables have more than {ALL_BYTES} bytes together"
        )));
    }
    let text = String::from_utf8(fs::read(file).map_err(unreadable)?).map_err(|_| {
        fault("it is not UTF-8 text".to_owned()).with_hint("save it as \"CSV UTF-8\"")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let (rows, columns) = match file.extension().and_then(|ending| ending.to_str()) {
        Some("csv") => csv(named, text).map(|(rows, columns)| (rows, Some(columns)))?,
        Some("json") => (json(named, text)?, None),
        _ => (toml(named, text)?, None),
    };
    if rows.len() > TABLE_ROWS {
        return Err(fault(format!(
            "it has {} rows, the most is {TABLE_ROWS}",
            rows.len()
        )));
    }
    Ok(Table {
        file: named.to_owned(),
        rows,
        columns,
    })
}

type Rows = HashMap<String, Value>;

fn csv(named: &str, text: &str) -> Result<(Rows, Vec<String>), Fault> {
    let mut reader = csv::ReaderBuilder::new();
    let mut reader = reader
        .delimiter(delimiter(text))
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let columns: Vec<String> = reader
        .headers()
        .map_err(|error| of_csv(named, &error))?
        .iter()
        .map(str::to_owned)
        .collect();
    if columns.len() < 2 {
        let fault = Fault::new(named, "it has no columns besides the key").at_line(1);
        return Err(fault.with_hint(
            "the first line names the columns, the first column is the key: sku,name,margin",
        ));
    }
    let mut rows = Rows::new();
    for record in reader.records() {
        let record = record.map_err(|error| of_csv(named, &error))?;
        let line = record.position().map_or(0, csv::Position::line);
        let key = record.get(0).unwrap_or_default();
        let cells = columns.iter().zip(record.iter());
        let row: Map = cells
            .map(|(column, cell)| (column.as_str().into(), cell.into()))
            .collect();
        if rows.insert(key.to_owned(), Value::from_map(row)).is_some() {
            let fault = Fault::new(named, format!("the key \"{key}\" is there twice"));
            return Err(fault.at_line(usize::try_from(line).unwrap_or(0)));
        }
        if rows.len() > TABLE_ROWS {
            return Err(Fault::new(
                named,
                format!("it has more than {TABLE_ROWS} rows"),
            ));
        }
    }
    Ok((rows, columns))
}

/// Where people write decimal commas, spreadsheets put semicolons between columns.
fn delimiter(text: &str) -> u8 {
    let first = text.lines().next().unwrap_or_default();
    match (
        first.contains(','),
        first.contains(';'),
        first.contains('\t'),
    ) {
        (false, true, _) => b';',
        (false, false, true) => b'\t',
        _ => b',',
    }
}

fn of_csv(named: &str, error: &csv::Error) -> Fault {
    let message = match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => {
            format!("this row has {len} columns, the first line names {expected_len}")
        }
        _ => error.to_string(),
    };
    let fault = Fault::new(named, message);
    match error.position() {
        Some(position) => fault.at_line(usize::try_from(position.line()).unwrap_or(0)),
        None => fault,
    }
}

fn json(named: &str, text: &str) -> Result<Rows, Fault> {
    let read: Result<HashMap<String, Dynamic>, _> = serde_json::from_str(text);
    read.map_err(|error| {
        let full = error.to_string();
        let message = full.split(" at line ").next().unwrap_or(&full);
        let fault =
            Fault::new(named, format!("it is no JSON object: {message}")).at_line(error.line());
        fault.with_hint("its keys are what is looked up: { \"SKU-1\": { \"margin\": 0.4 } }")
    })
}

fn toml(named: &str, text: &str) -> Result<Rows, Fault> {
    let read: Result<HashMap<String, Dynamic>, _> = toml::from_str(text);
    read.map_err(|error| {
        let before = error
            .span()
            .and_then(|span| text.get(..span.start))
            .unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        Fault::new(named, error.message().to_owned()).at_line(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(files: &[(&str, &str)]) -> Result<Tables, String> {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(dir.path().join(name), text).unwrap();
        }
        let read = folder(dir.path(), Path::new("tables"));
        read.map_err(|faults| {
            faults
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n")
        })
    }

    fn cell(files: &[(&str, &str)], table: &str, key: &str, column: &str) -> Option<String> {
        let found = tables(files).unwrap().cell(table, key, column).unwrap();
        found.map(|value| value.to_string())
    }

    #[test]
    fn each_kind_of_file_is_read() {
        let csv = (
            "p.csv",
            "\u{feff}sku, name,margin\n007,\"Mug, blue\",0.40\n",
        );
        assert_eq!(cell(&[csv], "p", "007", "margin").as_deref(), Some("0.40"));
        assert_eq!(
            cell(&[csv], "p", "007", "name").as_deref(),
            Some("Mug, blue")
        );
        assert_eq!(cell(&[csv], "p", "7", "name"), None);
        let excel = ("p.csv", "sku;margin\r\n1;0,4\r\n");
        assert_eq!(cell(&[excel], "p", "1", "margin").as_deref(), Some("0,4"));
        let json = ("p.json", r#"{"1":{"margin":0.5,"tags":["a"]}}"#);
        assert_eq!(cell(&[json], "p", "1", "margin").as_deref(), Some("0.5"));
        let toml = ("p.toml", "[1]\nmargin = 2\n");
        assert_eq!(cell(&[toml], "p", "1", "margin").as_deref(), Some("2"));
        assert!(
            folder(Path::new("none"), Path::new("tables"))
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        for (file, text, expected) in [
            (
                "a.csv",
                "sku,name\n1,a\n1,b\n",
                "tables/a.csv:3: the key \"1\" is there twice",
            ),
            (
                "a.csv",
                "sku,name\n1\n",
                "tables/a.csv:2: this row has 1 columns, the first line names 2",
            ),
            (
                "a.csv",
                "sku\n1\n",
                "tables/a.csv:1: it has no columns besides the key",
            ),
            (
                "a.json",
                "{\n\"a\": }",
                "tables/a.json:2: it is no JSON object: expected value",
            ),
            ("a.json", "[1]", "tables/a.json:1: it is no JSON object"),
            ("a.toml", "a = 1\nb = \n", "tables/a.toml:2: "),
        ] {
            let found = tables(&[(file, text)]).unwrap_err();
            assert!(found.contains(expected), "{found}\n{expected}");
        }
        let twice = tables(&[("a.csv", "k,v\n"), ("a.json", "{}")]).unwrap_err();
        assert!(twice.contains("has the same name"), "{twice}");
        let rows: String = (0..=TABLE_ROWS).map(|row| format!("{row},1\n")).collect();
        let many = tables(&[("a.csv", &format!("k,v\n{rows}"))]).unwrap_err();
        assert!(many.contains("more than 100000 rows"), "{many}");
    }

    #[test]
    fn names_that_are_not_there_are_told_from_those_that_are() {
        let tables = tables(&[("products.csv", "sku,margin\n1,2\n")]).unwrap();
        let missing = tables.row("prodcuts", "1").unwrap_err();
        assert!(missing.contains("did you mean `products`?"), "{missing}");
        let column = tables.cell("products", "1", "magrin").unwrap_err();
        assert!(column.contains("did you mean `margin`?"), "{column}");
    }
}
