//! `tracify::pageview`, `purchase` and the others: events for Tracify's server-side API.

use rhai::{Dynamic, Map};

use crate::script::api::keys::text;
use crate::script::api::mapping::{
    CURRENCY, Change, Given, How, MONEY_TEXT, Mapping, Need, Row, TEXT, first, from, item_maps,
    own, own_always, row,
};
use crate::script::api::namespace::Problem;
use crate::script::api::{time, url};
use crate::script::value::plain_text;

pub(super) const PAGEVIEW: Mapping = Mapping {
    signature: "tracify::pageview(event) -> map",
    about: "A page view. The page's own parameters go along, each under its name, as Tracify knows the \
            ad by them.",
    example: r#"tracify::pageview(#{ page_location: "https://shop.example/a?x=1", ip_override: "192.0.2.1", user_agent: "a" }).data.x == "1""#,
    rows: &[row("type", &[], How::Fixed("pageview")), VISIT],
    needs: COMMON,
};

pub(super) const PRODUCTVIEW: Mapping = Mapping {
    signature: "tracify::productview(event) -> map",
    about: "A view of a product.",
    example: r#"tracify::productview(#{ page_location: "https://shop.example/a", ip_override: "192.0.2.1", user_agent: "a" }).type == "productview""#,
    rows: &[row("type", &[], How::Fixed("productview")), VISIT],
    needs: COMMON,
};

pub(super) const ADDTOCART: Mapping = Mapping {
    signature: "tracify::addtocart(event) -> map",
    about: "A product put into the cart.",
    example: r#"tracify::addtocart(#{ page_location: "https://shop.example/a", ip_override: "192.0.2.1", user_agent: "a" }).url == "https://shop.example/a""#,
    rows: &[row("type", &[], How::Fixed("addtocart")), VISIT],
    needs: COMMON,
};

pub(super) const PURCHASE: Mapping = Mapping {
    signature: "tracify::purchase(event) -> map",
    about: "An order with its items. Of an `order_id` that comes twice, Tracify counts the first.",
    example: r#"tracify::purchase(#{ page_location: "https://shop.example/", ip_override: "192.0.2.1", user_agent: "a", transaction_id: "7", value: 100, currency: "EUR" }).data.amount == "100.00""#,
    rows: &[
        row("type", &[], How::Fixed("purchase")),
        VISIT,
        row("data.order_id", from::ORDER, How::Is(TEXT)),
        CURRENCY_ROW,
        AMOUNT_ROW,
        row("data.*", from::ITEMS, How::Is(ITEMS)),
    ],
    needs: &[
        PAGE_NEED,
        IDENTITY_NEED,
        Need {
            any: &["data.order_id"],
            why: "Tracify needs transaction_id",
        },
        AMOUNT_NEED,
        CURRENCY_NEED,
    ],
};

pub(super) const CONVERSION: Mapping = Mapping {
    signature: "tracify::conversion(event) -> map",
    about: "A conversion that is no order, such as a lead with a value.",
    example: r#"tracify::conversion(#{ page_location: "https://shop.example/", ip_override: "192.0.2.1", user_agent: "a", transaction_id: "7", value: 1, currency: "EUR" }).data.conversion_id == "7""#,
    rows: &[
        row("type", &[], How::Fixed("conversion")),
        VISIT,
        row("data.conversion_id", from::ORDER, How::Is(TEXT)),
        CURRENCY_ROW,
        AMOUNT_ROW,
    ],
    needs: &[
        PAGE_NEED,
        IDENTITY_NEED,
        Need {
            any: &["data.conversion_id"],
            why: "Tracify needs transaction_id",
        },
        AMOUNT_NEED,
        CURRENCY_NEED,
    ],
};

const COMMON: &[Need] = &[PAGE_NEED, IDENTITY_NEED];

const PAGE_NEED: Need = Need {
    any: &["url"],
    why: "Tracify needs page_location",
};

const IDENTITY_NEED: Need = Need {
    any: &["identity_data"],
    why: "Tracify needs ip_override and user_agent",
};

const AMOUNT_NEED: Need = Need {
    any: &["data.amount"],
    why: "Tracify needs value",
};

const CURRENCY_NEED: Need = Need {
    any: &["data.currency"],
    why: "Tracify needs currency",
};

/// What every event has.
const VISIT: Row = row("*", &[], How::Map(VISIT_ROWS));

const VISIT_ROWS: &[Row] = &[
    row("url", from::PAGE, How::Is(PAGE)),
    row("datetime", from::TIME, How::Is(DATETIME)),
    row("identity_data", &["identity_data"], How::Is(HASHES)),
    row("data.*", from::PAGE, How::Is(PARAMETERS)),
    row("data.origin", from::PAGE, How::Is(PAGE_ORIGIN)),
    row("data.Referer", from::REFERRER, How::Is(TEXT)),
];

const CURRENCY_ROW: Row = row("data.currency", from::CURRENCY, How::Is(CURRENCY));
const AMOUNT_ROW: Row = row("data.amount", from::VALUE, How::Is(MONEY_TEXT));

const PAGE: Change = own("without its query", |given| {
    let page = given.text()?;
    let origin = url::origin(page.clone().into())?;
    if origin.is_unit() {
        return Ok(origin);
    }
    Ok(format!("{origin}{}", url::path(page.into())?).into())
});

const PAGE_ORIGIN: Change = own("its origin", |given| url::origin(given.text()?.into()));

const PARAMETERS: Change = own("each parameter of its query", |given| {
    Ok(Dynamic::from_map(url::query(given.text()?.into())?))
});

const DATETIME: Change = own(
    "as `2024-06-21 12:36:40`, UTC; without it the destination adds when the request came",
    |given| {
        let at = Dynamic::from_int(given.time()?);
        Ok(time::write(&at, "%Y-%m-%d %H:%M:%S")?.into())
    },
);

const HASHES: Change = own_always(
    "without it group hashes of `user_data.email_address`, `ip_override` and `user_agent`; the last two \
     are needed",
    hashes,
);

const ITEMS: Change = own(
    "`ITEM1` (`item_name`, else `item_id`), `AMT1` (`price`), `QTY1` (`quantity`, else 1), and so on, as texts",
    items,
);

fn hashes(given: &Given<'_>) -> Result<Dynamic, Problem> {
    if !given.value.is_unit() {
        return Ok(given.value.clone());
    }
    let (Some(ip), Some(agent)) = (given.text_at("ip_override"), given.text_at("user_agent"))
    else {
        return Ok(Dynamic::UNIT);
    };
    let mut person = Map::from([
        ("ip".into(), ip.into()),
        ("user_agent".into(), agent.into()),
    ]);
    if let Some(email) = given.text_at("user_data.email_address") {
        person.insert("email".into(), email.into());
    }
    super::identity(Dynamic::from_map(person)).map(Dynamic::from_map)
}

fn items(given: &Given<'_>) -> Result<Dynamic, Problem> {
    let mut numbered = Map::new();
    for (place, item) in item_maps(given)?.iter().enumerate() {
        let number = place + 1;
        let mut add = |key: &str, names: &[&'static str], otherwise: Option<&str>| {
            let found = first(item, names).and_then(|(_, value)| plain_text(&value));
            if let Some(value) = found.as_deref().or(otherwise) {
                numbered.insert(format!("{key}{number}").into(), text(value));
            }
        };
        add("ITEM", &["item_name", "item_id"], Some("unnamed"));
        add("AMT", &["price"], None);
        add("QTY", &["quantity"], Some("1"));
    }
    Ok(Dynamic::from_map(numbered))
}
