//! Words for a script that does not compile. Where the script does not even parse, Rhai's own text
//! stays and a hint for the usual slip is added.

use rhai::{LexError, ParseErrorType, Position};

use super::{Words, lower_first};
use crate::config::{quoted, suggest};
use crate::script::api::TOPICS;
use crate::script::limits;

/// Words of other languages, and what one writes here.
const ELSEWHERE: [(&str, &str); 10] = [
    ("var", "`let name = …;` makes a variable"),
    ("function", "`fn name(value) { … }` makes a function"),
    ("and", "write `&&`"),
    ("or", "write `||`"),
    ("not", "write `!`"),
    ("null", "nothing is written `()`"),
    ("undefined", "nothing is written `()`"),
    ("None", "nothing is written `()`"),
    ("curry", "write a closure, `|value| …`"),
    ("eval", "write out what it would do"),
];

pub(super) fn words(error: &ParseErrorType, source: &str, position: Position) -> Words {
    let (word, behind) = word_at(source, position);
    if let Some(words) = other_language(word) {
        return words;
    }
    match error {
        ParseErrorType::VariableUndefined(name)
            if behind.starts_with(':') && !behind.starts_with("::") =>
        {
            Words::new(format!("unknown variable {}", quoted(name)))
                .hint("a map is written `#{ … }`".to_owned())
        }
        ParseErrorType::VariableUndefined(name)
            if behind.trim_start_matches([')', ' ']).starts_with("=>") =>
        {
            Words::new(format!("unknown variable {}", quoted(name)))
                .hint(format!("a closure is written `|{name}| …`"))
        }
        ParseErrorType::VariableUndefined(name) => unknown_variable(name, source),
        ParseErrorType::VariableExpected if line_of(source, position).contains("for (") => {
            Words::new("a loop is written in another way here")
                .hint("write `for item in items { … }`, or `for i in 0..10 { … }`".to_owned())
        }
        ParseErrorType::ModuleUndefined(name) => unknown_namespace(name),
        ParseErrorType::Reserved(name) => {
            Words::new(format!("`{name}` is a reserved word")).hint("use another name".to_owned())
        }
        ParseErrorType::BadInput(error) => bad_input(error),
        ParseErrorType::TooManyFunctions => Words::new(format!(
            "the script has more than {} functions",
            limits::FUNCTIONS
        ))
        .hint("move some into a module of the shared folder and `import` it".to_owned()),
        ParseErrorType::ExprTooDeep => Words::new(format!(
            "expressions or blocks are nested more than {} deep",
            limits::EXPRESSION_DEPTH
        ))
        .hint("use variables or functions; for a long `else if`, use `switch` or a map".to_owned()),
        ParseErrorType::MissingToken(token, _) => {
            let found = Words::new(lower_first(&error.to_string()));
            found.hint(format!("a `{token}` is missing before this place"))
        }
        ParseErrorType::UnexpectedEOF => {
            Words::new("the file ends too early").hint("is a `}` missing?".to_owned())
        }
        other => Words::new(lower_first(&other.to_string())),
    }
}

/// What sort of mistake it is.
pub(super) fn kind(error: &ParseErrorType) -> &'static str {
    match error {
        ParseErrorType::VariableUndefined(_) => "unknown-variable",
        ParseErrorType::ModuleUndefined(_) => "unknown-function",
        _ => "syntax",
    }
}

fn unknown_variable(name: &str, source: &str) -> Words {
    let words = Words::new(format!("unknown variable {}", quoted(name)));
    if is_declared_outside(name, source) {
        return words.hint(format!(
            "functions see only their parameters and their own variables: move `{name}` into the function"
        ));
    }
    words.hint(
        "is it misspelt? functions see only their parameters and their own variables".to_owned(),
    )
}

/// Only a guess from the text, as there is no syntax tree of a script that does not parse.
fn is_declared_outside(name: &str, source: &str) -> bool {
    let declares = |line: &str| {
        let rest = line
            .strip_prefix("const ")
            .or_else(|| line.strip_prefix("let "));
        rest.and_then(|rest| rest.trim_start().strip_prefix(name))
            .is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    source.lines().any(declares)
}

fn unknown_namespace(name: &str) -> Words {
    let known = TOPICS
        .iter()
        .map(|topic| topic.name)
        .filter(|name| !name.is_empty());
    let hint = suggest(name, known).unwrap_or_else(|| {
        format!(
            "write `import \"{name}\" as {name};` at the top if it is a module of the shared folder"
        )
    });
    Words::new(format!("there is no `{name}::`")).hint(hint)
}

fn other_language(word: &str) -> Option<Words> {
    let (_, here) = ELSEWHERE.iter().find(|(there, _)| *there == word)?;
    let message = format!("`{word}` is no word of this language");
    Some(Words::new(message).hint((*here).to_owned()))
}

fn line_of(source: &str, position: Position) -> &str {
    let line = position.line().unwrap_or(usize::MAX);
    let line = source.lines().nth(line.saturating_sub(1));
    line.unwrap_or_default()
}

/// The word that begins at a place of the script, and what follows it on its line.
fn word_at(source: &str, position: Position) -> (&str, &str) {
    let column = position.position().unwrap_or(1);
    let line = line_of(source, position);
    let start = line.char_indices().nth(column.saturating_sub(1));
    let rest = start
        .and_then(|(start, _)| line.get(start..))
        .unwrap_or_default();
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let end = rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
    let (word, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
    (word, behind.trim_start())
}

fn bad_input(error: &LexError) -> Words {
    let text = error.to_string();
    if text.contains("typo of '=='") {
        let words = Words::new("`=` sets a value, it compares nothing");
        return words.hint("did you mean `==`?".to_owned());
    }
    let words = Words::new(lower_first(&text));
    match error {
        LexError::UnterminatedString => {
            words.hint("a text that begins with `\"` ends with `\"` on the same line".to_owned())
        }
        LexError::MalformedChar(_) => words.hint("texts are written in double quotes".to_owned()),
        _ => words,
    }
}
