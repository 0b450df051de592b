//! Which tags listen to an event name. A tag that does not listen costs nothing: names are looked
//! up in a map, only patterns are tried one by one.

use std::collections::HashMap;

use super::{On, Tag};

/// Positions of tags in their generation's list, by what they listen to. The list is in running
/// order, so positions in ascending order are too.
#[derive(Debug, Default)]
pub struct Index {
    by_name: HashMap<String, Vec<usize>>,
    by_pattern: Vec<(regex::Regex, usize)>,
    any: Vec<usize>,
}

impl Index {
    /// Indexes the tags that are switched on.
    pub fn new(tags: &[Tag]) -> Self {
        let mut index = Self::default();
        for (position, tag) in tags.iter().enumerate().filter(|(_, tag)| tag.enabled) {
            for on in &tag.on {
                match on {
                    On::Name(name) => index
                        .by_name
                        .entry(name.clone())
                        .or_default()
                        .push(position),
                    On::Pattern(pattern) => index.by_pattern.push((pattern.clone(), position)),
                    On::Any => index.any.push(position),
                }
            }
        }
        index
    }

    /// The tags that listen to `name`, in running order, each once.
    pub fn listeners(&self, name: &str) -> Vec<usize> {
        let mut found = self.by_name.get(name).cloned().unwrap_or_default();
        if self.any.is_empty() && self.by_pattern.is_empty() {
            found.dedup();
            return found;
        }
        found.extend(&self.any);
        let matching = self
            .by_pattern
            .iter()
            .filter(|(pattern, _)| pattern.is_match(name));
        found.extend(matching.map(|(_, position)| position));
        found.sort_unstable();
        found.dedup();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::Compiler;

    fn tags(headers: &[&str]) -> Vec<Tag> {
        let compiler = Compiler::new("shared".as_ref());
        let load = |header: &&str| {
            let source = format!("{header} const TO = \"crm\"; fn tag(event) {{ event }}");
            crate::tag::load(compiler.compile("x", "tags/x.rhai", &source).unwrap()).unwrap()
        };
        headers.iter().map(load).collect()
    }

    #[test]
    fn listeners_come_in_running_order_and_once() {
        let tags = tags(&[
            r#"const ON = "purchase";"#,
            r#"const ON = "*";"#,
            r#"const ON = ["refund", "purchase", "/^purch/", "*", "purchase"];"#,
            r#"const ON = "/^re/";"#,
            r#"const ON = "purchase"; const ENABLED = false;"#,
            r#"const ON = "Purchase";"#,
        ]);
        let index = Index::new(&tags);
        let cases: [(&str, &[usize]); 4] = [
            ("purchase", &[0, 1, 2]),
            ("refund", &[1, 2, 3]),
            ("Purchase", &[1, 2, 5]),
            ("", &[1, 2]),
        ];
        for (name, expected) in cases {
            assert_eq!(index.listeners(name), expected, "{name}");
        }
        assert_eq!(Index::new(&tags[..1]).listeners("refund"), [0_usize; 0]);
    }
}
