//! `variable::`: what is worked out once for an event, whichever tags ask for it.

use std::collections::BTreeMap;

use rhai::{Dynamic, EvalAltResult, FuncRegistration, Module, NativeCallContext};

use super::host::Host;
use super::{Function, Topic, argument};
use crate::script::{frame, variables};

pub(super) const TOPIC: Topic = Topic {
    name: "variable",
    about: "Functions of `shared/variables.rhai` that take the event. Each is worked out once for an event, \
            whichever tags ask for it.",
    functions: &[Function {
        signature: "variable::get(name) -> value",
        about: "What `fn name(event)` of `shared/variables.rhai` gives for the event that is handled.",
        example: r#"variable::get("margin") == 11.74"#,
    }],
    register,
};

fn register(host: &mut Host) {
    let mut module = Module::new();
    // It depends on the event, so the optimizer may not call it beforehand.
    FuncRegistration::new("get")
        .with_volatility(true)
        .set_into_module(
            &mut module,
            |context: NativeCallContext<'_>, name: Dynamic| {
                let name = argument::text("name", name).map_err(|problem| {
                    let why = format!("variable::get: {problem}");
                    Box::new(EvalAltResult::ErrorRuntime(
                        why.into(),
                        context.call_position(),
                    ))
                })?;
                variables::get(&context, &name, frame::variables())
            },
        );
    host.add(TOPIC.name, module, BTreeMap::new());
}
