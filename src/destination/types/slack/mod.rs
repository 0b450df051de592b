//! Slack: an incoming webhook, or `chat.postMessage` with a bot token. A payload is one message,
//! `{ text, blocks, … }`, as Slack documents it; user text in it must have gone through
//! `slack::escape`.

mod blocks;
mod facts;
mod judge;

pub(in crate::destination) use facts::TYPE;

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, header};

use crate::config::{Options, Rate, Section};
use crate::destination::encode::{
    Item, Limits, Outgoing, Refused, Vendor, Verdict, bearer, single,
};
use crate::destination::http_client::join;
use crate::destination::payload::Payload;
use crate::destination::reply::{Reply, classify};
use crate::outcome::Outcome;
use crate::secret::Secret;

/// `[destinations.NAME]` with `type = "slack"`.
#[derive(Debug)]
enum Settings {
    Webhook {
        url: Secret,
        /// The path, and the token at its end.
        secrets: [Secret; 2],
    },
    Bot {
        url: String,
        token: Secret,
        authorization: HeaderValue,
        channel: String,
    },
}

/// Slack allows about one message a second and channel.
const RATE: Rate = Rate::Per {
    count: 1,
    period: Duration::from_secs(1),
};

/// Errors of the Web API that pass by themselves.
const PASSING: [&str; 4] = [
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
];

/// Errors of the Web API that a person must mend: the token.
const TOKEN: [&str; 6] = [
    "invalid_auth",
    "not_authed",
    "token_revoked",
    "token_expired",
    "account_inactive",
    "missing_scope",
];

fn load(section: &mut Section, options: &Options) -> Arc<dyn Vendor> {
    // A key that waits for a variable is there, though it has no value yet.
    let waits = ["webhook_url", "bot_token"]
        .iter()
        .any(|key| section.waits_for_variable(key));
    let has_channel = section.has("channel");
    let webhook = section.secret("webhook_url");
    let token = section.secret("bot_token");
    let channel = section.text("channel").unwrap_or_default();
    Arc::new(match (webhook, token) {
        (Some(webhook), None) => load_webhook(section, options, &webhook),
        (None, Some(token)) => {
            if !has_channel {
                let message = "`channel` is missing; messages of a bot need one";
                section.problem("channel", message, None);
            }
            load_bot(section, options, token, channel)
        }
        (Some(_), Some(_)) => {
            let message = "set either `webhook_url` or `bot_token`, not both";
            section.problem("bot_token", message, None);
            Settings::nowhere()
        }
        (None, None) => {
            if !waits {
                let hint = "or `bot_token` and `channel`, for chat.postMessage".to_owned();
                section.problem("webhook_url", "`webhook_url` is missing", Some(hint));
            }
            Settings::nowhere()
        }
    })
}

/// The path of a webhook's address is its secret; the host is not.
fn load_webhook(section: &mut Section, options: &Options, webhook: &Secret) -> Settings {
    let address = webhook.expose();
    let parts = address
        .split_once("://")
        .map(|(scheme, rest)| match rest.split_once('/') {
            Some((host, path)) => (format!("{scheme}://{host}"), format!("/{path}")),
            None => (address.to_owned(), String::new()),
        });
    let is_http = ["https://", "http://"]
        .iter()
        .any(|scheme| address.starts_with(scheme));
    let Some((origin, path)) = parts.filter(|(_, path)| is_http && path.len() > 1) else {
        if !address.is_empty() {
            let hint = "it looks like https://hooks.slack.com/services/T…/B…/…".to_owned();
            let message = "`webhook_url` is not the address of a webhook";
            section.problem("webhook_url", message, Some(hint));
        }
        return Settings::nowhere();
    };
    let url = join(options.host_or(&origin), &path);
    let token = path.rsplit('/').next().unwrap_or_default();
    Settings::Webhook {
        url: Secret::new(url),
        secrets: [path.trim_start_matches('/'), token].map(Secret::new),
    }
}

fn load_bot(section: &mut Section, options: &Options, token: Secret, channel: String) -> Settings {
    let authorization = bearer(section, "bot_token", &token);
    let host = options.host_or("https://slack.com");
    Settings::Bot {
        url: join(host, "/api/chat.postMessage"),
        token,
        authorization,
        channel,
    }
}

impl Settings {
    /// Stands in where the settings are wrong, which was reported, or wait for a variable.
    fn nowhere() -> Self {
        Self::Webhook {
            url: Secret::default(),
            secrets: Default::default(),
        }
    }
}

impl Vendor for Settings {
    fn encode(&self, items: &[Item<'_>]) -> Result<Outgoing, Refused> {
        let item = single(items)?;
        match self {
            Self::Webhook { url, .. } => {
                Ok(Outgoing::post_json(url.expose(), item.payload.to_vec()))
            }
            Self::Bot {
                url,
                authorization,
                channel,
                ..
            } => {
                let mut message = Payload::open(item.payload).map_err(Refused::only)?;
                message.add_missing("channel", || channel.as_str().into());
                let mut body = Vec::with_capacity(item.payload.len() + 40);
                message.write(&mut body).map_err(Refused::only)?;
                Ok(Outgoing::post_json(url, body)
                    .with_header(header::AUTHORIZATION, authorization.clone()))
            }
        }
    }

    fn read(&self, reply: &Reply, _count: usize) -> Verdict {
        let outcome = match self {
            Self::Webhook { .. } => read_webhook(reply),
            Self::Bot { .. } => read_api(reply),
        };
        Verdict::All(outcome)
    }

    fn limits(&self) -> Limits {
        Limits::single(RATE)
    }

    fn secrets(&self) -> Vec<&Secret> {
        match self {
            Self::Webhook { secrets, .. } => secrets.iter().collect(),
            Self::Bot { token, .. } => vec![token],
        }
    }
}

fn read_webhook(reply: &Reply) -> Outcome {
    let why = reply.summary();
    match reply.status {
        // The webhook was removed, and never comes back under this address.
        404 if reply.body.trim_ascii() == b"no_service" => Outcome::Disabled { why },
        // A channel that is gone can be made again.
        404 => Outcome::Paused { why },
        _ => classify(reply),
    }
}

/// The Web API answers 200 to nearly everything; `ok` decides.
fn read_api(reply: &Reply) -> Outcome {
    let answer = reply.json().unwrap_or_default();
    if reply.status != 200 || answer["ok"] == true {
        return classify(reply);
    }
    let why = reply.summary();
    match answer["error"].as_str() {
        Some("ratelimited") => Outcome::Throttled {
            after: reply.retry_after,
            why,
        },
        Some(error) if PASSING.contains(&error) => Outcome::Retry {
            after: reply.retry_after,
            why,
        },
        Some(error) if TOKEN.contains(&error) => Outcome::Paused { why },
        Some(_) => Outcome::Rejected { why },
        None => Outcome::Retry { after: None, why },
    }
}
