//! Reads just enough of Rust to know which paths a file names and which modules it declares. It is
//! no parser: it skips comments and strings, follows `use` trees, and knows nothing of types.

use std::iter::Peekable;
use std::slice::Iter;

/// What a file says about other files.
#[derive(Debug, Default)]
pub(crate) struct Source {
    pub(crate) paths: Vec<Path>,
    /// `mod x;`, in the order in which they stand.
    pub(crate) modules: Vec<Module>,
    /// Names that a `use` or a `mod` binds: they hide a crate of the same name.
    pub(crate) bound: Vec<String>,
    /// Lines with `#[path = "…"]`.
    pub(crate) path_attributes: Vec<usize>,
}

/// A path such as `crate::journal::Journal`, written out: a `use` tree gives one for each leaf. It
/// has at least one segment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) line: usize,
    pub(crate) segments: Vec<String>,
    /// The inline modules (`mod tests { … }`) around it.
    pub(crate) inside: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Module {
    pub(crate) line: usize,
    pub(crate) name: String,
    pub(crate) inside: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    /// `::`
    Colons,
    Mark(char),
}

/// `->` and `=>`: not the bracket that ends in `<T as Trait>::Item`.
const ARROW: Token = Token::Mark('→');

type Tokens<'a> = Peekable<Iter<'a, (usize, Token)>>;

pub(crate) fn read(text: &str) -> Source {
    let tokens = tokens(text);
    let mut tokens = tokens.iter().peekable();
    let mut reader = Reader::default();
    let mut before = [Token::Mark(';'), Token::Mark(';')];
    while let Some((line, token)) = tokens.next() {
        reader.take(*line, token, &before, &mut tokens);
        before = [before[1].clone(), token.clone()];
    }
    reader.source
}

#[derive(Default)]
struct Reader {
    source: Source,
    depth: usize,
    /// Name and depth of the inline modules that are open.
    open: Vec<(String, usize)>,
}

impl Reader {
    fn take(&mut self, line: usize, token: &Token, before: &[Token; 2], rest: &mut Tokens<'_>) {
        match token {
            Token::Mark('{') => self.depth += 1,
            Token::Mark('}') => {
                self.depth = self.depth.saturating_sub(1);
                self.open.pop_if(|(_, depth)| *depth == self.depth);
            }
            Token::Word(word) => match word.as_str() {
                "mod" => self.take_module(line, rest),
                "use" if next_mark(rest) != Some('<') => {
                    rest.next_if(|(_, token)| *token == Token::Colons);
                    self.take_tree(&[], rest);
                }
                "crate" if before[1] == Token::Word("extern".to_owned()) => {
                    let name = next_word(rest);
                    self.push(line, name.into_iter().collect());
                }
                "path" if before[1] == Token::Mark('[') && next_mark(rest) == Some('=') => {
                    self.source.path_attributes.push(line);
                }
                word => self.take_path(line, word, before, rest),
            },
            Token::Colons | Token::Mark(_) => {}
        }
    }

    fn take_module(&mut self, line: usize, rest: &mut Tokens<'_>) {
        let Some(name) = next_word(rest) else {
            return;
        };
        self.source.bound.push(name.clone());
        match next_mark(rest) {
            Some('{') => self.open.push((name, self.depth)),
            _ => self.source.modules.push(Module {
                line,
                name,
                inside: self.inside(),
            }),
        }
    }

    /// One tree of a `use`, up to the `,`, `}` or `;` behind it.
    fn take_tree(&mut self, prefix: &[String], rest: &mut Tokens<'_>) {
        let mut segments = prefix.to_vec();
        let mut last_line = 0;
        while let Some((line, token)) = rest.next() {
            last_line = *line;
            match token {
                Token::Mark('{') => {
                    while !matches!(next_mark(rest), Some('}') | None) || next_is_word(rest) {
                        self.take_tree(&segments, rest);
                        rest.next_if(|(_, token)| *token == Token::Mark(','));
                    }
                    rest.next();
                    return;
                }
                Token::Mark(mark) => segments.push(mark.to_string()),
                Token::Word(word) if word == "self" && !prefix.is_empty() => {}
                Token::Word(word) => segments.push(word.clone()),
                Token::Colons => {}
            }
            if matches!(next_mark(rest), Some(',' | '}' | ';')) || next_is(rest, "as") {
                break;
            }
        }
        let alias = rest
            .next_if(|(_, token)| *token == Token::Word("as".to_owned()))
            .and_then(|_| next_word(rest));
        let is_renamed_or_deeper = alias.is_some() || segments.len() > 1;
        if let Some(name) = alias.or_else(|| segments.last().cloned())
            && is_renamed_or_deeper
        {
            self.source.bound.push(name);
        }
        self.push(last_line, segments);
    }

    /// A path in code: `a::b::c`. A word without `::` names nothing outside.
    fn take_path(&mut self, line: usize, word: &str, before: &[Token; 2], rest: &mut Tokens<'_>) {
        let mut segments = vec![word.to_owned()];
        while rest.next_if(|(_, token)| *token == Token::Colons).is_some() {
            match next_word(rest) {
                Some(word) => segments.push(word),
                None => break,
            }
        }
        // `Vec::<u8>::new` and `<T as Trait>::Item` go on behind a bracket; `-> ::name` does not.
        let goes_on = before[1] == Token::Colons && before[0] == Token::Mark('>');
        if segments.len() > 1 && !goes_on {
            self.push(line, segments);
        }
    }

    fn push(&mut self, line: usize, segments: Vec<String>) {
        if segments.is_empty() {
            return;
        }
        let inside = self.inside();
        self.source.paths.push(Path {
            line,
            segments,
            inside,
        });
    }

    fn inside(&self) -> Vec<String> {
        self.open.iter().map(|(name, _)| name.clone()).collect()
    }
}

fn next_mark(rest: &mut Tokens<'_>) -> Option<char> {
    match rest.peek() {
        Some((_, Token::Mark(mark))) => Some(*mark),
        _ => None,
    }
}

fn next_is(rest: &mut Tokens<'_>, wanted: &str) -> bool {
    matches!(rest.peek(), Some((_, Token::Word(word))) if word == wanted)
}

fn next_is_word(rest: &mut Tokens<'_>) -> bool {
    matches!(rest.peek(), Some((_, Token::Word(_) | Token::Colons)))
}

fn next_word(rest: &mut Tokens<'_>) -> Option<String> {
    match rest.next_if(|(_, token)| matches!(token, Token::Word(_))) {
        Some((_, Token::Word(word))) => Some(word.clone()),
        _ => None,
    }
}

fn tokens(text: &str) -> Vec<(usize, Token)> {
    let text: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    let mut line = 1;
    while let Some(&first) = text.get(at) {
        let end = end_of_token(&text, at);
        let token = match first {
            ':' if end == at + 2 => Some(Token::Colons),
            '-' | '=' if end == at + 2 => Some(ARROW),
            first if is_word(first) && !is_quoted(&text, at, end) => {
                let word: String = text[at..end].iter().collect();
                Some(Token::Word(word.trim_start_matches("r#").to_owned()))
            }
            // A lone mark; what is longer is a comment, a text or a char literal.
            first if end == at + 1 && !first.is_whitespace() && !is_word(first) => {
                Some(Token::Mark(first))
            }
            _ => None,
        };
        found.extend(token.map(|token| (line, token)));
        line += text[at..end].iter().filter(|&&char| char == '\n').count();
        at = end;
    }
    found
}

fn end_of_token(text: &[char], at: usize) -> usize {
    let next = |offset: usize| text.get(at + offset).copied().unwrap_or('\0');
    match (text[at], next(1)) {
        ('/', '/') => until(text, at, |char| char == '\n'),
        ('/', '*') => end_of_block_comment(text, at),
        ('"', _) => end_of_text(text, at, '"'),
        ('\'', '\\') => end_of_text(text, at, '\''),
        ('\'', _) if next(2) == '\'' => at + 3,
        (':', ':') | ('-' | '=', '>') => at + 2,
        (first, _) if is_word(first) => end_of_word(text, at),
        _ => at + 1,
    }
}

/// A word, a raw identifier (`r#type`), or a raw text (`r#"…"#`), which begins like a word.
fn end_of_word(text: &[char], at: usize) -> usize {
    let end = until(text, at, |char| !is_word(char));
    let word: String = text[at..end].iter().collect();
    if !matches!(word.as_str(), "r" | "br" | "cr") {
        return end;
    }
    let quote = until(text, end, |char| char != '#');
    let hashes = quote - end;
    if text.get(quote) == Some(&'"') {
        let mut close = vec!['"'];
        close.resize(hashes + 1, '#');
        let found = text[quote + 1..]
            .windows(close.len())
            .position(|window| window == close);
        return found.map_or(text.len(), |found| quote + 1 + found + close.len());
    }
    if hashes == 1 {
        until(text, quote, |char| !is_word(char))
    } else {
        end
    }
}

fn end_of_text(text: &[char], at: usize, quote: char) -> usize {
    let mut at = at + 1;
    while let Some(&char) = text.get(at) {
        match char {
            '\\' => at += 2,
            char if char == quote => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

fn end_of_block_comment(text: &[char], at: usize) -> usize {
    let mut depth = 0;
    let mut at = at;
    while at + 1 < text.len() {
        match (text[at], text[at + 1]) {
            ('/', '*') => (depth, at) = (depth + 1, at + 2),
            ('*', '/') => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

fn until(text: &[char], at: usize, is_end: impl Fn(char) -> bool) -> usize {
    let found = text[at..].iter().position(|&char| is_end(char));
    found.map_or(text.len(), |found| at + found)
}

fn is_word(char: char) -> bool {
    char == '_' || char.is_alphanumeric()
}

fn is_quoted(text: &[char], at: usize, end: usize) -> bool {
    text[at..end].contains(&'"')
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn paths_are_found_where_they_are_and_nowhere_else() {
        let cases: &[(&str, &[&str])] = &[
            ("use crate::a;", &["crate::a"]),
            (
                "use crate::{a, b::{self, c as d}, e::*};",
                &["crate::a", "crate::b", "crate::b::c", "crate::e::*"],
            ),
            (
                "pub(crate) use crate::{\n    a,\n    b,\n};",
                &["crate::a", "crate::b"],
            ),
            ("use ::hyper;", &["hyper"]),
            ("use {a::b, c::d,};", &["a::b", "c::d"]),
            ("extern crate hyper;", &["hyper"]),
            ("let x = crate::a::b(c::D);", &["crate::a::b", "c::D"]),
            ("fn f() -> ::hyper::Body {}", &["hyper::Body"]),
            ("match x { _ => ::hyper::f() }", &["hyper::f"]),
            ("Vec::<a::B>::new(); <T as a::C>::x::y()", &["a::B", "a::C"]),
            ("fn f<'a>() -> impl X + use<'a> { a::b() }", &["a::b"]),
            (
                "// crate::a\n/* crate::b /* c::d */ e::f */ g::h",
                &["g::h"],
            ),
            ("//! crate::a\n/// [`crate::b`]\nfn f() {}", &[]),
            (
                r##"f("crate::a", r#"x" crate::b "#, b"c::d", '"', '\'', "\" e::f")"##,
                &[],
            ),
            ("r#type::x", &["type::x"]),
            (
                "#[derive(serde::Serialize)] struct S { axum: u8 }",
                &["serde::Serialize"],
            ),
        ];
        for (text, paths) in cases {
            let found: Vec<_> = read(text)
                .paths
                .iter()
                .map(|path| path.segments.join("::"))
                .collect();
            assert_eq!(&found, paths, "{text}");
        }
    }

    #[test]
    fn lines_and_inline_modules_are_known() {
        let source = read("mod a;\n\nmod b {\n    use super::x;\n    mod c;\n}\nuse y::z;");
        let at: Vec<_> = source
            .paths
            .iter()
            .map(|path| (path.line, path.inside.join("::")))
            .collect();
        assert_eq!(at, [(4, "b".to_owned()), (7, String::new())]);
        let modules: Vec<_> = source
            .modules
            .iter()
            .map(|module| (module.line, module.name.as_str()))
            .collect();
        assert_eq!(modules, [(1, "a"), (5, "c")]);
        assert_eq!(source.modules[1].inside, ["b"]);
    }
}
