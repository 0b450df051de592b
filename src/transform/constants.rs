//! The header constants of a transformation: which there are, for whoever reads them and for the documentation.

use crate::script::{Constants, constants};

/// All of them. What is none of them is unknown.
pub const CONSTANTS: &[Constants] = &[
    constants(
        &["TAGS"],
        "all",
        "the tags that it is for: a name, an array, or regular expressions between slashes",
    ),
    constants(
        &["ON", "WHEN", "EXCEPT"],
        "all",
        "the events that it is for, as in [a tag](#a-tag)",
    ),
    constants(
        &["ALLOW"],
        "all keys",
        "only these keys are left; `event_name` and `event_id` always are",
    ),
    constants(&["EXCLUDE"], "none", "these keys are taken away"),
    constants(
        &["REDACT"],
        "none",
        "`\"***\"` stands in the place of these",
    ),
    constants(&["AUGMENT"], "none", "these are put in"),
    constants(
        &["PRIORITY"],
        "`0`",
        "the higher is applied first; among equals the file's name decides",
    ),
    constants(&["ENABLED"], "`true`", "`false` switches it off"),
];
