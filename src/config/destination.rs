//! `[destinations.NAME]`: what all types have in common. It does not know which types there are;
//! a type reads its own keys from `Destination::settings`.

use std::collections::BTreeMap;

use super::literal;
use super::options::Options;
use super::problem::{Problem, Problems, quoted};
use super::section::Section;

/// Long enough for any name, short enough for a label of a metric and a column on a terminal.
const MAX_NAME: usize = 64;

/// A named place to send to. Two are equal if they say the same, wherever they stand in the file.
#[derive(Clone, Debug)]
pub struct Destination {
    /// What tags call it: `[a-z0-9_-]+`, at most 64 characters.
    pub name: String,
    /// The type, such as `amplitude`; not yet checked whether there is one of that name.
    pub kind: String,
    /// Where its table begins in the file.
    pub line: usize,
    /// Variables that are unset: if there are any, the destination is not configured, and its
    /// deliveries wait. Some of its values are then empty or left at their defaults.
    pub missing: Vec<String>,
    /// How deliveries are sent.
    pub options: Options,
    /// The type's own keys, not yet read. Read a clone, and show what its `finish` returns.
    pub settings: Section,
}

impl PartialEq for Destination {
    fn eq(&self, other: &Self) -> bool {
        // Taken apart so that a new field cannot be forgotten here.
        let Self {
            name,
            kind,
            line: _,
            missing,
            options,
            settings,
        } = self;
        *name == other.name
            && *kind == other.kind
            && *missing == other.missing
            && *options == other.options
            && *settings == other.settings
    }
}

/// All destinations, by name.
pub(super) fn read(
    root: &mut Section,
    problems: &mut Problems,
    warnings: &mut Vec<Problem>,
) -> BTreeMap<String, Destination> {
    let mut all = root.table("destinations").waiting_allowed();
    let mut destinations = BTreeMap::new();
    for (name, mut section) in all.tables() {
        check_name(&name, &mut section);
        literal::warn(&name, &mut section);
        warnings.extend(section.take_warnings());
        let destination = destination(&name, section, problems);
        destinations.insert(name, destination);
    }
    problems.extend(all.finish());
    destinations
}

fn destination(name: &str, mut section: Section, problems: &mut Problems) -> Destination {
    let missing = section.missing();
    let kind = kind(&mut section);
    let options = Options::read(&mut section);
    // The type's reader starts with a clean slate, so what was wrong up to here goes out now.
    problems.extend(section.take_problems());
    Destination {
        name: name.to_owned(),
        kind,
        line: section.line().unwrap_or_default(),
        missing,
        options,
        settings: section,
    }
}

fn kind(section: &mut Section) -> String {
    if section.waits_for_variable("type") {
        let hint = "write the type itself".to_owned();
        section.problem("type", "`type` must not wait for a variable", Some(hint));
    }
    section.required_text("type")
}

fn check_name(name: &str, section: &mut Section) {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(allowed) {
        let message = format!("{} is not a destination's name", quoted(name));
        let hint = format!("use a-z, 0-9, _ and -, at most {MAX_NAME} of them");
        section.problem_with_table(message, hint);
    }
}
