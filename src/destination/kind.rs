//! What a destination type is: its code, and what there is to know of it as data. Its page in
//! `docs/destinations/`, `tagwerk check`, its stand-in and the tests that every type passes all
//! read this; nothing of it is written twice.

use std::sync::Arc;

use super::encode::Vendor;
use super::fields::Field;
use super::judge::StandIn;
use crate::config::{Options, Section};

/// Reads a type's own keys; what is wrong with them is collected in the section.
pub type Load = fn(&mut Section, &Options) -> Arc<dyn Vendor>;

/// A destination type. Its file has one, `pub(super) const TYPE: Type`.
#[derive(Debug)]
pub struct Type {
    /// What users write: `type = "amplitude"`.
    pub name: &'static str,
    /// What the vendor calls it.
    pub title: &'static str,
    /// What it is and does, in a sentence or two.
    pub about: &'static str,
    /// Makes one of a table of the configuration.
    pub load: Load,
    /// The type's own keys in that table, all of them.
    pub settings: &'static [Setting],
    /// The keys of what a tag returns, as far as the vendor documents them.
    pub fields: &'static [Field],
    /// What becomes of keys that are not among `fields`.
    pub others: Others,
    /// How it is stood in for; none where there is nobody to stand in for.
    pub stand_in: Option<StandIn>,
    /// A tag that works, and the settings for it.
    pub example: Example,
    /// What its page says beside all this.
    pub facts: Facts,
}

/// A key of `[destinations.NAME]`.
#[derive(Debug)]
pub struct Setting {
    /// The key.
    pub key: &'static str,
    /// `required`, or what holds without it.
    pub default: &'static str,
    /// What it is, and where at the vendor's it is found.
    pub about: &'static str,
}

/// What becomes of keys of a payload that are not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// The vendor, or our own code, refuses them.
    Refused,
    /// They are sent as they are, and the vendor keeps or ignores them.
    Sent,
}

/// A working example. Its tag is also `examples/destinations/NAME.rhai`.
#[derive(Debug)]
pub struct Example {
    /// Lines of the table, but for `type`. Secrets are `${VARIABLE}`.
    pub settings: &'static str,
    /// The variables of these lines.
    pub variables: &'static [Variable],
    /// The tag, whose `TO` is the type's name. It fires for the purchase of
    /// `tests/data/destinations/event.json`.
    pub tag: &'static str,
}

/// A variable of an example.
#[derive(Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// A value of the right form, that opens nothing.
    pub value: &'static str,
    /// The part of the value that nobody may ever see, most often all of it.
    pub secret: &'static str,
}

/// What a type's page says beside its keys and fields.
#[derive(Debug)]
pub struct Facts {
    /// Where the facts are from: addresses of the vendor's pages.
    pub sources: &'static [&'static str],
    /// How sure they are.
    pub proof: Proof,
    /// By what the vendor knows a repeat.
    pub idempotency: &'static str,
    /// The vendor's limits: what, and how much.
    pub limits: &'static [(&'static str, &'static str)],
    /// What answers mean where the status alone does not say: the answer, and what is done.
    pub answers: &'static [(&'static str, &'static str)],
    /// Anything else that one must know, a sentence each.
    pub notes: &'static [&'static str],
}

/// How sure the facts of a type are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It is ours, or a standard: the tests are the proof.
    Tested,
    /// From the vendor's documentation, and tried by hand against the vendor's own server.
    Tried,
    /// From the vendor's documentation; not tried against the vendor.
    Documented,
    /// From other people's code that talks to the vendor; not tried against the vendor.
    SeenInCode,
}

impl Proof {
    /// The sentence for the type's page.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Tested => "Proved by our own tests.",
            Self::Tried => {
                "From the vendor's documentation, and tried by hand against the vendor's own server."
            }
            Self::Documented => {
                "From the vendor's documentation; not tried against the vendor itself."
            }
            Self::SeenInCode => {
                "From public code that talks to the vendor, as its documentation is silent; not \
                 tried against the vendor itself."
            }
        }
    }
}
