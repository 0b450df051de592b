//! What people read: that the guide is whole, that links lead somewhere, and that what stands in code
//! blocks is true. Pages of the whole repository, not only of `docs/`.

mod blocks;
mod commands;
mod links;
pub(crate) mod markdown;
mod summary;
