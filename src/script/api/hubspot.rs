//! `hubspot::`: custom events for HubSpot, for destinations of type `hubspot`.

use super::Topic;
use super::host::Host;
use super::mapping::{Change, EMAIL_PLAIN, How, ISO_TIME, Mapping, Need, TEXT, from, own, row};
use super::namespace::Namespace;

pub(super) const TOPIC: Topic = Topic {
    name: "hubspot",
    about: "Custom events for HubSpot.",
    functions: &[EVENT.function()],
    register,
};

pub(super) const MAPPINGS: &[&Mapping] = &[&EVENT];

const EVENT: Mapping = Mapping {
    signature: "hubspot::event(event) -> map",
    about: "One custom event. HubSpot refuses properties that the event was not defined with, so \
            that these are only those that every event has: add yours with `+ #{ properties: … }`. \
            The event's full name there begins with `pe` and your account's number.",
    example: r#"hubspot::event(#{ event_name: "Trial started", user_data: #{ email_address: "Ada@Example.com" } }).email == "ada@example.com""#,
    rows: &[
        row("eventName", from::NAME, How::Is(NAME)),
        row("email", from::PLAIN_EMAIL, How::Is(EMAIL_PLAIN)),
        row(
            "utk",
            &["common_cookie.hubspotutk", "hubspotutk"],
            How::Is(TEXT),
        ),
        row("occurredAt", from::TIME, How::Is(ISO_TIME)),
        row("properties.hs_url", from::PAGE, How::Is(TEXT)),
        row("properties.hs_title", &["page_title"], How::Is(TEXT)),
        row("properties.hs_referrer", from::REFERRER, How::Is(TEXT)),
        row("properties.hs_language", &["language"], How::Is(TEXT)),
    ],
    needs: &[Need {
        any: &["email", "utk"],
        why: "HubSpot needs an email address or the cookie hubspotutk",
    }],
};

const NAME: Change = own(
    "in lower case, with `_` for what is no letter or digit",
    |given| {
        let name = given.text()?.trim().to_lowercase();
        let plain = name.chars().map(|letter| match letter {
            'a'..='z' | '0'..='9' => letter,
            _ => '_',
        });
        Ok(plain.collect::<String>().into())
    },
);

fn register(host: &mut Host) {
    Namespace::new(TOPIC.name).mapping(&EVENT).add_to(host);
}
