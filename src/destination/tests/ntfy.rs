//! ntfy: notifications on a phone. A payload is one message as ntfy documents it.

use std::sync::Arc;

use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::config::{Options, Rate, Section};
use crate::destination::encode::{
    Item, Limits, Outgoing, Refused, Vendor, Verdict, bearer, single,
};
use crate::destination::fields::{Field, Shape, field, flaws};
use crate::destination::judge::{Answer, Asked, StandIn};
use crate::destination::kind::{Example, Facts, Others, Proof, Setting, Type, Variable};
use crate::destination::payload::Payload;
use crate::destination::reply::{Reply, classify};
use crate::secret::Secret;

pub(in crate::destination) const TYPE: Type = Type {
    name: "ntfy",
    title: "ntfy",
    about: "Notifications on a phone. What a tag returns is one message as ntfy documents it.",
    load,
    settings: &[
        Setting {
            key: "token",
            default: "required",
            about: "an access token: Account, Access tokens",
        },
        Setting {
            key: "topic",
            default: "required",
            about: "where a message goes that names no `topic`",
        },
    ],
    fields: FIELDS,
    others: Others::Sent,
    stand_in: Some(StandIn::new(judge, forced)),
    example: Example {
        settings: "token = \"${NTFY_TOKEN}\"\ntopic = \"orders\"",
        variables: &[Variable {
            name: "NTFY_TOKEN",
            value: "tk_s3cret",
            secret: "tk_s3cret",
        }],
        tag: "// Orders ring.\nconst ON = \"purchase\";\nconst TO = \"ntfy\";\n\nfn tag(event) {\n    #{ title: \"An order\", message: `${event.value} ${event.currency}` }\n}\n",
    },
    facts: Facts {
        sources: &["https://docs.ntfy.sh/publish/#publish-as-json"],
        proof: Proof::Documented,
        idempotency: "None.",
        limits: &[("length of `message`", "4,096 bytes")],
        answers: &[],
        notes: &[],
    },
};

const FIELDS: &[Field] = &[
    field(
        "topic",
        Shape::Text,
        "another topic than that of the settings",
    ),
    field("title", Shape::Text, "the title"),
    field("message", Shape::TextUpTo(4096), "the text"),
    field("priority", Shape::Integer, "1 to 5"),
    field("tags", Shape::List, "words that become emojis"),
    field("click", Shape::Url, "what a tap opens"),
];

/// `[destinations.NAME]` with `type = "ntfy"`.
#[derive(Debug)]
struct Settings {
    token: Secret,
    authorization: HeaderValue,
    topic: String,
    url: String,
}

fn load(section: &mut Section, options: &Options) -> Arc<dyn Vendor> {
    let token = section.required_secret("token");
    let authorization = bearer(section, "token", &token);
    Arc::new(Settings {
        token,
        authorization,
        topic: section.required_text("topic"),
        url: options.host_or("https://ntfy.sh").to_owned(),
    })
}

impl Vendor for Settings {
    fn encode(&self, items: &[Item<'_>]) -> Result<Outgoing, Refused> {
        let mut message = Payload::open(single(items)?.payload).map_err(Refused::only)?;
        message.add_missing("topic", || self.topic.as_str().into());
        let body = message.to_json().map_err(Refused::only)?;
        Ok(Outgoing::post_json(&self.url, body)
            .with_header(header::AUTHORIZATION, self.authorization.clone()))
    }

    fn read(&self, reply: &Reply, _count: usize) -> Verdict {
        Verdict::All(classify(reply))
    }

    fn limits(&self) -> Limits {
        Limits::single(Rate::Off)
    }

    fn secrets(&self) -> Vec<&Secret> {
        vec![&self.token]
    }
}

/// What ntfy refuses, its stand-in refuses.
fn judge(asked: &Asked<'_>) -> Answer {
    if asked.bearer().is_none() {
        return error(401, "unauthorized").refusing("the header Authorization has no token");
    }
    let message = match asked.json_object() {
        Ok(message) => message,
        Err(why) => return error(400, "invalid JSON").refusing(why),
    };
    let mut wrong: Vec<String> = flaws(FIELDS, &message)
        .iter()
        .map(ToString::to_string)
        .collect();
    if message.get("topic").and_then(Value::as_str).is_none() {
        wrong.push("topic: is missing".to_owned());
    }
    if !wrong.is_empty() {
        return error(400, "invalid request").refusing_all(wrong);
    }
    Answer::json(200, &json!({ "id": "1", "event": "message" })).accepting(vec![None])
}

fn forced(_asked: &Asked<'_>, status: StatusCode) -> Answer {
    error(
        status.as_u16(),
        status.canonical_reason().unwrap_or("no reason"),
    )
}

fn error(status: u16, why: &str) -> Answer {
    Answer::json(status, &json!({ "http": status, "error": why }))
}
