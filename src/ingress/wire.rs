//! A refusal as it goes over the wire, for connections that hyper does not get to see.

use http::StatusCode;

use super::refusal::Refusal;

/// Stands for the request id until there is one; as long as one, so that the length is right.
const NO_ID: &str = "0000000000000000";

/// The bytes of one refusal, all but the request id. Made once, as the time to make many is what an
/// overload has not.
#[derive(Debug)]
pub(super) struct WireText {
    status_line: String,
    /// What comes before, between and after the request ids.
    rest: Vec<Vec<u8>>,
}

impl WireText {
    pub(super) fn of(why: Refusal) -> Self {
        let response = why.response(NO_ID);
        let status = StatusCode::from_u16(response.status).unwrap_or_default();
        let reason = status.canonical_reason().unwrap_or_default();
        let length = response.body.len();
        let mut rest =
            format!("x-request-id: {NO_ID}\r\ncontent-length: {length}\r\n").into_bytes();
        for (name, value) in &response.headers {
            rest.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        rest.extend_from_slice(b"\r\n");
        rest.extend_from_slice(&response.body);
        Self {
            status_line: format!("HTTP/1.1 {} {reason}\r\n", response.status),
            rest: split(&rest, NO_ID.as_bytes()),
        }
    }

    /// The answer to one request; after the last one of its connection the peer expects no other.
    pub(super) fn with(&self, request_id: &str, is_last: bool) -> Vec<u8> {
        let connection: &[u8] = if is_last {
            b"connection: close\r\n"
        } else {
            b""
        };
        let rest = self.rest.join(request_id.as_bytes());
        [self.status_line.as_bytes(), connection, &rest].concat()
    }
}

fn split(bytes: &[u8], at: &[u8]) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    let mut rest = bytes;
    while let Some(place) = rest.windows(at.len()).position(|window| window == at) {
        let (part, after) = rest.split_at(place);
        parts.push(part.to_vec());
        rest = after.get(at.len()..).unwrap_or_default();
    }
    parts.push(rest.to_vec());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_hyper_would_send() {
        let id = "a155ace41657dccf";
        let body = r#"{"error":"too many connections are open, try again","request_id":"a155ace41657dccf"}"#;
        let text = WireText::of(Refusal::TooManyConnections);
        let head = |connection: &str| {
            format!(
                "HTTP/1.1 503 Service Unavailable\r\n{connection}x-request-id: {id}\r\ncontent-length: {}\r\ncontent-type: application/json\r\nretry-after: 1\r\n\r\n{body}",
                body.len()
            )
        };
        let sent = [false, true].map(|is_last| String::from_utf8(text.with(id, is_last)).unwrap());
        assert_eq!(sent, [head(""), head("connection: close\r\n")]);
    }
}
