//! `log::`: lines for whoever watches the script. They go to the call's log, which preview and the
//! trace show; where else they go is the caller's to say. There is no `log::debug`, since `debug`
//! is a word of Rhai's own, even there; its plain `debug(value)` writes to the same log.

use std::fmt::{self, Write as _};

use rhai::Dynamic;

use super::host::Host;
use super::namespace::Namespace;
use super::{Function, Topic};
use crate::script::frame::{self, Level, MAX_LINE_CHARS};

pub(super) const TOPIC: Topic = Topic {
    name: "log",
    about: "Lines for whoever watches the script in preview: any value, at most 100 lines a call \
            and 1,000 characters a line. Rhai's own `print` and `debug` write there, too.",
    functions: &[
        Function {
            signature: "log::info(value)",
            about: "Logs something worth knowing.",
            example: r#"log::info("an order came") == ()"#,
        },
        Function {
            signature: "log::warn(value)",
            about: "Logs something odd that the script could live with.",
            example: r#"log::warn(#{ total: "n/a" }) == ()"#,
        },
        Function {
            signature: "log::error(value)",
            about: "Logs something wrong, and goes on; `throw` ends the script.",
            example: r#"log::error("no items") == ()"#,
        },
    ],
    register,
};

fn register(host: &mut Host) {
    Namespace::new(TOPIC.name)
        .effect("info", |value| write(Level::Info, &value))
        .effect("warn", |value| write(Level::Warn, &value))
        .effect("error", |value| write(Level::Error, &value))
        .add_to(host);
}

fn write(level: Level, value: &Dynamic) {
    if let Ok(text) = value.as_immutable_string_ref() {
        return frame::log(level, &text);
    }
    let mut line = Line::default();
    // The only error there is says that the line is full, and then it is as long as it may be.
    let _full = write!(line, "{value}");
    frame::log(level, &line.text);
}

/// Stops the formatting of a large map once a line is full.
#[derive(Default)]
struct Line {
    text: String,
}

impl fmt::Write for Line {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        self.text.push_str(part);
        // In bytes, at least as many as characters; `frame::log` cuts exactly.
        if self.text.len() > MAX_LINE_CHARS * 4 {
            return Err(fmt::Error);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rhai::Array;

    use super::*;

    #[test]
    fn any_value_is_logged_at_its_level() {
        frame::begin(0, Duration::from_secs(3_600));
        let engine = Host::engine_with(register);
        engine
            .run(r#"log::info("text"); log::warn(()); log::error(#{ a: [1, 2.5] });"#)
            .unwrap();
        let lines = frame::finish();
        let pairs: Vec<_> = lines.iter().map(|l| (l.level, l.text.as_str())).collect();
        assert_eq!(
            pairs,
            [
                (Level::Info, "text"),
                (Level::Warn, ""),
                (Level::Error, r#"#{"a": [1, 2.5]}"#),
            ]
        );
    }

    #[test]
    fn a_huge_value_is_not_formatted_whole() {
        let array: Array = (0..100_000_i64).map(Dynamic::from).collect();
        let mut line = Line::default();
        assert!(write!(line, "{}", Dynamic::from(array)).is_err());
        assert!(line.text.len() < MAX_LINE_CHARS * 5);
    }
}
