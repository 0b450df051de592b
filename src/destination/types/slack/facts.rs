//! What there is to know of Slack, as data.

use super::{judge, load};
use crate::destination::fields::{Shape, field};
use crate::destination::kind::{Example, Facts, Others, Proof, Setting, Type, Variable};

pub(in crate::destination) const TYPE: Type = Type {
    name: "slack",
    title: "Slack",
    about: "Messages, by an incoming webhook, or as a bot by `chat.postMessage`. What a tag returns \
            is one message as Slack documents it.",
    load,
    settings: &[
        Setting {
            key: "webhook_url",
            default: "required, or `bot_token`",
            about: "the address of an incoming webhook, `https://hooks.slack.com/services/…`",
        },
        Setting {
            key: "bot_token",
            default: "required, or `webhook_url`",
            about: "a bot's token, `xoxb-…`, with the scope `chat:write`",
        },
        Setting {
            key: "channel",
            default: "required with `bot_token`",
            about: "where a message goes that names no `channel` itself",
        },
    ],
    fields: &[
        field(
            "text",
            Shape::Text,
            "the message in mrkdwn; with `blocks`, what notifications show. This, `blocks` or `attachments` is needed",
        ),
        field("blocks", Shape::ListUpTo(50), "Block Kit"),
        field(
            "attachments",
            Shape::ListUpTo(100),
            "the older form of rich messages",
        ),
        field(
            "channel",
            Shape::Text,
            "of a bot: another channel than that of the settings",
        ),
        field("thread_ts", Shape::Text, "the message to answer to"),
        field(
            "reply_broadcast",
            Shape::Flag,
            "of a bot: show an answer in the channel too",
        ),
        field("mrkdwn", Shape::Flag, "`false`: `text` is plain"),
        field("unfurl_links", Shape::Flag, "show what links lead to"),
        field(
            "unfurl_media",
            Shape::Flag,
            "show pictures and films of links",
        ),
        field("username", Shape::Text, "of a bot: the name it shows"),
        field(
            "icon_emoji",
            Shape::Text,
            "of a bot: its picture, as `:tada:`",
        ),
        field(
            "icon_url",
            Shape::Text,
            "of a bot: its picture, as an address",
        ),
        field("metadata", Shape::Object, "of a bot: data that apps see"),
        field("link_names", Shape::Flag, "make links of @names"),
        field("parse", Shape::Text, "`none` or `full`"),
        field("response_type", Shape::Text, "of a webhook of a command"),
        field("replace_original", Shape::Flag, "of a webhook of an action"),
        field("delete_original", Shape::Flag, "of a webhook of an action"),
    ],
    others: Others::Sent,
    stand_in: Some(judge::STAND_IN),
    example: Example {
        settings: "webhook_url = \"${SLACK_WEBHOOK_URL}\"",
        variables: &[Variable {
            name: "SLACK_WEBHOOK_URL",
            value: "https://hooks.slack.com/services/T000/B000/sl4ck-s3cret",
            secret: "sl4ck-s3cret",
        }],
        tag: r#"// Orders are told in Slack.
const ON = "purchase";
const TO = "slack";

fn tag(event) {
    let order = slack::escape(`${event.transaction_id}`);
    #{ text: `*Order ${order}*: ${event.value} ${event.currency}` }
}
"#,
    },
    facts: Facts {
        sources: &[
            "https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks",
            "https://docs.slack.dev/reference/methods/chat.postMessage",
            "https://docs.slack.dev/apis/web-api/rate-limits",
        ],
        proof: Proof::Documented,
        idempotency: "None: after a crash a message may appear twice, unless `delivery = \"at-most-once\"`.",
        limits: &[
            ("messages", "about one a second and channel"),
            ("blocks in a message", "50"),
            (
                "length of `text`",
                "4,000 characters advised; cut above 40,000",
            ),
            ("text of a section", "3,000 characters"),
        ],
        answers: &[
            (
                "webhook: 404 `no_service`",
                "the destination is disabled: the webhook was removed",
            ),
            ("webhook: other 404s", "the destination is paused"),
            (
                "bot: 200 with `\"ok\":false`",
                "the word in `error` decides",
            ),
            ("bot: `ratelimited`", "as a 429"),
            (
                "bot: `internal_error`, `fatal_error`, `service_unavailable`, `request_timeout`",
                "again, later",
            ),
            (
                "bot: `invalid_auth`, `not_authed`, `token_revoked`, `token_expired`, `account_inactive`, `missing_scope`",
                "the destination is paused",
            ),
            ("bot: any other word", "dead"),
        ],
        notes: &[
            "What customers typed goes through `slack::escape`, or a product called `<!channel>` wakes everybody.",
        ],
    },
};
