//! Tracify's server-side events. A payload is one event object as on Tracify's page; this file adds
//! the site id, the time and the token. Endpoint and header: the public PHP SDK be-lenka/tracify-php-sdk.

mod judge;

use std::sync::Arc;

use http::{HeaderName, HeaderValue, header};

use crate::clock::utc_text;
use crate::config::{Options, Section};
use crate::destination::encode::{
    Item, Limits, Outgoing, Refused, Vendor, Verdict, header_value, write_list,
};
use crate::destination::fields::{Shape, field, required};
use crate::destination::http_client::join;
use crate::destination::kind::{Example, Facts, Others, Proof, Setting, Type, Variable};
use crate::destination::payload::Payload;
use crate::destination::reply::{Reply, classify};
use crate::secret::Secret;

pub(in crate::destination) const TYPE: Type = Type {
    name: "tracify",
    title: "Tracify",
    about: "Page views, carts and orders, by Tracify's server-side events API. What a tag returns is \
            one event as on Tracify's page.",
    load,
    settings: &[
        Setting {
            key: "token",
            default: "required",
            about: "the API key that Tracify gave you",
        },
        Setting {
            key: "customer_site_id",
            default: "required",
            about: "the id of your site, a UUID",
        },
    ],
    fields: &[
        required(
            "type",
            Shape::OneOf(&[
                "pageview",
                "productview",
                "addtocart",
                "purchase",
                "conversion",
            ]),
            "what happened",
        ),
        required("url", Shape::Url, "the page that it happened on"),
        required(
            "identity_data",
            Shape::Object,
            "hash of the email (1), session (2), IP address (3) and user agent (4); 3 and 4 are needed. `tracify::identity` makes it",
        ),
        field(
            "datetime",
            Shape::Text,
            "UTC, as `2024-06-21 12:36:40`; we add when the request came",
        ),
        field("customer_site_id", Shape::Text, "we add the setting"),
        required("data", Shape::Object, "texts only"),
        required("data.origin", Shape::Text, "the site, as `https://host`"),
        field("data.Referer", Shape::Text, "where the visitor came from"),
        field(
            "data.order_id",
            Shape::Text,
            "of a purchase: the first of an id counts",
        ),
        field(
            "data.conversion_id",
            Shape::Text,
            "of a conversion: the first of an id counts",
        ),
        field(
            "data.currency",
            Shape::Text,
            "ISO 4217, of a purchase or conversion",
        ),
        field(
            "data.amount",
            Shape::Text,
            "as `100.00`, of a purchase or conversion",
        ),
    ],
    others: Others::Sent,
    stand_in: Some(judge::STAND_IN),
    example: Example {
        settings: "token = \"${TRACIFY_TOKEN}\"\ncustomer_site_id = \"00000000-0000-0000-0000-000000000000\"",
        variables: &[Variable {
            name: "TRACIFY_TOKEN",
            value: "tr4c1fy-t0ken",
            secret: "tr4c1fy-t0ken",
        }],
        tag: r#"// Orders go to Tracify. Of an order_id that comes twice, Tracify counts the first.
const ON = "purchase";
const TO = "tracify";

fn tag(event) {
    #{
        type: "purchase",
        url: event.page_location,
        identity_data: tracify::identity(#{
            email: event.user_data?.email_address,
            ip: event.ip_override,
            user_agent: event.user_agent,
        }),
        data: #{
            origin: url::origin(event.page_location),
            order_id: event.transaction_id,
            currency: event.currency,
            amount: money::format(event.value, event.currency),
        },
    }
}
"#,
    },
    facts: Facts {
        sources: &["https://github.com/be-lenka/tracify-php-sdk"],
        proof: Proof::SeenInCode,
        idempotency: "None of ours; Tracify counts the first of an `order_id` or `conversion_id`.",
        limits: &[("events in a request", "not stated; we send 50")],
        answers: &[
            (
                "200 with `\"status\":false`, 400, 422",
                "the whole batch is refused and the bad event not named: sent in halves until it is \
                 alone, and then dead",
            ),
            ("413", "sent in halves"),
        ],
        notes: &[
            "A repeat after a crash is harmless for orders and conversions, not for page views.",
        ],
    },
};

/// `[destinations.NAME]` with `type = "tracify"`.
#[derive(Debug)]
struct Settings {
    token: Secret,
    token_header: HeaderValue,
    customer_site_id: String,
    url: String,
}

/// Tracify states no size for a batch; this one is modest.
const MAX_EVENTS: usize = 50;
const MAX_BYTES: usize = 500_000;

fn load(section: &mut Section, options: &Options) -> Arc<dyn Vendor> {
    let token = section.required_secret("token");
    let customer_site_id = section.required_text("customer_site_id");
    let host = options.host_or("https://api.tracify.ai");
    let token_header = header_value(section, "token", token.expose());
    Arc::new(Settings {
        token,
        token_header,
        customer_site_id,
        url: join(host, "/api/v1/events"),
    })
}

impl Vendor for Settings {
    fn encode(&self, items: &[Item<'_>]) -> Result<Outgoing, Refused> {
        let mut body = b"{\"events\":[".to_vec();
        write_list(items, &mut body, |item, body| self.write_event(item, body))?;
        body.extend_from_slice(b"]}");
        Ok(Outgoing::post_json(&self.url, body)
            .with_header(header::ACCEPT, HeaderValue::from_static("application/json"))
            .with_header(
                HeaderName::from_static("tracify-token"),
                self.token_header.clone(),
            ))
    }

    fn read(&self, reply: &Reply, _count: usize) -> Verdict {
        let refused = reply.json().is_some_and(|answer| answer["status"] == false);
        match reply.status {
            // One refused event refuses the whole request and is not named.
            200..=299 if refused => Verdict::Split(reply.summary()),
            400 | 413 | 422 => Verdict::Split(reply.summary()),
            _ => Verdict::All(classify(reply)),
        }
    }

    fn limits(&self) -> Limits {
        Limits::batch(MAX_EVENTS, MAX_BYTES)
    }

    fn secrets(&self) -> Vec<&Secret> {
        vec![&self.token]
    }
}

impl Settings {
    fn write_event(&self, item: &Item<'_>, body: &mut Vec<u8>) -> Result<(), String> {
        let mut event = Payload::open(item.payload)?;
        event.drop_nulls();
        event.add_missing("customer_site_id", || self.customer_site_id.as_str().into());
        event.add_missing("datetime", || utc_text(item.received_at).into());
        event.write(body)
    }
}
