//! A mapping as people read it, for `tagwerk docs` and for docs/mapping/.

use super::Mapping;
use super::table::{How, Names, Row};

/// One line of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The vendor's key.
    pub to: String,
    /// The event's keys, or blank.
    pub from: String,
    /// What is done; blank for nothing.
    pub how: String,
}

impl Mapping {
    /// The table, row by row.
    pub fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        collect(self.rows, "", "", &mut lines);
        lines
    }

    /// Event names and the vendor's name for them, if it has names of its own.
    pub fn names(&self) -> Vec<(&'static str, &'static [&'static str])> {
        let named = self.rows.iter().find_map(|row| match row.how {
            How::Named(names) => Some(names.table),
            _ => None,
        });
        named.unwrap_or_default().to_vec()
    }

    /// A section of a page.
    pub fn markdown(&self) -> String {
        let mut page = format!(
            "## `{}`\n\n{}\n\n| key | of the event | how |\n|---|---|---|\n",
            self.signature, self.about
        );
        for line in self.lines() {
            let from = line.from.replace('|', "\\|");
            page.push_str(&format!(
                "| `{}` | {from} | {} |
",
                line.to, line.how
            ));
        }
        if !self.names().is_empty() {
            page.push_str("\n| event | is called |\n|---|---|\n");
            for (theirs, ours) in self.names() {
                page.push_str(&format!("| {} | `{theirs}` |\n", quoted(ours)));
            }
        }
        for need in self.needs {
            let keys = quoted(need.any);
            page.push_str(&format!("\nWithout {keys} it skips: \"{}\".\n", need.why));
        }
        page.push_str(&format!("\n```rhai\n{}\n```\n", self.example));
        page
    }
}

fn collect(rows: &[Row], to: &str, from: &str, lines: &mut Vec<Line>) {
    for row in rows {
        let key = joined(to, row.to);
        match row.how {
            How::Map(rows) => collect(rows, &key, from, lines),
            How::Whole(rows) => {
                lines.push(Line {
                    to: key.clone(),
                    from: String::new(),
                    how: "only if all of its keys are there".to_owned(),
                });
                collect(rows, &key, from, lines);
            }
            How::Each(rows) => {
                let items = row.from.first().copied().unwrap_or_default();
                collect(rows, &format!("{key}[]"), &format!("{items}[]."), lines);
            }
            How::Same(names) => lines.push(Line {
                to: key,
                from: quoted(names),
                how: "each under its own name".to_owned(),
            }),
            how => lines.push(Line {
                to: key,
                from: sources(row.from, from),
                how: words(how),
            }),
        }
    }
}

fn words(how: How) -> String {
    match how {
        How::Is(change) => change.about.to_owned(),
        How::List(change) if change.about.is_empty() => "as an array".to_owned(),
        How::List(change) => format!("{}; as an array", change.about),
        How::Fixed(text) => format!("always `{text}`"),
        How::Named(names) => named(names),
        How::Map(_) | How::Whole(_) | How::Each(_) | How::Same(_) => String::new(),
    }
}

fn named(names: &Names) -> String {
    let other = match names.other.about {
        "" => "as it is",
        other => other,
    };
    if names.table.is_empty() {
        return other.to_owned();
    }
    format!("as the table below says; others {other}")
}

fn sources(keys: &[&str], prefix: &str) -> String {
    let keys: Vec<String> = keys.iter().map(|key| format!("`{prefix}{key}`")).collect();
    keys.join(", else ")
}

fn quoted(keys: &[&str]) -> String {
    let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
    keys.join(", ")
}

fn joined(to: &str, key: &str) -> String {
    match to.trim_end_matches('*').trim_end_matches('.') {
        "" => key.to_owned(),
        to => format!("{to}.{key}"),
    }
}
