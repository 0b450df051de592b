//! What there is to know of Google's Data Manager API, as data.

use super::{judge, load};
use crate::destination::fields::{Field, Shape, field};
use crate::destination::kind::{Example, Facts, Others, Proof, Setting, Type, Variable};

pub(in crate::destination) const TYPE: Type = Type {
    name: "google_ads",
    title: "Google Ads",
    about: "Conversions, by the Data Manager API, as a service account. What a tag returns is one \
            event of `events:ingest` in Google's own names.",
    load,
    settings: &[
        Setting {
            key: "credentials",
            default: "required",
            about: "the whole key file of a service account, which the Google Ads account has let in: `\"${file:google-ads.json}\"`",
        },
        Setting {
            key: "customer_id",
            default: "required",
            about: "the account whose conversions these are, `123-456-7890`",
        },
        Setting {
            key: "conversion_action_id",
            default: "required",
            about: "the number of the conversion action: `ctId` in the address of its page",
        },
        Setting {
            key: "login_customer_id",
            default: "none",
            about: "the manager account that gives access, if one does",
        },
        Setting {
            key: "validate_only",
            default: "false",
            about: "`true`: Google judges events and counts none",
        },
    ],
    fields: FIELDS,
    others: Others::Refused,
    stand_in: Some(judge::STAND_IN),
    example: Example {
        settings: "credentials = \"${GOOGLE_ADS_CREDENTIALS}\"\ncustomer_id = \"123-456-7890\"\nconversion_action_id = \"987654321\"",
        variables: &[Variable {
            name: "GOOGLE_ADS_CREDENTIALS",
            value: include_str!("example_account.json"),
            secret: include_str!("example_account.json"),
        }],
        tag: r#"// Orders that an advertisement led to become conversions.
const ON = "purchase";
const TO = "google_ads";
const WHEN = #{ gclid: #{ exists: true } };

fn tag(event) {
    #{
        transactionId: event.transaction_id,
        conversionValue: event.value,
        currency: event.currency,
        adIdentifiers: #{ gclid: event.gclid },
    }
}
"#,
    },
    facts: Facts {
        sources: &[
            "https://developers.google.com/data-manager/api/reference/rest/v1/events/ingest",
            "https://developers.google.com/data-manager/api/devguides/limits",
            "https://developers.google.com/identity/protocols/oauth2/service-account",
        ],
        proof: Proof::Documented,
        idempotency: "`transactionId`: Google counts one of an id; without one of the tag's own it is the delivery's id.",
        limits: &[
            ("events in a request", "2,000; we send 1,000"),
            ("identifiers of a person", "10"),
            ("requests", "300 a minute and 100,000 a day"),
        ],
        answers: &[
            (
                "400 that names events",
                "these are dead, the others go again at once without losing an attempt",
            ),
            (
                "other 400s",
                "sent in halves, until the one that is meant is alone",
            ),
            (
                "401",
                "the token is fetched anew and the request sent once more; a second 401 pauses the destination",
            ),
            (
                "no token: 400, 401, 403",
                "the destination is paused: the key or the access of the account is wrong",
            ),
            ("no token: 429, 5xx, no answer", "waits; or again, later"),
        ],
        notes: &[
            "A token is kept until five minutes before its end, and fetched by one request at a time. With `endpoint`, it comes from there too.",
            "The request that previews show has no `Authorization`: it is added on the way.",
            "A 200 means that Google has taken the events; what becomes of them is in its diagnostics.",
        ],
    },
};

const SOURCES: &[&str] = &["WEB", "APP", "IN_STORE", "PHONE", "MESSAGE", "OTHER"];

pub(super) const FIELDS: &[Field] = &[
    field(
        "transactionId",
        Shape::TextUpTo(512),
        "the order; we add the delivery's id",
    ),
    field(
        "eventTimestamp",
        Shape::Text,
        "when, RFC 3339; we add when the request came",
    ),
    field(
        "eventSource",
        Shape::OneOf(SOURCES),
        "where it happened; `WEB` if it is left out",
    ),
    field("conversionValue", Shape::Number, "how much it is worth"),
    field("currency", Shape::Currency, "currency of the value"),
    field("adIdentifiers", Shape::Object, "which click led to it"),
    field("adIdentifiers.gclid", Shape::Text, "Google's click id"),
    field("adIdentifiers.gbraid", Shape::Text, "the same of apps"),
    field(
        "adIdentifiers.wbraid",
        Shape::Text,
        "the same of the web on iOS",
    ),
    field(
        "adIdentifiers.sessionAttributes",
        Shape::Text,
        "session attributes",
    ),
    field("userData", Shape::Object, "who"),
    field(
        "userData.userIdentifiers",
        Shape::ListUpTo(10),
        "each with one of the three",
    ),
    field("userData.userIdentifiers[]", Shape::Closed, "one of them"),
    field(
        "userData.userIdentifiers[].emailAddress",
        Shape::Hash,
        "normalised and hashed",
    ),
    field(
        "userData.userIdentifiers[].phoneNumber",
        Shape::Hash,
        "E.164 and hashed",
    ),
    field(
        "userData.userIdentifiers[].address",
        Shape::Closed,
        "a whole address",
    ),
    field(
        "userData.userIdentifiers[].address.givenName",
        Shape::Hash,
        "hashed",
    ),
    field(
        "userData.userIdentifiers[].address.familyName",
        Shape::Hash,
        "hashed",
    ),
    field(
        "userData.userIdentifiers[].address.regionCode",
        Shape::Text,
        "country, two letters, as it is",
    ),
    field(
        "userData.userIdentifiers[].address.postalCode",
        Shape::Text,
        "as it is",
    ),
    field("consent", Shape::Closed, "what the person allowed"),
    field(
        "consent.adUserData",
        Shape::OneOf(CONSENT),
        "to send data of theirs",
    ),
    field(
        "consent.adPersonalization",
        Shape::OneOf(CONSENT),
        "to be shown other advertisements for it",
    ),
    field("cartData", Shape::Object, "what was bought"),
    field(
        "cartData.items",
        Shape::List,
        "items, with `merchantProductId`, `quantity`, `unitPrice`",
    ),
    field(
        "destinationReferences",
        Shape::List,
        "which of several destinations",
    ),
    field(
        "lastUpdatedTimestamp",
        Shape::Text,
        "when it was last changed",
    ),
    field("eventDeviceInfo", Shape::Object, "the device"),
    field("userProperties", Shape::Object, "kind of customer"),
    field("customVariables", Shape::List, "variables of one's own"),
    field(
        "experimentalFields",
        Shape::List,
        "fields that are not final",
    ),
    field("eventName", Shape::Text, "the event, for Google Analytics"),
    field("clientId", Shape::Text, "client id of Google Analytics"),
    field("userId", Shape::Text, "user id of Google Analytics"),
    field(
        "additionalEventParameters",
        Shape::List,
        "parameters of Google Analytics",
    ),
];

const CONSENT: &[&str] = &[
    "CONSENT_GRANTED",
    "CONSENT_DENIED",
    "CONSENT_STATUS_UNSPECIFIED",
];
