//! Calls of functions and operators that are Rhai's.

use rhai::{Caches, Dynamic, Engine, EvalContext, GlobalRuntimeState, Scope};

use super::Run;
use super::budget::Budget;
use crate::script::compiled::GaveUp;

/// Rhai, as it is for one script.
pub(in crate::script) struct Rhais<'e> {
    pub(in crate::script) engine: &'e Engine,
    pub(in crate::script) global: &'e mut GlobalRuntimeState,
    pub(in crate::script) caches: &'e mut Caches,
}

impl Rhais<'_> {
    /// Calls a function. The first value is changed where it is if `changes`; all others are gone.
    pub(super) fn call(
        &mut self,
        budget: &mut Budget,
        name: &str,
        changes: bool,
        arguments: &mut [&mut Dynamic],
    ) -> Result<Dynamic, GaveUp> {
        budget.step()?;
        let mut scope = Scope::new();
        let mut context = EvalContext::new(self.engine, self.global, self.caches, &mut scope, None);
        let value = context.call_native_fn_raw(name, changes, arguments);
        budget.count(value.map_err(|_| GaveUp)?)
    }
}

impl Run<'_, '_> {
    /// Calls a function with values that are gone afterwards.
    pub(super) fn rhais(
        &mut self,
        name: &str,
        arguments: &mut [Dynamic],
    ) -> Result<Dynamic, GaveUp> {
        let mut arguments: Vec<&mut Dynamic> = arguments.iter_mut().collect();
        self.rhais
            .call(&mut self.budget, name, false, &mut arguments)
    }
}
