//! What went wrong in a script: file, line, column, function, and a hint that says how to mend it.
//! Rhai's own texts assume that one knows Rhai; the hints are for people who do not.

use std::fmt;

use rhai::{EvalAltResult, ParseErrorType, Position};

use super::request_view::{BadBody, PROPERTIES};
use super::{api, limits};
use crate::config::suggest;

/// A script that failed, at load or at a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The script's file, as the user named its folder.
    pub file: String,
    /// Line, from 1.
    pub line: Option<usize>,
    /// Column, from 1.
    pub column: Option<usize>,
    /// The function of the script that was running.
    pub function: Option<String>,
    /// What went wrong.
    pub message: String,
    /// How to mend it.
    pub hint: Option<String>,
    /// Whose fault it is.
    pub cause: Cause,
}

/// Whose fault a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The script's: it needs a repair, and what it was given is kept until then.
    Script,
    /// The sender's: its request cannot be read (not JSON, most often) and is refused with 400.
    Request,
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
            cause: Cause::Script,
        }
    }

    /// The same with a hint.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same at a place in the file.
    pub fn at(mut self, line: Option<usize>, column: Option<usize>) -> Self {
        self.line = line;
        self.column = column;
        self
    }

    /// A script that does not compile.
    pub(super) fn from_parse(file: &str, error: &ParseErrorType, position: Position) -> Self {
        let fault = Self::new(file, lower_first(&error.to_string()));
        let fault = fault.at(position.line(), position.position());
        match parse_hint(error) {
            Some(hint) => fault.with_hint(hint),
            None => fault,
        }
    }

    /// A call that failed. `function` is the one that the host called.
    pub(super) fn from_call(file: &str, function: &str, error: &EvalAltResult) -> Self {
        let (function, file, error) = innermost(function, file, error);
        let position = error.position();
        let fault = Self::new(file, message(error)).at(position.line(), position.position());
        Self {
            function: Some(function.to_owned()),
            hint: hint(error),
            cause: cause(error),
            ..fault
        }
    }
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

/// Follows nested calls to where it really went wrong.
fn innermost<'a>(
    function: &'a str,
    file: &'a str,
    error: &'a EvalAltResult,
) -> (&'a str, &'a str, &'a EvalAltResult) {
    match error {
        EvalAltResult::ErrorInFunctionCall(name, source, inner, at)
            if at_least_as_deep(inner, at) =>
        {
            let name = if name.starts_with("anon$") {
                "a closure"
            } else {
                name
            };
            innermost(name, if source.is_empty() { file } else { source }, inner)
        }
        EvalAltResult::ErrorInModule(_, inner, _) => innermost(function, file, inner),
        error => (function, file, error),
    }
}

/// Errors of our own host functions have no place of their own: the call's is the best known.
fn at_least_as_deep(inner: &EvalAltResult, _outer: &Position) -> bool {
    !inner.unwrap_inner().position().is_none()
}

fn message(error: &EvalAltResult) -> String {
    match error.unwrap_inner() {
        EvalAltResult::ErrorRuntime(value, _) => runtime_message(value),
        EvalAltResult::ErrorTerminated(..) => {
            format!(
                "stopped after {} ms, the most that one call may take",
                limits::DEADLINE.as_millis()
            )
        }
        inner => {
            let mut inner_text = inner.to_string();
            let place = format!(" ({})", inner.position());
            if let Some(text) = inner_text.strip_suffix(&place) {
                inner_text = text.to_owned();
            }
            lower_first(&inner_text)
        }
    }
}

fn runtime_message(value: &rhai::Dynamic) -> String {
    if let Some(body) = value.read_lock::<BadBody>() {
        return body.0.clone();
    }
    if value.is_unit() {
        return "the script threw an error without a text".to_owned();
    }
    value.to_string()
}

fn cause(error: &EvalAltResult) -> Cause {
    match error.unwrap_inner() {
        EvalAltResult::ErrorRuntime(value, _) if value.is::<BadBody>() => Cause::Request,
        _ => Cause::Script,
    }
}

fn hint(error: &EvalAltResult) -> Option<String> {
    match error.unwrap_inner() {
        EvalAltResult::ErrorFunctionNotFound(signature, _) => Some(function_hint(signature)),
        EvalAltResult::ErrorVariableNotFound(name, _) => Some(format!(
            "functions see their parameters only, not variables or constants outside; is `{name}` misspelt?"
        )),
        EvalAltResult::ErrorDotExpr(text, _) if text.contains("'()'") => {
            Some("the value before the dot is missing, (); write `?.` where it may be".to_owned())
        }
        EvalAltResult::ErrorDotExpr(text, _) if text.contains("'Request'") => {
            Some(request_hint(text))
        }
        EvalAltResult::ErrorIndexingType(text, _) if text.contains("()") => {
            Some("the value before `[` is missing, (); write `?[` where it may be".to_owned())
        }
        EvalAltResult::ErrorMismatchDataType(wanted, given, _)
            if given == "()" && wanted == "bool" =>
        {
            Some(
                "an `if` needs true or false; compare with `!= ()` to ask whether a value is there"
                    .to_owned(),
            )
        }
        EvalAltResult::ErrorArrayBounds(..) => {
            Some("ask `.len()` first, or write `?.` after the element".to_owned())
        }
        EvalAltResult::ErrorTooManyOperations(_) | EvalAltResult::ErrorTerminated(..) => {
            Some("look for a loop that does not end, or do less in one call".to_owned())
        }
        EvalAltResult::ErrorStackOverflow(_) => Some(format!(
            "at most {} calls may be nested",
            limits::CALL_LEVELS
        )),
        EvalAltResult::ErrorDataTooLarge(..) => Some(format!(
            "arrays and maps made by a script hold at most {} entries, texts {} MiB",
            limits::ARRAY_ITEMS,
            limits::STRING_BYTES / 1024 / 1024
        )),
        _ => None,
    }
}

fn function_hint(signature: &str) -> String {
    let name = signature.split([' ', '(']).next().unwrap_or(signature);
    if let Some(better) = suggest(name, api::function_names()) {
        return better;
    }
    if signature.contains("()") {
        return "a value that is passed is missing, ()".to_owned();
    }
    format!("there is no `{name}` for values of these types; `tagwerk docs` lists what there is")
}

/// Rhai's text names the property in quotes first.
fn request_hint(text: &str) -> String {
    let property = text.split('\'').nth(1).unwrap_or_default();
    suggest(property, PROPERTIES)
        .unwrap_or_else(|| format!("a request has {}", PROPERTIES.join(", ")))
}

fn parse_hint(error: &ParseErrorType) -> Option<String> {
    match error {
        ParseErrorType::VariableUndefined(name) => Some(format!(
            "functions see their parameters only, not variables or constants outside; is `{name}` misspelt?"
        )),
        ParseErrorType::Reserved(name) | ParseErrorType::MissingToken(name, _)
            if name == "eval" =>
        {
            Some("scripts cannot make code; write it out".to_owned())
        }
        ParseErrorType::MissingToken(token, _) => {
            Some(format!("a `{token}` is missing before this place"))
        }
        ParseErrorType::UnexpectedEOF => {
            Some("the file ends too early: is a `}` missing?".to_owned())
        }
        _ => None,
    }
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::new(),
    }
}
