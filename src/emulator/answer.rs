//! What a stand-in says to one request, before axum sends it and the ledger keeps it.

use serde_json::Value;

/// An answer, and what it means for the items that were sent.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    /// Seconds; only where the vendor sends `Retry-After`.
    pub(super) retry_after: Option<u32>,
    pub(super) body: String,
    pub(super) accepted: Vec<Item>,
    pub(super) refused: Vec<String>,
}

/// One accepted event or message: the name by which the vendor knows a repeat of it, if it has one.
pub(super) type Item = Option<String>;

impl Answer {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self::of(status, "application/json", body.to_string())
    }

    /// Slack's webhooks answer with a bare word, and say that it is HTML.
    pub(super) fn word(status: u16, body: &str) -> Self {
        Self::of(status, "text/html", body.to_owned())
    }

    fn of(status: u16, content_type: &'static str, body: String) -> Self {
        Self {
            status,
            content_type,
            retry_after: None,
            body,
            accepted: Vec::new(),
            refused: Vec::new(),
        }
    }

    pub(super) fn accepting(mut self, items: Vec<Item>) -> Self {
        self.accepted = items;
        self
    }

    pub(super) fn refusing(mut self, why: impl Into<String>) -> Self {
        self.refused.push(why.into());
        self
    }

    pub(super) fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }
}
