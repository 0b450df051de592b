//! `pinterest::`: events for Pinterest's Conversions API, for destinations of type `pinterest`.

use rhai::Dynamic;

use super::host::Host;
use super::mapping::{
    BIRTHDAY_HASH, BROWSER, COUNT, CURRENCY, Change, How, IDS, INTEGER, MONEY_TEXT, Mapping, Names,
    Need, PERSON_HASHES, Row, SECONDS_TIME, TEXT, from, own, own_always, row,
};
use super::namespace::Namespace;
use super::{Topic, keys};

pub(super) const TOPIC: Topic = Topic {
    name: "pinterest",
    about: "Events for Pinterest's Conversions API.",
    functions: &[EVENT.function()],
    register,
};

pub(super) const MAPPINGS: &[&Mapping] = &[&EVENT];

const EVENT: Mapping = Mapping {
    signature: "pinterest::event(event) -> map",
    about: "One event of the Conversions API v5. Amounts are texts and quantities whole numbers, as \
            Pinterest asks.",
    example: r#"pinterest::event(#{ event_name: "purchase", value: 100, currency: "EUR", user_data: #{ email_address: "test@example.com" } }).custom_data.value == "100.00""#,
    rows: &[
        row("event_name", from::NAME, How::Named(&NAMES)),
        row("event_time", from::TIME, How::Is(SECONDS_TIME)),
        row("event_id", from::ID, How::Is(TEXT)),
        row("action_source", &["action_source"], How::Is(ACTION_SOURCE)),
        row("event_source_url", from::PAGE, How::Is(TEXT)),
        row("language", &["language"], How::Is(LANGUAGE)),
        row("user_data", &[], How::Map(PERSON)),
        row("custom_data", &[], How::Map(CUSTOM)),
    ],
    needs: &[Need {
        any: &["user_data.em", "user_data.client_user_agent"],
        why: "Pinterest needs an email address, or ip_override and user_agent",
    }],
};

const PERSON: &[Row] = &[
    PERSON_HASHES,
    BIRTHDAY_HASH,
    BROWSER,
    row(
        "click_id",
        &["common_cookie._epik", "_epik", "epik"],
        How::Is(CLICK),
    ),
];

const CUSTOM: &[Row] = &[
    row("value", from::VALUE, How::Is(MONEY_TEXT)),
    row("currency", from::CURRENCY, How::Is(CURRENCY)),
    row("order_id", from::ORDER, How::Is(TEXT)),
    row("content_ids", from::ITEMS, How::Is(IDS)),
    row("contents", from::ITEMS, How::Each(CONTENT)),
    row("num_items", from::ITEMS, How::Is(COUNT)),
    row("search_string", from::SEARCH, How::Is(TEXT)),
];

const CONTENT: &[Row] = &[
    row("id", from::ITEM_ID, How::Is(TEXT)),
    row("item_name", from::ITEM_NAME, How::Is(TEXT)),
    row("item_category", from::ITEM_CATEGORY, How::Is(TEXT)),
    row("item_brand", from::ITEM_BRAND, How::Is(TEXT)),
    row("item_price", from::ITEM_PRICE, How::Is(MONEY_TEXT)),
    row("quantity", from::ITEM_QUANTITY, How::Is(INTEGER)),
];

const NAMES: Names = Names {
    table: &[
        ("page_visit", &["page_view", "view_item"]),
        ("view_category", &["view_item_list"]),
        ("search", &["search", "view_search_results"]),
        ("add_to_cart", &["add_to_cart"]),
        ("add_to_wishlist", &["add_to_wishlist"]),
        ("initiate_checkout", &["begin_checkout"]),
        ("add_payment_info", &["add_payment_info"]),
        ("checkout", &["purchase", "order_created"]),
        ("lead", &["generate_lead", "lead"]),
        ("signup", &["sign_up", "signup"]),
        ("subscribe", &["subscribe"]),
        ("contact", &["contact"]),
    ],
    other: own("`custom`", |_| Ok(keys::text("custom"))),
};

const ACTION_SOURCE: Change = own_always("without it `web`", |given| match given.value.is_unit() {
    true => Ok(keys::text("web")),
    false => Ok(given.text()?.into()),
});

/// `de` of `de-DE`.
const LANGUAGE: Change = own("its first two letters", |given| {
    let text = given.text()?.to_lowercase();
    let two = text
        .get(..2)
        .filter(|two| two.bytes().all(|letter| letter.is_ascii_lowercase()));
    Ok(two.map_or(Dynamic::UNIT, keys::text))
});

const CLICK: Change = own_always("without it `epik` of `page_location`", |given| match given
    .value
    .is_unit()
{
    true => given.page_parameter("epik"),
    false => Ok(given.text()?.into()),
});

fn register(host: &mut Host) {
    Namespace::new(TOPIC.name).mapping(&EVENT).add_to(host);
}
