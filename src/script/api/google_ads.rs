//! `google_ads::`: conversions for Google's Data Manager API, for destinations of type `google_ads`.

use rhai::Dynamic;

use super::host::Host;
use super::mapping::{
    COUNTRY_UPPER, CURRENCY, Change, GOOGLE_EMAIL, GOOGLE_NAME, Given, How, INTEGER, ISO_TIME,
    Mapping, NUMBER, Need, PHONE_PLUS_HASH, Row, TEXT, from, own, own_always, row,
};
use super::namespace::{Namespace, Problem};
use super::{Topic, keys};

pub(super) const TOPIC: Topic = Topic {
    name: "google_ads",
    about: "Conversions for Google Ads, by the Data Manager API.",
    functions: &[EVENT.function()],
    register,
};

pub(super) const MAPPINGS: &[&Mapping] = &[&EVENT];

const EVENT: Mapping = Mapping {
    signature: "google_ads::event(event) -> map",
    about: "One event of `events:ingest`. Country and postal code go as they are, the rest of the \
            person hashed, as Google asks; an address only if it is whole.",
    example: r#"google_ads::event(#{ transaction_id: "727", gclid: "abc" }).adIdentifiers.gclid == "abc""#,
    rows: &[
        row("transactionId", from::ORDER, How::Is(TEXT)),
        row("eventTimestamp", from::TIME, How::Is(ISO_TIME)),
        row("eventSource", &[], How::Fixed("WEB")),
        row("conversionValue", from::VALUE, How::Is(NUMBER)),
        row("currency", from::CURRENCY, How::Is(CURRENCY)),
        row(
            "userData.userIdentifiers[].emailAddress",
            from::EMAIL,
            How::Is(GOOGLE_EMAIL),
        ),
        row(
            "userData.userIdentifiers[].phoneNumber",
            from::PHONE,
            How::Is(PHONE_PLUS_HASH),
        ),
        row(
            "userData.userIdentifiers[].address",
            &[],
            How::Whole(ADDRESS),
        ),
        row("adIdentifiers.gclid", &["gclid"], How::Is(GCLID)),
        row("adIdentifiers.gbraid", &["gbraid"], How::Is(GBRAID)),
        row("adIdentifiers.wbraid", &["wbraid"], How::Is(WBRAID)),
        row(
            "consent.adUserData",
            &["consent_state.ad_user_data"],
            How::Is(CONSENT),
        ),
        row(
            "consent.adPersonalization",
            &["consent_state.ad_personalization"],
            How::Is(CONSENT),
        ),
        row("cartData.items", from::ITEMS, How::Each(ITEM)),
    ],
    needs: &[Need {
        any: &["userData", "adIdentifiers"],
        why: "Google needs an email address, a phone number, a whole address, or gclid, gbraid or wbraid",
    }],
};

const ADDRESS: &[Row] = &[
    row("givenName", from::FIRST_NAME, How::Is(GOOGLE_NAME)),
    row("familyName", from::LAST_NAME, How::Is(GOOGLE_NAME)),
    row("regionCode", from::COUNTRY, How::Is(COUNTRY_UPPER)),
    row("postalCode", from::ZIP, How::Is(TEXT)),
];

const ITEM: &[Row] = &[
    row("merchantProductId", from::ITEM_ID, How::Is(TEXT)),
    row("quantity", from::ITEM_QUANTITY, How::Is(INTEGER)),
    row("unitPrice", from::ITEM_PRICE, How::Is(NUMBER)),
];

const GCLID: Change = own_always("without it `gclid` of `page_location`", |given| {
    click(given, "gclid")
});

const GBRAID: Change = own_always("without it `gbraid` of `page_location`", |given| {
    click(given, "gbraid")
});

const WBRAID: Change = own_always("without it `wbraid` of `page_location`", |given| {
    click(given, "wbraid")
});

const CONSENT: Change = own(
    "`CONSENT_GRANTED` if it is, else `CONSENT_DENIED`",
    |given| {
        Ok(keys::text(match given.is_granted() {
            true => "CONSENT_GRANTED",
            false => "CONSENT_DENIED",
        }))
    },
);

fn click(given: &Given<'_>, name: &str) -> Result<Dynamic, Problem> {
    match given.value.is_unit() {
        true => given.page_parameter(name),
        false => Ok(given.text()?.into()),
    }
}

fn register(host: &mut Host) {
    Namespace::new(TOPIC.name).mapping(&EVENT).add_to(host);
}
