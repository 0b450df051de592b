//! What there is to know of Segment's tracking API, as data.

use super::{judge, load};
use crate::destination::fields::{Field, Shape, field, required};
use crate::destination::kind::{Example, Facts, Others, Proof, Setting, Type, Variable};

pub(in crate::destination) const TYPE: Type = Type {
    name: "segment",
    title: "Segment",
    about: "Calls to a Segment source. What a tag returns is one call as Segment documents it, with its `type`; \
            `segment::track` and its siblings make it of an event.",
    load,
    settings: &[
        Setting {
            key: "write_key",
            default: "required",
            about: "the source's write key: Sources, your source, Settings, API Keys",
        },
        Setting {
            key: "region",
            default: "`\"us\"`",
            about: "the workspace's data centre: `\"us\"` or `\"eu\"`",
        },
    ],
    fields: FIELDS,
    others: Others::Sent,
    stand_in: Some(judge::STAND_IN),
    example: Example {
        settings: "write_key = \"${SEGMENT_WRITE_KEY}\"",
        variables: &[Variable {
            name: "SEGMENT_WRITE_KEY",
            value: "s3gm3nt-wr1te-key",
            secret: "s3gm3nt-wr1te-key",
        }],
        tag: r#"// Orders go to Segment in the names of its e-commerce spec. docs/mapping/segment.md has the table.
const ON = "purchase";
const TO = "segment";

fn tag(event) {
    segment::track(event)
}
"#,
    },
    facts: Facts {
        sources: &[
            "https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/",
        ],
        proof: Proof::Documented,
        idempotency: "`messageId`: Segment drops repeats.",
        limits: &[
            ("calls in a request", "2,500; we send 1,000"),
            ("size of a request", "500 KB; we send 450,000 bytes"),
            ("size of a call", "32 KB; what is larger is a dead letter"),
        ],
        answers: &[(
            "400, 413",
            "sent in halves, until the call that is meant is alone, and then dead",
        )],
        notes: &[
            "Segment answers 200 also to calls that it drops. What it is known to drop (no `userId` and no \
             `anonymousId`, a track call without `event`, more than 32 KB) is a dead letter here; the rest shows \
             in the source's debugger.",
        ],
    },
};

pub(super) const FIELDS: &[Field] = &[
    field(
        "type",
        Shape::OneOf(&["track", "identify", "page", "screen", "group", "alias"]),
        "which call; `track` without it",
    ),
    field(
        "userId",
        Shape::Text,
        "who; this or `anonymousId` is needed",
    ),
    field("anonymousId", Shape::Text, "which visitor"),
    field("event", Shape::Text, "of a track call required: its name"),
    field("properties", Shape::Object, "of track, page and screen"),
    field("traits", Shape::Object, "of identify and group"),
    field("name", Shape::Text, "of page and screen"),
    field("category", Shape::Text, "of page and screen"),
    field("groupId", Shape::Text, "of a group call required"),
    field("previousId", Shape::Text, "of an alias call required"),
    field("context", Shape::Object, "where it happened"),
    field("context.ip", Shape::Text, "the visitor's address"),
    field("context.userAgent", Shape::Text, "the visitor's user agent"),
    field("context.locale", Shape::Text, "language"),
    field("context.page", Shape::Object, "the page"),
    field("context.campaign", Shape::Object, "the campaign"),
    field(
        "integrations",
        Shape::Object,
        "which of Segment's destinations get it",
    ),
    field(
        "messageId",
        Shape::TextUpTo(100),
        "the idempotency key; we add the delivery's id",
    ),
    field(
        "timestamp",
        Shape::Text,
        "when, RFC 3339; we add when the request came",
    ),
];

/// What each call must have beside somebody.
pub(super) const NEEDS: &[(&str, &str)] = &[
    ("track", "event"),
    ("group", "groupId"),
    ("alias", "previousId"),
];

/// Used by the stand-in for requests to `/v1/track` and the like, whose `type` is in the path.
pub(super) const CALLS: &[&str] = &["track", "identify", "page", "screen", "group", "alias"];

/// What the stand-in of a batch wants of each call in it.
pub(super) const BATCHED: &[Field] = &[required("type", Shape::Text, "which call")];
