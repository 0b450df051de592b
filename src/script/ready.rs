//! What a thread keeps of a script between its calls: the modules that it imports, and which function
//! each of its calls means. No value of a call: a script itself keeps nothing.
//!
//! Rhai's own `call_fn` looks for all of that anew each time, in every module that the engine has; a
//! client and two tags took a tenth longer so.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use rhai::{
    Caches, Dynamic, Engine, EvalAltResult, EvalContext, FnArgsVec, GlobalRuntimeState, Scope,
};

use super::api::Host;
use super::compile::Script;
use super::compiled::{GaveUp, Rhais};
use super::frame;

/// The scripts that one thread has called, each with what it needs, for one engine.
#[derive(Default)]
pub(super) struct ReadyScripts {
    by_identity: HashMap<usize, Ready>,
}

/// One script.
pub(super) struct Ready {
    /// Keeps the address of the script's identity from being used again.
    identity: Weak<()>,
    global: GlobalRuntimeState,
    caches: Caches,
}

type Result<T> = std::result::Result<T, Box<EvalAltResult>>;

/// Calls `function` of `script` in the middle of another call, and keeps nothing of it.
pub(super) fn call_once(
    engine: &Engine,
    script: &Script,
    function: &str,
    arguments: &[Dynamic],
) -> Result<Dynamic> {
    Ready::new(engine, script)?.call_by_rhai(engine, function, arguments)
}

impl ReadyScripts {
    /// Calls `function` of `script`. `engine` must be the same each time.
    pub(super) fn call(
        &mut self,
        engine: &Engine,
        script: &Script,
        function: &str,
        arguments: &[Dynamic],
    ) -> Result<Dynamic> {
        let key = Arc::as_ptr(&script.identity).addr();
        if !self.by_identity.contains_key(&key) {
            // Sets that were replaced: whenever a script is met for the first time.
            self.by_identity
                .retain(|_, ready| ready.identity.strong_count() > 0);
            self.by_identity.insert(key, Ready::new(engine, script)?);
        }
        let Some(ready) = self.by_identity.get_mut(&key) else {
            return Ok(Dynamic::UNIT); // it was put there above
        };
        let result = ready.call(engine, script, function, arguments);
        if result.is_err() {
            // Whatever state a call that broke off has left behind.
            self.by_identity.remove(&key);
        }
        result
    }
}

impl Ready {
    pub(super) fn new(engine: &Engine, script: &Script) -> Result<Self> {
        let mut global = engine.new_global_runtime_state();
        global.source = script.ast.source().map(Into::into);
        global.lib.push(script.ast.shared_lib().clone());
        global.embedded_module_resolver = script.ast.resolver().cloned();
        for name in &script.namespaces {
            if let Some(module) = Host::of_all().namespace(name) {
                global.push_import(name.as_str(), module.clone());
            }
        }
        let mut caches = Caches::new();
        // One that outlives the calls: a call drops those that it makes.
        caches.push_fn_resolution_cache();
        #[allow(deprecated)] // volatile, says Rhai, whose version is pinned for `internals` anyway
        drop(engine.eval_statements_raw(
            &mut global,
            &mut caches,
            &mut Scope::new(),
            script.ast.statements(),
        )?);
        Ok(Self {
            identity: Arc::downgrade(&script.identity),
            global,
            caches,
        })
    }

    fn call(
        &mut self,
        engine: &Engine,
        script: &Script,
        function: &str,
        arguments: &[Dynamic],
    ) -> Result<Dynamic> {
        match self.call_compiled(engine, script, function, arguments) {
            Ok(value) => Ok(value),
            Err(GaveUp) => {
                frame::start_over();
                self.call_by_rhai(engine, function, arguments)
            }
        }
    }

    pub(super) fn call_compiled(
        &mut self,
        engine: &Engine,
        script: &Script,
        function: &str,
        arguments: &[Dynamic],
    ) -> std::result::Result<Dynamic, GaveUp> {
        let rhais = Rhais {
            engine,
            global: &mut self.global,
            caches: &mut self.caches,
        };
        script.compiled.call(rhais, function, arguments)
    }

    pub(super) fn call_by_rhai(
        &mut self,
        engine: &Engine,
        function: &str,
        arguments: &[Dynamic],
    ) -> Result<Dynamic> {
        let mut values: FnArgsVec<Dynamic> = arguments.iter().cloned().collect();
        let mut values: FnArgsVec<&mut Dynamic> = values.iter_mut().collect();
        let mut scope = Scope::new();
        EvalContext::new(engine, &mut self.global, &mut self.caches, &mut scope, None)
            .call_fn_raw(function, false, false, &mut values)
            .map_err(|error| match *error {
                EvalAltResult::ErrorInFunctionCall(name, _, inner, _) if name == function => inner,
                _ => error,
            })
    }
}
