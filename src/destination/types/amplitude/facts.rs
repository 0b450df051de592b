//! What there is to know of Amplitude, as data.

use super::{judge, load};
use crate::destination::fields::{Field, Shape, field};
use crate::destination::kind::{Example, Facts, Others, Proof, Setting, Type, Variable};

pub(in crate::destination) const TYPE: Type = Type {
    name: "amplitude",
    title: "Amplitude",
    about: "Events, revenue, and properties of users and groups. What a tag returns is one event in \
            Amplitude's own field names; with `api = \"identify\"` or `\"groupidentify\"`, one \
            identification.",
    load,
    settings: &[
        Setting {
            key: "api_key",
            default: "required",
            about: "the project's API key: Settings, Projects, your project, General",
        },
        Setting {
            key: "region",
            default: "\"us\"",
            about: "the data centre of the project: \"us\" or \"eu\"",
        },
        Setting {
            key: "api",
            default: "\"http\"",
            about: "which API: \"http\" (HTTP V2), \"batch\" (larger requests, which Amplitude throttles less), \"identify\" or \"groupidentify\" (properties, without an event)",
        },
        Setting {
            key: "min_id_length",
            default: "Amplitude's 5",
            about: "how short a `user_id` or `device_id` may be, for events",
        },
    ],
    fields: FIELDS,
    others: Others::Sent,
    stand_in: Some(judge::STAND_IN),
    example: Example {
        settings: "api_key = \"${AMPLITUDE_API_KEY}\"",
        variables: &[Variable {
            name: "AMPLITUDE_API_KEY",
            value: "4m9l1tud3-k3y",
            secret: "4m9l1tud3-k3y",
        }],
        tag: r#"// Orders become an Amplitude event with revenue.
const ON = "purchase";
const TO = "amplitude";

fn tag(event) {
    #{
        event_type: "Order Completed",
        user_id: event.user_id,
        device_id: event.client_id,
        price: event.value,
        quantity: 1,
        currency: event.currency,
        event_properties: #{ order_id: event.transaction_id, items: event.items },
    }
}
"#,
    },
    facts: Facts {
        sources: &[
            "https://amplitude.com/docs/apis/analytics/http-v2",
            "https://amplitude.com/docs/apis/analytics/http-api-batching-retries",
            "https://amplitude.com/docs/apis/analytics/batch-event-upload",
            "https://amplitude.com/docs/apis/analytics/identify",
            "https://amplitude.com/docs/apis/analytics/group-identify",
        ],
        proof: Proof::Documented,
        idempotency: "`insert_id`: Amplitude drops repeats from the same device for 7 days. The other two \
                      APIs have none: `$set` twice is as once, `$add` twice is not.",
        limits: &[
            ("events in a request", "fewer than 2,000; we send 1,000"),
            ("size of a request", "1 MB; we send 900,000 bytes"),
            (
                "with `api = \"batch\"`",
                "2,000 events and 20 MB; we send 2,000 and 2 MB",
            ),
            (
                "with `api = \"identify\"` or `\"groupidentify\"`",
                "1,024 and 1 MB; we send 500 and 300,000 bytes. Amplitude takes 1,800 changes an hour of one user",
            ),
            (
                "length of a text",
                "1,024 characters; Amplitude cuts what is longer",
            ),
            ("layers of maps and lists in properties", "40"),
            (
                "length of `user_id` and `device_id`",
                "5 characters or more",
            ),
        ],
        answers: &[
            (
                "400 or 429 that names events",
                "the bad ones are dead, the throttled ones wait 30 s, the others go again at once \
                 without losing an attempt",
            ),
            ("400 about the key", "the destination is paused"),
            (
                "other 400s; 429 that names users and not their events",
                "sent in halves, until the one that is meant is alone",
            ),
            ("413, 414", "sent in halves"),
            (
                "identify: other 400s",
                "sent in halves, until the one that is meant is alone",
            ),
            (
                "429 that names nobody",
                "all wait, 30 s if it does not say how long",
            ),
        ],
        notes: &[
            "`time` is in milliseconds; without it, it is when the request came.",
            "Ids such as `anonymous`, `null`, `undefined` or `0` are refused.",
            "User properties change with any event that has `user_properties`; by an event with `event_type: \"$identify\"` and `user_properties: #{ \"$set\": #{ … } }`; or by `#{ user_id, user_properties }` to a destination with `api = \"identify\"`.",
            "Properties of a group: `#{ group_type, group_value, group_properties }` to a destination with `api = \"groupidentify\"`.",
        ],
    },
};

pub(super) const FIELDS: &[Field] = &[
    field(
        "event_type",
        Shape::Text,
        "the event's name; or `$identify`, `$groupidentify`. Every event needs it",
    ),
    field("user_id", Shape::Text, "who; this or `device_id` is needed"),
    field("device_id", Shape::Text, "which browser or device"),
    field("time", Shape::Integer, "when, in milliseconds since 1970"),
    field(
        "insert_id",
        Shape::Text,
        "the idempotency key; we add the delivery's id",
    ),
    field("event_properties", Shape::Object, "properties of the event"),
    field(
        "user_properties",
        Shape::Object,
        "properties of the user; operations such as `$set` only with `$identify`",
    ),
    field("groups", Shape::Object, "groups of the user: type to name"),
    field(
        "group_properties",
        Shape::Object,
        "properties of a group, with `$groupidentify`",
    ),
    field("price", Shape::Number, "price of one; negative is a refund"),
    field("quantity", Shape::Integer, "how many; 1 if it is left out"),
    field(
        "revenue",
        Shape::Number,
        "revenue; if price and quantity are there, they win",
    ),
    field(
        "productId",
        Shape::Text,
        "needs price and quantity, or revenue",
    ),
    field(
        "revenueType",
        Shape::Text,
        "needs price and quantity, or revenue",
    ),
    field("currency", Shape::Text, "currency of the revenue, ISO 4217"),
    field("ip", Shape::Text, "the visitor's address"),
    field("user_agent", Shape::Text, "the visitor's user agent"),
    field(
        "session_id",
        Shape::Integer,
        "when the session began, in milliseconds; -1 for none",
    ),
    field(
        "event_id",
        Shape::Integer,
        "a counter that orders events of one time",
    ),
    field("app_version", Shape::Text, "version of the app"),
    field("platform", Shape::Text, "platform, such as `Web`"),
    field("os_name", Shape::Text, "operating system"),
    field("os_version", Shape::Text, "its version"),
    field("device_brand", Shape::Text, "brand of the device"),
    field("device_manufacturer", Shape::Text, "its manufacturer"),
    field("device_model", Shape::Text, "its model"),
    field("carrier", Shape::Text, "mobile carrier"),
    field("country", Shape::Text, "country of the visitor"),
    field("region", Shape::Text, "region of the visitor"),
    field("city", Shape::Text, "city of the visitor"),
    field("dma", Shape::Text, "designated market area"),
    field("language", Shape::Text, "language of the visitor"),
    field("location_lat", Shape::Number, "latitude"),
    field("location_lng", Shape::Number, "longitude"),
    field("idfa", Shape::Text, "advertising id of Apple"),
    field("idfv", Shape::Text, "vendor id of Apple"),
    field("adid", Shape::Text, "advertising id of Google"),
    field("android_id", Shape::Text, "id of an Android device"),
    field("android_app_set_id", Shape::Text, "app set id of Google"),
    field("partner_id", Shape::Text, "id of a partner's integration"),
    field(
        "group_type",
        Shape::Text,
        "of a group's identification: the type of the group",
    ),
    field(
        "group_value",
        Shape::Text,
        "of a group's identification: its name",
    ),
    field(
        "device_family",
        Shape::Text,
        "of an identification: family of the device",
    ),
    field(
        "paying",
        Shape::Text,
        "of an identification: whether the user pays",
    ),
    field(
        "start_version",
        Shape::Text,
        "of an identification: the app's version at first",
    ),
    field("plan", Shape::Object, "tracking plan"),
    field(
        "ingestion_metadata",
        Shape::Object,
        "where the event came from",
    ),
    field(
        "$skip_user_properties_sync",
        Shape::Flag,
        "do not join the user's properties",
    ),
];
