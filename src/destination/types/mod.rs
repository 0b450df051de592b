//! The destination types, one file or folder each, and their list. A new one needs two short lines
//! here: its `mod`, and its row.

mod amplitude;
mod discord;
mod events;
mod file;
mod ga4;
mod google_ads;
mod http;
mod hubspot;
mod klaviyo;
mod linkedin;
mod meta_capi;
mod mixpanel;
mod pinterest;
mod posthog;
mod segment;
mod slack;
mod snapchat;
mod telegram;
mod tiktok;
mod tracify;

use super::kind::Type;

/// Every destination type.
pub const TYPES: &[&Type] = &[
    &amplitude::TYPE,
    &discord::TYPE,
    &file::TYPE,
    &ga4::TYPE,
    &google_ads::TYPE,
    &http::TYPE,
    &hubspot::TYPE,
    &klaviyo::TYPE,
    &linkedin::TYPE,
    &meta_capi::TYPE,
    &mixpanel::TYPE,
    &pinterest::TYPE,
    &posthog::TYPE,
    &segment::TYPE,
    &slack::TYPE,
    &snapchat::TYPE,
    &telegram::TYPE,
    &tiktok::TYPE,
    &tracify::TYPE,
];
