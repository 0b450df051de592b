//! What there is to know of NATS, as data.

use super::{judge, load};
use crate::destination::fields::{Shape, field};
use crate::destination::kind::{Example, Facts, Others, Proof, Setting, Type, Variable};

pub(in crate::destination) const TYPE: Type = Type {
    name: "nats",
    title: "NATS",
    about: "One message for each map that a tag returns, to a subject of a NATS server; with JetStream it counts as \
            delivered when a stream has stored it.",
    load,
    settings: &[
        Setting {
            key: "url",
            default: "required",
            about: "the server: `nats://HOST:4222`, or `tls://HOST:4222`, which refuses to go on without TLS. A server that \
                    asks for TLS gets it either way",
        },
        Setting {
            key: "servers",
            default: "none",
            about: "other servers of the same cluster, a list: the first that is up is used, in their order",
        },
        Setting {
            key: "subject",
            default: "required",
            about: "where a message goes that names no `subject`",
        },
        Setting {
            key: "jetstream",
            default: "`true`",
            about: "a stream must store the message; `false` is content when the server has it, which drops it if nobody \
                    subscribes",
        },
        Setting {
            key: "token",
            default: "none",
            about: "a token, if the server wants one",
        },
        Setting {
            key: "user",
            default: "none",
            about: "a user, with `password`",
        },
        Setting {
            key: "password",
            default: "none",
            about: "of the user",
        },
        Setting {
            key: "credentials",
            default: "none",
            about: "the file that `nsc` made for a user, `\"${file:user.creds}\"`, or a seed alone (`SU…`)",
        },
    ],
    fields: &[
        field(
            "body",
            Shape::Any,
            "sent as JSON, or as it is if it is a text",
        ),
        field(
            "subject",
            Shape::Text,
            "another subject than that of the settings",
        ),
        field("headers", Shape::Object, "headers of the message"),
    ],
    others: Others::Refused,
    stand_in: Some(judge::STAND_IN),
    example: Example {
        settings: "url = \"tls://nats.example.com:4222\"\nsubject = \"orders\"\ntoken = \"${NATS_TOKEN}\"",
        variables: &[Variable {
            name: "NATS_TOKEN",
            value: "n4ts-t0ken",
            secret: "n4ts-t0ken",
        }],
        tag: r#"// Orders go to a stream of one's own, each currency under its own subject.
const ON = "purchase";
const TO = "nats";

fn tag(event) {
    #{
        subject: `orders.${event.currency}`,
        body: #{ order: event.transaction_id, value: event.value, items: event.items },
    }
}
"#,
    },
    facts: Facts {
        sources: &[
            "https://docs.nats.io/reference/reference-protocols/nats-protocol",
            "https://docs.nats.io/using-nats/developer/develop_jetstream/model_deep_dive#message-deduplication",
            "https://docs.nats.io/reference/reference-protocols/nats_api_reference",
        ],
        proof: Proof::Tried,
        idempotency: "The header `Nats-Msg-Id`: of two in the stream's window, 2 minutes unless you set another, it keeps one. \
                      Make the window longer than your longest retry that matters: `nats stream edit --dupe-window 24h`.",
        limits: &[
            (
                "size of a message, headers and body",
                "what the server says, 1 MiB unless you set another",
            ),
            ("connections", "as many as `concurrency` at the most"),
        ],
        answers: &[
            (
                "an acknowledgement of a stream, also of a duplicate",
                "delivered",
            ),
            ("`jetstream = false`: the server's `PONG`", "delivered"),
            (
                "no stream takes the subject",
                "again, later: a cluster that elects a leader looks the same",
            ),
            (
                "`Authorization Violation`, `Permissions Violation`",
                "the destination is paused until a person has acted",
            ),
            (
                "`Maximum Payload Violation`, or larger than the server says; `Invalid Publish Subject`",
                "dead (`rejected`)",
            ),
            (
                "an error of JetStream's",
                "what its `code` is as a status: 400 is dead, 429 throttles, 5xx is again, later",
            ),
            ("any other `-ERR`", "again, later"),
        ],
        notes: &[
            "A subject has letters, digits and `- _ . : = @ + ~ ! $`; what begins with `$` or `_INBOX.` is refused, so that \
             no event can talk to the server's own subjects.",
            "Only `url` and `servers` are dialled, and what their names lead to; others of a cluster that a server names \
             are not, as nobody allowed them.",
        ],
    },
};
