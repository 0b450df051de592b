//! Most functions of most scripts read an event and build a map. They are compiled to a form of our own here,
//! which does that in about half the time that Rhai's walk over its tree takes: what is read is looked at where
//! it is and not copied, which function a call means is known, and nothing is counted but loops and calls.
//!
//! Rhai stays what says how scripts behave. What is not known here (`lower`), and whatever does not go as
//! usual while a function runs (`run`: an error, a value of another kind, a large one), gives up: then Rhai
//! runs the function from its beginning, and its value or its error counts. A function changes nothing but its
//! own variables, so that nobody notices. One that gives up often is left to Rhai altogether.
//! `tests` run scripts both ways and compare.

mod code;
mod lower;
mod run;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};

use rhai::{AST, Dynamic};

use code::Function;
pub(super) use run::Rhais;

/// What of a script is compiled.
#[derive(Default)]
pub(super) struct Program {
    functions: Vec<Function>,
    /// For each function: how often it gave up of late.
    gave_up: Vec<AtomicU32>,
}

/// It did not go as usual: Rhai is to do it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GaveUp;

/// A function that gave up counts for so many calls that went well.
const WEIGHT: u32 = 8;

/// With so much on its account it is not tried again.
const TOO_OFTEN: u32 = 64;

impl Program {
    /// Of the functions of a script, and of the modules that it imports, those that can be.
    pub(super) fn of(ast: &AST, module: &dyn Fn(&str) -> Option<AST>) -> Self {
        let functions = lower::functions(ast, module);
        let gave_up = functions.iter().map(|_| AtomicU32::new(0)).collect();
        Self { functions, gave_up }
    }

    /// Calls a function, if it is compiled.
    ///
    /// # Errors
    /// If it is not, or if it gave up.
    pub(super) fn call(
        &self,
        rhais: Rhais<'_>,
        function: &str,
        arguments: &[Dynamic],
    ) -> Result<Dynamic, GaveUp> {
        let at = self.find(function, arguments.len()).ok_or(GaveUp)?;
        let account = self.gave_up.get(at).ok_or(GaveUp)?;
        let before = account.load(Ordering::Relaxed);
        if before >= TOO_OFTEN {
            return Err(GaveUp);
        }
        let result = run::call(&self.functions, at, arguments, rhais);
        // Counts of two threads may get lost in each other, which harms nothing.
        match &result {
            Err(GaveUp) => account.store(before + WEIGHT, Ordering::Relaxed),
            Ok(_) if before > 0 => account.store(before - 1, Ordering::Relaxed),
            Ok(_) => {}
        }
        result
    }

    fn find(&self, name: &str, takes: usize) -> Option<usize> {
        self.functions.iter().position(|function| {
            function.is_own && function.name == name && function.parameters.len() == takes
        })
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.functions.iter().map(|function| &function.name);
        formatter.debug_list().entries(names).finish()
    }
}
