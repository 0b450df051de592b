//! `segment::`: calls for Segment, for destinations of type `segment`. The other way, from a call to an event,
//! is clients/segment.rhai.

use super::Topic;
use super::host::Host;
use super::mapping::{
    AS_IS, CURRENCY, Change, EMAIL_PLAIN, How, INTEGER, ISO_TIME, Mapping, NUMBER, Names, Need,
    PHONE_PLUS_PLAIN, REST_ABOUT, Row, TEXT, from, own_always, row,
};
use super::namespace::Namespace;

pub(super) const TOPIC: Topic = Topic {
    name: "segment",
    about: "Calls for Segment.",
    functions: &[
        TRACK.function(),
        IDENTIFY.function(),
        PAGE.function(),
        SCREEN.function(),
        GROUP.function(),
        ALIAS.function(),
    ],
    register,
};

pub(super) const MAPPINGS: &[&Mapping] = &[&TRACK, &IDENTIFY, &PAGE, &SCREEN, &GROUP, &ALIAS];

const TRACK: Mapping = Mapping {
    signature: "segment::track(event) -> map",
    about: "A track call. What shops do gets the names of Segment's e-commerce spec, and `items` become \
            `products`.",
    example: r#"segment::track(#{ event_name: "purchase", user_id: "17" }).event == "Order Completed""#,
    rows: &[
        row("type", &[], How::Fixed("track")),
        row("event", from::NAME, How::Named(&NAMES)),
        CALLER,
        row("properties.*", &[], How::Is(PROPERTIES)),
        row("properties.order_id", from::ORDER, How::Is(TEXT)),
        row("properties.total", from::VALUE, How::Is(NUMBER)),
        row("properties.currency", from::CURRENCY, How::Is(CURRENCY)),
        row("properties.query", from::SEARCH, How::Is(TEXT)),
        row("properties.products", from::ITEMS, How::Each(PRODUCT)),
    ],
    needs: &[SOMEBODY],
};

const IDENTIFY: Mapping = Mapping {
    signature: "segment::identify(event) -> map",
    about: "An identify call: who the person is, not hashed.",
    example: r#"segment::identify(#{ user_id: "17", user_data: #{ email_address: "Ada@Example.com" } }).traits.email == "ada@example.com""#,
    rows: &[
        row("type", &[], How::Fixed("identify")),
        CALLER,
        row("traits.*", &["traits", "user_properties"], How::Is(AS_IS)),
        row("traits.*", &[], How::Map(TRAITS)),
    ],
    needs: &[SOMEBODY],
};

const PAGE: Mapping = Mapping {
    signature: "segment::page(event) -> map",
    about: "A page call.",
    example: r#"segment::page(#{ client_id: "1.2", page_title: "Home" }).name == "Home""#,
    rows: &[
        row("type", &[], How::Fixed("page")),
        row("name", &["name", "page_title"], How::Is(TEXT)),
        row("category", &["category"], How::Is(TEXT)),
        CALLER,
        row("properties", &[], How::Map(PAGE_KEYS)),
    ],
    needs: &[SOMEBODY],
};

const SCREEN: Mapping = Mapping {
    signature: "segment::screen(event) -> map",
    about: "A screen call, of an app.",
    example: r#"segment::screen(#{ client_id: "1.2", screen_name: "Cart" }).name == "Cart""#,
    rows: &[
        row("type", &[], How::Fixed("screen")),
        row("name", &["screen_name", "name"], How::Is(TEXT)),
        row("category", &["category"], How::Is(TEXT)),
        CALLER,
    ],
    needs: &[SOMEBODY],
};

const GROUP: Mapping = Mapping {
    signature: "segment::group(event) -> map",
    about: "A group call: which company or team the person belongs to.",
    example: r#"segment::group(#{ user_id: "17", group_id: "acme" }).groupId == "acme""#,
    rows: &[
        row("type", &[], How::Fixed("group")),
        row("groupId", &["group_id"], How::Is(TEXT)),
        CALLER,
        row("traits", &["traits"], How::Is(AS_IS)),
    ],
    needs: &[
        Need {
            any: &["groupId"],
            why: "there is no group_id",
        },
        SOMEBODY,
    ],
};

const ALIAS: Mapping = Mapping {
    signature: "segment::alias(event) -> map",
    about: "An alias call: two ids are one person.",
    example: r#"segment::alias(#{ user_id: "17", previous_id: "1.2" }).previousId == "1.2""#,
    rows: &[
        row("type", &[], How::Fixed("alias")),
        row("previousId", &["previous_id", "client_id"], How::Is(TEXT)),
        USER,
        TIME,
        CONTEXT,
    ],
    needs: &[
        Need {
            any: &["previousId"],
            why: "there is neither previous_id nor client_id",
        },
        Need {
            any: &["userId"],
            why: "there is no user_id",
        },
    ],
};

const USER: Row = row("userId", from::USER, How::Is(TEXT));
const TIME: Row = row("timestamp", from::TIME, How::Is(ISO_TIME));
const CONTEXT: Row = row("context", &[], How::Map(CONTEXT_KEYS));

/// Who, when and where, of all calls but alias.
const CALLER: Row = row("*", &[], How::Map(CALLER_ROWS));

const CALLER_ROWS: &[Row] = &[
    USER,
    row("anonymousId", from::CLIENT, How::Is(TEXT)),
    TIME,
    CONTEXT,
];

const SOMEBODY: Need = Need {
    any: &["userId", "anonymousId"],
    why: "neither user_id nor client_id",
};

const CONTEXT_KEYS: &[Row] = &[
    row("*", &["context"], How::Is(AS_IS)),
    row("ip", from::IP, How::Is(TEXT)),
    row("userAgent", from::AGENT, How::Is(TEXT)),
    row("locale", &["language"], How::Is(TEXT)),
    row("campaign", &["campaign"], How::Is(AS_IS)),
    row("page", &[], How::Map(PAGE_KEYS)),
];

const PAGE_KEYS: &[Row] = &[
    row("url", from::PAGE, How::Is(TEXT)),
    row("path", &["page_path"], How::Is(TEXT)),
    row("referrer", from::REFERRER, How::Is(TEXT)),
    row("title", &["page_title"], How::Is(TEXT)),
];

const TRAITS: &[Row] = &[
    row("email", from::PLAIN_EMAIL, How::Is(EMAIL_PLAIN)),
    row("phone", from::PLAIN_PHONE, How::Is(PHONE_PLUS_PLAIN)),
    row(
        "firstName",
        &["user_data.address.first_name"],
        How::Is(TEXT),
    ),
    row("lastName", &["user_data.address.last_name"], How::Is(TEXT)),
    row("address.street", from::STREET, How::Is(TEXT)),
    row("address.city", from::CITY, How::Is(TEXT)),
    row("address.state", from::REGION, How::Is(TEXT)),
    row("address.postalCode", from::ZIP, How::Is(TEXT)),
    row("address.country", from::COUNTRY, How::Is(TEXT)),
];

const PRODUCT: &[Row] = &[
    row("product_id", from::ITEM_ID, How::Is(TEXT)),
    row("name", from::ITEM_NAME, How::Is(TEXT)),
    row("brand", from::ITEM_BRAND, How::Is(TEXT)),
    row("category", from::ITEM_CATEGORY, How::Is(TEXT)),
    row("variant", &["item_variant"], How::Is(TEXT)),
    row("coupon", &["coupon"], How::Is(TEXT)),
    row("price", from::ITEM_PRICE, How::Is(NUMBER)),
    row("quantity", from::ITEM_QUANTITY, How::Is(INTEGER)),
    row("position", &["index"], How::Is(INTEGER)),
];

const NAMES: Names = Names {
    table: &[
        ("Product Viewed", &["view_item"]),
        ("Product List Viewed", &["view_item_list"]),
        ("Product Clicked", &["select_item"]),
        ("Products Searched", &["search", "view_search_results"]),
        ("Product Added", &["add_to_cart"]),
        ("Product Removed", &["remove_from_cart"]),
        ("Product Added to Wishlist", &["add_to_wishlist"]),
        ("Cart Viewed", &["view_cart"]),
        ("Checkout Started", &["begin_checkout"]),
        ("Payment Info Entered", &["add_payment_info"]),
        ("Order Completed", &["purchase", "order_created"]),
        ("Order Refunded", &["refund"]),
        ("Promotion Viewed", &["view_promotion"]),
        ("Promotion Clicked", &["select_promotion"]),
        ("Signed Up", &["sign_up", "signup"]),
    ],
    other: TEXT,
};

const PROPERTIES: Change = own_always(REST_ABOUT, |given| {
    Ok(given.rest(&[
        "items",
        "value",
        "transaction_id",
        "search_term",
        "campaign",
        "language",
        "page_location",
        "page_path",
        "page_referrer",
        "page_title",
    ]))
});

fn register(host: &mut Host) {
    let mappings = MAPPINGS.iter().copied();
    mappings
        .fold(Namespace::new(TOPIC.name), Namespace::mapping)
        .add_to(host);
}
