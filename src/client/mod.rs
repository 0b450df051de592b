//! A client: a script in `clients/` that claims requests by path and parses them into events. This
//! module reads its header, finds the clients of a path, and runs them; it journals nothing.

mod answer;
mod cookie;
mod cors;
mod dedupe;
mod header;
mod parse;
mod route;

pub use answer::{accepted, repeated, respond};
pub use cors::{add_cors, preflight};
pub use dedupe::Dedupe;
pub use header::{Cors, Source, load};
pub use parse::{NewEvent, claims, parse};
pub use route::{Match, Parameters, Pattern, Router};

use std::sync::{Arc, OnceLock};

use http::Method;

use crate::script::Script;
use crate::telemetry::{ClientMeter, Metrics};

/// A loaded client.
#[derive(Debug)]
pub struct Client {
    /// The file's name without `.rhai`.
    pub name: Arc<str>,
    /// Its script.
    pub script: Script,
    /// The paths it may claim.
    pub paths: Vec<Pattern>,
    /// The methods it takes.
    pub methods: Vec<Method>,
    /// Higher is asked first.
    pub priority: i64,
    /// Which web pages may call it.
    pub cors: Cors,
    /// The largest body it takes, in bytes.
    pub max_body: u64,
    /// Who sends: a server, or the visitor's browser.
    pub source: Source,
    /// Where the sender's own delivery id is, if repeats are to be recognised.
    pub dedupe: Option<Dedupe>,
    /// True if it has `fn claims(request)`.
    pub has_claims: bool,
    /// True if it has `fn respond(request, events)`.
    pub has_respond: bool,
    /// Its counts, found at its first run.
    meter: OnceLock<Arc<ClientMeter>>,
}

impl Client {
    /// Where what it does is counted.
    pub fn meter(&self, metrics: &Metrics) -> &Arc<ClientMeter> {
        self.meter.get_or_init(|| metrics.client(&self.name))
    }
}
