//! `tiktok::`: events for TikTok's Events API, for destinations of type `tiktok`.

use super::host::Host;
use super::mapping::{
    CITY, COUNTRY, CURRENCY, Change, EMAIL_HASH, How, ID_HASH, INTEGER, Mapping, NAME_HASH, NUMBER,
    Names, Need, PHONE_PLUS_HASH, Row, SECONDS_TIME, STATE, TEXT, ZIP_HASH, from, own, own_always,
    row,
};
use super::namespace::Namespace;
use super::{Topic, keys};

pub(super) const TOPIC: Topic = Topic {
    name: "tiktok",
    about: "Events for TikTok's Events API.",
    functions: &[EVENT.function()],
    register,
};

pub(super) const MAPPINGS: &[&Mapping] = &[&EVENT];

const EVENT: Mapping = Mapping {
    signature: "tiktok::event(event) -> map",
    about: "One event of the Events API 2.0. City, state and country are normalised, not hashed, as \
            TikTok asks.",
    example: r#"tiktok::event(#{ event_name: "purchase", user_data: #{ phone_number: "+49 151 12345678" } }).user.phone == hash::sha256("+4915112345678")"#,
    rows: &[
        row("event", from::NAME, How::Named(&NAMES)),
        row("event_time", from::TIME, How::Is(SECONDS_TIME)),
        row("event_id", from::ID, How::Is(TEXT)),
        row("user", &[], How::Map(USER)),
        row("page.url", from::PAGE, How::Is(TEXT)),
        row("page.referrer", from::REFERRER, How::Is(TEXT)),
        row("properties", &[], How::Map(PROPERTIES)),
    ],
    needs: &[Need {
        any: &["user"],
        why: "TikTok needs something to know the person by: an email address, phone number, user_id, \
              ttclid, ttp, or address and user agent",
    }],
};

const USER: &[Row] = &[
    row("email", from::EMAIL, How::Is(EMAIL_HASH)),
    row("phone", from::PHONE, How::Is(PHONE_PLUS_HASH)),
    row("external_id", from::USER, How::Is(ID_HASH)),
    row("first_name", from::FIRST_NAME, How::Is(NAME_HASH)),
    row("last_name", from::LAST_NAME, How::Is(NAME_HASH)),
    row("city", from::CITY, How::Is(CITY)),
    row("state", from::REGION, How::Is(STATE)),
    row("country", from::COUNTRY, How::Is(COUNTRY)),
    row("zip_code", from::ZIP, How::Is(ZIP_HASH)),
    row("ip", from::IP, How::Is(TEXT)),
    row("user_agent", from::AGENT, How::Is(TEXT)),
    row("ttp", &["common_cookie._ttp", "_ttp", "ttp"], How::Is(TEXT)),
    row(
        "ttclid",
        &["common_cookie.ttclid", "ttclid"],
        How::Is(CLICK),
    ),
    row("locale", &["language"], How::Is(TEXT)),
];

const PROPERTIES: &[Row] = &[
    row("value", from::VALUE, How::Is(NUMBER)),
    row("currency", from::CURRENCY, How::Is(CURRENCY)),
    row("order_id", from::ORDER, How::Is(TEXT)),
    row("content_type", from::ITEMS, How::Is(PRODUCT)),
    row("contents", from::ITEMS, How::Each(CONTENT)),
    row("query", from::SEARCH, How::Is(TEXT)),
];

const CONTENT: &[Row] = &[
    row("content_id", from::ITEM_ID, How::Is(TEXT)),
    row("content_name", from::ITEM_NAME, How::Is(TEXT)),
    row("content_category", from::ITEM_CATEGORY, How::Is(TEXT)),
    row("brand", from::ITEM_BRAND, How::Is(TEXT)),
    row("price", from::ITEM_PRICE, How::Is(NUMBER)),
    row("quantity", from::ITEM_QUANTITY, How::Is(INTEGER)),
];

const NAMES: Names = Names {
    table: &[
        ("Pageview", &["page_view"]),
        ("ViewContent", &["view_item"]),
        ("Search", &["search", "view_search_results"]),
        ("AddToCart", &["add_to_cart"]),
        ("AddToWishlist", &["add_to_wishlist"]),
        ("InitiateCheckout", &["begin_checkout"]),
        ("AddPaymentInfo", &["add_payment_info"]),
        ("CompletePayment", &["purchase", "order_created"]),
        ("SubmitForm", &["generate_lead", "lead"]),
        ("CompleteRegistration", &["sign_up", "signup"]),
        ("Subscribe", &["subscribe"]),
        ("Contact", &["contact"]),
        ("Download", &["file_download"]),
    ],
    other: TEXT,
};

const PRODUCT: Change = own("`product` if there are any", |_| Ok(keys::text("product")));

const CLICK: Change = own_always("without it `ttclid` of `page_location`", |given| {
    if !given.value.is_unit() {
        return Ok(given.text()?.into());
    }
    given.page_parameter("ttclid")
});

fn register(host: &mut Host) {
    Namespace::new(TOPIC.name).mapping(&EVENT).add_to(host);
}
