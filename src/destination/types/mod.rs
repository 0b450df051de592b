//! The destination types, one file or folder each, and their list. A new one needs one line here.

mod events;

use super::kind::Type;

/// Declares the files, and lists the `TYPE` of each.
macro_rules! types {
    ($(mod $name:ident;)+) => {
        $(pub(super) mod $name;)+

        /// Every destination type.
        pub const TYPES: &[&Type] = &[$(&$name::TYPE),+];
    };
}

// `make fmt` formats these files: `cargo fmt` does not look into a macro.
types! {
    mod amplitude;
    mod discord;
    mod file;
    mod ga4;
    mod google_ads;
    mod http;
    mod hubspot;
    mod klaviyo;
    mod linkedin;
    mod meta_capi;
    mod mixpanel;
    mod nats;
    mod pinterest;
    mod posthog;
    mod segment;
    mod slack;
    mod snapchat;
    mod telegram;
    mod tiktok;
    mod tracify;
}
