//! What there is to know of GA4's Measurement Protocol, as data.

use super::{judge, load};
use crate::destination::fields::{Field, Shape, field};
use crate::destination::kind::{Example, Facts, Others, Proof, Setting, Type, Variable};

pub(in crate::destination) const TYPE: Type = Type {
    name: "ga4",
    title: "Google Analytics 4",
    about: "Events for a GA4 property, by the Measurement Protocol. What a tag returns is one event, `#{ name, params }`, \
            with `client_id` and what else Google wants of the visitor beside it; or a whole message, with `events`. \
            `ga4::event` makes it of an event.",
    load,
    settings: &[
        Setting {
            key: "measurement_id",
            default: "required",
            about: "`G-…`: Admin, Data streams, your stream",
        },
        Setting {
            key: "api_secret",
            default: "required",
            about: "the same page, Measurement Protocol API secrets",
        },
        Setting {
            key: "region",
            default: "`\"global\"`",
            about: "`\"eu\"`: events are taken in by a server in the EU",
        },
    ],
    fields: FIELDS,
    others: Others::Sent,
    stand_in: Some(judge::STAND_IN),
    example: Example {
        settings: "measurement_id = \"G-A1B2C3D4E5\"\napi_secret = \"${GA4_API_SECRET}\"",
        variables: &[Variable {
            name: "GA4_API_SECRET",
            value: "ga4-4p1-s3cret",
            secret: "ga4-4p1-s3cret",
        }],
        tag: r#"// Orders go to Google Analytics, without personal data. docs/mapping/ga4.md has the table.
const ON = "purchase";
const TO = "ga4";

fn tag(event) {
    ga4::event(event)
}
"#,
    },
    facts: Facts {
        sources: &[
            "https://developers.google.com/analytics/devguides/collection/protocol/ga4/reference",
            "https://developers.google.com/analytics/devguides/collection/protocol/ga4/sending-events",
            "https://developers.google.com/analytics/devguides/collection/protocol/ga4/validating-events",
        ],
        proof: Proof::Documented,
        idempotency: "None; of purchases GA4 counts a `transaction_id` once. A repeat after a crash is counted twice.",
        limits: &[
            (
                "events in a message",
                "25; we send one, as a message is of one visitor",
            ),
            ("size of a message", "130 kB"),
            ("parameters of an event", "25"),
            (
                "names",
                "40 characters: letters, digits and `_`, beginning with a letter",
            ),
            (
                "length of a text",
                "100 characters; of addresses and titles more",
            ),
            (
                "user properties",
                "25; names of 24 characters, values of 36",
            ),
            ("age of an event", "72 hours"),
        ],
        answers: &[(
            "any 2xx",
            "delivered. Google never says whether it took the event",
        )],
        notes: &[
            "What Google documents as a limit is checked before sending: what it would drop without a word is a dead \
             letter here, with the reason.",
            "`session_id` and `engagement_time_msec` among the parameters make an event show in Realtime.",
            "That the server for the EU takes the Measurement Protocol is from other people's code.",
        ],
    },
};

pub(super) const FIELDS: &[Field] = &[
    field(
        "name",
        Shape::TextUpTo(40),
        "the event's name; this or `events` is needed",
    ),
    field("params", Shape::Object, "its parameters, 25 at most"),
    field("params.value", Shape::Number, "the value"),
    field(
        "params.currency",
        Shape::Currency,
        "its currency, required with `value`",
    ),
    field(
        "params.transaction_id",
        Shape::TextUpTo(100),
        "id of the order",
    ),
    field("params.items", Shape::ListUpTo(200), "the products"),
    field(
        "params.items[].item_id",
        Shape::TextOrNumber,
        "id; this or `item_name` is needed",
    ),
    field("params.items[].item_name", Shape::Text, "name"),
    field("params.items[].price", Shape::Number, "price of one"),
    field("params.items[].quantity", Shape::Number, "how many"),
    field("params.session_id", Shape::TextOrNumber, "the session"),
    field(
        "params.engagement_time_msec",
        Shape::TextOrNumber,
        "how long it had the visitor's attention",
    ),
    field(
        "events",
        Shape::ListUpTo(25),
        "several events of one visitor, each with `name` and `params`",
    ),
    field(
        "client_id",
        Shape::Text,
        "which browser; required, or `app_instance_id`",
    ),
    field("app_instance_id", Shape::Text, "which app"),
    field("user_id", Shape::Text, "who"),
    field(
        "timestamp_micros",
        Shape::Integer,
        "when, in microseconds since 1970; we add when the request came",
    ),
    field("user_properties", Shape::Object, "each `#{ value }`"),
    field("user_data", Shape::Object, "personal data, hashed"),
    field("consent", Shape::Object, "what the visitor agreed to"),
    field(
        "consent.ad_user_data",
        Shape::OneOf(&["GRANTED", "DENIED"]),
        "data may be used for ads",
    ),
    field(
        "consent.ad_personalization",
        Shape::OneOf(&["GRANTED", "DENIED"]),
        "ads may be personal",
    ),
    field("non_personalized_ads", Shape::Flag, "the older form of it"),
    field(
        "validation_behavior",
        Shape::OneOf(&["RELAXED", "ENFORCE_RECOMMENDATIONS"]),
        "how strict Google's debug server is",
    ),
    field(
        "ip_override",
        Shape::Text,
        "the visitor's address, for the place only",
    ),
    field("user_location", Shape::Object, "the visitor's place"),
    field("device", Shape::Object, "the visitor's device"),
    field("user_agent", Shape::Text, "the visitor's user agent"),
];
