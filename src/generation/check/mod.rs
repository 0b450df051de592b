//! What a set that works should be looked at for: tags that no event reaches, routes that no request
//! reaches, secrets that are not set, or that stand where they should not. Only warnings; what stops a
//! set is found where it is loaded. To add a check: one file with `findings`, one line below.

mod events;
mod routes;
mod secrets;

use crate::client::Client;
use crate::config::{Config, Problem, Problems};
use crate::destination::Destinations;
use crate::tag::Tag;

use super::files::ScriptFile;

/// What is looked at: a set, and the texts that it was made of.
pub(super) struct Set<'a> {
    pub(super) config: &'a Config,
    pub(super) destinations: &'a Destinations,
    /// In the order in which they are asked.
    pub(super) clients: &'a [Client],
    pub(super) tags: &'a [Tag],
    /// Clients, tags and shared modules, also those that do not compile.
    pub(super) files: &'a [ScriptFile],
    /// True if each client that there is could be loaded.
    pub(super) knows_all_clients: bool,
}

type Check = fn(&Set<'_>) -> Vec<Problem>;

const CHECKS: [Check; 3] = [events::findings, routes::findings, secrets::findings];

/// All that should be looked at.
pub(super) fn findings(set: &Set<'_>) -> Problems {
    CHECKS.iter().flat_map(|check| check(set)).collect()
}
