//! The one integration test binary: one module a subject, shared helpers in `support`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "clippy.toml lets tests unwrap, but counts only functions marked #[test] as tests"
)]

mod admin;
mod authoring;
mod cases;
mod check;
mod clients;
mod commands;
mod cookies;
mod corpora;
mod data_client;
mod dead_letters;
mod destinations;
mod dispatch;
mod drain;
mod emulator;
mod examples;
mod growth;
mod guide;
mod http_answers;
mod imports;
mod ingress;
mod journal;
mod kill;
mod layers;
mod metrics;
mod preview;
mod recipes;
mod reload;
mod reload_under_load;
mod replay;
mod repeats;
mod script_faults;
mod script_limits;
mod scripts;
mod senders;
mod sources;
mod support;
