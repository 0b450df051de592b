//! `snapchat::`: events for Snap's Conversions API v3, for destinations of type `snapchat`.

use super::host::Host;
use super::mapping::{
    BROWSER, COUNT, CURRENCY, Change, How, IDS, INTEGER, Mapping, NUMBER, Names, Need,
    PERSON_HASHES, Row, SECONDS_TIME, TEXT, from, own, own_always, row,
};
use super::namespace::Namespace;
use super::{Topic, keys};

pub(super) const TOPIC: Topic = Topic {
    name: "snapchat",
    about: "Events for Snap's Conversions API.",
    functions: &[EVENT.function()],
    register,
};

pub(super) const MAPPINGS: &[&Mapping] = &[&EVENT];

const EVENT: Mapping = Mapping {
    signature: "snapchat::event(event) -> map",
    about: "One event of the Conversions API v3.",
    example: r#"snapchat::event(#{ event_name: "purchase", user_data: #{ email_address: "test@example.com" } }).event_name == "PURCHASE""#,
    rows: &[
        row("event_name", from::NAME, How::Named(&NAMES)),
        row("event_time", from::TIME, How::Is(SECONDS_TIME)),
        row("event_id", from::ID, How::Is(TEXT)),
        row("action_source", &["action_source"], How::Is(ACTION_SOURCE)),
        row("event_source_url", from::PAGE, How::Is(TEXT)),
        row("user_data", &[], How::Map(PERSON)),
        row("custom_data", &[], How::Map(CUSTOM)),
    ],
    needs: &[Need {
        any: &[
            "user_data.em",
            "user_data.ph",
            "user_data.client_user_agent",
        ],
        why: "Snap needs an email address, a phone number, or ip_override and user_agent",
    }],
};

const PERSON: &[Row] = &[
    PERSON_HASHES,
    BROWSER,
    row(
        "sc_cookie1",
        &["common_cookie._scid", "_scid"],
        How::Is(TEXT),
    ),
    row(
        "sc_click_id",
        &["common_cookie._sccid", "sc_click_id"],
        How::Is(CLICK),
    ),
];

const CUSTOM: &[Row] = &[
    row("value", from::VALUE, How::Is(NUMBER)),
    row("currency", from::CURRENCY, How::Is(CURRENCY)),
    row("order_id", from::ORDER, How::Is(TEXT)),
    row("content_ids", from::ITEMS, How::Is(IDS)),
    row("contents", from::ITEMS, How::Each(CONTENT)),
    row("num_items", from::ITEMS, How::Is(COUNT)),
    row("search_string", from::SEARCH, How::Is(TEXT)),
    row("sign_up_method", &["method"], How::Is(TEXT)),
];

const CONTENT: &[Row] = &[
    row("id", from::ITEM_ID, How::Is(TEXT)),
    row("quantity", from::ITEM_QUANTITY, How::Is(INTEGER)),
    row("item_price", from::ITEM_PRICE, How::Is(NUMBER)),
    row("brand", from::ITEM_BRAND, How::Is(TEXT)),
];

const NAMES: Names = Names {
    table: &[
        ("PAGE_VIEW", &["page_view"]),
        ("VIEW_CONTENT", &["view_item"]),
        ("LIST_VIEW", &["view_item_list"]),
        ("SEARCH", &["search", "view_search_results"]),
        ("ADD_CART", &["add_to_cart"]),
        ("ADD_TO_WISHLIST", &["add_to_wishlist"]),
        ("START_CHECKOUT", &["begin_checkout"]),
        ("ADD_BILLING", &["add_payment_info"]),
        ("PURCHASE", &["purchase", "order_created"]),
        ("SIGN_UP", &["sign_up", "signup", "generate_lead", "lead"]),
        ("LOGIN", &["login"]),
        ("SUBSCRIBE", &["subscribe"]),
        ("START_TRIAL", &["start_trial", "trial"]),
        ("SHARE", &["share"]),
    ],
    other: own("in upper case, with `_` for spaces", |given| {
        let name = given.text()?.trim().to_uppercase().replace(' ', "_");
        Ok(name.into())
    }),
};

const ACTION_SOURCE: Change = own_always("without it `WEB`", |given| match given.value.is_unit() {
    true => Ok(keys::text("WEB")),
    false => Ok(given.text()?.into()),
});

/// Snap's links carry its click id under this name.
const CLICK: Change = own_always("without it `ScCid` of `page_location`", |given| match given
    .value
    .is_unit()
{
    true => given.page_parameter("ScCid"),
    false => Ok(given.text()?.into()),
});

fn register(host: &mut Host) {
    Namespace::new(TOPIC.name).mapping(&EVENT).add_to(host);
}
