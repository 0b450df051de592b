//! A parsed TOML file as owned values that know their place, with `${…}` already expanded. It
//! does not know which keys exist or what they mean: that is `section`'s.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::expand::{Environment, expand};
use super::position::{Lines, Position};
use super::problem::{Problem, Problems, quoted};
use crate::secret::Secret;

/// After this many the file is not TOML at all, and the first ones say so.
const MAX_SYNTAX_PROBLEMS: usize = 20;

/// One `key = value`, or one table under its key. Two are equal if key and value are, wherever
/// they stand. There is no `Debug`: values may be secrets.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_at: Position,
    pub(super) at: Position,
    pub(super) value: Value,
}

/// One element of an array.
#[derive(Clone)]
pub(super) struct Item {
    pub(super) at: Position,
    pub(super) value: Value,
}

/// A value of the file.
#[derive(Clone, PartialEq)]
pub(super) enum Value {
    Text(Text),
    Integer(i64),
    Boolean(bool),
    List(Vec<Item>),
    Table(Vec<Entry>),
    /// A string that waits for these variables.
    Unset(Vec<String>),
    /// A kind of value that no key has: its name, for the message.
    Other(&'static str),
    /// A value that was a problem and has been reported.
    Faulty,
    /// A value that has been read already.
    Taken,
}

/// A string value.
#[derive(Clone, PartialEq)]
pub(super) struct Text {
    pub(super) value: String,
    /// The string as it stands in the file, if something was put into it.
    pub(super) written: Option<String>,
    /// The values that were put into it.
    pub(super) put_in: Vec<Secret>,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        (&self.key, &self.value) == (&other.key, &other.value)
    }
}

impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Value {
    /// What it is, for "must be text, not …".
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) | Self::Unset(_) => "text",
            Self::Integer(_) => "a number",
            Self::Boolean(_) => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(kind) => kind,
            Self::Faulty | Self::Taken => "nothing",
        }
    }
}

/// Parses a whole file into the entries of its root table. Syntax errors come alone, without
/// problems of meaning: after a syntax error these would be guesses.
pub(super) fn parse(
    text: &str,
    file: &Path,
    base: &Path,
    environment: &dyn Environment,
) -> (Vec<Entry>, Problems) {
    let lines = Lines::new(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let problems = errors
            .iter()
            .take(MAX_SYNTAX_PROBLEMS)
            .map(|error| syntax_problem(error, text, &lines, file));
        return (Vec::new(), problems.collect());
    }
    let mut reader = Reader {
        lines,
        file,
        base,
        environment,
        problems: Problems::default(),
    };
    let entries = reader.table(table.into_inner());
    (entries, reader.problems)
}

fn syntax_problem(error: &toml::de::Error, text: &str, lines: &Lines<'_>, file: &Path) -> Problem {
    let at = error.span().map(|span| lines.position(span.start));
    let word = error.span().and_then(|span| text.get(span));
    let message = format!("not valid TOML: {}", error.message());
    Problem::at_position(file, at, message).with_hint(syntax_hint(error.message(), word))
}

/// What usually lies behind the parser's words; a text without quotes, above all.
fn syntax_hint(message: &str, word: Option<&str>) -> Option<String> {
    if message.starts_with("duplicate key") {
        return Some(format!("{} stands here for the second time", quoted(word?)));
    }
    let bare_text = [
        "invalid float",
        "invalid integer",
        "invalid datetime",
        "invalid boolean",
    ]
    .iter()
    .any(|start| message.starts_with(start));
    bare_text.then(|| "write a text in double quotes".to_owned())
}

struct Reader<'a> {
    lines: Lines<'a>,
    file: &'a Path,
    base: &'a Path,
    environment: &'a dyn Environment,
    problems: Problems,
}

impl Reader<'_> {
    /// The entries of a table in the order of the file, which the parser's map has lost.
    fn table(&mut self, table: DeTable<'_>) -> Vec<Entry> {
        let entry = |(key, value): (Spanned<_>, Spanned<_>)| self.entry(key, value);
        let mut entries: Vec<Entry> = table.into_iter().map(entry).collect();
        entries.sort_by_key(|entry| (entry.key_at.line, entry.key_at.column));
        entries
    }

    fn entry(
        &mut self,
        key: Spanned<toml::de::DeString<'_>>,
        value: Spanned<DeValue<'_>>,
    ) -> Entry {
        let item = self.item(value);
        Entry {
            key_at: self.lines.position(key.span().start),
            key: key.into_inner().into_owned(),
            at: item.at,
            value: item.value,
        }
    }

    fn item(&mut self, value: Spanned<DeValue<'_>>) -> Item {
        let at = self.lines.position(value.span().start);
        let value = match value.into_inner() {
            DeValue::String(text) => self.text(&text, at),
            DeValue::Integer(number) => {
                match i64::from_str_radix(number.as_str(), number.radix()) {
                    Ok(number) => Value::Integer(number),
                    Err(_) => Value::Other("a number out of range"),
                }
            }
            DeValue::Boolean(flag) => Value::Boolean(flag),
            DeValue::Array(items) => {
                Value::List(items.into_iter().map(|item| self.item(item)).collect())
            }
            DeValue::Table(table) => Value::Table(self.table(table)),
            DeValue::Float(_) => Value::Other("a number with a fraction"),
            DeValue::Datetime(_) => Value::Other("a date"),
        };
        Item { at, value }
    }

    fn text(&mut self, written: &str, at: Position) -> Value {
        let expanded = expand(written, self.base, self.environment);
        if !expanded.faults.is_empty() {
            for (message, hint) in expanded.faults {
                let problem = Problem::at_position(self.file, Some(at), message);
                self.problems.push(problem.with_hint(hint));
            }
            return Value::Faulty;
        }
        if !expanded.unset.is_empty() {
            return Value::Unset(expanded.unset);
        }
        Value::Text(Text {
            value: expanded.text,
            written: expanded.changed.then(|| written.to_owned()),
            put_in: expanded.put_in,
        })
    }
}
