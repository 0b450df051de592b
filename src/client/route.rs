//! From a path to the clients that may claim it. Paths are matched as they were sent; parameters
//! are percent-decoded.

use std::collections::HashMap;

use percent_encoding::percent_decode_str;

/// A path pattern: `/order_created`, `/hooks/:shop`, `/g/*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Parameter(String),
    /// The rest of the path, however long, at least one character. Only at the end.
    Rest,
}

/// What a path gave to a pattern's parameters; the rest is under `*`.
pub type Parameters = Vec<(String, String)>;

impl Pattern {
    /// Reads a pattern.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some(path) = text.strip_prefix('/') else {
            return Err(format!("the path \"{text}\" must start with /"));
        };
        let parts: Vec<&str> = path.split('/').collect();
        let last = parts.len() - 1;
        let segments: Vec<Segment> = parts
            .iter()
            .enumerate()
            .map(|(at, part)| segment(text, part, at == last))
            .collect::<Result<_, _>>()?;
        let names: Vec<_> = segments.iter().filter_map(Segment::name).collect();
        let repeated = names
            .iter()
            .enumerate()
            .find(|(at, name)| names.iter().take(*at).any(|n| n == *name));
        match repeated {
            Some((_, name)) => Err(format!(
                "the path \"{text}\" has the parameter :{name} twice"
            )),
            None => Ok(Self {
                text: text.to_owned(),
                segments,
            }),
        }
    }

    /// As the script wrote it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// True if it matches every path that `other` matches.
    pub fn covers(&self, other: &Self) -> bool {
        let mut theirs = other.segments.iter();
        for ours in &self.segments {
            let fits = match (ours, theirs.next()) {
                (Segment::Rest, next) => return next.is_some_and(|next| !next.is_blank()),
                (_, None | Some(Segment::Rest)) => false,
                (Segment::Parameter(_), Some(next)) => !next.is_blank(),
                (literal, Some(next)) => literal == next,
            };
            if !fits {
                return false;
            }
        }
        theirs.next().is_none()
    }

    fn is_literal(&self) -> bool {
        self.segments
            .iter()
            .all(|segment| matches!(segment, Segment::Literal(_)))
    }

    /// The parameters, if the path matches.
    pub fn matches(&self, path: &str) -> Option<Parameters> {
        let mut rest = path.strip_prefix('/')?;
        let mut parameters = Parameters::new();
        let last = self.segments.len() - 1;
        for (at, segment) in self.segments.iter().enumerate() {
            if *segment == Segment::Rest {
                parameters.push(("*".to_owned(), decode(rest)));
                return (!rest.is_empty()).then_some(parameters);
            }
            let (part, behind) = match rest.split_once('/') {
                Some((part, behind)) if at < last => (part, behind),
                None if at == last => (rest, ""),
                _ => return None,
            };
            match segment {
                Segment::Literal(literal) if literal == part => {}
                Segment::Parameter(name) if !part.is_empty() => {
                    parameters.push((name.clone(), decode(part)))
                }
                _ => return None,
            }
            rest = behind;
        }
        Some(parameters)
    }
}

impl Segment {
    /// True for what stands between two slashes that follow one another, or after the last.
    fn is_blank(&self) -> bool {
        matches!(self, Self::Literal(text) if text.is_empty())
    }

    fn name(&self) -> Option<&str> {
        match self {
            Self::Parameter(name) => Some(name),
            _ => None,
        }
    }
}

fn segment(text: &str, part: &str, is_last: bool) -> Result<Segment, String> {
    if part == "*" && is_last {
        return Ok(Segment::Rest);
    }
    if let Some(name) = part.strip_prefix(':') {
        let plain = !name.is_empty()
            && name
                .chars()
                .all(|letter| letter.is_alphanumeric() || letter == '_');
        return if plain {
            Ok(Segment::Parameter(name.to_owned()))
        } else {
            Err(format!(
                "the path \"{text}\" has a parameter without a plain name"
            ))
        };
    }
    if part.contains('*') {
        return Err(format!(
            "the path \"{text}\" has * elsewhere than as its last part"
        ));
    }
    let odd =
        |letter: char| letter.is_whitespace() || letter.is_control() || "?#\\".contains(letter);
    if part.chars().any(odd) {
        return Err(format!(
            "the path \"{text}\" has a character that no path has"
        ));
    }
    Ok(Segment::Literal(part.to_owned()))
}

fn decode(part: &str) -> String {
    percent_decode_str(part).decode_utf8_lossy().into_owned()
}

/// A client that may claim a path, by its position in the generation's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// The position; the list is in order of precedence.
    pub client: usize,
    /// What the path gave.
    pub parameters: Parameters,
    /// The pattern, for people who watch.
    pub pattern: String,
}

/// All paths of a generation's clients.
#[derive(Debug, Default)]
pub struct Router {
    literal: HashMap<String, Vec<usize>>,
    patterns: Vec<(Pattern, usize)>,
}

impl Router {
    /// `paths` are pairs of a pattern and its client's position.
    pub fn new(paths: impl IntoIterator<Item = (Pattern, usize)>) -> Self {
        let mut router = Self::default();
        for (pattern, client) in paths {
            if pattern.is_literal() {
                router.literal.entry(pattern.text).or_default().push(client);
            } else {
                router.patterns.push((pattern, client));
            }
        }
        router
    }

    /// The clients whose paths match, in no order.
    pub fn clients(&self, path: &str) -> impl Iterator<Item = usize> {
        let literal = self.literal.get(path).into_iter().flatten().copied();
        let patterns = self.patterns.iter();
        let patterns = patterns.filter(move |(pattern, _)| pattern.matches(path).is_some());
        literal.chain(patterns.map(|(_, client)| *client))
    }

    /// The clients whose paths match, in order of precedence, each once.
    pub fn find(&self, path: &str) -> Vec<Match> {
        let literal = self.literal.get(path).into_iter().flatten();
        let mut found: Vec<Match> = literal
            .map(|client| Match {
                client: *client,
                parameters: Parameters::new(),
                pattern: path.to_owned(),
            })
            .collect();
        found.extend(self.patterns.iter().filter_map(|(pattern, client)| {
            let parameters = pattern.matches(path)?;
            Some(Match {
                client: *client,
                parameters,
                pattern: pattern.text.clone(),
            })
        }));
        found.sort_by_key(|found| found.client);
        found.dedup_by_key(|found| found.client);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matched(pattern: &str, path: &str) -> Option<Vec<(String, String)>> {
        Pattern::parse(pattern).unwrap().matches(path)
    }

    #[test]
    fn patterns_match_paths() {
        let none: &[(&str, &str)] = &[];
        type Case<'a> = (&'a str, &'a str, Option<&'a [(&'a str, &'a str)]>);
        let cases: &[Case<'_>] = &[
            ("/order_created", "/order_created", Some(none)),
            ("/order_created", "/order_created/", None),
            ("/order_created", "/Order_created", None),
            ("/", "/", Some(none)),
            ("/hooks/:shop", "/hooks/a%20b", Some(&[("shop", "a b")])),
            ("/hooks/:shop", "/hooks/", None),
            ("/hooks/:shop", "/hooks/a/b", None),
            (
                "/hooks/:shop/:topic",
                "/hooks/a/b",
                Some(&[("shop", "a"), ("topic", "b")]),
            ),
            ("/g/*", "/g/collect", Some(&[("*", "collect")])),
            ("/g/*", "/g/a/b", Some(&[("*", "a/b")])),
            ("/g/*", "/g/", None),
            ("/*", "/x", Some(&[("*", "x")])),
        ];
        for (pattern, path, expected) in cases {
            let expected = expected.map(|pairs| {
                pairs
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                    .collect()
            });
            assert_eq!(matched(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn bad_patterns_are_refused() {
        for bad in ["", "x", "/a/*/b", "/a*", "/:", "/:a/:a", "/a b", "/a?b"] {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_pattern_covers_what_it_matches() {
        for (wide, narrow, expected) in [
            ("/a", "/a", true),
            ("/a", "/b", false),
            ("/:x", "/a", true),
            ("/:x", "/:y", true),
            ("/a", "/:x", false),
            ("/:x", "/a/b", false),
            ("/*", "/a/:b", true),
            ("/a/*", "/a/*", true),
            ("/a/*", "/a", false),
            ("/a/*", "/a/", false),
            ("/a/:b", "/a/*", false),
            ("/a/b", "/a", false),
        ] {
            let parse = |text| Pattern::parse(text).unwrap();
            assert_eq!(
                parse(wide).covers(&parse(narrow)),
                expected,
                "{wide} {narrow}"
            );
        }
    }

    #[test]
    fn precedence_is_the_clients_order_and_each_comes_once() {
        let paths = [("/a/*", 2), ("/a/b", 1), ("/a/:x", 0), ("/a/b", 2)];
        let router =
            Router::new(paths.map(|(path, client)| (Pattern::parse(path).unwrap(), client)));
        let found: Vec<usize> = router
            .find("/a/b")
            .iter()
            .map(|found| found.client)
            .collect();
        assert_eq!(found, [0, 1, 2]);
        assert!(router.find("/b").is_empty());
    }

    proptest! {
        #[test]
        fn no_path_panics(pattern in "/[a-z:*/]{0,12}", path in "\\PC{0,30}") {
            if let Ok(pattern) = Pattern::parse(&pattern) {
                let _ = pattern.matches(&path);
            }
        }
    }
}
