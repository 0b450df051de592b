//! `linkedin::`: conversions for LinkedIn's Conversions API, for destinations of type `linkedin`.

use rhai::{Dynamic, Map};

use super::host::Host;
use super::mapping::{
    CURRENCY, Change, EMAIL_HASH, Given, How, MILLIS_TIME, MONEY_TEXT, Mapping, Need, Row, TEXT,
    from, own, own_always, row,
};
use super::namespace::{Namespace, Problem};
use super::{Topic, keys};

pub(super) const TOPIC: Topic = Topic {
    name: "linkedin",
    about: "Conversions for LinkedIn's Conversions API.",
    functions: &[CONVERSION.function()],
    register,
};

pub(super) const MAPPINGS: &[&Mapping] = &[&CONVERSION];

const CONVERSION: Mapping = Mapping {
    signature: "linkedin::conversion(event) -> map",
    about: "One conversion event. Which conversion it is of says the destination's `conversion`, or \
            `+ #{ conversion: \"urn:lla:llaPartnerConversion:…\" }`.",
    example: r#"linkedin::conversion(#{ value: 50, currency: "usd", user_data: #{ email_address: "test@example.com" } }).conversionValue == #{ currencyCode: "USD", amount: "50.00" }"#,
    rows: &[
        row("conversionHappenedAt", from::TIME, How::Is(MILLIS_TIME)),
        row("eventId", from::ID, How::Is(TEXT)),
        row("conversionValue", &[], How::Whole(VALUE)),
        row("user.userIds[]", from::EMAIL, How::Is(EMAIL)),
        row(
            "user.userIds[]",
            &["common_cookie.li_fat_id", "li_fat_id"],
            How::Is(CLICK),
        ),
        row("user.userInfo", &[], How::Whole(NAMES)),
    ],
    needs: &[Need {
        any: &["user"],
        why: "LinkedIn needs an email address, li_fat_id, or first and last name",
    }],
};

const VALUE: &[Row] = &[
    row("currencyCode", from::CURRENCY, How::Is(CURRENCY)),
    row("amount", from::VALUE, How::Is(MONEY_TEXT)),
];

const NAMES: &[Row] = &[
    row(
        "firstName",
        &["user_data.address.first_name"],
        How::Is(TEXT),
    ),
    row("lastName", &["user_data.address.last_name"], How::Is(TEXT)),
];

const EMAIL: Change = own(
    "as `#{ idType: \"SHA256_EMAIL\", idValue }`: SHA-256, trimmed and in lower case",
    |given| {
        let hash = (EMAIL_HASH.apply)(given)?;
        Ok(id("SHA256_EMAIL", hash))
    },
);

const CLICK: Change = own_always(
    "as `#{ idType: \"LINKEDIN_FIRST_PARTY_ADS_TRACKING_UUID\", idValue }`; without it `li_fat_id` of \
     `page_location`",
    click,
);

fn click(given: &Given<'_>) -> Result<Dynamic, Problem> {
    let click = match given.value.is_unit() {
        true => given.page_parameter("li_fat_id")?,
        false => given.text()?.into(),
    };
    Ok(id("LINKEDIN_FIRST_PARTY_ADS_TRACKING_UUID", click))
}

fn id(kind: &str, value: Dynamic) -> Dynamic {
    if value.is_unit() {
        return value;
    }
    Dynamic::from_map(Map::from([
        ("idType".into(), keys::text(kind)),
        ("idValue".into(), value),
    ]))
}

fn register(host: &mut Host) {
    Namespace::new(TOPIC.name).mapping(&CONVERSION).add_to(host);
}
