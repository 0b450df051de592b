//! `mixpanel::`: events for Mixpanel's import, for destinations of type `mixpanel`.

use super::Topic;
use super::host::Host;
use super::mapping::{
    Change, How, MILLIS_TIME, Mapping, Need, REST_ABOUT, TEXT, from, own, own_always, row,
};
use super::namespace::Namespace;

pub(super) const TOPIC: Topic = Topic {
    name: "mixpanel",
    about: "Events for Mixpanel.",
    functions: &[EVENT.function()],
    register,
};

pub(super) const MAPPINGS: &[&Mapping] = &[&EVENT];

const EVENT: Mapping = Mapping {
    signature: "mixpanel::event(event) -> map",
    about: "One event under its own name, with everything that it says as properties, and Mixpanel's \
            own names for those that it knows. Personal data is not among them.",
    example: r#"mixpanel::event(#{ event_name: "signup", user_id: "17", plan: "basic" }).properties.distinct_id == "17""#,
    rows: &[
        row("event", from::NAME, How::Is(TEXT)),
        row("properties.*", &[], How::Is(REST)),
        row("properties.time", from::TIME, How::Is(MILLIS_TIME)),
        row(
            "properties.distinct_id",
            &["user_id", "client_id"],
            How::Is(DISTINCT),
        ),
        row("properties.$user_id", from::USER, How::Is(TEXT)),
        row("properties.$device_id", from::CLIENT, How::Is(TEXT)),
        row("properties.ip", from::IP, How::Is(TEXT)),
        row("properties.$current_url", from::PAGE, How::Is(TEXT)),
        row("properties.$referrer", from::REFERRER, How::Is(TEXT)),
    ],
    needs: &[Need {
        any: &["properties.distinct_id"],
        why: "neither user_id nor client_id",
    }],
};

const REST: Change = own_always(REST_ABOUT, |given| {
    Ok(given.rest(&["page_location", "page_referrer"]))
});

/// What Mixpanel's own libraries call somebody who has not logged in.
const DISTINCT: Change = own("as text; `$device:` before a `client_id`", |given| {
    let id = given.text()?;
    Ok(match given.name {
        "client_id" => format!("$device:{id}").into(),
        _ => id.into(),
    })
});

fn register(host: &mut Host) {
    Namespace::new(TOPIC.name).mapping(&EVENT).add_to(host);
}
