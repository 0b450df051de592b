//! What several integration tests need: one file a helper.

pub(crate) mod command;
pub(crate) mod call;
pub(crate) mod folder;
pub(crate) mod examples;
pub(crate) mod flow;
pub(crate) mod house_rules;
pub(crate) mod http;
pub(crate) mod json;
pub(crate) mod metrics;
pub(crate) mod operator;
pub(crate) mod rust_source;
pub(crate) mod raw;
pub(crate) mod server;
pub(crate) mod sse;
pub(crate) mod stand_in;
pub(crate) mod vendor;
pub(crate) mod working_set;
