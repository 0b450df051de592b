//! What there is to know of Pinterest's Conversions API, as data.

use super::{judge, load};
use crate::destination::fields::{Field, Shape, field, required};
use crate::destination::kind::{Example, Facts, Others, Proof, Setting, Type, Variable};

pub(in crate::destination) const TYPE: Type = Type {
    name: "pinterest",
    title: "Pinterest Conversions API",
    about: "Events for Pinterest ads. What a tag returns is one element of `data` as Pinterest documents it; \
            `pinterest::event` makes it of an event.",
    load,
    settings: &[
        Setting {
            key: "access_token",
            default: "required",
            about: "the conversion token: Ads Manager, Conversions, Conversion access token",
        },
        Setting {
            key: "ad_account_id",
            default: "required",
            about: "the id of the ad account, digits",
        },
        Setting {
            key: "test",
            default: "`false`",
            about: "`true`: Pinterest checks events and does not record them",
        },
    ],
    fields: FIELDS,
    others: Others::Sent,
    stand_in: Some(judge::STAND_IN),
    example: Example {
        settings: "access_token = \"${PINTEREST_ACCESS_TOKEN}\"\nad_account_id = \"549755885175\"",
        variables: &[Variable {
            name: "PINTEREST_ACCESS_TOKEN",
            value: "pina-p1nterest-t0ken",
            secret: "pina-p1nterest-t0ken",
        }],
        tag: r#"// Orders go to Pinterest, with personal data hashed as it asks. docs/mapping/pinterest.md has the table.
const ON = "purchase";
const TO = "pinterest";

fn tag(event) {
    pinterest::event(event)
}
"#,
    },
    facts: Facts {
        sources: &["https://developers.pinterest.com/docs/api/v5/events-create/"],
        proof: Proof::Documented,
        idempotency: "`event_id` together with `event_name`: of two, from here or from the page's tag, Pinterest keeps one.",
        limits: &[
            ("events in a request", "1,000"),
            ("size of a request", "not stated; we send 1,000,000 bytes"),
        ],
        answers: &[
            (
                "200 or 422 that tells of each event",
                "`processed` ones are delivered, `failed` ones dead",
            ),
            (
                "400 or 422 that does not",
                "sent in halves, until the bad one is alone, and then dead",
            ),
            ("413", "sent in halves"),
        ],
        notes: &[
            "What is hashed is in lists. `value` and `item_price` are texts, quantities whole numbers.",
            "That the others of a request with failed ones are stored is how we read Pinterest's page; it \
             was not tried.",
        ],
    },
};

const NAMES: &[&str] = &[
    "add_payment_info",
    "add_to_cart",
    "add_to_wishlist",
    "app_install",
    "app_open",
    "checkout",
    "contact",
    "custom",
    "customize_product",
    "find_location",
    "initiate_checkout",
    "lead",
    "page_visit",
    "schedule",
    "search",
    "signup",
    "start_trial",
    "submit_application",
    "subscribe",
    "view_category",
    "view_content",
    "watch_video",
];

pub(super) const FIELDS: &[Field] = &[
    required("event_name", Shape::OneOf(NAMES), "what happened"),
    required(
        "action_source",
        Shape::OneOf(&["app_android", "app_ios", "web", "offline"]),
        "where it happened",
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
    field(
        "event_source_url",
        Shape::Url,
        "the page that it happened on",
    ),
    field("opt_out", Shape::Flag, "not for the delivery of ads"),
    field("partner_name", Shape::Text, "for partners"),
    field("language", Shape::Text, "two letters"),
    field("app_id", Shape::Text, "of events in apps"),
    field("app_name", Shape::Text, "of events in apps"),
    field("app_version", Shape::Text, "of events in apps"),
    field("device_brand", Shape::Text, "of events in apps"),
    field("device_carrier", Shape::Text, "of events in apps"),
    field("device_model", Shape::Text, "of events in apps"),
    field("device_type", Shape::Text, "of events in apps"),
    field("os_version", Shape::Text, "of events in apps"),
    field("wifi", Shape::Flag, "of events in apps"),
    required(
        "user_data",
        Shape::Object,
        "who it was: `em`, `hashed_maids`, or address and user agent",
    ),
    field("user_data.em", Shape::HashList, "email address"),
    field(
        "user_data.ph",
        Shape::HashList,
        "phone number, digits with country code",
    ),
    field("user_data.ge", Shape::HashList, "gender"),
    field("user_data.db", Shape::HashList, "date of birth"),
    field("user_data.ln", Shape::HashList, "last name"),
    field("user_data.fn", Shape::HashList, "first name"),
    field("user_data.ct", Shape::HashList, "city"),
    field("user_data.st", Shape::HashList, "state"),
    field("user_data.zp", Shape::HashList, "postal code"),
    field("user_data.country", Shape::HashList, "country"),
    field("user_data.external_id", Shape::HashList, "your own id"),
    field("user_data.hashed_maids", Shape::HashList, "advertising ids"),
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
    field("user_data.click_id", Shape::Text, "the cookie `_epik`"),
    field("user_data.partner_id", Shape::Text, "for partners"),
    field("custom_data", Shape::Object, "what it was about"),
    field("custom_data.currency", Shape::Currency, "the currency"),
    field("custom_data.value", Shape::Amount, "the value"),
    field("custom_data.content_ids", Shape::List, "ids of products"),
    field(
        "custom_data.content_name",
        Shape::Text,
        "name of the page or product",
    ),
    field("custom_data.content_category", Shape::Text, "its category"),
    field("custom_data.content_brand", Shape::Text, "its brand"),
    field("custom_data.contents", Shape::List, "the products"),
    field("custom_data.contents[].id", Shape::Text, "id"),
    field(
        "custom_data.contents[].item_price",
        Shape::Amount,
        "price of one",
    ),
    field(
        "custom_data.contents[].quantity",
        Shape::Integer,
        "how many",
    ),
    field("custom_data.contents[].item_name", Shape::Text, "name"),
    field(
        "custom_data.contents[].item_category",
        Shape::Text,
        "category",
    ),
    field("custom_data.contents[].item_brand", Shape::Text, "brand"),
    field("custom_data.num_items", Shape::Integer, "how many products"),
    field("custom_data.order_id", Shape::Text, "id of the order"),
    field(
        "custom_data.search_string",
        Shape::Text,
        "what was searched",
    ),
    field(
        "custom_data.opt_out_type",
        Shape::Text,
        "`LDP` for limited data processing",
    ),
    field("custom_data.np", Shape::Text, "name of the partner"),
];
