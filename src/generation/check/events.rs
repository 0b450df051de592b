//! Tags that wait for events which no client makes. Only where the names are written out: a client
//! that takes them from the request can make any.

use super::Set;
use crate::config::{Problem, suggest};
use crate::generation::load::problem;
use crate::tag::{On, Tag};

/// Where some client takes names from requests, only a name that is nearly that of a known event is
/// taken for a slip.
const SLIP: usize = 1;

pub(super) fn findings(set: &Set<'_>) -> Vec<Problem> {
    if set.clients.is_empty() || !set.knows_all_clients {
        return Vec::new();
    }
    let made = set.clients.iter().map(|client| &client.script.event_names);
    let known: Vec<&str> = made
        .clone()
        .flat_map(|names| &names.known)
        .map(String::as_str)
        .collect();
    let any = made.clone().any(|names| names.others);
    let tags = set.tags.iter().filter(|tag| tag.enabled);
    tags.flat_map(|tag| of_tag(tag, &known, any)).collect()
}

fn of_tag(tag: &Tag, known: &[&str], any: bool) -> Vec<Problem> {
    let is_unmade = |on: &&On| match on {
        On::Name(name) if any => is_slip(name, known),
        On::Name(name) => !known.contains(&name.as_str()),
        On::Pattern(pattern) => !any && !known.iter().any(|name| pattern.is_match(name)),
        On::Any => false,
    };
    let unmade: Vec<&On> = tag.on.iter().filter(is_unmade).collect();
    let is_silent = unmade.len() == tag.on.len();
    let findings = unmade.into_iter().map(|on| {
        let end = if is_silent {
            ", so the tag can never fire"
        } else {
            ""
        };
        let message = format!("no client makes the event \"{on}\"{end}");
        let hint = suggest(&on.to_string(), known.iter().copied());
        let hint = hint.unwrap_or_else(|| format!("the clients make {}", listed(known)));
        let fault = tag.script.fault_in("ON", &message).with_hint(hint);
        Problem {
            severity: crate::config::Severity::Warning,
            ..problem(fault.of_kind("never-fires"))
        }
    });
    findings.collect()
}

fn is_slip(name: &str, known: &[&str]) -> bool {
    !known.contains(&name)
        && known
            .iter()
            .any(|known| strsim::damerau_levenshtein(name, known) <= SLIP && known.len() > 4)
}

fn listed(names: &[&str]) -> String {
    const MOST: usize = 12;
    let mut names = names.to_vec();
    names.sort_unstable();
    names.dedup();
    let more = match names.len().saturating_sub(MOST) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    names.truncate(MOST);
    format!("{}{more}", names.join(", "))
}
