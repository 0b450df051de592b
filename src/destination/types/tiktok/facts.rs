//! What there is to know of TikTok's Events API, as data.

use super::{judge, load};
use crate::destination::fields::{Field, Shape, field, required};
use crate::destination::kind::{Example, Facts, Others, Proof, Setting, Type, Variable};

pub(in crate::destination) const TYPE: Type = Type {
    name: "tiktok",
    title: "TikTok Events API",
    about: "Events for TikTok ads. What a tag returns is one element of `data` as TikTok documents it; \
            `tiktok::event` makes it of an event.",
    load,
    settings: &[
        Setting {
            key: "access_token",
            default: "required",
            about: "the token: Events Manager, your pixel, Settings, Events API",
        },
        Setting {
            key: "event_source_id",
            default: "required",
            about: "the pixel's code, the app's id, or the id of the offline event set",
        },
        Setting {
            key: "event_source",
            default: "`\"web\"`",
            about: "what that is an id of: `\"web\"`, `\"app\"`, `\"offline\"` or `\"crm\"`",
        },
        Setting {
            key: "test_event_code",
            default: "none",
            about: "shows events under Test Event in Events Manager",
        },
    ],
    fields: FIELDS,
    others: Others::Sent,
    stand_in: Some(judge::STAND_IN),
    example: Example {
        settings: "access_token = \"${TIKTOK_ACCESS_TOKEN}\"\nevent_source_id = \"C0PIXELCODE\"",
        variables: &[Variable {
            name: "TIKTOK_ACCESS_TOKEN",
            value: "t1kt0k-t0ken",
            secret: "t1kt0k-t0ken",
        }],
        tag: r#"// Orders go to TikTok, with personal data hashed as it asks. docs/mapping/tiktok.md has the table.
const ON = "purchase";
const TO = "tiktok";

fn tag(event) {
    tiktok::event(event)
}
"#,
    },
    facts: Facts {
        sources: &["https://business-api.tiktok.com/portal/docs?id=1771100865818625"],
        proof: Proof::SeenInCode,
        idempotency: "`event_id` together with `event`: of two, from here or from the page's pixel, TikTok keeps one.",
        limits: &[
            ("events in a request", "1,000"),
            ("size of a request", "not stated; we send 1,000,000 bytes"),
        ],
        answers: &[
            ("200 with code 0 or 20001", "delivered"),
            ("code 40100", "all wait: too much, too fast"),
            (
                "code 40001, 40101 to 40199",
                "the destination is paused: the token or what it may do",
            ),
            ("code 50000 to 59999; 200 with no code", "tried again later"),
            (
                "another code, such as 40002",
                "one bad event spoils the request: sent in halves until it is alone, and then dead",
            ),
        ],
        notes: &[
            "`email`, `phone`, `external_id`, `first_name`, `last_name` and `zip_code` are SHA-256 hashes; \
             a phone number is hashed with its `+`. City, state and country are not hashed.",
            "20001 is TikTok's partial success. Which events it did not take is not read, as we know no \
             sure form of it.",
        ],
    },
};

pub(super) const FIELDS: &[Field] = &[
    required(
        "event",
        Shape::TextUpTo(128),
        "a standard event such as `CompletePayment`, or one of your own",
    ),
    field(
        "event_time",
        Shape::Integer,
        "when, in seconds since 1970; we add when the request came",
    ),
    field(
        "event_id",
        Shape::Text,
        "the idempotency key; we add the delivery's id",
    ),
    field("user", Shape::Object, "who it was"),
    field("user.email", Shape::Hashes, "email address"),
    field(
        "user.phone",
        Shape::Hashes,
        "phone number with `+` and country code",
    ),
    field("user.external_id", Shape::Hashes, "your own id"),
    field("user.first_name", Shape::Hashes, "first name"),
    field("user.last_name", Shape::Hashes, "last name"),
    field("user.zip_code", Shape::Hashes, "postal code"),
    field("user.city", Shape::Texts, "city, as it is"),
    field("user.state", Shape::Texts, "state, as it is"),
    field("user.country", Shape::Texts, "country, as it is"),
    field("user.ip", Shape::Text, "the visitor's address, as it is"),
    field(
        "user.user_agent",
        Shape::Text,
        "the visitor's user agent, as it is",
    ),
    field(
        "user.ttclid",
        Shape::Text,
        "the ad's click, of the page's address",
    ),
    field("user.ttp", Shape::Text, "the cookie `_ttp`"),
    field("user.locale", Shape::Text, "language, such as `de-DE`"),
    field("user.idfa", Shape::Text, "advertising id of Apple"),
    field("user.gaid", Shape::Text, "advertising id of Google"),
    field("page", Shape::Object, "the page that it happened on"),
    field("page.url", Shape::Url, "its address"),
    field("page.referrer", Shape::Text, "the page before"),
    field("properties", Shape::Object, "what it was about"),
    field("properties.value", Shape::Number, "value of the order"),
    field("properties.currency", Shape::Currency, "its currency"),
    field("properties.order_id", Shape::Text, "id of the order"),
    field(
        "properties.content_type",
        Shape::OneOf(&["product", "product_group"]),
        "what ids of contents are of",
    ),
    field("properties.contents", Shape::List, "the products"),
    field("properties.contents[].content_id", Shape::Text, "id"),
    field("properties.contents[].content_name", Shape::Text, "name"),
    field(
        "properties.contents[].content_category",
        Shape::Text,
        "category",
    ),
    field("properties.contents[].brand", Shape::Text, "brand"),
    field("properties.contents[].price", Shape::Number, "price of one"),
    field("properties.contents[].quantity", Shape::Integer, "how many"),
    field("properties.query", Shape::Text, "what was searched"),
    field("properties.description", Shape::Text, "in words"),
    field("limited_data_use", Shape::Flag, "limited data use"),
    field("app", Shape::Object, "of events in apps"),
    field("ad", Shape::Object, "of events in apps"),
    field("lead", Shape::Object, "of events of a CRM"),
];
