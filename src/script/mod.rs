//! The user's scripts: the only place that knows Rhai.

pub mod frame;

pub mod api;
