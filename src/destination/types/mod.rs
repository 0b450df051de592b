//! The destination types, one file or folder each, and their list. A new one needs two short lines
//! here: its `mod`, and its row.

mod amplitude;
mod discord;
mod file;
mod google_ads;
mod http;
mod hubspot;
mod klaviyo;
mod slack;
mod telegram;
mod tracify;

use super::kind::Type;

/// Every destination type.
pub const TYPES: &[&Type] = &[
    &amplitude::TYPE,
    &discord::TYPE,
    &file::TYPE,
    &google_ads::TYPE,
    &http::TYPE,
    &hubspot::TYPE,
    &klaviyo::TYPE,
    &slack::TYPE,
    &telegram::TYPE,
    &tracify::TYPE,
];
