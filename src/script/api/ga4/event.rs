//! `ga4::event`: an event for GA4's Measurement Protocol, for destinations of type `ga4`.

use rhai::{Dynamic, Map};

use crate::script::api::keys::text;
use crate::script::api::mapping::{
    CONSENT_GRANTED, CURRENCY, Change, Given, How, MICROS_TIME, Mapping, NUMBER, Names, Need, Row,
    TEXT, from, own, own_always, row,
};
use crate::script::api::namespace::Problem;

/// Google's limit of a name.
const MAX_NAME: usize = 40;

pub(super) const EVENT: Mapping = Mapping {
    signature: "ga4::event(event) -> map",
    about: "One event of the Measurement Protocol: `name` and `params`, and beside them what Google \
            wants of the visitor. No personal data is in it. Of other keys than these none is sent, \
            since a property has 25 parameters an event: add yours with `+ #{ params: … }`.",
    example: r#"ga4::event(#{ event_name: "sign up", client_id: "1.2" }).name == "sign_up""#,
    rows: &[
        row("name", from::NAME, How::Named(&NAMES)),
        row("client_id", from::CLIENT, How::Is(TEXT)),
        row("user_id", from::USER, How::Is(TEXT)),
        row("timestamp_micros", from::TIME, How::Is(MICROS_TIME)),
        row(
            "user_properties",
            &["x-ga-mp2-user_properties"],
            How::Is(PROPERTIES),
        ),
        row(
            "consent.ad_user_data",
            &["consent_state.ad_user_data"],
            How::Is(CONSENT_GRANTED),
        ),
        row(
            "consent.ad_personalization",
            &["consent_state.ad_personalization"],
            How::Is(CONSENT_GRANTED),
        ),
        row("params", &[], How::Map(PARAMETERS)),
    ],
    needs: &[Need {
        any: &["client_id"],
        why: "GA4 needs client_id",
    }],
};

const PARAMETERS: &[Row] = &[
    row("session_id", &["ga_session_id"], How::Is(TEXT)),
    row(
        "engagement_time_msec",
        &["engagement_time_msec"],
        How::Is(ENGAGED),
    ),
    row("page_location", from::PAGE, How::Is(TEXT)),
    row("page_referrer", from::REFERRER, How::Is(TEXT)),
    row("page_title", &["page_title"], How::Is(TEXT)),
    row("value", from::VALUE, How::Is(NUMBER)),
    row("currency", from::CURRENCY, How::Is(CURRENCY)),
    row("transaction_id", from::ORDER, How::Is(TEXT)),
    row("tax", &["tax"], How::Is(NUMBER)),
    row("shipping", &["shipping"], How::Is(COST)),
    row("items", from::ITEMS, How::Each(ITEM)),
    row(
        "*",
        &[],
        How::Same(&[
            "coupon",
            "affiliation",
            "search_term",
            "method",
            "content_type",
            "content_id",
            "item_list_id",
            "item_list_name",
            "promotion_id",
            "promotion_name",
            "creative_name",
            "creative_slot",
            "payment_type",
            "shipping_tier",
            "group_id",
        ]),
    ),
];

const ITEM: &[Row] = &[
    row("price", from::ITEM_PRICE, How::Is(NUMBER)),
    row("quantity", from::ITEM_QUANTITY, How::Is(NUMBER)),
    row("discount", &["discount"], How::Is(NUMBER)),
    row(
        "*",
        &[],
        How::Same(&[
            "item_id",
            "item_name",
            "item_brand",
            "item_category",
            "item_category2",
            "item_category3",
            "item_category4",
            "item_category5",
            "item_variant",
            "item_list_id",
            "item_list_name",
            "coupon",
            "affiliation",
            "index",
            "location_id",
            "promotion_id",
            "promotion_name",
            "creative_name",
            "creative_slot",
        ]),
    ),
];

const NAMES: Names = Names {
    table: &[
        ("purchase", &["order_created"]),
        ("sign_up", &["signup"]),
        ("generate_lead", &["lead"]),
    ],
    other: own(
        "with `_` for what is no letter or digit, at most 40 characters",
        |given| Ok(text(&name(&given.text()?))),
    ),
};

/// Without any, Google counts nobody as active.
const ENGAGED: Change = own_always("as a number; without it `1`", |given| {
    if given.value.is_unit() {
        return Ok(Dynamic::from_int(1));
    }
    Ok(given.number()?.into_dynamic())
});

/// Shops send an address under this key, too.
const COST: Change = own("as a number, if it is one", |given| {
    Ok(given
        .number()
        .map_or(Dynamic::UNIT, |cost| cost.into_dynamic()))
});

const PROPERTIES: Change = own("each as `#{ value }`", properties);

fn properties(given: &Given<'_>) -> Result<Dynamic, Problem> {
    let Ok(properties) = given.value.as_map_ref() else {
        return Ok(Dynamic::UNIT);
    };
    let values = properties.iter().filter(|(_, value)| !value.is_unit());
    let values = values.map(|(name, value)| {
        let entry = Map::from([("value".into(), value.clone())]);
        (name.clone(), Dynamic::from_map(entry))
    });
    Ok(Dynamic::from_map(values.collect()))
}

fn name(given: &str) -> String {
    let plain = given.trim().chars().map(|letter| {
        if letter.is_ascii_alphanumeric() {
            letter
        } else {
            '_'
        }
    });
    plain.take(MAX_NAME).collect()
}
