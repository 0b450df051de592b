//! One-line tags: event data into a vendor's payload, by a table that is the documentation as well.
//!
//! A vendor's file has a [`Mapping`] for each of its functions: which key of the payload comes from
//! which key of the event, and what is done to its value. Not here: what a vendor refuses. That is
//! its destination's, and its stand-in's.

mod change;
mod document;
mod items;
mod lookup;
mod order;
mod person;
mod table;
mod write;

pub(super) use change::{
    AS_IS, CONSENT_GRANTED, CURRENCY, INTEGER, ISO_TIME, MICROS_TIME, MILLIS_TIME, MONEY_TEXT,
    NUMBER, REST, REST_ABOUT, SECONDS_TIME, TEXT, own, own_always,
};
pub use document::Line;
pub(super) use items::{COUNT, IDS, maps as item_maps};
pub(super) use lookup::first;
pub(super) use order::{Order, Style};
pub(super) use person::{
    BIRTHDAY_HASH, BROWSER, CITY, COUNTRY, COUNTRY_UPPER, EMAIL_HASH, EMAIL_PLAIN, GOOGLE_EMAIL,
    GOOGLE_NAME, ID_HASH, NAME_HASH, PERSON_HASHES, PHONE_PLUS_HASH, PHONE_PLUS_PLAIN, STATE,
    ZIP_HASH,
};
pub(super) use table::{Change, Given, How, Names, Need, Row, from, row};

use rhai::{Dynamic, ImmutableString, Map};

use super::namespace::Problem;
use super::{Function, Skip, argument};

/// A host function that a table describes.
#[derive(Debug)]
pub struct Mapping {
    /// `meta::event(event) -> map`.
    pub signature: &'static str,
    /// What it makes, in one sentence or two.
    pub(super) about: &'static str,
    /// A Rhai expression that uses it and is true.
    pub(super) example: &'static str,
    /// Where each key of the payload comes from, in the order in which users should read of them.
    pub(super) rows: &'static [Row],
    /// What the vendor can do nothing without: if it is missing, the tag skips.
    pub(super) needs: &'static [Need],
}

/// All of them, one line a vendor. A test holds this to `TOPICS`.
static MAPPINGS: &[&[&Mapping]] = &[
    super::amplitude::MAPPINGS,
    super::discord::MAPPINGS,
    super::ga4::MAPPINGS,
    super::google_ads::MAPPINGS,
    super::hubspot::MAPPINGS,
    super::klaviyo::MAPPINGS,
    super::linkedin::MAPPINGS,
    super::meta::MAPPINGS,
    super::mixpanel::MAPPINGS,
    super::pinterest::MAPPINGS,
    super::posthog::MAPPINGS,
    super::segment::MAPPINGS,
    super::slack::MAPPINGS,
    super::snapchat::MAPPINGS,
    super::telegram::MAPPINGS,
    super::tiktok::MAPPINGS,
    super::tracify::MAPPINGS,
];

/// The table behind a host function, if there is one.
pub fn of(signature: &str) -> Option<&'static Mapping> {
    let mut all = MAPPINGS.iter().copied().flatten().copied();
    all.find(|mapping| mapping.signature == signature)
}

impl Mapping {
    /// The function as `TOPICS` lists it.
    pub(super) const fn function(&self) -> Function {
        Function {
            signature: self.signature,
            about: self.about,
            example: self.example,
        }
    }

    /// `event` of `meta::event(event) -> map`.
    pub(super) fn name(&self) -> &'static str {
        let name = self.signature.split('(').next().unwrap_or_default();
        name.rsplit("::").next().unwrap_or_default()
    }

    /// The payload that the table makes of an event, or a [`Skip`] that says what is missing.
    pub(super) fn apply(&self, event: Dynamic) -> Result<Dynamic, Problem> {
        let event = argument::map("event", event)?;
        let mut payload = Map::new();
        write::fill(self.rows, &event, &event, &mut payload)?;
        let missing = self
            .needs
            .iter()
            .find(|need| !need.any.iter().any(|path| lookup::has(&payload, path)));
        if let Some(need) = missing {
            let reason = ImmutableString::from(need.why);
            return Ok(Dynamic::from(Skip { reason }));
        }
        Ok(Dynamic::from_map(payload))
    }
}

#[cfg(test)]
mod tests;
