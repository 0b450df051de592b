//! What is wrong with a file that the user wrote: where, what, and how to mend it. Used for the
//! configuration and for scripts. It holds no secrets: whoever makes a problem leaves them out. How it
//! looks is in `draw`.

use std::fmt;
use std::path::{Path, PathBuf};

use super::draw;
use super::position::Position;
use super::shapes;

/// How much of a user's word a message repeats; more would bury the message.
const MAX_QUOTED: usize = 60;

/// Longer words are not compared with the known ones: nobody mistypes a key of this length, and
/// the comparison takes quadratic time.
const MAX_SUGGESTED: usize = 64;

/// The longest line that is shown, in characters.
const MAX_LINE_CHARS: usize = 400;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Severity {
    /// The files do not make a set.
    #[default]
    Error,
    /// The set works, and somebody should look.
    Warning,
}

impl Severity {
    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One thing that is wrong in a file, a finding of `tagwerk check`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// What sort of problem it is, in a word: `unknown-function`.
    pub kind: &'static str,
    /// The file as the user named it.
    pub file: PathBuf,
    /// Line, counted from 1.
    pub line: Option<usize>,
    /// Column in characters, counted from 1.
    pub column: Option<usize>,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// How to mend it.
    pub hint: Option<String>,
    /// What stands in the line, without secrets; see [`Problems::show_lines`].
    pub text: Option<String>,
}

impl Problem {
    /// A problem with a file as a whole.
    pub fn new(file: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            kind: "",
            file: file.into(),
            line: None,
            column: None,
            message: message.into(),
            hint: None,
            text: None,
        }
    }

    /// What somebody should look at, although the set works.
    pub fn warning(file: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::new(file, message)
        }
    }

    /// The same, as something that works.
    pub fn as_warning(self) -> Self {
        Self {
            severity: Severity::Warning,
            ..self
        }
    }

    /// The same problem, of this sort.
    pub fn of_kind(mut self, kind: &'static str) -> Self {
        self.kind = kind;
        self
    }

    /// As it is shown, with colours for a terminal.
    pub fn painted(&self) -> String {
        draw::painted(self)
    }

    /// True if it stops the files from being a set.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// The same problem, at a place in the file.
    pub fn at(mut self, line: usize, column: usize) -> Self {
        self.line = Some(line);
        self.column = Some(column);
        self
    }

    /// The same problem, with a hint (or without one).
    pub fn with_hint(mut self, hint: impl Into<Option<String>>) -> Self {
        self.hint = hint.into();
        self
    }

    pub(super) fn at_position(file: &Path, at: Option<Position>, message: String) -> Self {
        let problem = Self::new(file, message);
        match at {
            Some(at) => problem.at(at.line, at.column),
            None => problem,
        }
    }
}

/// As a compiler shows it, without colours: what, where, the line with a mark below it, the hint.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&draw::plain(self))
    }
}

/// All that is wrong, so that the user mends everything in one go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Adds one more.
    pub fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// True if nothing is wrong, and nobody need look at anything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True if the files do not make a set.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(Problem::is_error)
    }

    /// Adds to each problem of this file what stands in its line.
    pub fn show_lines(&mut self, file: &Path, text: &str) {
        let unseen = |problem: &&mut Problem| problem.text.is_none() && problem.file == file;
        for problem in self.0.iter_mut().filter(unseen) {
            let line = problem
                .line
                .and_then(|line| text.lines().nth(line.wrapping_sub(1)));
            let shown = line.map(|line| shapes::without_secrets(file, line));
            problem.text = shown.map(|line| line.chars().take(MAX_LINE_CHARS).collect());
        }
    }

    /// Them all, with colours for a terminal.
    pub fn painted(&self) -> String {
        self.joined(draw::painted)
    }

    /// How many there are of each sort: `2 errors, 1 warning`.
    pub fn counted(&self) -> String {
        let errors = self.0.iter().filter(|problem| problem.is_error()).count();
        let parts = [(errors, "error"), (self.len() - errors, "warning")];
        let parts = parts.into_iter().filter(|(count, _)| *count > 0);
        let parts = parts
            .map(|(count, word)| format!("{count} {word}{}", if count == 1 { "" } else { "s" }));
        parts.collect::<Vec<_>>().join(", ")
    }

    fn joined(&self, draw: fn(&Problem) -> String) -> String {
        let blocks: Vec<String> = self.0.iter().map(draw).collect();
        let mut text = blocks.join("\n\n");
        if self.len() > 1 {
            text.push_str(&format!("\n\n{}", self.counted()));
        }
        text
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The problems, in the order in which they are shown.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }

    /// `value` if nothing is wrong but for warnings, else the problems, in the order of the files'
    /// lines.
    ///
    /// # Errors
    /// If one of them is an error.
    pub fn into_result<T>(mut self, value: T) -> Result<T, Self> {
        if !self.has_errors() {
            return Ok(value);
        }
        self.sort();
        Err(self)
    }

    /// Brings them into the order in which a person walks through the files.
    pub fn sort(&mut self) {
        self.0.sort_by(|a, b| {
            let key = |problem: &Problem| (problem.line, problem.column);
            a.file.cmp(&b.file).then_with(|| key(a).cmp(&key(b)))
        });
    }
}

/// One block per problem; with more than one, the last line counts them.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.joined(draw::plain))
    }
}

impl std::error::Error for Problems {}

impl Extend<Problem> for Problems {
    fn extend<I: IntoIterator<Item = Problem>>(&mut self, problems: I) {
        self.0.extend(problems);
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl FromIterator<Problem> for Problems {
    fn from_iter<I: IntoIterator<Item = Problem>>(problems: I) -> Self {
        Self(problems.into_iter().collect())
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The hint ``did you mean `listen`?`` if one of the known words is near enough to `word`.
pub fn suggest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let length = word.chars().count();
    if length > MAX_SUGGESTED {
        return None;
    }
    let plain = word.to_lowercase().replace('-', "_");
    let nearest = known
        .into_iter()
        .map(|candidate| {
            let other = candidate.to_lowercase().replace('-', "_");
            (strsim::damerau_levenshtein(&plain, &other), candidate)
        })
        .min_by_key(|(distance, _)| *distance)?;
    // A third of the word may be wrong: `retires` is `retries`, but `tag` is not `log`.
    let (distance, candidate) = nearest;
    (distance * 3 <= length).then(|| format!("did you mean `{candidate}`?"))
}

/// A user's word as messages show it: in backticks, shortened, and without control characters,
/// which could otherwise steer the terminal.
pub fn quoted(word: &str) -> String {
    let mut shown: String = word
        .chars()
        .take(MAX_QUOTED)
        .flat_map(|c| {
            let escape = c.is_control();
            let plain = (!escape).then_some(c);
            let escaped = escape.then(|| c.escape_default());
            plain.into_iter().chain(escaped.into_iter().flatten())
        })
        .collect();
    if word.chars().nth(MAX_QUOTED).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_problem_says_where_what_and_how_to_mend_it() {
        let problem = Problem::new("tagwerk.toml", "unknown key `lisen`");
        assert_eq!(
            problem.to_string(),
            "error: unknown key `lisen`\n--> tagwerk.toml"
        );
        let placed = problem.at(2, 3).of_kind("unknown-key");
        let mut placed = Problems::from(placed.with_hint(suggest("lisen", ["listen"])));
        placed.show_lines(Path::new("tagwerk.toml"), "[server]\n  lisen = 1\n");
        let expected = "\
error[unknown-key]: unknown key `lisen`
 --> tagwerk.toml:2:3
  |
2 |   lisen = 1
  |   ^^^^^
  |
  = hint: did you mean `listen`?";
        assert_eq!(placed.to_string(), expected);
    }

    #[test]
    fn problems_are_shown_in_the_order_of_the_files_and_counted() {
        let mut problems = Problems::from(Problem::warning("b.rhai", "late").at(1, 1));
        problems.push(Problem::new("a.rhai", "second").at(10, 1));
        problems.push(Problem::new("a.rhai", "first").at(9, 7));
        let shown = problems.into_result(()).unwrap_err();
        let messages: Vec<&str> = shown.iter().map(|one| one.message.as_str()).collect();
        assert_eq!(messages, ["first", "second", "late"]);
        assert!(shown.to_string().ends_with("\n\n2 errors, 1 warning"));
        assert_eq!(Problems::default().into_result(7), Ok(7));
        let warned = Problems::from(Problem::warning("a.rhai", "look"));
        assert_eq!(warned.into_result(7), Ok(7));
    }

    #[test]
    fn only_near_words_are_suggested() {
        let known = ["listen", "public_url", "max_body"];
        for (word, expected) in [
            ("lisen", Some("did you mean `listen`?")),
            ("Listen", Some("did you mean `listen`?")),
            ("public-url", Some("did you mean `public_url`?")),
            ("max_bdoy", Some("did you mean `max_body`?")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(suggest(word, known).as_deref(), expected, "{word}");
        }
        assert_eq!(suggest(&"listen".repeat(1000), known), None);
    }

    #[test]
    fn quoting_shortens_and_disarms() {
        assert_eq!(quoted("a\u{1b}[2Jb"), "`a\\u{1b}[2Jb`");
        assert_eq!(quoted(&"x".repeat(100)), format!("`{}…`", "x".repeat(60)));
    }

    proptest! {
        #[test]
        fn what_is_quoted_never_steers_the_terminal(word in any::<String>()) {
            prop_assert!(!quoted(&word).chars().any(char::is_control));
        }
    }
}
