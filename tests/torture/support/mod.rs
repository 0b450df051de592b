//! What the integration tests have of this as well.

#![allow(dead_code, reason = "the integration tests use the rest of it")]

#[path = "../../it/support/command.rs"]
pub(crate) mod command;
#[path = "../../it/support/raw.rs"]
pub(crate) mod raw;
#[path = "../../it/support/server.rs"]
pub(crate) mod server;
#[path = "../../it/support/working_set.rs"]
pub(crate) mod working_set;
