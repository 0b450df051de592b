//! A vendor's reply, and the one table from HTTP status to outcome. Vendors whose body decides
//! read that themselves and come here for the rest.

use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::outcome::Outcome;

/// A reply, cut at what anybody would read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status code.
    pub status: u16,
    /// What `Retry-After` asks for.
    pub retry_after: Option<Duration>,
    /// Where a redirect points; it is never followed.
    pub location: Option<String>,
    /// The body; of a vendor's, the first 64 KiB.
    pub body: Bytes,
    /// The same without secrets, if there were some in it: what people see is made of this. A text that
    /// is cut short may cut a secret in the middle, and nobody would know it for one.
    pub shown: Option<Bytes>,
}

/// How much of a reply's body goes into messages.
const SHOWN_CHARACTERS: usize = 200;

impl Reply {
    /// The status and the start of the body, for a person.
    pub fn summary(&self) -> String {
        let body = String::from_utf8_lossy(self.shown.as_ref().unwrap_or(&self.body));
        let body = body.trim();
        if body.is_empty() {
            return self.status.to_string();
        }
        let shown: String = body.chars().take(SHOWN_CHARACTERS).collect();
        let more = if shown.len() < body.len() { "…" } else { "" };
        format!("{} {}{more}", self.status, shown.replace(['\n', '\r'], " "))
    }

    /// The body, if it is JSON.
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// What a status means where the vendor has no rule of its own.
pub fn classify(reply: &Reply) -> Outcome {
    let why = reply.summary();
    match reply.status {
        200..=299 => Outcome::Delivered,
        300..=399 => {
            let to = reply.location.as_deref().unwrap_or("nowhere");
            Outcome::Redirected {
                why: format!("{why}: redirects are not followed (to {to}); mend the address"),
            }
        }
        401 | 403 => Outcome::Paused { why },
        410 => Outcome::Disabled { why },
        429 => Outcome::Throttled {
            after: reply.retry_after,
            why,
        },
        408 | 425 | 500..=599 => Outcome::Retry {
            after: reply.retry_after,
            why,
        },
        100..=199 => Outcome::Retry { after: None, why },
        _ => Outcome::Rejected { why },
    }
}

/// Reads `Retry-After`: seconds or a date.
pub(super) fn parse_retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More than fits is longer than anybody waits.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let at = httpdate::parse_http_date(value).ok()?;
    Some(at.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(status: u16) -> &'static str {
        match classify(&Reply {
            status,
            ..Reply::default()
        }) {
            Outcome::Delivered => "delivered",
            Outcome::Retry { .. } => "retry",
            Outcome::Throttled { .. } => "throttled",
            Outcome::NotTried { .. } => "not tried",
            Outcome::Rejected { .. } => "rejected",
            Outcome::Redirected { .. } => "redirected",
            Outcome::Paused { .. } => "paused",
            Outcome::Disabled { .. } => "disabled",
        }
    }

    #[test]
    fn every_status_has_an_outcome() {
        for status in 100..=599 {
            let expected = match status {
                200..=299 => "delivered",
                300..=399 => "redirected",
                401 | 403 => "paused",
                410 => "disabled",
                429 => "throttled",
                100..=199 | 408 | 425 | 500..=599 => "retry",
                _ => "rejected",
            };
            assert_eq!(kind(status), expected, "{status}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Fri, 20 Nov 2026 10:00:00 GMT").unwrap();
        let cases = [
            ("30", Some(30)),
            (" 0 ", Some(0)),
            ("Fri, 20 Nov 2026 10:01:00 GMT", Some(60)),
            ("Fri, 20 Nov 2026 09:00:00 GMT", Some(0)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("soon", None),
            ("-1", None),
            ("+1", None),
            ("", None),
        ];
        for (given, expected) in cases {
            assert_eq!(
                parse_retry_after(given, now),
                expected.map(Duration::from_secs),
                "{given}"
            );
        }
    }
}
