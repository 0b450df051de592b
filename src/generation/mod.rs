//! A generation: one immutable set of configuration, clients and tags. Every event is handled by
//! exactly one. A new one replaces the old one as a whole, or not at all.

mod changes;
mod check;
mod files;
mod live;
mod load;
mod promote;
mod payload;
mod seen;
mod stamp;
mod watch;

pub use changes::Changes;
pub use live::{Live, Reload, Reloads};
pub use load::{Loaded, load, load_noting};
pub use payload::unknown_keys;
pub use promote::{Direction, FORMER, finish, former, promote, rollback};
pub use watch::watch;

use std::sync::Arc;

use crate::client::{Client, Router};
use crate::config::{Config, Problems};
use crate::destination::Destinations;
use crate::request::SecretNames;
use crate::script::Pace;
use crate::script::tables::Tables;
use crate::tag::{Index, Tag};

/// A set that compiled as a whole.
#[derive(Debug)]
pub struct Generation {
    /// A short hash of everything it was made of.
    pub id: Arc<str>,
    /// What works and should be looked at all the same.
    pub warnings: Problems,
    /// What scripts look things up in.
    pub tables: Arc<Tables>,
    /// The configuration.
    pub config: Arc<Config>,
    /// Where deliveries go.
    pub destinations: Destinations,
    /// Clients, in the order in which they are asked.
    pub clients: Vec<Client>,
    /// Where some client's senders send a secret, besides where there always is one.
    pub secret_names: SecretNames,
    /// From a path to its clients.
    pub router: Router,
    /// Tags, in the order in which they run.
    pub tags: Vec<Tag>,
    /// From an event name to its tags.
    pub index: Index,
    /// How quick the tags are, all together.
    pub tag_pace: Arc<Pace>,
}
