//! Log lines on standard error, for people on a terminal and as JSON elsewhere. What is logged is
//! decided where it happens.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use crate::config::Environment;

/// What is logged if `TAGWERK_LOG` does not say.
const DEFAULT_FILTER: &str = "info";

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// For a person, in colour or not.
    Text { colour: bool },
    /// One JSON object a line.
    Json,
}

/// Starts logging. `TAGWERK_LOG` filters, such as `debug` or `tagwerk::dispatch=debug`;
/// `TAGWERK_LOG_FORMAT` is `text` or `json`; `NO_COLOR` is obeyed. A second call does nothing.
pub fn start(environment: &dyn Environment) {
    let filter = environment
        .variable("TAGWERK_LOG")
        .unwrap_or_else(|| DEFAULT_FILTER.to_owned());
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    // Tests and the demo start several servers in one process; the first one sets up logging.
    drop(match form(environment, io::stderr().is_terminal()) {
        Form::Text { colour } => lines.with_target(false).with_ansi(colour).try_init(),
        Form::Json => lines.json().flatten_event(true).try_init(),
    });
}

fn form(environment: &dyn Environment, is_terminal: bool) -> Form {
    let asked = environment.variable("TAGWERK_LOG_FORMAT");
    let text = asked.as_deref().map_or(is_terminal, |form| form == "text");
    if !text {
        return Form::Json;
    }
    let no_colour = environment
        .variable("NO_COLOR")
        .is_some_and(|value| !value.is_empty());
    Form::Text {
        colour: is_terminal && !no_colour,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn people_get_text_and_machines_json() {
        let with = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect()
        };
        let text = |colour| Form::Text { colour };
        assert_eq!(form(&with(&[]), true), text(true));
        assert_eq!(form(&with(&[("NO_COLOR", "1")]), true), text(false));
        assert_eq!(form(&with(&[]), false), Form::Json);
        assert_eq!(
            form(&with(&[("TAGWERK_LOG_FORMAT", "text")]), false),
            text(false)
        );
        assert_eq!(
            form(&with(&[("TAGWERK_LOG_FORMAT", "json")]), true),
            Form::Json
        );
    }
}
