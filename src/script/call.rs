//! Calling a function of a compiled script, with a deadline and with its log lines collected.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::compile::Script;
use super::frame::{self, LogLine};
use super::value::Value;
use super::variables::Variables;
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
    arguments: &[Value],
    now: Millis,
) -> Called {
    if let Some(tables) = &script.tables {
        frame::use_tables(tables);
    }
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

/// As [`call`], of a function of the event: what it asks of variables is worked out once for an event
/// and kept in the worker until [`Worker::next_event`].
pub fn call_for_event(
    worker: &mut Worker,
    script: &Script,
    function: &str,
    event: &Value,
    now: Millis,
) -> Called {
    if let Some(variables) = &script.variables {
        worker.has_memo = true;
        frame::use_variables(Variables::Of {
            script: variables.clone(),
            event: event.clone(),
            memo: worker.memo.clone(),
        });
    }
    call(worker, script, function, std::slice::from_ref(event), now)
}

fn run(
    worker: &mut Worker,
    script: &Script,
    function: &str,
    arguments: &[Value],
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
