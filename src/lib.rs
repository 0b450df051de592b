//! Tagwerk, a self-hosted server-side tagging proxy: this file is the map of the house.
//!
//! A request comes in over HTTP, a *client* script makes *events* of it, *tag* scripts make
//! *deliveries* of the events, and *destinations* send them. Three loops do it, and only the
//! journal stands between them:
//!
//! ```text
//! ingress → intake ═ journal: events ═ processor ═ journal: outbox ═ dispatch → destination
//! ```
//!
//! **The order of this list is the law: a module uses only modules that stand above it.**
//! `tests/it/layers.rs` checks that, and that each outside crate is used in its one home.

// The words: what the house talks about. They use nothing of ours but one another.
pub mod clock;
pub mod delivery;
pub mod error;
pub mod event;
pub mod mailbox;
pub mod outcome;
pub mod request;
pub mod secret;
pub mod workers;

// The ground: what the user configured, and how the program speaks to its operator.
pub mod config;
pub mod telemetry;

// Where deliveries go: one file a type, how each is stood in for, and the one HTTP client.
pub mod destination;

// The user's scripts, from the engine up to the immutable set that handles an event.
pub mod script;
pub mod client;
pub mod trigger;
pub mod transform;
pub mod tag;
pub mod generation;

// Keep and send.
pub mod journal;
pub mod dispatch;

// The flow.
pub mod preview;
pub mod processor;
pub mod intake;
pub mod watched;
pub mod rerun;
pub mod case;

// The doors.
pub mod ingress;
pub mod admin;
pub mod emulator;

// The whole.
pub mod app;
pub mod cli;
