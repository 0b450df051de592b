//! What there is to know of PostHog's capture API, as data.

use super::{judge, load};
use crate::destination::fields::{Field, Shape, field, required};
use crate::destination::kind::{Example, Facts, Others, Proof, Setting, Type, Variable};

pub(in crate::destination) const TYPE: Type = Type {
    name: "posthog",
    title: "PostHog",
    about: "Events for PostHog. What a tag returns is one event as PostHog documents it; `posthog::capture` makes it \
            of an event.",
    load,
    settings: &[
        Setting {
            key: "api_key",
            default: "required",
            about: "the project's API key, `phc_…`: Settings, Project",
        },
        Setting {
            key: "region",
            default: "`\"us\"`",
            about: "the project's cloud: `\"us\"` or `\"eu\"`. For a server of your own set `endpoint`",
        },
    ],
    fields: FIELDS,
    others: Others::Sent,
    stand_in: Some(judge::STAND_IN),
    example: Example {
        settings: "api_key = \"${POSTHOG_API_KEY}\"",
        variables: &[Variable {
            name: "POSTHOG_API_KEY",
            value: "phc_p0sthog-key",
            secret: "phc_p0sthog-key",
        }],
        tag: r#"// Orders go to PostHog, under their own name. docs/mapping/posthog.md has the table.
const ON = "purchase";
const TO = "posthog";

fn tag(event) {
    posthog::capture(event)
}
"#,
    },
    facts: Facts {
        sources: &["https://posthog.com/docs/api/capture"],
        proof: Proof::Documented,
        idempotency: "`uuid`: of events with the same one, name, time and `distinct_id`, PostHog keeps one, in time.",
        limits: &[
            ("events in a request", "not stated; we send 500"),
            ("size of a request", "20 MB; we send 4,000,000 bytes"),
            ("size of an event", "1 MB"),
        ],
        answers: &[(
            "400, 413",
            "sent in halves, until the event that is meant is alone, and then dead",
        )],
        notes: &[
            "PostHog answers 200 before it has looked at the events; what it drops later shows in its ingestion warnings.",
            "That a repeat of a `uuid` is dropped is from memory.",
        ],
    },
};

pub(super) const FIELDS: &[Field] = &[
    required("event", Shape::TextUpTo(200), "the event's name"),
    field(
        "distinct_id",
        Shape::TextUpTo(200),
        "who; here or among the properties",
    ),
    field(
        "properties",
        Shape::Object,
        "what it says; keys of your own",
    ),
    field("properties.distinct_id", Shape::Text, "who"),
    field("properties.$set", Shape::Object, "properties of the person"),
    field(
        "properties.$set_once",
        Shape::Object,
        "the same, if they are not there yet",
    ),
    field(
        "timestamp",
        Shape::Text,
        "when, ISO 8601; we add when the request came",
    ),
    field(
        "uuid",
        Shape::Text,
        "the idempotency key; we add one of the delivery's id",
    ),
];
