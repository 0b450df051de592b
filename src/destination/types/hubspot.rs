//! HubSpot, by custom events. A payload is one occurrence as HubSpot documents it.

use std::sync::Arc;

use http::{HeaderValue, Method, StatusCode, header};
use serde_json::{Map, Value, json};

use crate::clock::{parse_rfc3339, rfc3339};
use crate::config::{Options, Section};
use crate::destination::encode::{
    Item, Limits, Outgoing, Refused, Vendor, Verdict, bearer, write_list,
};
use crate::destination::fields::{Field, Shape, field, flaws, kind, required, unknown_keys};
use crate::destination::http_client::join;
use crate::destination::judge::{Answer, Asked, StandIn};
use crate::destination::kind::{Example, Facts, Others, Proof, Setting, Type, Variable};
use crate::destination::payload::Payload;
use crate::destination::reply::{Reply, classify};
use crate::secret::Secret;

pub(in crate::destination) const TYPE: Type = Type {
    name: "hubspot",
    title: "HubSpot",
    about: "Custom events of contacts, by the API for event occurrences, which needs an Enterprise \
            plan. What a tag returns is one occurrence as HubSpot documents it.",
    load,
    settings: &[Setting {
        key: "access_token",
        default: "required",
        about: "the token of a private app with the scope `analytics.behavioral_events.send`",
    }],
    fields: FIELDS,
    others: Others::Refused,
    stand_in: Some(StandIn::new(judge, forced)),
    example: Example {
        settings: "access_token = \"${HUBSPOT_ACCESS_TOKEN}\"",
        variables: &[Variable {
            name: "HUBSPOT_ACCESS_TOKEN",
            value: "pat-eu1-hubsp0t",
            secret: "pat-eu1-hubsp0t",
        }],
        tag: r#"// Orders become occurrences of a custom event that was defined in HubSpot.
const ON = "purchase";
const TO = "hubspot";

fn tag(event) {
    #{
        eventName: "pe1234567_order_placed",
        email: text::lower(text::trim(event.user_data?.email_address)),
        properties: #{ order_id: event.transaction_id, amount: event.value },
    }
}
"#,
    },
    facts: Facts {
        sources: &[
            "https://developers.hubspot.com/docs/api-reference/latest/events/send-event-data/batch-send-occurrences",
        ],
        proof: Proof::Documented,
        idempotency: "`uuid`: HubSpot knows an occurrence by it.",
        limits: &[
            ("occurrences in a request", "500"),
            ("requests", "1,250 a second"),
        ],
        answers: &[(
            "400",
            "the whole batch is refused: sent in halves until the bad one is alone, which is then dead",
        )],
        notes: &[
            "`occurredAt` is when the request came, unless the tag says it.",
            "HubSpot refuses properties that the event was not defined with.",
        ],
    },
};

const FIELDS: &[Field] = &[
    required(
        "eventName",
        Shape::Text,
        "the event's full name, `pe` with the account's number, `_` and its name",
    ),
    field(
        "email",
        Shape::Text,
        "whose event it is; this, `objectId` or `utk` is needed",
    ),
    field(
        "objectId",
        Shape::Text,
        "the id of the record whose event it is",
    ),
    field("utk", Shape::Text, "the visitor's cookie `hubspotutk`"),
    field("occurredAt", Shape::Text, "when, ISO 8601"),
    field(
        "properties",
        Shape::Object,
        "properties that the event was defined with",
    ),
    field(
        "uuid",
        Shape::Text,
        "the idempotency key; we add the delivery's id",
    ),
];

/// `[destinations.NAME]` with `type = "hubspot"`.
#[derive(Debug)]
struct Settings {
    access_token: Secret,
    authorization: HeaderValue,
    url: String,
}

const MAX_EVENTS: usize = 500;

/// HubSpot states none; this is far below what gateways take.
const MAX_BYTES: usize = 1_000_000;

const PATH: &str = "/events/2026-03/send/batch";

fn load(section: &mut Section, options: &Options) -> Arc<dyn Vendor> {
    let access_token = section.required_secret("access_token");
    let authorization = bearer(section, "access_token", &access_token);
    Arc::new(Settings {
        access_token,
        authorization,
        url: join(options.host_or("https://api.hubapi.com"), PATH),
    })
}

impl Vendor for Settings {
    fn encode(&self, items: &[Item<'_>]) -> Result<Outgoing, Refused> {
        let mut body = b"{\"inputs\":[".to_vec();
        write_list(items, &mut body, write_event)?;
        body.extend_from_slice(b"]}");
        Ok(Outgoing::post_json(&self.url, body)
            .with_header(header::AUTHORIZATION, self.authorization.clone()))
    }

    fn read(&self, reply: &Reply, _count: usize) -> Verdict {
        match reply.status {
            // One bad occurrence spoils the others, and is not always named.
            400 | 413 | 422 => Verdict::Split(reply.summary()),
            _ => Verdict::All(classify(reply)),
        }
    }

    fn limits(&self) -> Limits {
        Limits::batch(MAX_EVENTS, MAX_BYTES)
    }

    fn secrets(&self) -> Vec<&Secret> {
        vec![&self.access_token]
    }
}

fn write_event(item: &Item<'_>, body: &mut Vec<u8>) -> Result<(), String> {
    let mut event = Payload::open(item.payload)?;
    event.drop_nulls();
    event.required_text("eventName")?;
    event.add_missing("occurredAt", || rfc3339(item.received_at).into());
    event.add_missing("uuid", || item.id.to_string().into());
    event.write(body)
}

fn judge(asked: &Asked<'_>) -> Answer {
    if asked.path != PATH {
        return error(
            404,
            "OBJECT_NOT_FOUND",
            "no such path",
            vec![format!("use POST {PATH}")],
        );
    }
    if asked.method != Method::POST {
        return error(
            405,
            "METHOD_NOT_ALLOWED",
            "use POST",
            vec!["use POST".to_owned()],
        );
    }
    if asked.bearer().is_none() {
        let why = "Authentication credentials not found.";
        return error(401, "INVALID_AUTHENTICATION", why, vec![why.to_owned()]);
    }
    let body = match asked.json_object() {
        Ok(body) => body,
        Err(why) => return error(400, "VALIDATION_ERROR", "Invalid input JSON", vec![why]),
    };
    let Some(inputs) = body.get("inputs").and_then(Value::as_array) else {
        let why = "inputs is not a list".to_owned();
        return error(400, "VALIDATION_ERROR", "Invalid input JSON", vec![why]);
    };
    if inputs.is_empty() || inputs.len() > MAX_EVENTS {
        let why = format!(
            "inputs has {} occurrences, of 1 to {MAX_EVENTS}",
            inputs.len()
        );
        return error(
            400,
            "VALIDATION_ERROR",
            "Invalid number of inputs",
            vec![why],
        );
    }
    let flaws: Vec<String> = inputs
        .iter()
        .enumerate()
        .flat_map(|(index, input)| {
            let found = input
                .as_object()
                .map_or_else(|| vec!["is no map".to_owned()], wrong);
            found
                .into_iter()
                .map(move |why| format!("inputs[{index}].{why}"))
        })
        .collect();
    if !flaws.is_empty() {
        let told = flaws.join("; ");
        return error(400, "VALIDATION_ERROR", &told, flaws);
    }
    let names = inputs
        .iter()
        .map(|input| input["uuid"].as_str().map(str::to_owned));
    Answer::empty(204).accepting(names.collect())
}

fn wrong(input: &Map<String, Value>) -> Vec<String> {
    let mut found: Vec<String> = flaws(FIELDS, input)
        .iter()
        .map(ToString::to_string)
        .collect();
    let unknown = unknown_keys(FIELDS, input);
    found.extend(unknown.iter().map(ToString::to_string));
    let has_name = |name: &str| {
        name.strip_prefix("pe")
            .and_then(|rest| rest.split_once('_'))
            .is_some_and(|(account, name)| {
                !account.is_empty()
                    && account.bytes().all(|b| b.is_ascii_digit())
                    && !name.is_empty()
            })
    };
    let name = input.get("eventName").and_then(Value::as_str);
    if name.is_some_and(|name| !has_name(name)) {
        found.push("eventName: is not of the form pe1234567_name".to_owned());
    }
    let at = input.get("occurredAt").and_then(Value::as_str);
    if at.is_some_and(|at| parse_rfc3339(at).is_none()) {
        found.push("occurredAt: is not ISO 8601".to_owned());
    }
    let properties = input.get("properties").and_then(Value::as_object);
    for (key, value) in properties.into_iter().flatten() {
        if value.is_object() || value.is_array() {
            let why = "must be a text, a number, or true or false";
            found.push(format!("properties.{key}: {why}, not {}", kind(value)));
        }
    }
    if !["email", "objectId", "utk"]
        .iter()
        .any(|key| input.contains_key(*key))
    {
        found.push("email: this, objectId or utk is needed".to_owned());
    }
    found
}

fn error(status: u16, category: &str, message: &str, whys: Vec<String>) -> Answer {
    told(status, category, message).refusing_all(whys)
}

fn told(status: u16, category: &str, message: &str) -> Answer {
    let body = json!({
        "status": "error",
        "message": message,
        "correlationId": "00000000-0000-0000-0000-000000000000",
        "category": category,
    });
    Answer::json(status, &body)
}

fn forced(_asked: &Asked<'_>, status: StatusCode) -> Answer {
    let reason = status.canonical_reason().unwrap_or("no reason");
    match status.as_u16() {
        429 => told(429, "RATE_LIMITS", "You have reached your secondly limit."),
        code => told(code, "ERROR", reason),
    }
}
