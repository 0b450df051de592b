//! The server's side of a conversation with NATS, for the stand-in: bytes in, bytes out. It does not judge
//! messages.

use bytes::BytesMut;
use http::Method;
use serde_json::json;

use super::judge::{asked, is_introduced};
use super::wire::{self, Message, Operation};
use crate::destination::judge::{Answer, Heard, Said, Talk};

/// What a server takes that was not told otherwise.
pub(super) const MAX_PAYLOAD: usize = 1_048_576;

/// One connection.
#[derive(Default)]
pub(super) struct Server {
    is_introduced: bool,
    /// What the client calls its subscription for answers.
    inbox: Option<String>,
    /// Where the answer goes to the message that is being judged.
    reply: Option<String>,
}

impl Server {
    pub(super) fn begin() -> Box<dyn Talk> {
        Box::<Self>::default()
    }

    fn message(&mut self, message: Message) -> Heard {
        if !self.is_introduced {
            return error("Authorization Violation");
        }
        self.reply = message.reply;
        Heard::Asked(asked(Method::POST, &message.subject, message.content))
    }
}

impl Talk for Server {
    fn greeting(&self) -> Vec<u8> {
        let info = json!({
            "server_id": "STAND_IN", "server_name": "tagwerk emulate nats", "version": "2.10.0", "proto": 1,
            "headers": true, "auth_required": true, "nonce": "c3RhbmQtaW4", "max_payload": MAX_PAYLOAD,
            "jetstream": true,
        });
        format!("INFO {info}\r\n").into_bytes()
    }

    fn hear(&mut self, read: &mut BytesMut) -> Heard {
        // Ten times what is judged: so large a message is answered in NATS's own words.
        let operation = match wire::next(read, MAX_PAYLOAD * 10) {
            Ok(Some(operation)) => operation,
            Ok(None) => return Heard::More,
            Err(_) => return error("Unknown Protocol Operation"),
        };
        match operation {
            Operation::Connect(options) if is_introduced(&options) => self.is_introduced = true,
            Operation::Connect(_) => {
                return Heard::Asked(asked(Method::CONNECT, "", bytes::Bytes::new()));
            }
            Operation::Ping => return said("PONG\r\n"),
            Operation::Subscribe { id, .. } => self.inbox = Some(id),
            Operation::Message(message) => return self.message(message),
            _ => {}
        }
        said("")
    }

    fn answer(&mut self, answer: &Answer) -> Said {
        let body = &answer.body;
        let bytes = match (self.reply.take(), &self.inbox) {
            _ if body.starts_with("-ERR") => return last(&format!("{body}\r\n")),
            (Some(reply), Some(id)) => format!("MSG {reply} {id} {}\r\n{body}\r\n", body.len()),
            _ if answer.status < 400 => String::new(),
            // Without JetStream a server has no other way to say no.
            _ => return last(&format!("-ERR 'Server error: {}'\r\n", answer.status)),
        };
        Said {
            bytes: bytes.into_bytes(),
            is_last: false,
        }
    }
}

fn last(text: &str) -> Said {
    Said {
        bytes: text.as_bytes().to_vec(),
        is_last: true,
    }
}

fn error(text: &str) -> Heard {
    Heard::Said(last(&format!("-ERR '{text}'\r\n")))
}

fn said(text: &str) -> Heard {
    Heard::Said(Said {
        bytes: text.as_bytes().to_vec(),
        is_last: false,
    })
}
