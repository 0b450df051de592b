//! Variables: functions of `shared/variables.rhai` that tags ask for by name, `variable::get("margin")`. Each
//! is worked out at most once for an event, whoever asks for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rhai::{Dynamic, EvalAltResult, ImmutableString, NativeCallContext};

use super::compile::Script;
use super::ready;
use super::value::Value;
use crate::config::suggest;

/// The module whose functions they are.
pub(super) const MODULE: &str = "variables";

/// What was worked out for one event so far.
#[derive(Clone, Default)]
pub(super) struct Memo(Arc<Mutex<HashMap<ImmutableString, Known>>>);

impl Memo {
    /// Forgets them all.
    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ImmutableString, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A variable of an event.
#[derive(Clone)]
pub(super) enum Known {
    Value(Dynamic),
    /// It is being worked out: who asks for it now goes round in a circle.
    UnderWay,
}

/// What a call knows of them.
#[derive(Clone)]
pub(super) enum Variables {
    /// The script is being compiled: there are these.
    Named(Arc<[String]>),
    /// The script is called for this event.
    Of {
        script: Arc<Script>,
        event: Value,
        memo: Memo,
    },
}

/// The value of a variable for the event that is handled.
pub(super) fn get(
    context: &NativeCallContext<'_>,
    name: &str,
    variables: Option<Variables>,
) -> Result<Dynamic, Box<EvalAltResult>> {
    let fail =
        |why: String| Err(EvalAltResult::ErrorRuntime(why.into(), context.call_position()).into());
    match variables {
        None => fail("variable::get: variables are of an event, and here is none".to_owned()),
        Some(Variables::Named(names)) => match names.iter().any(|known| known == name) {
            true => Ok(Dynamic::UNIT),
            false => fail(unknown(name, names.iter().map(String::as_str))),
        },
        Some(Variables::Of {
            script,
            event,
            memo,
        }) => {
            let known = memo.lock().get(name).cloned();
            match known {
                Some(Known::Value(value)) => return Ok(value),
                Some(Known::UnderWay) => {
                    return fail(format!(
                        "variable::get: `{name}` needs itself, by way of others"
                    ));
                }
                None => {}
            }
            if !script.has_function(name, 1) {
                let functions = script.functions().into_iter();
                return fail(unknown(name, functions.map(|(name, _)| name)));
            }
            memo.lock().insert(name.into(), Known::UnderWay);
            let worked_out = ready::call_once(context.engine(), &script, name, &[event]);
            match worked_out {
                Ok(value) => {
                    memo.lock().insert(name.into(), Known::Value(value.clone()));
                    Ok(value)
                }
                Err(error) => {
                    memo.lock().remove(name);
                    Err(error)
                }
            }
        }
    }
}

fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    let hint = suggest(name, known.clone()).unwrap_or_else(|| {
        let names: Vec<&str> = known.collect();
        match names.is_empty() {
            true => format!("write `fn {name}(event)` in shared/{MODULE}.rhai"),
            false => format!("shared/{MODULE}.rhai has {}", names.join(", ")),
        }
    });
    format!("variable::get: there is no variable \"{name}\"; {hint}")
}
