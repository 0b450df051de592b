//! The protocol of NATS as far as publishing needs it, as either side reads it: bytes to operations. Pure.
//! <https://docs.nats.io/reference/reference-protocols/nats-protocol>

use bytes::{Buf, Bytes, BytesMut};
use serde_json::Value;

/// What one side says to the other.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// What the server is and wants.
    Info(Value),
    /// What the client is and wants.
    Connect(Value),
    Ping,
    Pong,
    /// `-ERR 'text'`, with the quotes taken off.
    Error(String),
    /// A subject, and what the client calls the subscription.
    Subscribe {
        subject: String,
        id: String,
    },
    /// `PUB` and `HPUB`, `MSG` and `HMSG`.
    Message(Message),
    /// What we need not know: `+OK`, `UNSUB`.
    Other,
}

/// A message on its way.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) subject: String,
    /// Where an answer is to go.
    pub(super) reply: Option<String>,
    /// How much of `content` is headers.
    pub(super) head: usize,
    /// Headers and body.
    pub(super) content: Bytes,
}

/// Between a message's headers and its body.
pub(super) const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// `INFO` names all servers of a cluster and is the longest line there is.
const MAX_LINE: usize = 64 * 1024;

/// Takes the next operation from the front of what was read; none if it is not all there yet.
///
/// # Errors
/// If it is no NATS, or larger than `most`.
pub(super) fn next(read: &mut BytesMut, most: usize) -> Result<Option<Operation>, String> {
    let Some(end) = find(read, b"\r\n") else {
        if read.len() > MAX_LINE {
            return Err(format!("a line of more than {MAX_LINE} bytes"));
        }
        return Ok(None);
    };
    let line = String::from_utf8_lossy(read.get(..end).unwrap_or_default()).into_owned();
    let (word, rest) = line.split_once([' ', '\t']).unwrap_or((&line, ""));
    let word = word.to_ascii_uppercase();
    if matches!(word.as_str(), "PUB" | "HPUB" | "MSG" | "HMSG") {
        return message(&word, rest, end, read, most);
    }
    let operation = match word.as_str() {
        "INFO" => Operation::Info(json(rest)?),
        "CONNECT" => Operation::Connect(json(rest)?),
        "PING" => Operation::Ping,
        "PONG" => Operation::Pong,
        "-ERR" => Operation::Error(rest.trim().trim_matches('\'').to_owned()),
        "SUB" => subscription(rest)?,
        "+OK" | "UNSUB" => Operation::Other,
        _ => {
            let shown: String = line.chars().take(40).collect();
            return Err(format!("`{shown}` is no word of NATS"));
        }
    };
    read.advance(end + 2);
    Ok(Some(operation))
}

/// Where `part` begins.
pub(super) fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("the options are no JSON: {error}"))
}

fn subscription(rest: &str) -> Result<Operation, String> {
    let words: Vec<&str> = rest.split_ascii_whitespace().collect();
    let [subject, .., id] = words.as_slice() else {
        return Err("a subscription without an id".to_owned());
    };
    Ok(Operation::Subscribe {
        subject: (*subject).to_owned(),
        id: (*id).to_owned(),
    })
}

/// `MSG subject id [reply] size`, with `H` in front one more size: that of the headers. `PUB` has no id.
fn message(
    word: &str,
    rest: &str,
    end: usize,
    read: &mut BytesMut,
    most: usize,
) -> Result<Option<Operation>, String> {
    let mut words = rest.split_ascii_whitespace();
    let mut size = || {
        let size = words.next_back()?.parse::<usize>().ok()?;
        Some(size)
    };
    let wrong = || format!("`{word} {rest}` names no subject and sizes");
    let total = size().ok_or_else(wrong)?;
    let head = match word.starts_with('H') {
        true => size().ok_or_else(wrong)?,
        false => 0,
    };
    let subject = words.next().ok_or_else(wrong)?.to_owned();
    if word.ends_with("MSG") {
        words.next().ok_or_else(wrong)?;
    }
    let reply = words.next().map(str::to_owned);
    if head > total {
        return Err(wrong());
    }
    if total > most {
        return Err(format!("a message of {total} bytes, the most is {most}"));
    }
    let start = end + 2;
    if read.len() < start + total + 2 {
        return Ok(None);
    }
    read.advance(start);
    let content = read.split_to(total).freeze();
    read.advance(2);
    Ok(Some(Operation::Message(Message {
        subject,
        reply,
        head,
        content,
    })))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn all(bytes: &[u8]) -> Result<Vec<Operation>, String> {
        let mut read = BytesMut::from(bytes);
        let mut found = Vec::new();
        while let Some(operation) = next(&mut read, 1_000)? {
            found.push(operation);
        }
        Ok(found)
    }

    #[test]
    fn operations_are_read_one_after_the_other() {
        let bytes = b"INFO {\"headers\":true}\r\nPING\r\npong\r\n+OK\r\n-ERR 'Stale Connection'\r\n\
            SUB _INBOX.a.* 1\r\nPUB a 2\r\nhi\r\nHPUB a.b _INBOX.a.1 12 14\r\nNATS/1.0\r\n\r\nhi\r\n\
            MSG _INBOX.a.1 1 0\r\n\r\nPIN";
        let message = |subject: &str, reply: Option<&str>, head, content: &'static [u8]| {
            Operation::Message(Message {
                subject: subject.to_owned(),
                reply: reply.map(str::to_owned),
                head,
                content: Bytes::from_static(content),
            })
        };
        let expected = [
            Operation::Info(json!({ "headers": true })),
            Operation::Ping,
            Operation::Pong,
            Operation::Other,
            Operation::Error("Stale Connection".to_owned()),
            Operation::Subscribe {
                subject: "_INBOX.a.*".to_owned(),
                id: "1".to_owned(),
            },
            message("a", None, 0, b"hi"),
            message("a.b", Some("_INBOX.a.1"), 12, b"NATS/1.0\r\n\r\nhi"),
            message("_INBOX.a.1", None, 0, b""),
        ];
        assert_eq!(all(bytes).unwrap(), expected);
    }

    #[test]
    fn what_is_no_nats_or_too_large_is_an_error() {
        let long = "x".repeat(MAX_LINE + 1);
        for (bytes, why) in [
            (
                "HTTP/1.1 400 Bad Request\r\n",
                "`HTTP/1.1 400 Bad Request` is no word of NATS",
            ),
            ("INFO nothing\r\n", "no JSON"),
            (
                "MSG a 1 1001\r\n",
                "a message of 1001 bytes, the most is 1000",
            ),
            (
                "MSG a 99999999999999999999\r\n",
                "names no subject and sizes",
            ),
            ("HPUB a 9 3\r\n", "names no subject and sizes"),
            ("PUB 3\r\n", "names no subject and sizes"),
            ("SUB a\r\n", "without an id"),
            (&long, "a line of more than"),
        ] {
            let told = all(bytes.as_bytes()).unwrap_err();
            assert!(told.contains(why), "{told}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in any::<Vec<u8>>(), line in "(HPUB|MSG|SUB|INFO)[ a-z0-9.]{0,20}\r\n") {
            all(&bytes).ok();
            all(line.as_bytes()).ok();
        }
    }
}
