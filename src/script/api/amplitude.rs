//! `amplitude::`: events for Amplitude, in the field names of its HTTP V2 API.

use rhai::Dynamic;

use super::Topic;
use super::host::Host;
use super::mapping::{
    Change, Given, How, Mapping, Need, REST, Row, TEXT, from, own, own_always, row,
};
use super::namespace::{Namespace, Problem};
use super::pii::rules;

pub(super) const TOPIC: Topic = Topic {
    name: "amplitude",
    about: "Events for Amplitude. A visitor without `user_id` is known by a device id: the \
            `client_id`, else a hash of the email address.",
    functions: &[EVENT.function(), REVENUE.function(), IDENTIFY.function()],
    register,
};

pub(super) const MAPPINGS: &[&Mapping] = &[&EVENT, &REVENUE, &IDENTIFY];

const EVENT: Mapping = Mapping {
    signature: "amplitude::event(event) -> map",
    about: "One event under its own name, with everything that it says as event properties.",
    example: r#"amplitude::event(#{ event_name: "signup", user_id: "17", plan: "basic" }) == #{ event_type: "signup", user_id: "17", event_properties: #{ plan: "basic" } }"#,
    rows: &[
        row("event_type", from::NAME, How::Is(TEXT)),
        USER,
        DEVICE,
        IP,
        TIME,
        row("event_properties", &[], How::Is(REST)),
    ],
    needs: &[SOMEBODY],
};

const REVENUE: Mapping = Mapping {
    signature: "amplitude::revenue(event) -> map",
    about: "What was paid, as a revenue event. Amplitude has room for one product: the first.",
    example: r#"amplitude::revenue(#{ user_id: "17", value: "29.35", currency: "EUR" }).revenue == 29.35"#,
    rows: &[
        row("event_type", &[], How::Fixed("revenue")),
        USER,
        DEVICE,
        IP,
        TIME,
        row("price", from::VALUE, How::Is(PAID)),
        row("quantity", &[], How::Is(ONE)),
        row("revenue", from::VALUE, How::Is(PAID)),
        row(
            "productId",
            &["product", "items.0.item_id", "items.0.item_name"],
            How::Is(TEXT),
        ),
        row("revenueType", &["type"], How::Is(TEXT)),
        row("event_properties.currency", from::CURRENCY, How::Is(TEXT)),
        row("event_properties.order_id", from::ORDER, How::Is(TEXT)),
    ],
    needs: &[
        Need {
            any: &["revenue"],
            why: "nothing was paid",
        },
        SOMEBODY,
    ],
};

const IDENTIFY: Mapping = Mapping {
    signature: "amplitude::identify(event) -> map",
    about: "What is known about the person, as an `$identify` event that sets user properties and \
            counts as none.",
    example: r#"amplitude::identify(#{ user_id: "17", traits: #{ plan: "basic" } }) == #{ event_type: "$identify", user_id: "17", user_properties: #{ "$set": #{ plan: "basic" } } }"#,
    rows: &[
        row("event_type", &[], How::Fixed("$identify")),
        USER,
        DEVICE,
        IP,
        TIME,
        row(
            "user_properties.$set",
            &["x-ga-mp2-user_properties"],
            How::Is(PROPERTIES),
        ),
        row(
            "user_properties.$set",
            &["traits", "user_properties"],
            How::Is(PROPERTIES),
        ),
    ],
    needs: &[
        Need {
            any: &["user_properties"],
            why: "nothing is known about the person: there are neither traits nor user_properties",
        },
        SOMEBODY,
    ],
};

const USER: Row = row("user_id", from::USER, How::Is(TEXT));
const DEVICE: Row = row(
    "device_id",
    &[
        "client_id",
        "user_data.email_address",
        "user_data.sha256_email_address",
    ],
    How::Is(DEVICE_ID),
);
const IP: Row = row("ip", from::IP, How::Is(TEXT));
const TIME: Row = row("time", from::TIME, How::Is(TIME_MILLIS));

const SOMEBODY: Need = Need {
    any: &["user_id", "device_id"],
    why: "neither user_id, client_id nor email address",
};

/// Amplitude wants one of the two, and both would tie a shared device to one user.
const DEVICE_ID: Change = own(
    "only without `user_id`; of an email address its SHA-256",
    |given| {
        if given.has("user_id") {
            return Ok(Dynamic::UNIT);
        }
        let text = given.text()?;
        if given.name == "client_id" {
            return Ok(text.into());
        }
        let hash = rules::hashed(&text, rules::email);
        Ok(hash.map_or(Dynamic::UNIT, Dynamic::from))
    },
);

const TIME_MILLIS: Change = own(
    "in milliseconds; without it the destination adds when the request came",
    |given| Ok(Dynamic::from_int(given.time()?)),
);

const PAID: Change = own("as a number, if it is more than 0", paid);

const ONE: Change = own_always("always `1`", |_| Ok(Dynamic::from_int(1)));

const PROPERTIES: Change = own("its keys", |given| {
    let is_map = given.value.is_map();
    Ok(if is_map {
        given.value.clone()
    } else {
        Dynamic::UNIT
    })
});

fn paid(given: &Given<'_>) -> Result<Dynamic, Problem> {
    // `n/a` is what some shops say of a free order; `39,98` is an amount that was misread.
    let text = given.value.as_immutable_string_ref();
    if text.is_ok_and(|text| !text.contains(|letter: char| letter.is_ascii_digit())) {
        return Ok(Dynamic::UNIT);
    }
    let amount = given.number()?;
    if amount.as_f64() <= 0.0 {
        return Ok(Dynamic::UNIT);
    }
    Ok(amount.into_dynamic())
}

fn register(host: &mut Host) {
    Namespace::new(TOPIC.name)
        .mapping(&EVENT)
        .mapping(&REVENUE)
        .mapping(&IDENTIFY)
        .add_to(host);
}
