//! Log lines on standard error, for people on a terminal and as JSON elsewhere. What is logged is
//! decided where it happens.

use std::io::{self, IsTerminal};

use tracing::warn;
use tracing_subscriber::filter::{LevelFilter, ParseError, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{fmt, registry};

use crate::config::Environment;

/// What is logged if `TAGWERK_LOG` does not say, or cannot be read.
const DEFAULT_LEVEL: LevelFilter = LevelFilter::INFO;

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
    let asked = environment.variable("TAGWERK_LOG");
    let filter = asked.as_deref().map(filter).transpose();
    let targets = match &filter {
        Ok(Some(targets)) => targets.clone(),
        Ok(None) | Err(_) => Targets::new().with_default(DEFAULT_LEVEL),
    };
    let lines = fmt::layer().with_writer(io::stderr);
    let logs = registry().with(targets);
    // Tests and the demo start several servers in one process; the first one sets up logging.
    let started = match form(environment, io::stderr().is_terminal()) {
        Form::Text { colour } => {
            let lines = lines.with_target(false).with_ansi(colour);
            logs.with(lines).try_init()
        }
        Form::Json => logs.with(lines.json().flatten_event(true)).try_init(),
    };
    if let (Ok(()), Err(error)) = (started, filter) {
        warn!(%error, "TAGWERK_LOG cannot be read, so all is logged from info upwards");
    }
}

/// Levels and targets with levels, separated by commas. There are no spans to filter by, and
/// `EnvFilter`, which knows them, brings a builder of automata into the binary.
fn filter(text: &str) -> Result<Targets, ParseError> {
    let parts = text.split(',').map(str::trim);
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    parts.join(",").parse()
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

    use tracing::Level;

    use super::*;

    #[test]
    fn what_is_logged_goes_by_target_and_level() {
        let ours = "tagwerk::dispatch::send";
        for (text, target, level, expected) in [
            ("info", ours, Level::INFO, true),
            ("info", ours, Level::DEBUG, false),
            ("WARN", ours, Level::INFO, false),
            ("off", ours, Level::ERROR, false),
            ("info,tagwerk::dispatch=debug", ours, Level::DEBUG, true),
            (
                "info,tagwerk::dispatch=debug",
                "tagwerk::journal",
                Level::DEBUG,
                false,
            ),
            ("info,tagwerk::dispatch=debug", "rustls", Level::INFO, true),
            (" debug , tagwerk::dispatch=off,", ours, Level::ERROR, false),
            (
                " debug , tagwerk::dispatch=off,",
                "rustls",
                Level::DEBUG,
                true,
            ),
            ("tagwerk=trace", ours, Level::TRACE, true),
            ("tagwerk=trace", "rustls", Level::ERROR, false),
            ("tagwerk", ours, Level::TRACE, true),
        ] {
            let filter = filter(text).unwrap();
            let found = filter.would_enable(target, &level);
            assert_eq!(found, expected, "{text}: {target} {level}");
        }
        for text in ["tagwerk=loud", "tagwerk=debug=info", "tagwerk[{x=debug"] {
            assert!(filter(text).is_err(), "{text}");
        }
    }

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
