//! The host functions that scripts may call, one topic a file. No function here opens a socket,
//! reads a file or looks at the clock: what a script computes depends on its event alone.
//!
//! To add a function: write it in its topic's file, describe it in that file's `TOPIC`, register
//! it there. To add a topic: one file, one line in [`TOPICS`]. `tagwerk docs` prints what stands
//! here, and the tests below run every example and call every function with nonsense.
//!
//! A topic that is a vendor has functions that make its payload of an event; they are tables, which is
//! `mapping`'s business.
//!
//! Arguments arrive as [`rhai::Dynamic`] and go through `argument`, because Rhai answers a typed
//! function's wrong argument with "Function not found: sha256 (())". That costs about 10 ns a call.

mod amplitude;
mod answer;
mod argument;
mod base64;
mod browser;
mod cookie;
mod direct;
mod discord;
mod form;
mod ga4;
mod google_ads;
mod hash;
mod host;
mod hubspot;
mod json;
mod keys;
mod klaviyo;
mod linkedin;
mod log;
pub mod mapping;
mod meta;
mod mixpanel;
mod money;
mod namespace;
pub mod number;
mod pii;
mod pinterest;
mod posthog;
mod refuse;
mod regex;
mod segment;
mod skip;
mod slack;
mod snapchat;
mod stape;
mod table;
mod telegram;
mod text;
mod tiktok;
pub mod time;
mod tracify;
mod url;
mod variable;

pub use cookie::registrable;
pub use direct::Direct;
pub use form::nested as nest_form;
pub use ga4::decode as decode_ga4;
pub use host::Host;
pub use refuse::Refuse;
pub use skip::Skip;

/// One host function, as users read about it.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// How it is called and what it gives: `hash::sha256(text) -> text`. One entry an arity.
    pub signature: &'static str,
    /// What it does, and what it does with odd input. One or two sentences.
    pub about: &'static str,
    /// A Rhai expression that uses it and is true.
    pub example: &'static str,
}

/// Host functions that belong together, and share a namespace.
#[derive(Clone, Copy, Debug)]
pub struct Topic {
    /// The namespace, without `::`; empty for functions that are called by their bare name.
    pub name: &'static str,
    /// What it is for, in one sentence.
    pub about: &'static str,
    /// Its functions, in the order in which users should read of them.
    pub functions: &'static [Function],
    /// Adds the functions.
    pub register: fn(&mut Host),
}

/// Every host function there is.
pub static TOPICS: &[Topic] = &[
    number::TOPIC,
    skip::TOPIC,
    refuse::TOPIC,
    text::TOPIC,
    money::TOPIC,
    time::TOPIC,
    url::TOPIC,
    keys::TOPIC,
    form::TOPIC,
    json::TOPIC,
    regex::TOPIC,
    hash::TOPIC,
    base64::TOPIC,
    pii::TOPIC,
    amplitude::TOPIC,
    tracify::TOPIC,
    table::TOPIC,
    variable::TOPIC,
    slack::TOPIC,
    telegram::TOPIC,
    discord::TOPIC,
    ga4::TOPIC,
    google_ads::TOPIC,
    meta::TOPIC,
    tiktok::TOPIC,
    pinterest::TOPIC,
    snapchat::TOPIC,
    linkedin::TOPIC,
    segment::TOPIC,
    mixpanel::TOPIC,
    posthog::TOPIC,
    klaviyo::TOPIC,
    hubspot::TOPIC,
    stape::TOPIC,
    cookie::TOPIC,
    answer::TOPIC,
    browser::TOPIC,
    log::TOPIC,
];

/// The longest text that a host function makes, in bytes. Rhai measures a result only when it is
/// there, so functions whose result can be much larger than their input check this beforehand.
/// Four times the default limit of a request body.
const MAX_TEXT_BYTES: usize = 4 * 1_024 * 1_024;

/// The longest array that a host function makes. Far more than an order has items, far less than
/// hurts.
const MAX_PARTS: usize = 10_000;

/// The names of all host functions, as scripts write them.
pub(super) fn function_names() -> impl Iterator<Item = &'static str> {
    let functions = TOPICS.iter().flat_map(|topic| topic.functions);
    functions.filter_map(|function| function.signature.split('(').next())
}

#[cfg(test)]
mod tests;
