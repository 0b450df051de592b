//! What went wrong in a script: file, line, column, function, and a hint that says how to mend it.
//! The words for each kind of mistake are in `parsing` (found at load), `running` (found in a
//! call) and `functions` (a call of what is not there).

mod functions;
mod parsing;
mod running;

use std::fmt;

use rhai::{EvalAltResult, ParseErrorType, Position};
use serde::Serialize;

use super::compile::Script;
use super::frame::Spent;
use super::limits;
use crate::telemetry::Killed;

/// A script that failed, at load or at a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The script's file, as the user named its folder.
    pub file: String,
    /// Line, from 1. Limits have none: Rhai forgets where a call was stopped.
    pub line: Option<usize>,
    /// Column in characters, from 1.
    pub column: Option<usize>,
    /// The function of the script that was running.
    pub function: Option<String>,
    /// What went wrong.
    pub message: String,
    /// How to mend it.
    pub hint: Option<String>,
    /// The lines around it, if somebody watches.
    pub source: Box<[SourceLine]>,
    /// What sort of mistake it is.
    #[serde(skip)]
    pub kind: Kind,
    /// Whose fault it is.
    #[serde(skip)]
    pub cause: Cause,
    /// The limit that it was stopped at, if that is what went wrong.
    #[serde(skip)]
    pub killed: Option<Killed>,
}

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SourceLine {
    /// Its number, from 1.
    pub line: usize,
    /// What stands there.
    pub text: String,
}

/// How many lines are shown before a fault's, and after it.
const LINES_AROUND: usize = 3;

/// The longest line that is shown, in characters.
const MAX_LINE_CHARS: usize = 400;

/// A line of a text and those around it; none if there is no such line.
pub fn source_lines(text: &str, line: Option<usize>) -> Vec<SourceLine> {
    let Some(line) = line else {
        return Vec::new();
    };
    let numbered = (1..).zip(text.lines());
    let first = line.saturating_sub(LINES_AROUND);
    let around = numbered
        .skip_while(|(number, _)| *number < first)
        .take_while(|(number, _)| *number <= line + LINES_AROUND);
    around
        .map(|(line, text)| SourceLine {
            line,
            text: text.chars().take(MAX_LINE_CHARS).collect(),
        })
        .collect()
}

/// What sort of mistake a fault is. A number, so that a fault stays small.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kind(u8);

/// The sorts in words; the first is for what happened in a call.
const WORDS: [&str; 16] = [
    "",
    "syntax",
    "unknown-variable",
    "unknown-function",
    "wrong-arguments",
    "import",
    "never-runs",
    "unknown-constant",
    "missing-constant",
    "wrong-constant",
    "missing-function",
    "unknown-destination",
    "unknown-tag",
    "never-fires",
    "unreachable-route",
    "table",
];

impl Kind {
    /// In a word: `unknown-function`; empty for what happened in a call.
    pub fn as_str(self) -> &'static str {
        WORDS.get(usize::from(self.0)).copied().unwrap_or_default()
    }
}

/// Whose fault a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The script's: it needs a repair, and what it was given is kept until then.
    Script,
    /// The sender's: its request cannot be read (not JSON, most often) and is refused with 400.
    Request,
}

/// The longest message, in characters: a script may throw a text of 8 MiB.
const MAX_MESSAGE_CHARS: usize = 1_000;

/// What a kind of mistake is called, and how to mend it.
#[derive(Debug)]
struct Words {
    message: String,
    hint: Option<String>,
}

impl Words {
    fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
        }
    }

    fn hint(self, hint: impl Into<Option<String>>) -> Self {
        Self {
            hint: hint.into(),
            ..self
        }
    }
}

impl Fault {
    /// A fault that the host found, at no certain place of the script.
    pub fn new(file: &str, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: None,
            column: None,
            function: None,
            message: message.into(),
            hint: None,
            source: Box::default(),
            kind: Kind::default(),
            cause: Cause::Script,
            killed: None,
        }
    }

    /// The same with a hint.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same with a hint, if it has none yet.
    pub fn or_hint(self, hint: &str) -> Self {
        match self.hint {
            Some(_) => self,
            None => self.with_hint(hint),
        }
    }

    /// The same, of this sort.
    pub fn of_kind(mut self, kind: &str) -> Self {
        let known = WORDS.iter().position(|word| *word == kind);
        self.kind = Kind(known.and_then(|at| u8::try_from(at).ok()).unwrap_or(0));
        self
    }

    /// The same with the lines around it, if this is the text of its file.
    pub fn with_source(mut self, file: &str, text: &str) -> Self {
        if self.file == file {
            self.source = source_lines(text, self.line).into();
        }
        self
    }

    /// The same in a function of the script.
    pub fn in_function(mut self, function: &str) -> Self {
        self.function = Some(function.to_owned());
        self
    }

    /// The same in a line of a file that is no script.
    pub(super) fn at_line(mut self, line: usize) -> Self {
        self.line = (line > 0).then_some(line);
        self
    }

    /// The same at a place in the file.
    pub(super) fn at(mut self, position: Position) -> Self {
        self.line = position.line();
        self.column = position.position();
        self
    }

    fn of(file: &str, words: Words) -> Self {
        let Words { message, hint } = words;
        Self {
            hint,
            ..Self::new(file, shortened(message))
        }
    }

    /// A script that does not compile.
    pub(super) fn from_parse(
        file: &str,
        source: &str,
        error: &ParseErrorType,
        position: Position,
    ) -> Self {
        let words = parsing::words(error, source, position);
        Self::of(file, words)
            .at(position)
            .of_kind(parsing::kind(error))
    }

    /// A call of a host function that is not there, or takes another number of values; `None` if
    /// it is there, or if `name` is none of the host's.
    pub(super) fn of_wrong_call(file: &str, name: &str, values: usize) -> Option<Self> {
        let words = functions::wrong_call(name, values)?;
        let kind = match functions::is_host(name) {
            true => "wrong-arguments",
            false => "unknown-function",
        };
        Some(Self::of(file, words).of_kind(kind))
    }

    /// A call of a function that neither the host, nor the language, nor the script has. It may be
    /// meant as the key of a map.
    pub(super) fn of_unknown_function(
        file: &str,
        name: &str,
        known: &[&str],
        may_be_key: bool,
    ) -> Self {
        let words = functions::not_there(name, known, may_be_key);
        Self::of(file, words).of_kind("unknown-function")
    }

    /// A call of the script's own function with another number of values than it takes.
    pub(super) fn of_wrong_count(file: &str, name: &str, values: usize, takes: usize) -> Self {
        Self::of(file, functions::wrong_count(name, values, takes)).of_kind("wrong-arguments")
    }

    /// A call of a host function with a value that it refuses, whatever the others are.
    pub(super) fn of_wrong_value(file: &str, error: &EvalAltResult) -> Self {
        let fault = Self {
            function: None,
            ..Self::read(file, "", &[], error)
        };
        fault.of_kind("wrong-arguments")
    }

    /// An import that failed, at load.
    pub(super) fn from_import(file: &str, error: &EvalAltResult) -> Self {
        let fault = Self {
            function: None,
            ..Self::read(file, "import", &[], error)
        };
        fault.of_kind("import")
    }

    /// A call that failed. `function` is the one that the host called.
    pub(super) fn from_call(script: &Script, function: &str, error: &EvalAltResult) -> Self {
        Self::read(&script.file, function, &script.functions(), error)
    }

    /// A test that failed.
    pub(super) fn from_test(file: &str, test: &str, error: &EvalAltResult) -> Self {
        Self::read(file, test, &[], error)
    }

    /// A call that used up its budget.
    pub(super) fn stopped(file: &str, function: &str, spent: Spent) -> Self {
        Self {
            killed: Some(running::killed_by(spent)),
            ..Self::of(file, running::stopped(spent)).in_function(function)
        }
    }

    /// A call that panicked.
    pub(super) fn panicked(file: &str, function: &str) -> Self {
        let fault = Self::new(file, "the script engine broke down; this is a defect in it")
            .with_hint("please report it together with the script");
        Self {
            killed: Some(Killed::Panic),
            ..fault.in_function(function)
        }
    }

    fn read(file: &str, function: &str, own: &[(&str, usize)], error: &EvalAltResult) -> Self {
        let place = running::innermost(file, function, own, error);
        Self {
            cause: running::cause(place.error),
            killed: running::killed(place.error),
            ..Self::of(place.file, running::words(place.error, own))
                .at(place.error.position())
                .in_function(place.function)
        }
    }
}

fn shortened(mut message: String) -> String {
    if let Some((end, _)) = message.char_indices().nth(MAX_MESSAGE_CHARS) {
        message.truncate(end);
        message.push('…');
    }
    message
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        for place in [self.line, self.column].into_iter().flatten() {
            write!(f, ":{place}")?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(function) = &self.function {
            write!(f, " (in fn {function})")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}

/// `text` with its first letter in lower case, as all our messages begin.
fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// Bytes of [`limits::STRING_BYTES`] in the unit that people use.
const TEXT_MIB: usize = limits::STRING_BYTES / 1024 / 1024;
