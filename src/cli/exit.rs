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
}

const BAD: u8 = 1;
const USAGE: u8 = 2;
const INTERNAL: u8 = 70;
const LOCKED: u8 = 73;
const CONFIGURATION: u8 = 78;

impl Exit {
    /// The checked thing is bad.
    pub(super) fn bad(message: impl Display) -> Self {
        Self {
            code: BAD,
            message: message.to_string(),
        }
    }

    /// The checked thing is bad, and standard output says why.
    pub(super) fn told() -> Self {
        Self::bad("")
    }

    /// The command was called wrongly.
    pub(super) fn usage(message: impl Display) -> Self {
        Self {
            code: USAGE,
            message: message.to_string(),
        }
    }

    /// The configuration or the scripts are bad.
    pub(super) fn configuration(problems: &Problems) -> Self {
        Self {
            code: CONFIGURATION,
            message: problems.to_string(),
        }
    }

    /// What the configuration asks for cannot be had here.
    pub(super) fn misconfigured(message: impl Display) -> Self {
        Self {
            code: CONFIGURATION,
            message: message.to_string(),
        }
    }

    /// Says why, and gives the code.
    pub(super) fn report(&self) -> ExitCode {
        if !self.message.is_empty() {
            anstream::eprintln!("{}: {}", paint::bad("error"), self.message);
        }
        ExitCode::from(self.code)
    }
}

impl From<journal::Error> for Exit {
    fn from(error: journal::Error) -> Self {
        let code = match error {
            journal::Error::Locked(_) => LOCKED,
            _ => INTERNAL,
        };
        Self {
            code,
            message: error.to_string(),
        }
    }
}

impl From<BoxError> for Exit {
    fn from(error: BoxError) -> Self {
        Self {
            code: INTERNAL,
            message: error.to_string(),
        }
    }
}

impl From<std::io::Error> for Exit {
    fn from(error: std::io::Error) -> Self {
        Self {
            code: INTERNAL,
            message: error.to_string(),
        }
    }
}
