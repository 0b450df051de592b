//! What there is to know of Mixpanel's import API, as data.

use super::{judge, load};
use crate::destination::fields::{Field, Shape, field, required};
use crate::destination::kind::{Example, Facts, Others, Proof, Setting, Type, Variable};

pub(in crate::destination) const TYPE: Type = Type {
    name: "mixpanel",
    title: "Mixpanel",
    about: "Events, by Mixpanel's import API, which checks them and says what is wrong. What a tag returns is one \
            event, `#{ event, properties }`; `mixpanel::event` makes it of an event.",
    load,
    settings: &[
        Setting {
            key: "service_account",
            default: "required",
            about: "the service account's user name: Organization Settings, Service Accounts",
        },
        Setting {
            key: "service_secret",
            default: "required",
            about: "its secret",
        },
        Setting {
            key: "project_id",
            default: "required",
            about: "the project's id, digits: Settings, Overview",
        },
        Setting {
            key: "region",
            default: "`\"us\"`",
            about: "the project's data residency: `\"us\"`, `\"eu\"` or `\"in\"`",
        },
    ],
    fields: FIELDS,
    others: Others::Sent,
    stand_in: Some(judge::STAND_IN),
    example: Example {
        settings: "service_account = \"tagwerk.abc123.mp-service-account\"\nservice_secret = \"${MIXPANEL_SECRET}\"\nproject_id = \"2195193\"",
        variables: &[Variable {
            name: "MIXPANEL_SECRET",
            value: "m1xpanel-s3cret",
            secret: "m1xpanel-s3cret",
        }],
        tag: r#"// Orders go to Mixpanel, under their own name. docs/mapping/mixpanel.md has the table.
const ON = "purchase";
const TO = "mixpanel";

fn tag(event) {
    mixpanel::event(event)
}
"#,
    },
    facts: Facts {
        sources: &[
            "https://developer.mixpanel.com/reference/import-events",
            "https://github.com/mixpanel/docs",
        ],
        proof: Proof::Documented,
        idempotency: "`$insert_id`: of events with the same one, name, time and `distinct_id`, Mixpanel keeps one.",
        limits: &[
            ("events in a request", "2,000"),
            ("size of a request", "10 MB; we send 4,000,000 bytes"),
            (
                "properties of an event",
                "254, nested at most 3 deep, lists of at most 254",
            ),
            ("events in a time", "30,000 in a second"),
        ],
        answers: &[
            (
                "400 with `failed_records`",
                "these are dead; the others are stored, and not sent again",
            ),
            (
                "400 without; 413",
                "sent in halves, until the event that is meant is alone, and then dead",
            ),
        ],
        notes: &[
            "`time` is in seconds or milliseconds, not before 1971, and at most an hour ahead.",
            "`distinct_id` may be blank, for events of nobody; `anonymous`, `null`, `undefined`, `0` and the like are refused.",
        ],
    },
};

pub(super) const FIELDS: &[Field] = &[
    required("event", Shape::TextUpTo(255), "the event's name"),
    required(
        "properties",
        Shape::Object,
        "what it says; keys of your own",
    ),
    field(
        "properties.time",
        Shape::Integer,
        "when, in seconds or milliseconds since 1970; we add when the request came",
    ),
    required(
        "properties.distinct_id",
        Shape::Text,
        "who; blank for nobody",
    ),
    field(
        "properties.$insert_id",
        Shape::TextUpTo(36),
        "the idempotency key, letters, digits and `-`; we add the delivery's id",
    ),
    field("properties.$user_id", Shape::Text, "the user"),
    field("properties.$device_id", Shape::Text, "the device"),
    field("properties.ip", Shape::Text, "the visitor's address"),
];
