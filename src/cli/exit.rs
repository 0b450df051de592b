//! How a command ends that did not succeed: the code, and what is said on standard error.

use std::fmt::Display;
use std::process::ExitCode;

use super::paint;
use crate::config::Problems;
use crate::error::BoxError;
use crate::journal;

/// A command that did not succeed.
#[derive(Debug)]
pub(super) struct Exit {
    code: u8,
    message: String,
    /// The message is complete as it is.
    drawn: bool,
}

const BAD: u8 = 1;
const USAGE: u8 = 2;
const INTERNAL: u8 = 70;
const LOCKED: u8 = 73;
const CONFIGURATION: u8 = 78;

impl Exit {
    /// The checked thing is bad.
    pub(super) fn bad(message: impl Display) -> Self {
        Self::new(BAD, message)
    }

    /// The checked thing is bad, and standard output says why.
    pub(super) fn told() -> Self {
        Self::bad("")
    }

    /// The command was called wrongly.
    pub(super) fn usage(message: impl Display) -> Self {
        Self::new(USAGE, message)
    }

    /// The configuration or the scripts are bad.
    pub(super) fn configuration(problems: &Problems) -> Self {
        Self {
            drawn: true,
            ..Self::new(CONFIGURATION, problems.painted())
        }
    }

    /// What the configuration asks for cannot be had here.
    pub(super) fn misconfigured(message: impl Display) -> Self {
        Self::new(CONFIGURATION, message)
    }

    /// Says why, and gives the code.
    pub(super) fn report(&self) -> ExitCode {
        if self.drawn {
            anstream::eprintln!("{}", self.message);
        } else if !self.message.is_empty() {
            anstream::eprintln!("{}: {}", paint::bad("error"), self.message);
        }
        ExitCode::from(self.code)
    }
}

impl Exit {
    fn new(code: u8, message: impl Display) -> Self {
        Self {
            code,
            message: message.to_string(),
            drawn: false,
        }
    }
}

impl From<journal::Error> for Exit {
    fn from(error: journal::Error) -> Self {
        let code = match error {
            journal::Error::Locked(_) => LOCKED,
            _ => INTERNAL,
        };
        Self::new(code, error)
    }
}

impl From<BoxError> for Exit {
    fn from(error: BoxError) -> Self {
        Self::new(INTERNAL, error)
    }
}

impl From<std::io::Error> for Exit {
    fn from(error: std::io::Error) -> Self {
        Self::new(INTERNAL, error)
    }
}
