//! Colours, by meaning. `anstream` leaves them out where nobody would see them: in files and pipes,
//! and with `NO_COLOR`.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};

/// Wrong.
pub(super) fn bad(text: impl Display) -> String {
    paint(AnsiColor::Red.on_default().bold(), text)
}

/// Right.
pub(super) fn good(text: impl Display) -> String {
    paint(AnsiColor::Green.on_default(), text)
}

/// Worth a look.
pub(super) fn odd(text: impl Display) -> String {
    paint(AnsiColor::Yellow.on_default(), text)
}

/// Less important.
pub(super) fn dim(text: impl Display) -> String {
    paint(Style::new().dimmed(), text)
}

/// A heading or a name.
pub(super) fn strong(text: impl Display) -> String {
    paint(Style::new().bold(), text)
}

fn paint(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}
