//! Which branches of scripts run, for `tagwerk test --coverage` and nothing else: such a script is
//! compiled from a text in which each branch begins with a note of itself. The columns of that text are
//! others, so what such a run says of faults is for nobody; and live scripts have no notes.

mod find;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rhai::{Engine, OptimizationLevel};
use serde::Serialize;

use find::{Found, Place};

use super::engine;

/// What the notes call.
const NOTE: &str = "__branch_ran";

/// The longest line that is shown of a branch, in characters.
const SHOWN: usize = 80;

/// What kind of branch it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BranchKind {
    /// A function, or a closure.
    Function,
    /// What an `if` guards.
    If,
    /// The `else` of an `if`.
    Else,
    /// An `if` without `else`, whose condition is false.
    WithoutElse,
    /// An `if` that was never come to; in a report only, for both ways of it.
    Unreached,
    /// What stands behind a `=>` of a `switch`.
    Case,
    /// What a loop repeats.
    Loop,
    /// What follows a `catch`.
    Catch,
}

/// A branch of a script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Branch {
    /// The script.
    pub file: String,
    /// Where it stands; of an `else` without a line of its own, the `if`.
    pub line: usize,
    /// And where in the line.
    pub column: usize,
    /// What it is.
    pub kind: BranchKind,
    /// The line that begins it, of an `if` from there on; shortened.
    pub text: String,
}

/// The branches of the scripts that were compiled with it. Cheap to clone; clones share what they note.
#[derive(Clone, Debug, Default)]
pub struct Branches(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// The text with notes, by the file.
    texts: BTreeMap<String, String>,
    branches: Vec<Noted>,
    /// Those that ran, by their place in `branches`.
    ran: BTreeSet<usize>,
}

#[derive(Debug)]
struct Noted {
    branch: Branch,
    /// From where to where it stands in its file, in bytes.
    span: (usize, usize),
}

impl Branches {
    /// The text of a script with a note in each branch; as it is, if it cannot have any.
    pub(super) fn note(&self, file: &str, source: &str) -> String {
        if let Some(text) = self.state().texts.get(file) {
            return text.clone();
        }
        let mut engine = engine::build();
        // What is folded has lost its place.
        engine.set_optimization_level(OptimizationLevel::None);
        let parsed = engine.compile(source);
        let found = parsed.map(|ast| find::branches(&ast, source));
        let found = found.unwrap_or_default();
        let mut state = self.state();
        let text = with_notes(source, &found, state.branches.len());
        let fits = engine.compile(&text).is_ok();
        if fits {
            let noted = found.into_iter().map(|found| noted(file, source, &found));
            state.branches.extend(noted);
        }
        let text = if fits { text } else { source.to_owned() };
        state.texts.insert(file.to_owned(), text.clone());
        text
    }

    /// Has an engine take the notes.
    pub(super) fn register(&self, engine: &mut Engine) {
        let branches = self.clone();
        engine.register_fn(NOTE, move |branch: i64| {
            if let Ok(branch) = usize::try_from(branch) {
                branches.state().ran.insert(branch);
            }
        });
    }

    /// How many branches ran, how many there are, and those that did not run: of one within another
    /// one the outer one only.
    pub fn report(&self) -> ((usize, usize), Vec<Branch>) {
        let state = self.state();
        let all = state.branches.iter().enumerate();
        let never: Vec<&Noted> = all
            .filter(|(at, _)| !state.ran.contains(at))
            .map(|(_, noted)| noted)
            .collect();
        let is_within = |inner: &Noted| {
            never.iter().any(|outer| {
                outer.branch.file == inner.branch.file
                    && outer.span != inner.span
                    && outer.span.0 <= inner.span.0
                    && inner.span.1 <= outer.span.1
            })
        };
        let counts = (state.branches.len() - never.len(), state.branches.len());
        let outermost = never.iter().filter(|noted| !is_within(noted));
        let mut outermost: Vec<Branch> = outermost.map(|noted| noted.branch.clone()).collect();
        outermost.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        (counts, with_both_ways_as_one(outermost))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Of an `if` that went neither way it is enough to say so once.
fn with_both_ways_as_one(branches: Vec<Branch>) -> Vec<Branch> {
    let mut told: Vec<Branch> = Vec::new();
    for branch in branches {
        match told.last_mut() {
            Some(last)
                if last.kind == BranchKind::If
                    && matches!(branch.kind, BranchKind::Else | BranchKind::WithoutElse)
                    && (&last.file, last.line, last.column)
                        == (&branch.file, branch.line, branch.column) =>
            {
                last.kind = BranchKind::Unreached;
            }
            _ => told.push(branch),
        }
    }
    told
}

fn noted(file: &str, source: &str, found: &Found) -> Noted {
    let line = source.lines().nth(found.line.saturating_sub(1));
    let line = line.unwrap_or_default();
    let is_if = matches!(
        found.kind,
        BranchKind::If | BranchKind::Else | BranchKind::WithoutElse
    );
    let skipped = if is_if {
        found.column.saturating_sub(1)
    } else {
        0
    };
    let from = line.char_indices().nth(skipped).map_or(0, |(at, _)| at);
    let line = line.get(from..).unwrap_or_default();
    let text = line.trim().trim_end_matches(['{', ';']).trim();
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    Noted {
        branch: Branch {
            file: file.to_owned(),
            line: found.line,
            column: found.column,
            kind: found.kind,
            text: shown,
        },
        span: found.span,
    }
}

/// `first` is the number of the first branch.
fn with_notes(source: &str, found: &[Found], first: usize) -> String {
    let mut notes: Vec<(usize, String)> = found
        .iter()
        .enumerate()
        .map(|(at, found)| (found.at, note(found.place, first + at)))
        .collect();
    notes.sort_by_key(|(at, _)| *at);
    let mut text = String::with_capacity(source.len() * 2);
    let mut copied = 0;
    for (at, note) in notes {
        text.push_str(source.get(copied..at).unwrap_or_default());
        text.push_str(&note);
        copied = at;
    }
    text.push_str(source.get(copied..).unwrap_or_default());
    text
}

/// The function gives `()`, and `() ?? value` is the value, whatever follows.
fn note(place: Place, number: usize) -> String {
    match place {
        Place::Within => format!(" {NOTE}({number}); "),
        Place::Before => format!("{NOTE}({number}) ?? "),
        Place::Else => format!(" else {{ {NOTE}({number}); }} "),
    }
}

#[cfg(test)]
mod tests {
    use rhai::{Dynamic, Scope};

    use super::*;
    use crate::script::engine;

    /// What `f` of a script gives of each of these values, and what it never ran.
    fn run(source: &str, values: &[i64]) -> (Vec<String>, Vec<String>) {
        let branches = Branches::default();
        let mut engine = engine::build();
        let plain = engine.compile(source).unwrap();
        let text = branches.note("a.rhai", source);
        assert_ne!(text, source, "it has no notes");
        branches.register(&mut engine);
        let noted = engine.compile(&text).unwrap();
        let mut given = Vec::new();
        for value in values {
            let call = |ast| {
                let called = engine.call_fn::<Dynamic>(&mut Scope::new(), ast, "f", (*value,));
                called
                    .map(|value| format!("{value:?}"))
                    .unwrap_or_else(|_| "failed".to_owned())
            };
            let plain = call(&plain);
            assert_eq!(plain, call(&noted), "{text}");
            given.push(plain);
        }
        let never = branches.report().1.into_iter();
        let never = never.map(|one| format!("{} {:?} {}", one.line, one.kind, one.text));
        (given, never.collect())
    }

    #[test]
    fn each_kind_of_branch_is_told_and_changes_nothing() {
        for (source, values, never) in [
            (
                "fn f(x) {\n  if x > 1 {\n    2\n  } else {\n    3\n  }\n}",
                &[2][..],
                &["2 Else if x > 1"][..],
            ),
            (
                "fn f(x) {\n  if x > 1 { 2 }\n}",
                &[2],
                &["2 WithoutElse if x > 1 { 2 }"],
            ),
            (
                "fn f(x) {\n  if x > 1 { 2 }\n}",
                &[1],
                &["2 If if x > 1 { 2 }"],
            ),
            ("fn f(x) { if x > 1 { return 2; } 3 }", &[1, 2], &[]),
            (
                "fn f(x) {\n  if x == 1 { 1 }\n  else if x == 2 { 2 }\n  else { 3 }\n}",
                &[1],
                &["3 Unreached if x == 2 { 2 }"],
            ),
            (
                "fn f(x) {\n  if x == 1 { 1 }\n  else if x == 2 { 2 }\n}",
                &[1, 2],
                &["3 WithoutElse if x == 2 { 2 }"],
            ),
            (
                "fn f(x) {\n  switch x {\n    1 => \"one\",\n    2 | 3 if x > 2 => \"three\",\n    _ => -x + 4 == 1,\n  }\n}",
                &[1],
                &[
                    "4 Case 2 | 3 if x > 2 => \"three\",",
                    "5 Case _ => -x + 4 == 1,",
                ],
            ),
            (
                "fn f(x) {\n  switch x {\n    1 => { let y = x; y + 1 }\n    2 => return 7,\n    3 => throw \"no\",\n    _ => if x > 9 { 1 } else { 2 }\n  }\n}",
                &[1, 2, 3, 4, 10],
                &[],
            ),
            (
                "fn f(x) {\n  let n = 0;\n  for i in 0..x {\n    n += i;\n  }\n  n\n}",
                &[0],
                &["3 Loop for i in 0..x"],
            ),
            (
                "fn f(x) {\n  while x > 2 {\n    x -= 1;\n  }\n  x\n}",
                &[0],
                &["2 Loop while x > 2"],
            ),
            (
                "fn f(x) {\n  try {\n    x / 0\n  } catch {\n    7\n  }\n}",
                &[0],
                &[],
            ),
            (
                "fn f(x) {\n  try {\n    x / 1\n  } catch {\n    7\n  }\n}",
                &[0],
                &["4 Catch } catch"],
            ),
            (
                "fn g(x) {\n  if x > 1 { 1 }\n}\nfn f(x) { x }",
                &[1],
                &["1 Function fn g(x)"],
            ),
            ("fn f(x) {\n  [x].map(|n| n + 1)\n}", &[1], &[]),
            (
                "fn f(x) {\n  [].map(|n| !n.ok)\n}",
                &[1],
                &["2 Function [].map(|n| !n.ok)"],
            ),
            (
                "fn f(x) {\n  `${if x > 1 { \"much\" } else { \"little\" }} of it`\n}",
                &[2],
                &["2 Else if x > 1 { \"much\" } else { \"little\" }} of it`"],
            ),
        ] {
            assert_eq!(run(source, values).1, never, "{source}");
        }
    }

    #[test]
    fn what_stands_in_a_branch_that_never_ran_is_not_told_beside_it() {
        let source = "fn f(x) {\n  if x > 1 {\n    if x > 2 { 1 } else { 2 }\n    for y in [x] { y }\n  }\n}";
        assert_eq!(run(source, &[0]).1, ["2 If if x > 1"]);
    }
}
