//! Keys that stand in what a tag returns and that its destination does not know: a misspelt one is a
//! dead letter, or worse, data that nobody misses for months. Pure; `tagwerk check` asks.

use std::path::Path;

use super::Generation;
use crate::config::{Problem, suggest};
use crate::destination::{Field, Others, Shape, Type, children, find_type};
use crate::script::Key;
use crate::tag::Tag;

/// What is to be mended in the tags of a set.
pub fn unknown_keys(generation: &Generation) -> Vec<Problem> {
    let tags = generation.tags.iter();
    tags.flat_map(|tag| {
        let destination = generation.destinations.get(&tag.to);
        let kind = destination.and_then(|one| find_type(one.kind));
        kind.map_or_else(Vec::new, |kind| of_tag(tag, kind))
    })
    .collect()
}

fn of_tag(tag: &Tag, kind: &Type) -> Vec<Problem> {
    let keys = tag.script.returned_keys("tag");
    keys.iter()
        .filter_map(|key| problem(&tag.script.file, key, kind))
        .collect()
}

/// What is wrong with one key. Where the vendor takes any key, only one that is nearly a known one.
fn problem(file: &str, key: &Key, kind: &Type) -> Option<Problem> {
    let (parent, name) = key.path.rsplit_once('.').unwrap_or(("", &key.path));
    let known = children(kind.fields, parent);
    if known.is_empty() || known.contains(&name) {
        return None;
    }
    let near = suggest(name, known.iter().copied());
    if near.is_none() && !is_closed(kind, parent) {
        return None;
    }
    let hint = near.unwrap_or_else(|| format!("there are {}", known.join(", ")));
    let message = format!(
        "destinations of type {} know no key `{}`",
        kind.name, key.path
    );
    let problem = Problem::new(Path::new(file), message).at(key.line, key.column);
    Some(problem.with_hint(hint))
}

fn is_closed(kind: &Type, parent: &str) -> bool {
    if parent.is_empty() {
        return kind.others == Others::Refused;
    }
    let is_it = |field: &Field| field.path == parent && field.shape == Shape::Closed;
    kind.fields.iter().any(is_it)
}
