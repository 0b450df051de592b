//! The one integration test binary: one module a subject, shared helpers in `support`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "clippy.toml lets tests unwrap, but counts only functions marked #[test] as tests"
)]

mod cases;
mod clients;
mod emulator;
mod examples;
mod imports;
mod ingress;
mod layers;
mod reload;
mod script_faults;
mod script_limits;
mod scripts;
mod support;
