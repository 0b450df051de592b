//! Calling a function of a compiled script, with a deadline and with its log lines collected.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rhai::FuncArgs;

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
    let result = run(worker, script, function, arguments);
    // Some of Rhai's functions, such as `sort`, go on when their callback was stopped.
    let result = match frame::spent() {
        Some(spent) => result.and(Err(Fault::stopped(&script.file, function, spent))),
        None => result,
    };
    if let Some(why) = result.as_ref().err().and_then(|fault| fault.killed) {
        worker.metrics().killed(why);
    }
    if frame::was_slow() {
        script.pace.was_slow();
    }
    Called {
        result,
        log: frame::finish(),
    }
}

fn run(
    worker: &mut Worker,
    script: &Script,
    function: &str,
    arguments: impl FuncArgs,
) -> Result<Value, Fault> {
    let call = || {
        let (engine, ready) = worker.engine_and_ready();
        ready
            .call(engine, script, function, arguments)
            .map(Value::flatten)
            .map_err(|error| Fault::from_call(script, function, &error))
    };
    // Rhai has panicked on odd values before, and one bad script must not stop what else is in hand.
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| {
        worker.renew();
        Err(Fault::panicked(&script.file, function))
    })
}
