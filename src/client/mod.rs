//! A client: a script in `clients/` that claims requests by path and parses them into events. This
//! module reads its header, finds the clients of a path, and runs them; it journals nothing.

mod answer;
mod batch;
mod constants;
mod cookie;
mod cors;
mod dedupe;
mod header;
mod parse;
mod route;
mod verify;

pub use answer::{accepted, repeated, respond};
pub use constants::CONSTANTS;
pub use cors::{add_cors, preflight};
pub use dedupe::Dedupe;
pub use header::{Cors, LARGEST_MAX_BODY, Source, load};
pub use parse::{NewEvent, claims, parse};
pub use route::{Match, Parameters, Pattern, Router};
pub use verify::{Passed, Scheme, Signed, Verify, Why, verify};

use std::path::Path;
use std::sync::{Arc, OnceLock};

use http::Method;

use crate::config::Environment;
use crate::script::Script;
use crate::telemetry::{ClientMeter, Metrics};

/// What a client is loaded with, besides its script.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The server's limit of a body, for clients that set none.
    pub max_body: u64,
    /// The folder that the paths of secrets' files start from.
    pub base: &'a Path,
    /// Where secrets are.
    pub environment: &'a dyn Environment,
}

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
    /// Where a body has many calls, if a long batch is to be parsed in parts.
    pub batch: Option<String>,
    /// How it is known that a request comes from whom it says, if that is to be checked.
    pub verify: Option<Verify>,
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
