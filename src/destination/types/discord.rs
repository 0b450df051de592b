//! Discord, by a webhook. A payload is one message as Discord documents it. It mentions nobody unless
//! the tag says whom it may.

use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::config::{Options, Rate, Section};
use crate::destination::encode::{Item, Limits, Outgoing, Refused, Vendor, Verdict, single};
use crate::destination::fields::{Fault, Field, Flaw, Shape, field, flaws, required};
use crate::destination::http_client::join;
use crate::destination::judge::{Answer, Asked, StandIn};
use crate::destination::kind::{Example, Facts, Others, Proof, Setting, Type, Variable};
use crate::destination::payload::Payload;
use crate::destination::reply::{Reply, classify};
use crate::outcome::Outcome;
use crate::secret::Secret;

pub(in crate::destination) const TYPE: Type = Type {
    name: "discord",
    title: "Discord",
    about: "Messages to a channel, by a webhook. What a tag returns is one message as Discord \
            documents it.",
    load,
    settings: &[Setting {
        key: "webhook_url",
        default: "required",
        about: "the address of a webhook, `https://discord.com/api/webhooks/…`: Edit Channel, Integrations",
    }],
    fields: FIELDS,
    others: Others::Sent,
    stand_in: Some(StandIn::new(judge, forced)),
    example: Example {
        settings: "webhook_url = \"${DISCORD_WEBHOOK_URL}\"",
        variables: &[Variable {
            name: "DISCORD_WEBHOOK_URL",
            value: "https://discord.com/api/webhooks/123456789/d1sc0rd-s3cret",
            secret: "d1sc0rd-s3cret",
        }],
        tag: r#"// Orders are told in Discord.
const ON = "purchase";
const TO = "discord";

fn tag(event) {
    #{ content: `**Order ${event.transaction_id}**: ${event.value} ${event.currency}` }
}
"#,
    },
    facts: Facts {
        sources: &[
            "https://docs.discord.com/developers/resources/webhook#execute-webhook",
            "https://docs.discord.com/developers/topics/rate-limits",
        ],
        proof: Proof::Documented,
        idempotency: "None: after a crash a message may appear twice, unless `delivery = \"at-most-once\"`.",
        limits: &[
            ("length of `content`", "2,000 characters"),
            ("embeds in a message", "10, with 6,000 characters in all"),
            (
                "messages",
                "Discord says only how long to wait when it is too much",
            ),
        ],
        answers: &[
            ("429", "waits as long as `retry_after` in the body says"),
            (
                "404 with code 10015",
                "the destination is disabled: the webhook was removed",
            ),
        ],
        notes: &[
            "Unless the payload has `allowed_mentions`, it is sent with `#{ parse: [] }`: `@everyone` in a customer's name wakes nobody.",
        ],
    },
};

const FIELDS: &[Field] = &[
    field(
        "content",
        Shape::TextUpTo(2000),
        "the message; this, `embeds`, `components` or `poll` is needed",
    ),
    field("embeds", Shape::ListUpTo(10), "rich content"),
    field("embeds[]", Shape::Object, "one of them"),
    field("embeds[].title", Shape::TextUpTo(256), "its title"),
    field("embeds[].description", Shape::TextUpTo(4096), "its text"),
    field("embeds[].url", Shape::Url, "where the title leads"),
    field("embeds[].timestamp", Shape::Text, "a time, ISO 8601"),
    field("embeds[].color", Shape::Integer, "colour of its edge"),
    field(
        "embeds[].fields",
        Shape::ListUpTo(25),
        "rows of name and value",
    ),
    required("embeds[].fields[].name", Shape::TextUpTo(256), "its name"),
    required(
        "embeds[].fields[].value",
        Shape::TextUpTo(1024),
        "its value",
    ),
    field("embeds[].footer", Shape::Object, "text at the bottom"),
    field("embeds[].image", Shape::Object, "a picture"),
    field("embeds[].thumbnail", Shape::Object, "a small picture"),
    field("embeds[].author", Shape::Object, "who wrote it"),
    field(
        "username",
        Shape::TextUpTo(80),
        "another name than the webhook's",
    ),
    field(
        "avatar_url",
        Shape::Url,
        "another picture than the webhook's",
    ),
    field("tts", Shape::Flag, "`true`: it is read aloud"),
    field(
        "allowed_mentions",
        Shape::Object,
        "whom it may mention; nobody if it is left out",
    ),
    field("components", Shape::List, "buttons and layout"),
    field("flags", Shape::Integer, "such as 4096: it makes no sound"),
    field(
        "thread_name",
        Shape::TextUpTo(100),
        "the thread to make, in a forum",
    ),
    field("applied_tags", Shape::List, "tags of that thread"),
    field("poll", Shape::Object, "a poll"),
];

/// `[destinations.NAME]` with `type = "discord"`.
#[derive(Debug)]
struct Settings {
    url: Secret,
    /// The path behind `/api/webhooks/`, and the token at its end.
    secrets: [Secret; 2],
}

/// With less than this, Discord lets messages through without a word.
const RATE: Rate = Rate::Per {
    count: 1,
    period: Duration::from_secs(1),
};

fn load(section: &mut Section, options: &Options) -> Arc<dyn Vendor> {
    let webhook = section.required_secret("webhook_url");
    let Some((origin, path)) = parts(webhook.expose()) else {
        if !webhook.is_empty() {
            let hint = "it looks like https://discord.com/api/webhooks/123/ABC".to_owned();
            let message = "`webhook_url` is not the address of a webhook";
            section.problem("webhook_url", message, Some(hint));
        }
        return Arc::new(Settings {
            url: Secret::default(),
            secrets: Default::default(),
        });
    };
    // With `wait` Discord says what is wrong, and answers when the message is there.
    let url = format!("{}?wait=true", join(options.host_or(origin), path));
    let token = path.rsplit('/').next().unwrap_or_default();
    Arc::new(Settings {
        url: Secret::new(url),
        secrets: [path, token].map(Secret::new),
    })
}

/// Scheme with host, and path, of a webhook's address.
fn parts(address: &str) -> Option<(&str, &str)> {
    let scheme = ["https://", "http://"]
        .into_iter()
        .find(|scheme| address.starts_with(scheme))?;
    let host = address.get(scheme.len()..)?.find('/')? + scheme.len();
    let (origin, path) = address.split_at(host);
    let (_, token) = path.split_once("/webhooks/")?.1.split_once('/')?;
    let is_token = !token.is_empty() && !token.contains(['/', '?', '#']);
    (is_token && origin.len() > scheme.len()).then_some((origin, path))
}

impl Vendor for Settings {
    fn encode(&self, items: &[Item<'_>]) -> Result<Outgoing, Refused> {
        let body = message(single(items)?);
        let body = body.map_err(Refused::only)?;
        Ok(Outgoing::post_json(self.url.expose(), body))
    }

    fn read(&self, reply: &Reply, _count: usize) -> Verdict {
        Verdict::All(read(reply))
    }

    fn limits(&self) -> Limits {
        Limits::single(RATE)
    }

    fn secrets(&self) -> Vec<&Secret> {
        self.secrets.iter().collect()
    }
}

fn message(item: &Item<'_>) -> Result<Vec<u8>, String> {
    let mut message = Payload::open(item.payload)?;
    message.drop_nulls();
    message.add_missing("allowed_mentions", || json!({ "parse": [] }));
    message.to_json()
}

/// "Unknown Webhook".
const UNKNOWN_WEBHOOK: u64 = 10_015;

fn read(reply: &Reply) -> Outcome {
    let answer = reply.json().unwrap_or_default();
    let why = reply.summary();
    match reply.status {
        429 => Outcome::Throttled {
            after: seconds(&answer["retry_after"]).or(reply.retry_after),
            why,
        },
        404 if answer["code"] == UNKNOWN_WEBHOOK => Outcome::Disabled { why },
        404 => Outcome::Paused { why },
        _ => classify(reply),
    }
}

/// Seconds with a fraction, rounded up.
fn seconds(value: &Value) -> Option<Duration> {
    let seconds = Duration::try_from_secs_f64(value.as_f64()?.ceil());
    seconds.ok()
}

const MAX_EMBEDDED: usize = 6000;

fn judge(asked: &Asked<'_>) -> Answer {
    if !asked.path.starts_with("/api/") || parts(&format!("http://d{}", asked.path)).is_none() {
        return error(404, UNKNOWN_WEBHOOK, "Unknown Webhook")
            .refusing("use /api/webhooks/ID/TOKEN");
    }
    if asked.method != Method::POST {
        return error(405, 0, "405: Method Not Allowed").refusing("use POST");
    }
    let message = match asked.json_object() {
        Ok(message) => message,
        Err(why) => {
            return error(400, 50_109, "The request body contains invalid JSON.").refusing(why);
        }
    };
    let mut found: Vec<Wrong> = flaws(FIELDS, &message).into_iter().map(wrong).collect();
    // Beside something else, nothing is a content.
    found.retain(|one| one.path != "content" || one.why != "is empty");
    found.extend(wrong_name(&message));
    if !found.is_empty() {
        return invalid(&found);
    }
    let has = |key: &str| match message.get(key) {
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(list)) => !list.is_empty(),
        Some(Value::Object(_)) => true,
        _ => false,
    };
    if !["content", "embeds", "components", "poll"]
        .into_iter()
        .any(has)
    {
        let why = "content, embeds, components or poll is needed";
        return error(400, 50_006, "Cannot send an empty message").refusing(why);
    }
    let embedded = embedded(&message);
    if embedded > MAX_EMBEDDED {
        return invalid(&[Wrong {
            path: "embeds".to_owned(),
            code: "MAX_EMBED_SIZE_EXCEEDED",
            said: format!("Embed size exceeds maximum size of {MAX_EMBEDDED}"),
            why: format!("have {embedded} characters, the most is {MAX_EMBEDDED}"),
        }]);
    }
    match asked.parameter("wait").as_deref() {
        Some("true") => Answer::json(
            200,
            &json!({ "id": "1", "content": message.get("content") }),
        ),
        _ => Answer::empty(204),
    }
    .accepting(vec![None])
}

/// What counts of the embeds together.
fn embedded(message: &Map<String, Value>) -> usize {
    let length = |value: &Value| value.as_str().map_or(0, |text| text.chars().count());
    let embeds = message.get("embeds").and_then(Value::as_array);
    let each = |embed: &Value| {
        let rows = embed["fields"].as_array();
        let rows = rows.into_iter().flatten();
        let rows: usize = rows
            .map(|row| length(&row["name"]) + length(&row["value"]))
            .sum();
        length(&embed["title"])
            + length(&embed["description"])
            + length(&embed["footer"]["text"])
            + length(&embed["author"]["name"])
            + rows
    };
    embeds.into_iter().flatten().map(each).sum()
}

/// What is wrong with a field, in Discord's words and for a person.
struct Wrong {
    path: String,
    code: &'static str,
    said: String,
    why: String,
}

/// Discord's codes and texts are from its users' reports: its documentation shows two of them.
fn wrong(flaw: Flaw) -> Wrong {
    let shape = FIELDS
        .iter()
        .find(|field| field.path == without_places(&flaw.path))
        .map_or(Shape::Any, |field| field.shape);
    let is_too_long = flaw.why.starts_with("has ");
    let (code, said) = match shape {
        _ if flaw.fault == Fault::Missing || flaw.why == "is empty" => {
            ("BASE_TYPE_REQUIRED", "This field is required".to_owned())
        }
        Shape::TextUpTo(most) | Shape::ListUpTo(most) if is_too_long => (
            "BASE_TYPE_MAX_LENGTH",
            format!("Must be {most} or fewer in length."),
        ),
        Shape::Integer => ("NUMBER_TYPE_COERCE", "Value is not int.".to_owned()),
        Shape::Flag => (
            "BOOLEAN_TYPE_CONVERT",
            "Must be either true or false.".to_owned(),
        ),
        Shape::Url => ("URL_TYPE_INVALID_URL", "Not a well formed URL.".to_owned()),
        Shape::Object => (
            "DICT_TYPE_CONVERT",
            "Only dictionaries may be used in a DictType".to_owned(),
        ),
        Shape::List | Shape::ListUpTo(_) => (
            "LIST_TYPE_CONVERT",
            "Only iterables may be used in a ListType".to_owned(),
        ),
        _ => (
            "STRING_TYPE_CONVERT",
            "Could not interpret value as string.".to_owned(),
        ),
    };
    Wrong {
        path: flaw.path,
        code,
        said,
        why: flaw.why,
    }
}

/// `embeds[].title` of `embeds[2].title`.
fn without_places(path: &str) -> String {
    path.chars()
        .filter(|letter| !letter.is_ascii_digit())
        .collect()
}

/// Names that Discord keeps for itself.
fn wrong_name(message: &Map<String, Value>) -> Option<Wrong> {
    let name = message.get("username")?.as_str()?.to_lowercase();
    let word = ["discord", "clyde"]
        .into_iter()
        .find(|word| name.contains(word))?;
    Some(Wrong {
        path: "username".to_owned(),
        code: "USERNAME_INVALID_CONTAINS",
        said: format!("Username cannot contain \"{word}\""),
        why: format!("must not contain {word}"),
    })
}

/// Discord's form of errors: maps as deep as the field stands.
fn invalid(found: &[Wrong]) -> Answer {
    let mut errors = json!({});
    for wrong in found {
        let steps = wrong
            .path
            .split(['.', '[', ']'])
            .filter(|step| !step.is_empty());
        let place = steps.fold(&mut errors, |place, step| &mut place[step]);
        *place = json!({ "_errors": [{ "code": wrong.code, "message": wrong.said }] });
    }
    let body = json!({ "message": "Invalid Form Body", "code": 50_035, "errors": errors });
    let whys = found
        .iter()
        .map(|wrong| format!("{}: {}", wrong.path, wrong.why));
    Answer::json(400, &body).refusing_all(whys)
}

fn error(status: u16, code: u64, message: &str) -> Answer {
    Answer::json(status, &json!({ "message": message, "code": code }))
}

fn forced(_asked: &Asked<'_>, status: StatusCode) -> Answer {
    let reason = status.canonical_reason().unwrap_or("no reason");
    match status.as_u16() {
        429 => {
            let message = "You are being rate limited.";
            let body = json!({ "message": message, "retry_after": 0.65, "global": false });
            Answer::json(429, &body).retry_after(1)
        }
        401 => error(401, 50_027, "Invalid Webhook Token"),
        404 => error(404, UNKNOWN_WEBHOOK, "Unknown Webhook"),
        code => error(code, 0, &format!("{code}: {reason}")),
    }
}
