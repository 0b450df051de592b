//! What there is to know of Meta's Conversions API, as data.

use super::{judge, load};
use crate::destination::fields::{Field, Shape, field, required};
use crate::destination::kind::{Example, Facts, Others, Proof, Setting, Type, Variable};

pub(in crate::destination) const TYPE: Type = Type {
    name: "meta_capi",
    title: "Meta Conversions API",
    about: "Events for Facebook and Instagram ads. What a tag returns is one element of `data` as Meta \
            documents it; `meta::event` makes it of an event.",
    load,
    settings: &[
        Setting {
            key: "access_token",
            default: "required",
            about: "the token: Events Manager, your data set, Settings, Conversions API",
        },
        Setting {
            key: "pixel_id",
            default: "required",
            about: "the id of the data set (pixel), digits",
        },
        Setting {
            key: "test_event_code",
            default: "none",
            about: "shows events under Test events in Events Manager. They count all the same",
        },
        Setting {
            key: "api_version",
            default: "`\"v25.0\"`",
            about: "the version of the Graph API",
        },
    ],
    fields: FIELDS,
    others: Others::Sent,
    stand_in: Some(judge::STAND_IN),
    example: Example {
        settings: "access_token = \"${META_ACCESS_TOKEN}\"\npixel_id = \"123456789012345\"",
        variables: &[Variable {
            name: "META_ACCESS_TOKEN",
            value: "EAAm3tat0ken",
            secret: "EAAm3tat0ken",
        }],
        tag: r#"// Orders go to Meta, with personal data hashed as Meta asks. docs/mapping/meta.md has the table.
const ON = "purchase";
const TO = "meta_capi";

fn tag(event) {
    meta::event(event)
}
"#,
    },
    facts: Facts {
        sources: &[
            "https://developers.facebook.com/docs/marketing-api/conversions-api/using-the-api",
            "https://developers.facebook.com/docs/marketing-api/conversions-api/parameters",
        ],
        proof: Proof::Documented,
        idempotency: "`event_id` together with `event_name`: of two within 48 hours, from here or from the \
                      page's pixel, Meta keeps the first.",
        limits: &[
            ("events in a request", "1,000"),
            ("size of a request", "not stated; we send 1,000,000 bytes"),
            (
                "age of an event",
                "7 days, of `physical_store` 62; one that is older spoils the request",
            ),
            ("requests in a time", "no limit that is documented"),
        ],
        answers: &[
            (
                "code 1, 2, 341, 368, 5000, or `is_transient`",
                "tried again later",
            ),
            (
                "code 4, 17, 32, 613, 80003, 80004",
                "all wait: too much, too fast",
            ),
            (
                "code 3, 10, 102, 104, 190, 200 to 299",
                "the destination is paused: the token or what it may do",
            ),
            (
                "400 with another code, such as 100",
                "one bad event spoils the request and is not named: sent in halves until it is alone, and then dead",
            ),
            ("413", "sent in halves"),
        ],
        notes: &[
            "`em`, `ph`, `fn`, `ln`, `ge`, `db`, `ct`, `st`, `zp` and `country` are SHA-256 hashes; \
             `client_ip_address`, `client_user_agent`, `fbc` and `fbp` are never hashed.",
            "With `action_source` `website`, Meta asks for `event_source_url` and `client_user_agent`.",
            "The codes of errors are from public code that talks to Meta; 102 and 104 are from memory.",
        ],
    },
};

/// Where an event happened.
const SOURCES: &[&str] = &[
    "website",
    "app",
    "phone_call",
    "chat",
    "email",
    "physical_store",
    "system_generated",
    "business_messaging",
    "other",
];

pub(super) const FIELDS: &[Field] = &[
    required(
        "event_name",
        Shape::TextUpTo(50),
        "a standard event such as `Purchase`, or one of your own",
    ),
    field(
        "event_time",
        Shape::Integer,
        "when, in seconds since 1970; we add when the request came",
    ),
    required("action_source", Shape::OneOf(SOURCES), "where it happened"),
    field(
        "event_id",
        Shape::Text,
        "the idempotency key; we add the delivery's id",
    ),
    field(
        "event_source_url",
        Shape::Url,
        "the page that it happened on",
    ),
    field("referrer_url", Shape::Text, "the page before"),
    field("opt_out", Shape::Flag, "not for the delivery of ads"),
    field(
        "data_processing_options",
        Shape::List,
        "`[\"LDU\"]` for limited data use, `[]` for none",
    ),
    field(
        "data_processing_options_country",
        Shape::Integer,
        "1 for the USA, 0 for Meta to find out",
    ),
    field(
        "data_processing_options_state",
        Shape::Integer,
        "1000 for California, 0 for Meta to find out",
    ),
    field("app_data", Shape::Object, "of events in apps"),
    required("user_data", Shape::Object, "who it was"),
    field("user_data.em", Shape::Hashes, "email address"),
    field(
        "user_data.ph",
        Shape::Hashes,
        "phone number, digits with country code",
    ),
    field("user_data.fn", Shape::Hashes, "first name"),
    field("user_data.ln", Shape::Hashes, "last name"),
    field("user_data.ge", Shape::Hashes, "gender, `f` or `m`"),
    field("user_data.db", Shape::Hashes, "date of birth, `YYYYMMDD`"),
    field("user_data.ct", Shape::Hashes, "city"),
    field("user_data.st", Shape::Hashes, "state"),
    field("user_data.zp", Shape::Hashes, "postal code"),
    field("user_data.country", Shape::Hashes, "country, two letters"),
    field(
        "user_data.external_id",
        Shape::Texts,
        "your own id, hashed or not",
    ),
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
    field("user_data.fbc", Shape::Text, "the cookie `_fbc`, as it is"),
    field("user_data.fbp", Shape::Text, "the cookie `_fbp`, as it is"),
    field(
        "user_data.subscription_id",
        Shape::Text,
        "id of a subscription",
    ),
    field("user_data.lead_id", Shape::TextOrNumber, "id of a lead ad"),
    field(
        "custom_data",
        Shape::Object,
        "what it was about; keys of your own, too",
    ),
    field("custom_data.value", Shape::Number, "of a purchase required"),
    field(
        "custom_data.currency",
        Shape::Currency,
        "of a purchase required",
    ),
    field("custom_data.content_ids", Shape::List, "ids of products"),
    field(
        "custom_data.content_type",
        Shape::OneOf(&["product", "product_group"]),
        "what these ids are of",
    ),
    field(
        "custom_data.content_name",
        Shape::Text,
        "name of the page or product",
    ),
    field("custom_data.content_category", Shape::Text, "its category"),
    field("custom_data.contents", Shape::List, "the products"),
    field("custom_data.contents[].id", Shape::Text, "id"),
    field(
        "custom_data.contents[].quantity",
        Shape::Integer,
        "how many",
    ),
    field(
        "custom_data.contents[].item_price",
        Shape::Number,
        "price of one",
    ),
    field("custom_data.num_items", Shape::Integer, "how many products"),
    field("custom_data.order_id", Shape::Text, "id of the order"),
    field(
        "custom_data.search_string",
        Shape::Text,
        "what was searched",
    ),
    field(
        "custom_data.status",
        Shape::TextOrNumber,
        "of a registration",
    ),
    field(
        "custom_data.predicted_ltv",
        Shape::Number,
        "predicted value of a customer",
    ),
];
