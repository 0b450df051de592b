//! `meta::`: events for Meta's Conversions API, for destinations of type `meta_capi`.

use rhai::Dynamic;

use super::host::Host;
use super::mapping::{
    BIRTHDAY_HASH, COUNT, CURRENCY, Change, Given, How, IDS, INTEGER, Mapping, NUMBER, Names, Need,
    PERSON_HASHES, Row, SECONDS_TIME, TEXT, from, own, own_always, row,
};
use super::namespace::{Namespace, Problem};
use super::{Topic, keys};

pub(super) const TOPIC: Topic = Topic {
    name: "meta",
    about: "Events for Meta's Conversions API (Facebook, Instagram).",
    functions: &[EVENT.function()],
    register,
};

pub(super) const MAPPINGS: &[&Mapping] = &[&EVENT];

const EVENT: Mapping = Mapping {
    signature: "meta::event(event) -> map",
    about: "One event of the Conversions API. Personal data is normalised and hashed as Meta asks; \
            address, user agent and Meta's own cookies go as they are.",
    example: r#"meta::event(#{ event_name: "purchase", user_data: #{ email_address: " Test@Example.com" } }).user_data.em[0] == hash::sha256("test@example.com")"#,
    rows: ROWS,
    needs: &[Need {
        any: &["user_data"],
        why: "Meta needs something to know the person by: an email address, phone number, user_id, \
              fbp, fbc, or address and user agent",
    }],
};

const ROWS: &[Row] = &[
    row("event_name", from::NAME, How::Named(&NAMES)),
    row("event_time", from::TIME, How::Is(SECONDS_TIME)),
    row("event_id", &["event_id", "x-fb-event_id"], How::Is(TEXT)),
    row("action_source", &["action_source"], How::Is(ACTION_SOURCE)),
    row("event_source_url", from::PAGE, How::Is(TEXT)),
    row("user_data", &[], How::Map(PERSON)),
    row("custom_data", &[], How::Map(CUSTOM)),
];

const PERSON: &[Row] = &[
    PERSON_HASHES,
    BIRTHDAY_HASH,
    row("client_ip_address", from::IP, How::Is(TEXT)),
    row("client_user_agent", from::AGENT, How::Is(TEXT)),
    row(
        "fbp",
        &["x-fb-ck-fbp", "common_cookie._fbp", "_fbp", "fbp"],
        How::Is(TEXT),
    ),
    row(
        "fbc",
        &["x-fb-ck-fbc", "common_cookie._fbc", "_fbc", "fbc"],
        How::Is(FBC),
    ),
];

const CUSTOM: &[Row] = &[
    row("value", from::VALUE, How::Is(NUMBER)),
    row("currency", from::CURRENCY, How::Is(CURRENCY)),
    row("order_id", from::ORDER, How::Is(TEXT)),
    row("content_ids", from::ITEMS, How::Is(IDS)),
    row("content_type", from::ITEMS, How::Is(PRODUCT)),
    row("contents", from::ITEMS, How::Each(CONTENT)),
    row("num_items", from::ITEMS, How::Is(COUNT)),
    row("search_string", from::SEARCH, How::Is(TEXT)),
];

const CONTENT: &[Row] = &[
    row("id", from::ITEM_ID, How::Is(TEXT)),
    row("quantity", from::ITEM_QUANTITY, How::Is(INTEGER)),
    row("item_price", from::ITEM_PRICE, How::Is(NUMBER)),
];

const NAMES: Names = Names {
    table: &[
        ("PageView", &["page_view"]),
        ("ViewContent", &["view_item"]),
        ("Search", &["search", "view_search_results"]),
        ("AddToCart", &["add_to_cart"]),
        ("AddToWishlist", &["add_to_wishlist"]),
        ("InitiateCheckout", &["begin_checkout"]),
        ("AddPaymentInfo", &["add_payment_info"]),
        ("Purchase", &["purchase", "order_created"]),
        ("Lead", &["generate_lead", "lead"]),
        ("CompleteRegistration", &["sign_up", "signup"]),
        ("StartTrial", &["start_trial", "trial"]),
        ("Subscribe", &["subscribe"]),
        ("Contact", &["contact"]),
        ("Schedule", &["schedule"]),
    ],
    other: TEXT,
};

/// Meta takes `website` only with the visitor's user agent.
const ACTION_SOURCE: Change = own_always(
    "without it `website` if the event has `user_agent`, else `other`",
    |given| {
        if !given.value.is_unit() {
            return Ok(given.text()?.into());
        }
        let has_agent = given.has("user_agent");
        Ok(keys::text(if has_agent { "website" } else { "other" }))
    },
);

const PRODUCT: Change = own("`product` if there are any", |_| Ok(keys::text("product")));

/// What Meta's own script would have put into the cookie.
const FBC: Change = own_always(
    "without it made of `fbclid` in `page_location` and the event's time",
    fbc,
);

fn fbc(given: &Given<'_>) -> Result<Dynamic, Problem> {
    if !given.value.is_unit() {
        return Ok(given.text()?.into());
    }
    let click = given.page_parameter("fbclid")?;
    if click.is_unit() {
        return Ok(click);
    }
    Ok(format!("fb.1.{}.{click}", given.event_time()?).into())
}

fn register(host: &mut Host) {
    Namespace::new(TOPIC.name).mapping(&EVENT).add_to(host);
}
