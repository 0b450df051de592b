//! A request as a command line to paste, without what gives access.

use serde_json::Value;

use super::redact::{HIDDEN, is_secret};
use super::trace::{RequestTrace, SentTrace};
use crate::request::{Request, SecretNames, parameter_name};

/// Headers that curl sets by itself, or that belong to one connection.
const LEFT_OUT: [&str; 6] = [
    "host",
    "content-length",
    "connection",
    "transfer-encoding",
    "accept-encoding",
    "expect",
];

/// What came in, sent to us again.
pub(super) fn of_request(
    request: &Request,
    shown: &RequestTrace,
    secret: &SecretNames,
    public_url: &str,
) -> String {
    let query = match request.query.is_empty() {
        true => String::new(),
        false => format!("?{}", redacted(&request.query, secret)),
    };
    let url = format!("{public_url}{}{query}", request.path);
    line(&shown.method, &url, &shown.headers, &shown.body)
}

/// What goes out.
pub(super) fn of_sent(sent: &SentTrace) -> String {
    let body = match &sent.body {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        body => body.to_string(),
    };
    line(&sent.method, &sent.url, &sent.headers, &body)
}

/// A query as it was sent, but for the values of what gives access.
pub fn redacted(query: &str, secret: &SecretNames) -> String {
    let hides = |pair: &str| secret.are_of(pair) || is_secret(&parameter_name(pair));
    let hide = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if hides(pair) => format!("{name}={HIDDEN}"),
        _ => pair.to_owned(),
    };
    let pairs: Vec<String> = query.split('&').map(hide).collect();
    pairs.join("&")
}

fn line(
    method: &str,
    url: &str,
    headers: &std::collections::BTreeMap<String, String>,
    body: &str,
) -> String {
    let mut line = format!("curl -s -X {method} {}", quoted(url));
    let headers = headers
        .iter()
        .filter(|(name, _)| !LEFT_OUT.contains(&name.as_str()));
    for (name, value) in headers {
        line.push_str(" -H ");
        line.push_str(&quoted(&format!("{name}: {value}")));
    }
    if !body.is_empty() {
        line.push_str(" --data-raw ");
        line.push_str(&quoted(body));
    }
    line
}

/// For a shell: nothing in it means anything.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_the_quotes() {
        let sent = SentTrace {
            method: "POST".to_owned(),
            url: "https://a.test/?a='$(x)".to_owned(),
            headers: [("x-name".to_owned(), "it's".to_owned())].into(),
            body: serde_json::json!({ "a": "'; rm -rf /" }),
        };
        assert_eq!(
            of_sent(&sent),
            r#"curl -s -X POST 'https://a.test/?a='\''$(x)' -H 'x-name: it'\''s' --data-raw '{"a":"'\''; rm -rf /"}'"#
        );
    }

    #[test]
    fn a_query_loses_what_gives_access() {
        assert_eq!(
            redacted(
                "utm=x&access_token=abc&b&api_key=&access%5Ftoken=abc&who=abc",
                &SecretNames {
                    parameters: vec!["who".to_owned()],
                    ..SecretNames::default()
                }
            ),
            "utm=x&access_token=***&b&api_key=***&access%5Ftoken=***&who=***"
        );
    }
}
