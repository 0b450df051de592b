//! The header constants of a tag: which there are, for whoever reads them and for the documentation.

use crate::script::{Constants, constants};

/// All of them. What is none of them is unknown.
pub const CONSTANTS: &[Constants] = &[
    constants(
        &["ON"],
        "required",
        "an event name, an array of names, `\"*\"` for all, or a regular expression between slashes: `\"/^cart_/\"`. A tag that does not listen to an event costs nothing",
    ),
    constants(
        &["TO"],
        "required",
        "the name of a destination in `tagwerk.toml`",
    ),
    constants(
        &["WHEN"],
        "none",
        "[conditions](#conditions); all must hold",
    ),
    constants(&["EXCEPT"], "none", "conditions; any that holds blocks"),
    constants(
        &["CONSENT"],
        "none",
        "`[\"ad_storage\", …]`: all must be granted. Read from `consent_state.*` of the event (`true`, `\"true\"`, `\"granted\"`), else from `x-ga-gcs`. What is not known is not granted",
    ),
    constants(
        &["FROM", "UNTIL"],
        "none",
        "fires from, and until just before: `\"2026-12-01\"`, `\"2026-12-01T08:00:00+01:00\"`; UTC where no zone is given",
    ),
    constants(
        &["DELAY"],
        "none",
        "its deliveries wait: `\"30m\"`, counted from when the request came; at most 30 days",
    ),
    constants(
        &["MAX_AGE"],
        "none",
        "a delivery that is older than this is not sent any more but kept as a dead letter of class `expired`: `\"1h\"`, counted from when it was due first",
    ),
    constants(
        &["PRIORITY"],
        "`0`",
        "the higher runs first; among equals the file's name decides",
    ),
    constants(&["ENABLED"], "`true`", "`false` switches it off"),
    constants(
        &["PREVIEW"],
        "`\"send\"`",
        "what happens in a preview session that sends: `\"send\"`, `\"dry_run\"` (made and shown, not sent), `\"skip\"` (does not run)",
    ),
];
