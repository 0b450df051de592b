//! The one integration test binary: one module a subject, shared helpers in `support`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "clippy.toml lets tests unwrap, but counts only functions marked #[test] as tests"
)]

mod dispatch;
mod emulator;
mod examples;
mod ingress;
mod journal;
mod layers;
mod support;
