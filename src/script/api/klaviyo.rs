//! `klaviyo::`: events for Klaviyo, for destinations of type `klaviyo`.

use super::Topic;
use super::host::Host;
use super::mapping::{
    CURRENCY, Change, EMAIL_PLAIN, How, ISO_TIME, Mapping, NUMBER, Names, Need, PHONE_PLUS_PLAIN,
    REST_ABOUT, Row, TEXT, from, own_always, row,
};
use super::namespace::Namespace;

pub(super) const TOPIC: Topic = Topic {
    name: "klaviyo",
    about: "Events for Klaviyo.",
    functions: &[EVENT.function()],
    register,
};

pub(super) const MAPPINGS: &[&Mapping] = &[&EVENT];

const EVENT: Mapping = Mapping {
    signature: "klaviyo::event(event) -> map",
    about: "The attributes of one event: its metric, the profile that it is of, and everything that it \
            says as properties. Klaviyo wants email address and phone number as they are, not hashed.",
    example: r#"klaviyo::event(#{ event_name: "purchase", user_data: #{ email_address: "Ada@Example.com" } }).metric.data.attributes.name == "Placed Order""#,
    rows: &[
        row("metric.data.type", &[], How::Fixed("metric")),
        row(
            "metric.data.attributes.name",
            from::NAME,
            How::Named(&NAMES),
        ),
        row("profile.data.type", &[], How::Fixed("profile")),
        row("profile.data.attributes", &[], How::Map(PROFILE)),
        row("properties", &[], How::Is(PROPERTIES)),
        row("time", from::TIME, How::Is(ISO_TIME)),
        row("value", from::VALUE, How::Is(NUMBER)),
        row("value_currency", from::CURRENCY, How::Is(CURRENCY)),
        row("unique_id", from::ID, How::Is(TEXT)),
    ],
    needs: &[Need {
        any: &[
            "profile.data.attributes.email",
            "profile.data.attributes.phone_number",
            "profile.data.attributes.external_id",
        ],
        why: "Klaviyo needs an email address, a phone number or a user_id",
    }],
};

const PROFILE: &[Row] = &[
    row("email", from::PLAIN_EMAIL, How::Is(EMAIL_PLAIN)),
    row("phone_number", from::PLAIN_PHONE, How::Is(PHONE_PLUS_PLAIN)),
    row("external_id", from::USER, How::Is(TEXT)),
    row(
        "first_name",
        &["user_data.address.first_name"],
        How::Is(TEXT),
    ),
    row("last_name", &["user_data.address.last_name"], How::Is(TEXT)),
    row("location.address1", from::STREET, How::Is(TEXT)),
    row("location.city", from::CITY, How::Is(TEXT)),
    row("location.region", from::REGION, How::Is(TEXT)),
    row("location.zip", from::ZIP, How::Is(TEXT)),
    row("location.country", from::COUNTRY, How::Is(TEXT)),
];

const NAMES: Names = Names {
    table: &[
        ("Active on Site", &["page_view"]),
        ("Viewed Product", &["view_item"]),
        ("Added to Cart", &["add_to_cart"]),
        ("Started Checkout", &["begin_checkout"]),
        ("Placed Order", &["purchase", "order_created"]),
        ("Refunded Order", &["refund"]),
    ],
    other: TEXT,
};

/// Klaviyo wants properties, if only none.
const PROPERTIES: Change = own_always(REST_ABOUT, |given| Ok(given.rest(&[])));

fn register(host: &mut Host) {
    Namespace::new(TOPIC.name).mapping(&EVENT).add_to(host);
}
