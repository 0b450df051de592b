//! `map`, `filter`, `some` and `all` of arrays, as Rhai has them but for one thing: a closure is called with
//! its element at once. Rhai's own call it with nothing first, for closures that read `this`; with most
//! that fails, and the failure is put into words that nobody reads. A tag with one `map` over three items
//! takes a tenth less time so.

use rhai::{Array, Dynamic, Engine, EvalAltResult, FnPtr, NativeCallContext, Position};

type Given<T> = Result<T, Box<EvalAltResult>>;

/// What is registered with an engine wins over what its packages bring.
pub(super) fn replace(engine: &mut Engine) {
    engine
        .register_fn("map", map)
        .register_fn("filter", filter)
        .register_fn("some", some)
        .register_fn("all", all);
}

fn map(context: NativeCallContext<'_>, array: &mut Array, closure: FnPtr) -> Given<Array> {
    let call = Call::of("map", &context, &closure);
    let items = array.iter_mut().enumerate();
    items.map(|(index, item)| call.with(item, index)).collect()
}

fn filter(context: NativeCallContext<'_>, array: &mut Array, closure: FnPtr) -> Given<Array> {
    let call = Call::of("filter", &context, &closure);
    let mut kept = Array::new();
    for (index, item) in array.iter_mut().enumerate() {
        if call.says_yes(item, index)? {
            kept.push(item.clone());
        }
    }
    Ok(kept)
}

fn some(context: NativeCallContext<'_>, array: &mut Array, closure: FnPtr) -> Given<bool> {
    let call = Call::of("some", &context, &closure);
    for (index, item) in array.iter_mut().enumerate() {
        if call.says_yes(item, index)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn all(context: NativeCallContext<'_>, array: &mut Array, closure: FnPtr) -> Given<bool> {
    let call = Call::of("all", &context, &closure);
    for (index, item) in array.iter_mut().enumerate() {
        if !call.says_yes(item, index)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The calls of a closure for the elements of an array.
struct Call<'a> {
    /// Who calls, as errors name it.
    name: &'static str,
    context: &'a NativeCallContext<'a>,
    closure: &'a FnPtr,
}

impl<'a> Call<'a> {
    fn of(name: &'static str, context: &'a NativeCallContext<'a>, closure: &'a FnPtr) -> Self {
        Self {
            name,
            context,
            closure,
        }
    }

    fn with(&self, item: &mut Dynamic, index: usize) -> Given<Dynamic> {
        let error = match self.closure.call_raw(self.context, None, [item.clone()]) {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        if !self.is_of_other_arguments(&error) {
            let source = self.context.call_source().unwrap_or_default().to_owned();
            let name = self.name.to_owned();
            return Err(
                EvalAltResult::ErrorInFunctionCall(name, source, error, Position::NONE).into(),
            );
        }
        // One that reads `this`, or takes the index as well.
        let index = [i64::try_from(index).unwrap_or(i64::MAX).into()];
        self.closure.call_raw_with_extra_args(
            self.name,
            self.context,
            Some(item),
            [],
            index,
            Some(0),
        )
    }

    fn says_yes(&self, item: &mut Dynamic, index: usize) -> Given<bool> {
        Ok(self.with(item, index)?.as_bool().unwrap_or(false))
    }

    fn is_of_other_arguments(&self, error: &EvalAltResult) -> bool {
        matches!(error, EvalAltResult::ErrorFunctionNotFound(signature, _)
            if signature.starts_with(self.closure.fn_name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a script comes to, or the words of its fault.
    fn outcome(engine: &Engine, script: &str) -> String {
        match engine.eval::<Dynamic>(script) {
            Ok(value) => value.to_string(),
            Err(error) => format!("fault: {error}"),
        }
    }

    #[test]
    fn they_do_what_rhais_own_do() {
        let rhais = Engine::new();
        let mut ours = Engine::new();
        replace(&mut ours);
        let closures = [
            "|x| x * 2",
            "|x| x > 1",
            "|x, i| x + i",
            "|x, i| i > 0",
            "|| this + 1",
            "|| this > 1",
            "|| true",
            "|x, i, more| true",
            "|x| missing(x)",
            "|x| x.missing()",
            "|x| x / 0",
            "|x| throw \"no\"",
            "|x| add + x > 11",
            "|x| { add += x; add }",
            "|x| [x].map(|y| y + add)",
            "|x| [x].filter(|| this > 1).len() == 1",
            "Fn(\"double\")",
            "Fn(\"is_large\")",
            "Fn(\"missing\")",
            "Fn(\"double\").curry(3)",
            "Fn(\"abs\")",
            "7",
        ];
        let mut seen = 0;
        for array in ["[]", "[1, 2, 3]", "[1.5, \"a\", (), #{ a: 1 }, [2]]"] {
            for name in ["map", "filter", "some", "all"] {
                for closure in closures {
                    let script = format!(
                        "fn double(x) {{ x + x }}\nfn is_large(x) {{ x > 2 }}\n\
                         let add = 10; let array = {array}; let made = array.{name}({closure});\n[made, array, add]"
                    );
                    assert_eq!(
                        outcome(&ours, &script),
                        outcome(&rhais, &script),
                        "{script}"
                    );
                    seen += 1;
                }
            }
        }
        assert_eq!(seen, 3 * 4 * closures.len());
    }
}
