//! `posthog::`: events for PostHog's capture API, for destinations of type `posthog`.

use super::Topic;
use super::host::Host;
use super::mapping::{
    AS_IS, Change, EMAIL_PLAIN, How, ISO_TIME, Mapping, Names, Need, REST_ABOUT, Row, TEXT, from,
    own_always, row,
};
use super::namespace::Namespace;

pub(super) const TOPIC: Topic = Topic {
    name: "posthog",
    about: "Events for PostHog.",
    functions: &[CAPTURE.function(), IDENTIFY.function()],
    register,
};

pub(super) const MAPPINGS: &[&Mapping] = &[&CAPTURE, &IDENTIFY];

const CAPTURE: Mapping = Mapping {
    signature: "posthog::capture(event) -> map",
    about: "One event, with everything that it says as properties, and PostHog's own names for those \
            that it knows. Personal data is not among them.",
    example: r#"posthog::capture(#{ event_name: "page_view", client_id: "1.2" }).event == "$pageview""#,
    rows: &[
        row("event", from::NAME, How::Named(&NAMES)),
        DISTINCT,
        row("timestamp", from::TIME, How::Is(ISO_TIME)),
        row("properties.*", &[], How::Is(REST)),
        row("properties.$current_url", from::PAGE, How::Is(TEXT)),
        row("properties.$referrer", from::REFERRER, How::Is(TEXT)),
        row("properties.$ip", from::IP, How::Is(TEXT)),
        row("properties.$raw_user_agent", from::AGENT, How::Is(TEXT)),
    ],
    needs: &[SOMEBODY],
};

const IDENTIFY: Mapping = Mapping {
    signature: "posthog::identify(event) -> map",
    about: "Who the person is: an `$identify` event that ties what the visitor did before to \
            `user_id`, and sets what is known of the person.",
    example: r#"posthog::identify(#{ user_id: "17", client_id: "1.2" }).properties["$anon_distinct_id"] == "1.2""#,
    rows: &[
        row("event", &[], How::Fixed("$identify")),
        row("distinct_id", from::USER, How::Is(TEXT)),
        row("timestamp", from::TIME, How::Is(ISO_TIME)),
        row("properties.$anon_distinct_id", from::CLIENT, How::Is(TEXT)),
        row(
            "properties.$set.*",
            &["traits", "user_properties"],
            How::Is(AS_IS),
        ),
        row(
            "properties.$set.email",
            from::PLAIN_EMAIL,
            How::Is(EMAIL_PLAIN),
        ),
    ],
    needs: &[Need {
        any: &["distinct_id"],
        why: "there is no user_id",
    }],
};

const DISTINCT: Row = row("distinct_id", &["user_id", "client_id"], How::Is(TEXT));

const SOMEBODY: Need = Need {
    any: &["distinct_id"],
    why: "neither user_id nor client_id",
};

const NAMES: Names = Names {
    table: &[("$pageview", &["page_view"]), ("$screen", &["screen_view"])],
    other: TEXT,
};

const REST: Change = own_always(REST_ABOUT, |given| {
    Ok(given.rest(&["page_location", "page_referrer"]))
});

fn register(host: &mut Host) {
    Namespace::new(TOPIC.name)
        .mapping(&CAPTURE)
        .mapping(&IDENTIFY)
        .add_to(host);
}
