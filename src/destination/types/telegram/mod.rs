//! Telegram, by a bot's `sendMessage`. A payload is one message as Telegram documents it; the chat of
//! the settings is added where it names none.

mod markup;

use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::config::{Options, Rate, Section};
use crate::destination::encode::{Item, Limits, Outgoing, Refused, Vendor, Verdict, single};
use crate::destination::fields::{Field, Shape, field, flaws};
use crate::destination::http_client::join;
use crate::destination::judge::{Answer, Asked, StandIn};
use crate::destination::kind::{Example, Facts, Others, Proof, Setting, Type, Variable};
use crate::destination::payload::Payload;
use crate::destination::reply::{Reply, classify};
use crate::outcome::Outcome;
use crate::secret::Secret;

pub(in crate::destination) const TYPE: Type = Type {
    name: "telegram",
    title: "Telegram",
    about: "Messages to a chat, a group or a channel, as a bot, by `sendMessage`. What a tag returns \
            is one message as Telegram documents it.",
    load,
    settings: &[
        Setting {
            key: "bot_token",
            default: "required",
            about: "the token that @BotFather gave you, `123456:ABC…`",
        },
        Setting {
            key: "chat_id",
            default: "required",
            about: "where a message goes that names no `chat_id` itself: a number in quotes, or `@channel`",
        },
    ],
    fields: FIELDS,
    others: Others::Sent,
    stand_in: Some(StandIn::new(judge, forced)),
    example: Example {
        settings: "bot_token = \"${TELEGRAM_BOT_TOKEN}\"\nchat_id = \"-1001234567890\"",
        variables: &[Variable {
            name: "TELEGRAM_BOT_TOKEN",
            value: "123456:telegr4m-s3cret",
            secret: "123456:telegr4m-s3cret",
        }],
        tag: r#"// Orders are told in Telegram.
const ON = "purchase";
const TO = "telegram";

fn tag(event) {
    #{ text: `Order ${event.transaction_id}: ${event.value} ${event.currency}` }
}
"#,
    },
    facts: Facts {
        sources: &[
            "https://core.telegram.org/bots/api#sendmessage",
            "https://core.telegram.org/bots/api#making-requests",
        ],
        proof: Proof::Documented,
        idempotency: "None: after a crash a message may appear twice, unless `delivery = \"at-most-once\"`.",
        limits: &[
            ("length of `text`", "1 to 4,096 characters, without markup"),
            (
                "messages",
                "Telegram says only how long to wait when it is too much; about one a second and chat is safe",
            ),
        ],
        answers: &[
            ("429", "waits as long as `parameters.retry_after` says"),
            (
                "400 with `migrate_to_chat_id`",
                "the destination is paused: the group has a new id, which `chat_id` must name",
            ),
            (
                "404",
                "the destination is paused: Telegram does not know the token",
            ),
        ],
        notes: &[
            "With `parse_mode: \"HTML\"`, `<`, `>` and `&` of what customers typed must be escaped.",
            "A bot cannot begin a conversation: add it to the group, or write to it first.",
        ],
    },
};

const FIELDS: &[Field] = &[
    field(
        "chat_id",
        Shape::TextOrNumber,
        "another chat than that of the settings",
    ),
    field("text", Shape::Text, "the message; required"),
    field(
        "parse_mode",
        Shape::OneOf(MODES),
        "how `text` is marked up; plain if it is left out",
    ),
    field(
        "entities",
        Shape::List,
        "markup by place, instead of `parse_mode`",
    ),
    field(
        "link_preview_options",
        Shape::Object,
        "`#{ is_disabled: true }` shows no preview of links",
    ),
    field(
        "disable_notification",
        Shape::Flag,
        "`true`: it makes no sound",
    ),
    field(
        "protect_content",
        Shape::Flag,
        "`true`: it cannot be forwarded",
    ),
    field("message_thread_id", Shape::Integer, "the topic of a forum"),
    field(
        "reply_parameters",
        Shape::Object,
        "which message it answers",
    ),
    field("reply_markup", Shape::Object, "buttons"),
    field(
        "business_connection_id",
        Shape::Text,
        "on whose behalf it is sent",
    ),
    field(
        "direct_messages_topic_id",
        Shape::Integer,
        "the topic of a channel's direct messages",
    ),
    field(
        "message_effect_id",
        Shape::Text,
        "an effect, in private chats",
    ),
    field(
        "allow_paid_broadcast",
        Shape::Flag,
        "more messages a second, for a price",
    ),
];

const MODES: &[&str] = &["HTML", "MarkdownV2", "Markdown"];

/// `[destinations.NAME]` with `type = "telegram"`.
#[derive(Debug)]
struct Settings {
    bot_token: Secret,
    chat_id: String,
    url: Secret,
}

/// About as much as a chat may get.
const RATE: Rate = Rate::Per {
    count: 1,
    period: Duration::from_secs(1),
};

fn load(section: &mut Section, options: &Options) -> Arc<dyn Vendor> {
    let bot_token = section.required_secret("bot_token");
    let chat_id = section.required_text("chat_id");
    let is_lawful = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '_' | '-');
    if !bot_token.expose().chars().all(is_lawful) {
        let hint = "it looks like 123456:ABC-DEF".to_owned();
        section.problem("bot_token", "`bot_token` is not a bot's token", Some(hint));
    }
    let host = options.host_or("https://api.telegram.org");
    let path = format!("/bot{}/sendMessage", bot_token.expose());
    Arc::new(Settings {
        url: Secret::new(join(host, &path)),
        bot_token,
        chat_id,
    })
}

impl Vendor for Settings {
    fn encode(&self, items: &[Item<'_>]) -> Result<Outgoing, Refused> {
        let item = single(items)?;
        let body = self.message(item);
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
        vec![&self.bot_token]
    }
}

impl Settings {
    fn message(&self, item: &Item<'_>) -> Result<Vec<u8>, String> {
        let mut message = Payload::open(item.payload)?;
        message.drop_nulls();
        message.required_text("text")?;
        message.add_missing("chat_id", || self.chat_id.as_str().into());
        message.to_json()
    }
}

fn read(reply: &Reply) -> Outcome {
    let answer = reply.json().unwrap_or_default();
    let parameters = &answer["parameters"];
    let why = reply.summary();
    match reply.status {
        429 => Outcome::Throttled {
            after: parameters["retry_after"]
                .as_u64()
                .map(Duration::from_secs)
                .or(reply.retry_after),
            why,
        },
        400 if !parameters["migrate_to_chat_id"].is_null() => Outcome::Paused {
            why: format!("{why}: set `chat_id` to the new one"),
        },
        404 => Outcome::Paused { why },
        _ => classify(reply),
    }
}

/// Telegram counts what is left when the markup is taken out.
const MAX_TEXT: usize = 4096;

fn judge(asked: &Asked<'_>) -> Answer {
    let token = asked.path.strip_prefix("/bot");
    let token = token.and_then(|rest| rest.strip_suffix("/sendMessage"));
    let is_token = |token: &str| {
        token.split_once(':').is_some_and(|(id, rest)| {
            !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()) && !rest.is_empty()
        })
    };
    if !token.is_some_and(is_token) {
        return error(404, "Not Found").refusing("use /bot<token>/sendMessage");
    }
    if !matches!(*asked.method, Method::POST | Method::GET) {
        return error(405, "Method Not Allowed").refusing("use POST");
    }
    match asked.json_object() {
        Err(why) => refuse("can't parse JSON object", why),
        Ok(message) => match wrong(&message) {
            Some((said, why)) => refuse(said, why),
            None => sent(&message, asked.at),
        },
    }
}

/// What Telegram says is wrong, and more for a person.
fn wrong(message: &Map<String, Value>) -> Option<(&'static str, String)> {
    let is_chat = |chat: &Value| {
        chat.is_i64()
            || chat.as_str().is_some_and(|text| {
                text.parse::<i64>().is_ok()
                    || text.strip_prefix('@').is_some_and(|name| !name.is_empty())
            })
    };
    match message.get("chat_id") {
        None => return Some(("chat_id is empty", "chat_id is missing".to_owned())),
        Some(chat) if !is_chat(chat) => {
            return Some((
                "chat not found",
                "chat_id is neither a number nor @name".to_owned(),
            ));
        }
        Some(_) => {}
    }
    if let Some(flaw) = flaws(FIELDS, message).into_iter().next() {
        let said = match flaw.path.as_str() {
            "parse_mode" => "unsupported parse_mode",
            _ => "can't parse message",
        };
        return Some((said, flaw.to_string()));
    }
    let text = message.get("text").and_then(Value::as_str).unwrap_or("");
    let plain = match message.get("parse_mode").and_then(Value::as_str) {
        Some("HTML") => markup::plain_of_html(text),
        Some("MarkdownV2") => markup::check_markdown(text).map(|()| text.to_owned()),
        _ => Ok(text.to_owned()),
    };
    let plain = match plain {
        Ok(plain) => plain,
        Err(why) => return Some(("can't parse entities", why)),
    };
    if plain.trim().is_empty() {
        return Some(("message text is empty", "text is empty".to_owned()));
    }
    let count = plain.encode_utf16().count();
    (count > MAX_TEXT).then(|| {
        let why = format!("text has {count} characters, the most is {MAX_TEXT}");
        ("message is too long", why)
    })
}

fn sent(message: &Map<String, Value>, at: i64) -> Answer {
    let body = json!({ "ok": true, "result": {
        "message_id": 1,
        "date": at.div_euclid(1000),
        "chat": { "id": message.get("chat_id") },
        "text": message.get("text"),
    } });
    Answer::json(200, &body).accepting(vec![None])
}

fn refuse(said: &str, why: String) -> Answer {
    let said = match said {
        "can't parse entities" => format!("{said}: {why}"),
        said => said.to_owned(),
    };
    error(400, &format!("Bad Request: {said}")).refusing(why)
}

fn error(status: u16, description: &str) -> Answer {
    let body = json!({ "ok": false, "error_code": status, "description": description });
    Answer::json(status, &body)
}

fn forced(_asked: &Asked<'_>, status: StatusCode) -> Answer {
    if status == StatusCode::TOO_MANY_REQUESTS {
        let mut body = json!({ "ok": false, "error_code": 429 });
        body["description"] = "Too Many Requests: retry after 1".into();
        body["parameters"] = json!({ "retry_after": 1 });
        return Answer::json(429, &body);
    }
    error(
        status.as_u16(),
        status.canonical_reason().unwrap_or("no reason"),
    )
}
