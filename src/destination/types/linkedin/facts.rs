//! What there is to know of LinkedIn's Conversions API, as data.

use super::{judge, load};
use crate::destination::fields::{Field, Shape, field, required};
use crate::destination::kind::{Example, Facts, Others, Proof, Setting, Type, Variable};

pub(in crate::destination) const TYPE: Type = Type {
    name: "linkedin",
    title: "LinkedIn Conversions API",
    about: "Conversions for LinkedIn ads. What a tag returns is one conversion event as LinkedIn documents it; \
            `linkedin::conversion` makes it of an event.",
    load,
    settings: &[
        Setting {
            key: "access_token",
            default: "required",
            about: "the token with `rw_conversions`: Campaign Manager, Data, Signals Manager, Conversions API",
        },
        Setting {
            key: "conversion",
            default: "none: each tag says it",
            about: "the number of the conversion rule, or its URN `urn:lla:llaPartnerConversion:…`",
        },
        Setting {
            key: "version",
            default: "`\"202603\"`",
            about: "the version of LinkedIn's API, a year and a month. LinkedIn retires old ones",
        },
    ],
    fields: FIELDS,
    others: Others::Sent,
    stand_in: Some(judge::STAND_IN),
    example: Example {
        settings: "access_token = \"${LINKEDIN_ACCESS_TOKEN}\"\nconversion = \"104012\"",
        variables: &[Variable {
            name: "LINKEDIN_ACCESS_TOKEN",
            value: "AQXl1nked1n-t0ken",
            secret: "AQXl1nked1n-t0ken",
        }],
        tag: r#"// Orders go to LinkedIn, with the email address hashed. docs/mapping/linkedin.md has the table.
const ON = "purchase";
const TO = "linkedin";

fn tag(event) {
    linkedin::conversion(event)
}
"#,
    },
    facts: Facts {
        sources: &[
            "https://learn.microsoft.com/en-us/linkedin/marketing/integrations/ads-reporting/conversions-api",
            "https://learn.microsoft.com/en-us/linkedin/marketing/versioning",
        ],
        proof: Proof::Documented,
        idempotency: "`eventId`: of two with the same one, from here or from the page's Insight Tag, LinkedIn keeps one.",
        limits: &[
            ("events in a request", "5,000; we send 1,000"),
            ("size of a request", "not stated; we send 1,000,000 bytes"),
            ("age of an event", "90 days"),
        ],
        answers: &[
            (
                "400 or 422 that names places, as in `Index: 0`",
                "these are dead, the others go again at once without losing an attempt",
            ),
            (
                "400 or 422 that names none",
                "sent in halves, until the bad one is alone, and then dead",
            ),
            (
                "2xx with a status for each element",
                "each as its status says",
            ),
            (
                "426",
                "the destination is paused: the version is retired, set `version`",
            ),
        ],
        notes: &[
            "`conversionHappenedAt` is in milliseconds, `amount` is a text.",
            "The form of the 422 is from public code that talks to LinkedIn.",
        ],
    },
};

pub(super) const ID_TYPES: &[&str] = &[
    "SHA256_EMAIL",
    "LINKEDIN_FIRST_PARTY_ADS_TRACKING_UUID",
    "ACXIOM_ID",
    "ORACLE_MOAT_ID",
    "PLAINTEXT_MOBILE_GOOGLE_AID",
];

pub(super) const FIELDS: &[Field] = &[
    field(
        "conversion",
        Shape::Text,
        "URN of the conversion rule; we add the setting",
    ),
    field(
        "conversionHappenedAt",
        Shape::Integer,
        "when, in milliseconds since 1970; we add when the request came",
    ),
    field("conversionValue", Shape::Closed, "what it was worth"),
    required(
        "conversionValue.currencyCode",
        Shape::Currency,
        "the currency",
    ),
    required("conversionValue.amount", Shape::Amount, "the amount"),
    field(
        "eventId",
        Shape::TextUpTo(200),
        "the idempotency key; we add the delivery's id",
    ),
    required("user", Shape::Object, "who it was"),
    field("user.userIds", Shape::ListUpTo(20), "ids"),
    required(
        "user.userIds[].idType",
        Shape::OneOf(ID_TYPES),
        "of which kind",
    ),
    required(
        "user.userIds[].idValue",
        Shape::Text,
        "the id; of `SHA256_EMAIL` the hash",
    ),
    field("user.userInfo", Shape::Object, "names"),
    required(
        "user.userInfo.firstName",
        Shape::Text,
        "first name, as it is",
    ),
    required("user.userInfo.lastName", Shape::Text, "last name, as it is"),
    field("user.userInfo.companyName", Shape::Text, "company"),
    field("user.userInfo.title", Shape::Text, "job title"),
    field(
        "user.userInfo.countryCode",
        Shape::Text,
        "country, two letters",
    ),
    field("user.externalIds", Shape::ListUpTo(1), "your own id"),
    field("user.lead", Shape::Text, "URN of a lead form's answer"),
];
