//! What several integration tests need: one file a helper.

pub(crate) mod house_rules;
pub(crate) mod http;
pub(crate) mod rust_source;
pub(crate) mod raw;
pub(crate) mod vendor;
