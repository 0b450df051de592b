//! Klaviyo, by Create Event. A payload is the attributes of one event; a metric may be its name
//! alone, and a profile its attributes alone.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::{Map, Value, json};

use crate::clock::{Millis, parse_rfc3339, rfc3339};
use crate::config::{Options, Rate, Section};
use crate::destination::encode::{
    Item, Limits, Outgoing, Refused, Vendor, Verdict, header_value, single,
};
use crate::destination::fields::{Field, Shape, field, flaws, required};
use crate::destination::http_client::join;
use crate::destination::judge::{Answer, Asked, StandIn};
use crate::destination::kind::{Example, Facts, Others, Proof, Setting, Type, Variable};
use crate::destination::payload::Payload;
use crate::destination::reply::{Reply, classify};
use crate::destination::types::events::{Bounds, beyond};
use crate::secret::Secret;

pub(in crate::destination) const TYPE: Type = Type {
    name: "klaviyo",
    title: "Klaviyo",
    about: "Events of profiles, by the Events API. What a tag returns are the attributes of one \
            event in Klaviyo's own names.",
    load,
    settings: &[
        Setting {
            key: "api_key",
            default: "required",
            about: "a private key with the scope `events:write`: Settings, API keys",
        },
        Setting {
            key: "revision",
            default: "\"2026-10-15\"",
            about: "the revision of the API, a date",
        },
    ],
    fields: FIELDS,
    others: Others::Sent,
    stand_in: Some(StandIn::new(judge, forced)),
    example: Example {
        settings: "api_key = \"${KLAVIYO_API_KEY}\"",
        variables: &[Variable {
            name: "KLAVIYO_API_KEY",
            value: "pk_kl4v1yo",
            secret: "pk_kl4v1yo",
        }],
        tag: r#"// Orders go to the profiles of those who placed them.
const ON = "purchase";
const TO = "klaviyo";

fn tag(event) {
    #{
        metric: "Placed Order",
        profile: #{ email: text::lower(text::trim(event.user_data?.email_address)) },
        value: event.value,
        value_currency: event.currency,
        properties: #{ OrderId: event.transaction_id, Items: event.items },
    }
}
"#,
    },
    facts: Facts {
        sources: &[
            "https://developers.klaviyo.com/en/reference/create_event",
            "https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling",
        ],
        proof: Proof::Documented,
        idempotency: "`unique_id`: of events of one profile and metric with the same id, Klaviyo keeps the first.",
        limits: &[
            ("requests", "350 a second and 3,500 a minute"),
            ("properties of an event", "400"),
            (
                "size of an event",
                "5 MB; a text 100 kB, a list 4,000 elements, maps 10 deep",
            ),
        ],
        answers: &[],
        notes: &[
            "`time` is when the request came, unless the tag says it.",
            "A 202 means that Klaviyo has taken the event, not that it is in its charts yet.",
            "Email address and phone number go as they are, not hashed.",
        ],
    },
};

const FIELDS: &[Field] = &[
    required(
        "metric",
        Shape::Any,
        "what happened: a name such as `Placed Order`, or Klaviyo's own form of a metric",
    ),
    required(
        "profile",
        Shape::Object,
        "who: `email`, `phone_number` or `external_id`; or Klaviyo's own form of a profile",
    ),
    field(
        "properties",
        Shape::Object,
        "whatever else there is to say; `#{}` if it is left out",
    ),
    field("time", Shape::Text, "when, ISO 8601"),
    field("value", Shape::Number, "how much it is worth"),
    field(
        "value_currency",
        Shape::Currency,
        "currency of `value`, ISO 4217",
    ),
    field(
        "unique_id",
        Shape::Text,
        "the idempotency key; we add the delivery's id",
    ),
];

/// `[destinations.NAME]` with `type = "klaviyo"`.
#[derive(Debug)]
struct Settings {
    api_key: Secret,
    authorization: HeaderValue,
    revision: HeaderValue,
    url: String,
}

/// What the documentation allows in the long run.
const RATE: Rate = Rate::Per {
    count: 3_500,
    period: Duration::from_secs(60),
};

const REVISION: &str = "2026-10-15";

fn load(section: &mut Section, options: &Options) -> Arc<dyn Vendor> {
    let api_key = section.required_secret("api_key");
    let text = format!("Klaviyo-API-Key {}", api_key.expose());
    let authorization = header_value(section, "api_key", &text);
    let revision = section.text("revision");
    let revision = revision.as_deref().unwrap_or(REVISION);
    Arc::new(Settings {
        api_key,
        authorization,
        revision: header_value(section, "revision", revision),
        url: join(options.host_or("https://a.klaviyo.com"), "/api/events"),
    })
}

impl Vendor for Settings {
    fn encode(&self, items: &[Item<'_>]) -> Result<Outgoing, Refused> {
        let body = event(single(items)?);
        let body = body.map_err(Refused::only)?;
        let mut revision = self.revision.clone();
        revision.set_sensitive(false);
        Ok(Outgoing::post_json(&self.url, body)
            .with_header(header::AUTHORIZATION, self.authorization.clone())
            .with_header(HeaderName::from_static("revision"), revision))
    }

    fn read(&self, reply: &Reply, _count: usize) -> Verdict {
        Verdict::All(classify(reply))
    }

    fn limits(&self) -> Limits {
        Limits::single(RATE)
    }

    fn secrets(&self) -> Vec<&Secret> {
        vec![&self.api_key]
    }
}

/// Puts the attributes into Klaviyo's envelope.
fn event(item: &Item<'_>) -> Result<Vec<u8>, String> {
    let mut event = Payload::open(item.payload)?;
    event.drop_nulls();
    match event.value("metric") {
        Some(Value::String(name)) => {
            event.set("metric", resource("metric", json!({ "name": name })))
        }
        Some(Value::Object(_)) => {}
        _ => return Err("`metric` must be a name, or a map as Klaviyo documents it".to_owned()),
    }
    let profile = event.map("profile")?.ok_or("`profile` is missing")?;
    if !profile.contains_key("data") {
        event.set("profile", resource("profile", profile.into()));
    }
    event.add_missing("properties", || json!({}));
    event.add_missing("time", || rfc3339(item.received_at).into());
    event.add_missing("unique_id", || item.id.to_string().into());
    let mut body = br#"{"data":{"type":"event","attributes":"#.to_vec();
    event.write(&mut body)?;
    body.extend_from_slice(b"}}");
    Ok(body)
}

fn resource(kind: &str, attributes: Value) -> Value {
    json!({ "data": { "type": kind, "attributes": attributes } })
}

fn judge(asked: &Asked<'_>) -> Answer {
    if !matches!(asked.path, "/api/events" | "/api/events/") {
        return error(404, "not_found", "use POST /api/events", "");
    }
    if asked.method != Method::POST {
        return error(405, "method_not_allowed", "use POST", "");
    }
    if asked.authorization("Klaviyo-API-Key").is_none() {
        return error(
            401,
            "not_authenticated",
            "the header Authorization needs Klaviyo-API-Key",
            "",
        );
    }
    if !asked.header("revision").is_some_and(is_date) {
        return error(
            400,
            "invalid",
            "the header revision is missing or no date",
            "",
        );
    }
    let body = match asked.json_object() {
        Ok(body) => Value::Object(body),
        Err(why) => return error(400, "parse_error", &why, ""),
    };
    if body["data"]["type"] != "event" {
        return error(400, "invalid", "data.type must be event", "/data/type");
    }
    let Some(event) = body["data"]["attributes"].as_object() else {
        return error(
            400,
            "invalid",
            "data.attributes is missing",
            "/data/attributes",
        );
    };
    if asked.body.len() > MAX_BYTES {
        return error(
            413,
            "payload_too_large",
            "the payload has more than 5 MB",
            "",
        );
    }
    match wrong(event, asked.at) {
        Some((place, why)) => {
            let pointer = format!("/data/attributes/{place}");
            error(400, "invalid", &why, &pointer)
        }
        None => {
            let id = event.get("unique_id").and_then(Value::as_str);
            Answer::empty(202).accepting(vec![id.map(str::to_owned)])
        }
    }
}

const MAX_PROPERTIES: usize = 400;

const MAX_BYTES: usize = 5_000_000;

const BOUNDS: Bounds = Bounds {
    levels: 10,
    keys: usize::MAX,
    items: 4_000,
    text: 100_000,
};

/// "Must be less than 128 characters."
const MAX_METRIC: usize = 127;

/// The year 2000, and a year; in milliseconds.
const EARLIEST: i64 = 946_684_800_000;
const MAX_AHEAD: i64 = 365 * 86_400_000;

/// Where something is wrong, and what.
fn wrong(event: &Map<String, Value>, at: Millis) -> Option<(String, String)> {
    if let Some(flaw) = flaws(FIELDS, event).into_iter().next() {
        return Some((flaw.path.replace('.', "/"), flaw.to_string()));
    }
    let metric = &event.get("metric")?["data"];
    if metric["type"] != "metric" || !metric["attributes"]["name"].is_string() {
        return Some((
            "metric".to_owned(),
            "metric.data.attributes.name is missing".to_owned(),
        ));
    }
    let name = metric["attributes"]["name"].as_str().unwrap_or_default();
    if name.chars().count() > MAX_METRIC {
        let why = format!("metric: the name has more than {MAX_METRIC} characters");
        return Some(("metric".to_owned(), why));
    }
    if let Some(why) = wrong_time(event, at) {
        return Some(("time".to_owned(), format!("time: {why}")));
    }
    let profile = &event.get("profile")?["data"];
    let has_name = [
        "email",
        "phone_number",
        "external_id",
        "id",
        "anonymous_id",
        "_kx",
    ]
    .iter()
    .any(|key| profile["attributes"][*key].is_string() || profile[*key].is_string());
    if profile["type"] != "profile" || !has_name {
        let why = "profile needs an email, a phone_number or an external_id";
        return Some(("profile".to_owned(), why.to_owned()));
    }
    let Some(Value::Object(properties)) = event.get("properties") else {
        return Some(("properties".to_owned(), "properties is missing".to_owned()));
    };
    if properties.len() > MAX_PROPERTIES {
        let count = properties.len();
        let why = format!("properties: has {count}, the most is {MAX_PROPERTIES}");
        return Some(("properties".to_owned(), why));
    }
    let problem = beyond(&BOUNDS, "properties", properties)?;
    let why = format!("{}: {}", problem.path, problem.why);
    Some((problem.path.replace('.', "/"), why))
}

fn wrong_time(event: &Map<String, Value>, at: Millis) -> Option<&'static str> {
    let time = event.get("time")?.as_str()?;
    match parse_rfc3339(time) {
        None => Some("is not ISO 8601"),
        Some(time) if time < EARLIEST => Some("is before the year 2000"),
        Some(time) if at > 0 && time.saturating_sub(at) > MAX_AHEAD => {
            Some("is more than a year ahead")
        }
        Some(_) => None,
    }
}

fn is_date(text: &str) -> bool {
    let form = text
        .bytes()
        .map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
    form.eq(*b"0000-00-00") || text.ends_with(".pre")
}

/// Klaviyo's form of errors, which is that of JSON:API.
fn error(status: u16, code: &str, detail: &str, pointer: &str) -> Answer {
    told(status, code, detail, pointer).refusing(detail)
}

fn told(status: u16, code: &str, detail: &str, pointer: &str) -> Answer {
    let body = json!({ "errors": [{
        "id": "00000000-0000-0000-0000-000000000000",
        "status": status,
        "code": code,
        "title": "Invalid input.",
        "detail": detail,
        "source": { "pointer": pointer },
    }] });
    Answer::json(status, &body)
}

fn forced(_asked: &Asked<'_>, status: StatusCode) -> Answer {
    let reason = status.canonical_reason().unwrap_or("no reason");
    match status.as_u16() {
        429 => told(429, "throttled", "Request was throttled.", "").retry_after(1),
        code => told(code, "error", reason, ""),
    }
}
