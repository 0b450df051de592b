//! One table of the configuration, read key by key. Whatever is wrong is noted with its line and
//! nothing stops at the first problem; what nobody asked for is unknown, and that is a problem too.
//!
//! How a value is read from text, in which unit and within which limits, is in `fields`.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::expand::Environment;
use super::position::Position;
use super::problem::{Problem, Problems, Severity, quoted, suggest};
use super::value::{self, Entry, Text, Value};
use crate::secret::Secret;

/// A table of the file. Read each key once, then call [`Section::finish`]:
///
/// ```
/// # use std::collections::BTreeMap;
/// # use tagwerk::config::Section;
/// let text = "regoin = \"eu\"";
/// let mut settings = Section::parse("destinations.amplitude", text, &BTreeMap::new())?;
/// let region = settings.one_of("region", &["us", "eu"]).unwrap_or("us");
/// let problems = settings.finish();
/// assert_eq!(region, "us");
/// assert_eq!(problems[0].hint.as_deref(), Some("did you mean `region`?"));
/// # Ok::<(), tagwerk::config::Problems>(())
/// ```
///
/// `Debug` shows the keys without the values, which may be secrets. Two sections are equal if they
/// say the same, wherever they stand in the file.
#[derive(Clone)]
pub struct Section {
    name: String,
    file: Arc<Path>,
    at: Option<Position>,
    entries: Vec<Entry>,
    known: Vec<&'static str>,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
    may_wait: bool,
}

/// What a key holds.
pub(super) enum Found {
    /// The key is not there.
    Absent,
    /// It is there but cannot be read: it waits for a variable, or has been reported already.
    Unreadable,
    /// It is there.
    Here(Position, Value),
}

impl Section {
    /// A section of its own made from TOML text: for tests of what reads sections.
    ///
    /// As in a destination's table, values may wait for variables that are not set.
    pub fn parse(name: &str, text: &str, environment: &dyn Environment) -> Result<Self, Problems> {
        let file = Path::new("tagwerk.toml");
        let (entries, problems) = value::parse(text, file, Path::new(""), environment);
        let section = Self::new(name, file.into(), None, entries);
        problems.into_result(section.waiting_allowed())
    }

    pub(super) fn new(
        name: &str,
        file: Arc<Path>,
        at: Option<Position>,
        entries: Vec<Entry>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            file,
            at,
            entries,
            known: Vec::new(),
            problems: Vec::new(),
            warnings: Vec::new(),
            may_wait: false,
        }
    }

    /// From here on a value may wait for an unset variable; else that is a problem.
    pub(super) fn waiting_allowed(mut self) -> Self {
        self.may_wait = true;
        self
    }

    /// The table's name with dots, such as `destinations.crm`; the root's is empty.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The folder of the configuration file, that relative paths start from.
    pub fn folder(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new(""))
    }

    /// The line of the table's header, if the table stands in the file.
    pub fn line(&self) -> Option<usize> {
        self.at.map(|at| at.line)
    }

    /// True if the key is there and has not been read yet, even if it waits for a variable.
    pub fn has(&self, key: &str) -> bool {
        !matches!(self.peek(key), None | Some(Value::Taken))
    }

    /// True if the value of the key cannot be known before a variable is set.
    pub fn waits_for_variable(&self, key: &str) -> bool {
        let mut names = Vec::new();
        if let Some(value) = self.peek(key) {
            collect_missing(value, &mut names);
        }
        !names.is_empty()
    }

    /// What variables and files put into the text under a key that was not read yet: whatever the
    /// rest of it is, these are not to be shown.
    pub fn put_in(&self, key: &str) -> Vec<Secret> {
        match self.peek(key) {
            Some(Value::Text(text)) => text.put_in.clone(),
            _ => Vec::new(),
        }
    }

    /// True if the key holds a list and not a single value.
    pub(super) fn is_list(&self, key: &str) -> bool {
        matches!(self.peek(key), Some(Value::List(_)))
    }

    /// The variables that values of this section wait for, each once, in the order of the file.
    pub fn missing(&self) -> Vec<String> {
        let mut names = Vec::new();
        for entry in &self.entries {
            collect_missing(&entry.value, &mut names);
        }
        names
    }

    /// Notes a problem with the value of `key`, or with the section if the key is not there.
    pub fn problem(&mut self, key: &str, message: impl Into<String>, hint: Option<String>) {
        let at = self.value_position(key);
        self.problem_at(at, message.into(), hint);
    }

    /// Notes what is worth a warning, but stops nothing.
    pub fn warning(&mut self, key: &str, message: impl Into<String>, hint: Option<String>) {
        let at = self.value_position(key);
        self.warning_at(at, message.into(), hint);
    }

    /// The warnings so far; they are handed over only once.
    pub fn take_warnings(&mut self) -> Vec<Problem> {
        std::mem::take(&mut self.warnings)
    }

    /// The problems so far; they are handed over only once.
    pub(super) fn take_problems(&mut self) -> Vec<Problem> {
        std::mem::take(&mut self.problems)
    }

    /// The problems so far, without one for each key that was never asked for.
    pub fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    /// All problems of this section, with one for each key that was never asked for.
    pub fn finish(mut self) -> Vec<Problem> {
        let unread = |entry: &&Entry| !matches!(entry.value, Value::Taken);
        for entry in self.entries.iter().filter(unread) {
            let known = self.known.iter().copied();
            let hint = suggest(&entry.key, known).or_else(|| self.list_of_known());
            let message = self.unknown_message(entry);
            let at = Some(entry.key_at);
            let problem = Problem::at_position(&self.file, at, message);
            self.problems.push(problem.with_hint(hint));
        }
        self.problems
    }

    /// The table under `key`; an empty one if there is none.
    pub(super) fn table(&mut self, key: &'static str) -> Self {
        let (at, entries) = match self.take(key) {
            Found::Here(_, Value::Table(entries)) => {
                (self.entry(key).map(|entry| entry.key_at), entries)
            }
            Found::Here(at, other) => {
                self.wrong_kind(key, at, "a table", &other, None);
                (Some(at), Vec::new())
            }
            Found::Absent | Found::Unreadable => (None, Vec::new()),
        };
        self.inner(key, at, entries)
    }

    /// All tables in this one, whatever they are called, in the order of the file.
    pub(super) fn tables(&mut self) -> Vec<(String, Self)> {
        let mut tables = Vec::new();
        for mut entry in std::mem::take(&mut self.entries) {
            let name = entry.key;
            match std::mem::replace(&mut entry.value, Value::Taken) {
                Value::Table(entries) => {
                    let table = self.inner(&name, Some(entry.key_at), entries);
                    tables.push((name, table));
                }
                Value::Faulty => {}
                other => self.wrong_kind(&name, entry.at, "a table", &other, None),
            }
        }
        tables
    }

    /// Every text that stands in the file as it is used, with the nearest key, at any depth.
    pub(super) fn literals(&self) -> Vec<(String, Position, String)> {
        let mut found = Vec::new();
        for entry in &self.entries {
            collect_literals(&entry.key, entry.at, &entry.value, &mut found);
        }
        found
    }

    /// Every text that was not read yet and is an address, by its key, as it is used: also what a
    /// variable holds.
    pub fn addresses(&self) -> Vec<(String, Secret)> {
        let mut found = Vec::new();
        let mut add = |key: &str, value: &Value| {
            if let Value::Text(text) = value
                && text.value.contains("://")
            {
                found.push((key.to_owned(), Secret::new(text.value.as_str())));
            }
        };
        for entry in &self.entries {
            match &entry.value {
                Value::List(items) => items.iter().for_each(|item| add(&entry.key, &item.value)),
                value => add(&entry.key, value),
            }
        }
        found
    }

    /// The keys that were asked for so far.
    #[cfg(test)]
    pub(crate) fn known(&self) -> &[&'static str] {
        &self.known
    }

    /// Takes the value of `key` out, and remembers that the key is a known one.
    pub(super) fn take(&mut self, key: &'static str) -> Found {
        self.known.push(key);
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.key == key) else {
            return Found::Absent;
        };
        let at = entry.at;
        match std::mem::replace(&mut entry.value, Value::Taken) {
            Value::Taken => Found::Absent,
            Value::Faulty => Found::Unreadable,
            Value::Unset(names) => {
                self.waits(at, &names);
                Found::Unreadable
            }
            value => Found::Here(at, value),
        }
    }

    /// Notes that a value waits for variables, where that is not allowed.
    pub(super) fn waits(&mut self, at: Position, names: &[String]) {
        if self.may_wait {
            return;
        }
        for name in names {
            let message = format!("the variable {} is not set", quoted(name));
            let hint = "set it, or write the value here".to_owned();
            self.problem_at(Some(at), message, Some(hint));
        }
    }

    pub(super) fn problem_with_table(&mut self, message: String, hint: String) {
        self.problem_at(self.at, message, Some(hint));
    }

    pub(super) fn wrong_kind(
        &mut self,
        key: &str,
        at: Position,
        wanted: &str,
        found: &Value,
        hint: Option<String>,
    ) {
        let message = format!("{} must be {wanted}, not {}", quoted(key), found.kind());
        self.problem_at(Some(at), message, hint);
    }

    pub(super) fn problem_at(
        &mut self,
        at: Option<Position>,
        message: String,
        hint: Option<String>,
    ) {
        let problem = Problem::at_position(&self.file, at, message).with_hint(hint);
        self.problems.push(problem);
    }

    pub(super) fn warning_at(
        &mut self,
        at: Option<Position>,
        message: String,
        hint: Option<String>,
    ) {
        let mut warning = Problem::at_position(&self.file, at, message).with_hint(hint);
        warning.severity = Severity::Warning;
        self.warnings.push(warning);
    }

    fn inner(&self, key: &str, at: Option<Position>, entries: Vec<Entry>) -> Self {
        let name = match self.name.as_str() {
            "" => key.to_owned(),
            outer => format!("{outer}.{key}"),
        };
        let section = Self::new(&name, Arc::clone(&self.file), at, entries);
        match self.may_wait {
            true => section.waiting_allowed(),
            false => section,
        }
    }

    fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    fn peek(&self, key: &str) -> Option<&Value> {
        self.entry(key).map(|entry| &entry.value)
    }

    fn value_position(&self, key: &str) -> Option<Position> {
        self.entry(key).map(|entry| entry.at).or(self.at)
    }

    fn unknown_message(&self, entry: &Entry) -> String {
        let key = quoted(&entry.key);
        match (&entry.value, self.name.as_str()) {
            (Value::Table(_), "") => format!("unknown table {key}"),
            (_, "") => format!("unknown key {key} outside of any table"),
            (_, name) => format!("unknown key {key} in [{name}]"),
        }
    }

    fn list_of_known(&self) -> Option<String> {
        let known: Vec<String> = self.known.iter().map(|key| format!("`{key}`")).collect();
        (!known.is_empty()).then(|| format!("known here: {}", known.join(", ")))
    }
}

impl PartialEq for Section {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.entries) == (&other.name, &other.entries)
    }
}

impl fmt::Debug for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unread = |entry: &&Entry| !matches!(entry.value, Value::Taken);
        let keys = self.entries.iter().filter(unread).map(|entry| &entry.key);
        write!(f, "[{}] ", self.name)?;
        f.debug_list().entries(keys).finish()
    }
}

fn collect_missing(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Unset(unset) => {
            for name in unset {
                if !names.contains(name) {
                    names.push(name.clone());
                }
            }
        }
        Value::List(items) => items
            .iter()
            .for_each(|item| collect_missing(&item.value, names)),
        Value::Table(entries) => entries
            .iter()
            .for_each(|entry| collect_missing(&entry.value, names)),
        _ => {}
    }
}

fn collect_literals(
    key: &str,
    at: Position,
    value: &Value,
    found: &mut Vec<(String, Position, String)>,
) {
    match value {
        Value::Text(Text {
            value,
            written: None,
            ..
        }) => found.push((key.to_owned(), at, value.clone())),
        Value::List(items) => {
            for item in items {
                collect_literals(key, item.at, &item.value, found);
            }
        }
        Value::Table(entries) => {
            for entry in entries {
                collect_literals(&entry.key, entry.at, &entry.value, found);
            }
        }
        _ => {}
    }
}
