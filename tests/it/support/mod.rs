//! What several integration tests need: one file a helper.

pub(crate) mod raw;
