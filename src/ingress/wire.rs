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
    rest: Vec<String>,
}

impl WireText {
    pub(super) fn of(why: Refusal) -> Self {
        let response = why.response(NO_ID);
        let status = StatusCode::from_u16(response.status).unwrap_or_default();
        let reason = status.canonical_reason().unwrap_or_default();
        let length = response.body.len();
        let mut rest = format!("x-request-id: {NO_ID}\r\ncontent-length: {length}\r\n");
        for (name, value) in &response.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            rest.extend([name.as_str(), ": ", &value, "\r\n"]);
        }
        rest.push_str("\r\n");
        rest.push_str(&String::from_utf8_lossy(&response.body));
        Self {
            status_line: format!("HTTP/1.1 {} {reason}\r\n", response.status),
            rest: rest.split(NO_ID).map(str::to_owned).collect(),
        }
    }

    /// The answer to one request; after the last one of its connection the peer expects no other.
    pub(super) fn with(&self, request_id: &str, is_last: bool) -> String {
        let connection = if is_last { "connection: close\r\n" } else { "" };
        [&self.status_line, connection, &self.rest.join(request_id)].concat()
    }
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
        let sent = [false, true].map(|is_last| text.with(id, is_last));
        assert_eq!(sent, [head(""), head("connection: close\r\n")]);
    }
}
