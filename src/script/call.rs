//! Calling a function of a compiled script, with a deadline and with its log lines collected.

use rhai::{CallFnOptions, FuncArgs, Scope};

use super::compile::Script;
use super::frame::{self, LogLine};
use super::value::Value;
use super::{Fault, Worker, limits};
use crate::clock::Millis;

/// What a call gave.
#[derive(Debug)]
pub struct Called {
    /// The returned value, or what went wrong.
    pub result: Result<Value, Fault>,
    /// What the script logged, in order, also if it failed.
    pub log: Vec<LogLine>,
}

/// Runs `function` of `script`. `now` is the time that the script sees: the event's.
pub fn call(
    worker: &mut Worker,
    script: &Script,
    function: &str,
    arguments: impl FuncArgs,
    now: Millis,
) -> Called {
    frame::begin(now, limits::DEADLINE);
    // Top-level constants would be evaluated again on each call; only imports need that.
    let options = CallFnOptions::new()
        .eval_ast(script.imports)
        .rewind_scope(true);
    let mut scope = Scope::new();
    let result = worker
        .engine
        .call_fn_with_options::<Value>(options, &mut scope, &script.ast, function, arguments)
        .map_err(|error| Fault::from_call(&script.file, function, &error));
    Called {
        result: result.map(Value::flatten),
        log: frame::finish(),
    }
}
