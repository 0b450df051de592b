//! What of the scripts was tried: which clients and tags ran, which of the ways that each can go were
//! taken, as the host sees them, and which branches of the scripts ran, if they noted that.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::client::Client;
use crate::generation::Generation;
use crate::preview::{ClientTrace, Record, TagTrace};
use crate::script::{Branch, Branches};
use crate::tag::Tag;

/// The ways that were taken, by the script's file.
#[derive(Clone, Debug, Default)]
pub struct Coverage(BTreeMap<String, BTreeSet<&'static str>>);

/// A script that was not tried in all its ways.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Untried {
    /// Its file.
    pub file: String,
    /// Whether it ran at all.
    pub ran: bool,
    /// The ways that were not taken.
    pub never: Vec<&'static str>,
}

/// How much was tried.
#[derive(Clone, Debug, Serialize)]
pub struct Covered {
    /// Clients that made events, and how many there are.
    pub clients: (usize, usize),
    /// Tags that fired, and how many there are.
    pub tags: (usize, usize),
    /// Ways that were taken, and how many there are.
    pub ways: (usize, usize),
    /// The scripts with ways that were not.
    pub untried: Vec<Untried>,
    /// Branches of scripts that ran, and how many there are, if they were noted.
    pub branches: Option<(usize, usize)>,
    /// Those that did not, but for scripts that did not run at all.
    pub never_ran: Vec<Branch>,
}

const CLAIMS: &str = "claims() false";
const EVENTS: &str = "events";
const NO_EVENTS: &str = "no events";
const FIRES: &str = "fires";
const CONDITIONS: &str = "conditions";
const EXCEPT: &str = "except";
const CONSENT: &str = "consent";
const WHEN: &str = "when() false";
const SKIP: &str = "skip()";

impl Coverage {
    /// Adds what was seen of a request.
    pub fn add(&mut self, record: &Record) {
        for client in &record.clients {
            self.add_client(client, !record.events.is_empty());
        }
        let tags = record.events.iter().flat_map(|event| &event.tags);
        tags.for_each(|tag| self.add_tag(&tag.trace));
    }

    fn add_client(&mut self, client: &ClientTrace, made_events: bool) {
        if client.fault.is_some() {
            return;
        }
        let way = match (client.claimed, made_events) {
            (false, _) => CLAIMS,
            (true, true) => EVENTS,
            (true, false) => NO_EVENTS,
        };
        self.0.entry(client.file.clone()).or_default().insert(way);
    }

    /// Adds what a tag did.
    pub fn add_tag(&mut self, tag: &TagTrace) {
        if tag.fault.is_some() {
            return;
        }
        let way = match tag.reason.as_deref() {
            None => FIRES,
            Some("conditions") => CONDITIONS,
            Some("except") => EXCEPT,
            Some("consent") => CONSENT,
            Some(reason) if reason.starts_with("when()") => WHEN,
            Some(reason) if reason.starts_with("skipped") => SKIP,
            Some(_) => return,
        };
        self.0.entry(tag.file.clone()).or_default().insert(way);
    }

    /// Beside all that there is to try.
    pub fn of(&self, generation: &Generation, branches: Option<&Branches>) -> Covered {
        let clients = generation.clients.iter();
        let clients: Vec<_> = clients
            .map(|client| (&client.script.file, ways_of_client(client)))
            .collect();
        let tags = generation.tags.iter().filter(|tag| tag.enabled);
        let tags: Vec<_> = tags
            .map(|tag| (&tag.script.file, ways_of_tag(tag)))
            .collect();
        let took = |file: &String, way: &&'static str| {
            self.0.get(file).is_some_and(|ways| ways.contains(way))
        };
        let ran = |file: &&String, way: &'static str| took(file, &way);
        let mut covered = Covered {
            clients: (
                clients.iter().filter(|(file, _)| ran(file, EVENTS)).count(),
                clients.len(),
            ),
            tags: (
                tags.iter().filter(|(file, _)| ran(file, FIRES)).count(),
                tags.len(),
            ),
            ways: (0, 0),
            untried: Vec::new(),
            branches: None,
            never_ran: Vec::new(),
        };
        for (file, ways) in clients.into_iter().chain(tags) {
            let never: Vec<_> = ways
                .iter()
                .copied()
                .filter(|way| !took(file, way))
                .collect();
            covered.ways.0 += ways.len() - never.len();
            covered.ways.1 += ways.len();
            if !never.is_empty() {
                covered.untried.push(Untried {
                    file: file.clone(),
                    ran: self.0.contains_key(file),
                    never,
                });
            }
        }
        if let Some(branches) = branches {
            covered.add_branches(branches, generation);
        }
        covered
    }
}

impl Covered {
    fn add_branches(&mut self, branches: &Branches, generation: &Generation) {
        let (counts, mut never_ran) = branches.report();
        let disabled = |file: &str| {
            let mut tags = generation.tags.iter();
            tags.any(|tag| !tag.enabled && tag.script.file == file)
        };
        let silent = |file: &str| {
            let mut untried = self.untried.iter();
            untried.any(|one| !one.ran && one.file == file)
        };
        never_ran.retain(|branch| !disabled(&branch.file) && !silent(&branch.file));
        self.branches = Some(counts);
        self.never_ran = never_ran;
    }
}

fn ways_of_client(client: &Client) -> Vec<&'static str> {
    let ways = [(true, EVENTS), (client.has_claims, CLAIMS)];
    possible(ways)
}

fn ways_of_tag(tag: &Tag) -> Vec<&'static str> {
    possible([
        (true, FIRES),
        (!tag.trigger.when.is_empty(), CONDITIONS),
        (!tag.trigger.except.is_empty(), EXCEPT),
        (!tag.trigger.consent.is_empty(), CONSENT),
        (tag.has_when, WHEN),
        (tag.script.source.contains("skip("), SKIP),
    ])
}

fn possible<const N: usize>(ways: [(bool, &'static str); N]) -> Vec<&'static str> {
    let possible = ways.into_iter().filter(|(is_possible, _)| *is_possible);
    possible.map(|(_, way)| way).collect()
}
