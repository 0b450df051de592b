//! What a fault found, as one line of figures.

use std::fmt::{self, Display};

/// The figures of one fault, in the order in which they were added.
#[derive(Debug, Default)]
pub(crate) struct Report {
    id: &'static str,
    figures: Vec<(String, String)>,
    failures: Vec<String>,
    skipped: Option<String>,
}

impl Report {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// One that was not run, and why.
    pub(crate) fn skipped(why: impl Display) -> Self {
        Self {
            skipped: Some(why.to_string()),
            ..Self::default()
        }
    }

    /// One that did not come to its end.
    pub(crate) fn failed(why: impl Display) -> Self {
        let mut report = Self::new();
        report.failures.push(why.to_string());
        report
    }

    pub(crate) fn named(mut self, id: &'static str) -> Self {
        self.id = id;
        self
    }

    /// Adds a figure.
    pub(crate) fn with(mut self, key: &str, value: impl Display) -> Self {
        self.figures.push((key.to_owned(), value.to_string()));
        self
    }

    /// Adds what must hold; `what` says what does not, if so.
    pub(crate) fn require(mut self, holds: bool, what: &str) -> Self {
        if !holds {
            self.failures.push(what.to_owned());
        }
        self
    }

    /// True if it passed, or was skipped.
    pub(crate) fn is_good(&self) -> bool {
        self.failures.is_empty()
    }

    pub(crate) fn id(&self) -> &str {
        self.id
    }

    /// The line without its beginning.
    pub(crate) fn figures(&self) -> String {
        let mut words: Vec<String> = Vec::new();
        if let Some(why) = &self.skipped {
            words.push(format!("skipped={why:?}"));
        }
        for (key, value) in &self.figures {
            let is_plain = !value.is_empty() && !value.contains([' ', '"', '=']);
            words.push(match is_plain {
                true => format!("{key}={value}"),
                false => format!("{key}={value:?}"),
            });
        }
        if !self.failures.is_empty() {
            words.push(format!("failed={:?}", self.failures.join("; ")));
        }
        if self.skipped.is_none() {
            words.push(format!("pass={}", u8::from(self.is_good())));
        }
        words.join(" ")
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RESULT {} {}", self.id, self.figures())
    }
}
