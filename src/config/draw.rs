//! How a problem looks: as rustc shows its own, so that nobody has to learn to read it. What is shown
//! is plain text; whatever could steer a terminal is made harmless by the crate that draws.

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::problem::{Problem, Severity};

/// For logs, files and pipes.
pub(super) fn plain(problem: &Problem) -> String {
    draw(problem, &Renderer::plain())
}

/// For a terminal.
pub(super) fn painted(problem: &Problem) -> String {
    draw(problem, &Renderer::styled())
}

fn draw(problem: &Problem, renderer: &Renderer) -> String {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(problem.message.as_str());
    let title = match problem.kind {
        "" => title,
        kind => title.id(kind),
    };
    let group = at_its_place(Group::with_title(title), problem);
    let group = match &problem.hint {
        Some(hint) => group.element(Level::HELP.with_name(Some("hint")).message(hint.as_str())),
        None => group,
    };
    renderer.render(&[group])
}

fn at_its_place<'a>(group: Group<'a>, problem: &'a Problem) -> Group<'a> {
    let file = problem.file.display().to_string();
    let Some(line) = problem.line else {
        return group.element(Origin::path(file));
    };
    let Some(text) = &problem.text else {
        let origin = Origin::path(file).line(line);
        return match problem.column {
            Some(column) => group.element(origin.char_column(column)),
            None => group.element(origin),
        };
    };
    let (start, end) = problem
        .column
        .map_or((0, text.len()), |column| marked(text, column));
    let mark = AnnotationKind::Primary.span(start..end);
    let snippet = Snippet::source(text.as_str()).line_start(line).path(file);
    group.element(snippet.annotation(mark))
}

/// The word, the quoted text or the letter that begins at a column; in bytes.
fn marked(text: &str, column: usize) -> (usize, usize) {
    let start = text.char_indices().nth(column.saturating_sub(1));
    let start = start.map_or(text.len(), |(start, _)| start);
    let rest = text.get(start..).unwrap_or_default();
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
    let length = match rest.chars().next() {
        Some(quote @ ('"' | '`' | '\'')) => {
            let closing = rest
                .char_indices()
                .skip(1)
                .find(|(_, letter)| *letter == quote);
            closing.map_or(rest.len(), |(at, quote)| at + quote.len_utf8())
        }
        Some(letter) if is_word(letter) => {
            let word = rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
            rest.get(..word)
                .unwrap_or_default()
                .trim_end_matches(':')
                .len()
                .max(1)
        }
        Some(letter) => letter.len_utf8(),
        None => 0,
    };
    (start, start + length)
}

#[cfg(test)]
mod tests {
    use super::marked;

    #[test]
    fn what_begins_at_the_place_is_marked() {
        for (text, column, expected) in [
            ("let x = sha256(a);", 9, "sha256"),
            ("let x = hash::sha(a);", 9, "hash::sha"),
            ("a: b", 1, "a"),
            ("const TO = \"crn\";", 12, "\"crn\""),
            ("const TO = \"crn", 12, "\"crn"),
            ("ä = }", 5, "}"),
            ("ä = ö", 5, "ö"),
            ("short", 99, ""),
        ] {
            let (start, end) = marked(text, column);
            assert_eq!(text.get(start..end), Some(expected), "{text}");
        }
    }
}
