//! The parameters of a hit by name, and the keys that they become: those that Google's server
//! container was seen to use. What is not in the table keeps its name, under a prefix.

/// What a parameter's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// A number; what is none stays a text.
    Number,
}

use Kind::{Number, Text};

/// Parameter, key, kind. A test holds docs/sources/ga4.md to it.
pub(super) const PARAMETERS: &[(&str, &str, Kind)] = &[
    ("en", "event_name", Text),
    ("v", "x-ga-protocol_version", Text),
    ("tid", "x-ga-measurement_id", Text),
    ("gtm", "x-ga-gtm_version", Text),
    ("cid", "client_id", Text),
    ("uid", "user_id", Text),
    ("sid", "ga_session_id", Text),
    ("sct", "ga_session_number", Number),
    ("seg", "x-ga-mp2-seg", Text),
    ("dl", "page_location", Text),
    ("dr", "page_referrer", Text),
    ("dt", "page_title", Text),
    ("ul", "language", Text),
    ("sr", "screen_resolution", Text),
    ("cu", "currency", Text),
    ("_p", "x-ga-page_id", Number),
    ("_s", "x-ga-request_count", Number),
    ("_et", "engagement_time_msec", Number),
    ("tfd", "x-ga-tfd", Number),
    ("gcs", "x-ga-gcs", Text),
    ("gcd", "x-ga-gcd", Text),
    ("dma", "x-ga-dma", Text),
    ("pscdl", "x-ga-pscdl", Text),
    ("are", "x-ga-are", Text),
    ("ur", "x-ga-ur", Text),
];

/// Client hints: parameter, key within `client_hints`.
pub(super) const HINTS: &[(&str, &str)] = &[
    ("uaa", "architecture"),
    ("uab", "bitness"),
    ("uafvl", "full_version_list"),
    ("uamb", "mobile"),
    ("uam", "model"),
    ("uap", "platform"),
    ("uapv", "platform_version"),
    ("uaw", "wow64"),
];

pub(super) fn known(name: &str) -> Option<(&'static str, Kind)> {
    let found = PARAMETERS.iter().find(|(known, ..)| *known == name);
    found.map(|(_, key, kind)| (*key, *kind))
}

pub(super) fn hint(name: &str) -> Option<&'static str> {
    let found = HINTS.iter().find(|(known, _)| *known == name);
    found.map(|(_, key)| *key)
}
