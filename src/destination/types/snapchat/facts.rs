//! What there is to know of Snap's Conversions API, as data.

use super::{judge, load};
use crate::destination::fields::{Field, Shape, field, required};
use crate::destination::kind::{Example, Facts, Others, Proof, Setting, Type, Variable};

pub(in crate::destination) const TYPE: Type = Type {
    name: "snapchat",
    title: "Snapchat Conversions API",
    about: "Events for Snapchat ads. What a tag returns is one element of `data` as Snap documents it; \
            `snapchat::event` makes it of an event.",
    load,
    settings: &[
        Setting {
            key: "access_token",
            default: "required",
            about: "the long-lived token: Business Manager, Business Details, Conversions API tokens",
        },
        Setting {
            key: "pixel_id",
            default: "required",
            about: "the id of the pixel, or of the app",
        },
        Setting {
            key: "test_event_code",
            default: "none",
            about: "shows events under Test events in Events Manager",
        },
    ],
    fields: FIELDS,
    others: Others::Sent,
    stand_in: Some(judge::STAND_IN),
    example: Example {
        settings: "access_token = \"${SNAPCHAT_ACCESS_TOKEN}\"\npixel_id = \"00000000-0000-0000-0000-000000000000\"",
        variables: &[Variable {
            name: "SNAPCHAT_ACCESS_TOKEN",
            value: "sn4p-t0ken",
            secret: "sn4p-t0ken",
        }],
        tag: r#"// Orders go to Snapchat, with personal data hashed as Snap asks. docs/mapping/snapchat.md has the table.
const ON = "purchase";
const TO = "snapchat";

fn tag(event) {
    snapchat::event(event)
}
"#,
    },
    facts: Facts {
        sources: &["https://developers.snap.com/api/marketing-api/Conversions-API/UsingTheAPI"],
        proof: Proof::Documented,
        idempotency: "`event_id` together with `event_name`: of two, from here or from the page's pixel, Snap keeps one.",
        limits: &[
            ("events in a request", "2,000; we send 1,000"),
            ("size of a request", "not stated; we send 1,000,000 bytes"),
            ("age of an event", "37 days, to be reported"),
        ],
        answers: &[
            (
                "400, 422, or 200 with `status` `FAILED`, `INVALID` or `ERROR`",
                "one bad event spoils the request: sent in halves until it is alone, and then dead",
            ),
            ("413", "sent in halves"),
        ],
        notes: &[
            "Numbers may be texts, as in Snap's examples.",
            "The form of Snap's answers is from other people's code and memory; so is `test_event_code`.",
        ],
    },
};

pub(super) const FIELDS: &[Field] = &[
    required(
        "event_name",
        Shape::TextUpTo(64),
        "a standard event such as `PURCHASE`, or `CUSTOM_EVENT_1` to `_5`",
    ),
    field(
        "event_time",
        Shape::Integer,
        "when, in seconds or milliseconds since 1970; we add when the request came",
    ),
    required(
        "action_source",
        Shape::OneOf(&["WEB", "MOBILE_APP", "OFFLINE", "website", "app"]),
        "where it happened",
    ),
    field(
        "event_id",
        Shape::Text,
        "the idempotency key; we add the delivery's id",
    ),
    field(
        "event_source_url",
        Shape::Url,
        "the page that it happened on; of `WEB` required",
    ),
    field("integration", Shape::Text, "for partners"),
    field(
        "data_processing_options",
        Shape::Any,
        "`[\"LMU\"]` for limited data use",
    ),
    field("app_data", Shape::Object, "of events in apps"),
    required(
        "user_data",
        Shape::Object,
        "who it was: `em`, `ph`, `madid`, or address and user agent",
    ),
    field("user_data.em", Shape::Hashes, "email address"),
    field(
        "user_data.ph",
        Shape::Hashes,
        "phone number, digits with country code",
    ),
    field("user_data.fn", Shape::Hashes, "first name"),
    field("user_data.ln", Shape::Hashes, "last name"),
    field("user_data.ge", Shape::Hashes, "gender"),
    field("user_data.ct", Shape::Hashes, "city"),
    field("user_data.st", Shape::Hashes, "state"),
    field("user_data.zp", Shape::Hashes, "postal code"),
    field("user_data.country", Shape::Hashes, "country"),
    field("user_data.external_id", Shape::Hashes, "your own id"),
    field(
        "user_data.client_ip_address",
        Shape::Text,
        "the visitor's address, as it is",
    ),
    field(
        "user_data.client_user_agent",
        Shape::Text,
        "the visitor's user agent, as it is",
    ),
    field(
        "user_data.sc_click_id",
        Shape::Text,
        "`ScCid` of the page's address",
    ),
    field("user_data.sc_cookie1", Shape::Text, "the cookie `_scid`"),
    field("user_data.madid", Shape::Text, "advertising id of a phone"),
    field("user_data.idfv", Shape::Text, "vendor id of Apple"),
    field("custom_data", Shape::Object, "what it was about"),
    field(
        "custom_data.value",
        Shape::TextOrNumber,
        "the value; of a purchase required",
    ),
    field(
        "custom_data.currency",
        Shape::Currency,
        "the currency; of a purchase required",
    ),
    field("custom_data.order_id", Shape::Text, "id of the order"),
    field("custom_data.content_ids", Shape::List, "ids of products"),
    field(
        "custom_data.content_name",
        Shape::Text,
        "name of the page or product",
    ),
    field("custom_data.content_category", Shape::Texts, "its category"),
    field("custom_data.contents", Shape::List, "the products"),
    field("custom_data.contents[].id", Shape::Text, "id"),
    field(
        "custom_data.contents[].quantity",
        Shape::TextOrNumber,
        "how many",
    ),
    field(
        "custom_data.contents[].item_price",
        Shape::TextOrNumber,
        "price of one",
    ),
    field("custom_data.contents[].brand", Shape::Text, "brand"),
    field(
        "custom_data.num_items",
        Shape::TextOrNumber,
        "how many products",
    ),
    field(
        "custom_data.search_string",
        Shape::Text,
        "what was searched",
    ),
    field(
        "custom_data.sign_up_method",
        Shape::Text,
        "of a registration",
    ),
];
