//! Tests that stand beside a script, in `NAME.test.rhai`: functions whose names begin with `test_`. They
//! may call the script's functions, `run`, which does what the host does with the script, and the
//! assertions. What `run` does is not known here: it is handed in.

mod assert;

use std::sync::Arc;
use std::time::Duration;

use rhai::{AST, Dynamic, Engine, EvalAltResult, NativeCallContext, Scope};

use super::branches::Branches;
use super::call::Called;
use super::compile::Script;
use super::tables::Tables;
use super::value::Value;
use super::{Fault, engine, frame};

/// How long a test may take; the scripts that it runs have their own time.
const DEADLINE: Duration = Duration::from_secs(5);

/// What a test's name begins with.
const PREFIX: &str = "test_";

/// The functions of tests, and how many values they take.
pub(super) const FUNCTIONS: [(&str, usize); 8] = [
    ("run", 1),
    ("assert", 1),
    ("assert", 2),
    ("assert_eq", 2),
    ("assert_eq", 3),
    ("assert_ne", 2),
    ("assert_contains", 2),
    ("assert_missing", 1),
];

/// A compiled file of tests.
#[derive(Debug)]
pub struct TestScript {
    /// The file as messages name it.
    pub file: String,
    /// Its text.
    pub source: String,
    /// The tests, in the order of the file.
    pub tests: Vec<String>,
    /// What it looks things up in.
    pub(super) tables: Arc<Tables>,
    /// The script that is tested, and its functions; they are part of `ast`.
    pub(super) tested: Option<(String, Vec<String>)>,
    pub(super) ast: AST,
}

/// Does with the tested script what the host does with it.
pub type Run = Box<dyn Fn(Value) -> Result<Value, String> + Send + Sync>;

/// Runs the tests of a file.
pub struct Tester {
    engine: Engine,
}

impl Tester {
    /// `run` is what tests call by that name; `branches` are those of tested scripts that note theirs.
    pub fn new(run: Run, branches: Option<&Branches>) -> Self {
        let mut engine = engine::build();
        assert::register(&mut engine);
        if let Some(branches) = branches {
            branches.register(&mut engine);
        }
        let run = move |context: NativeCallContext<'_>, given: Dynamic| {
            frame::aside(|| run(given)).map_err(|why| {
                Box::new(EvalAltResult::ErrorRuntime(
                    why.into(),
                    context.call_position(),
                ))
            })
        };
        engine.register_fn("run", run);
        Self { engine }
    }

    /// Runs one test.
    pub fn call(&self, script: &TestScript, test: &str) -> Called {
        frame::use_tables(&script.tables);
        frame::begin(0, DEADLINE);
        let called = self
            .engine
            .call_fn::<Value>(&mut Scope::new(), &script.ast, test, ());
        let result = match (frame::spent(), called) {
            (Some(spent), _) => Err(Fault::stopped(&script.file, test, spent)),
            (None, called) => called.map_err(|error| Fault::from_test(&script.file, test, &error)),
        };
        Called {
            result: result.map_err(|fault| at_home(fault, script)),
            log: frame::finish(),
        }
    }
}

/// A fault in a function of the tested script stands in that script's file.
fn at_home(fault: Fault, script: &TestScript) -> Fault {
    match (&script.tested, &fault.function) {
        (Some((file, functions)), Some(function)) if functions.contains(function) => Fault {
            file: file.clone(),
            ..fault
        },
        _ => fault,
    }
}

/// The tests among a file's functions, in its order.
pub(super) fn tests(file: &str, source: &str, ast: &AST) -> Result<Vec<String>, Vec<Fault>> {
    let functions = ast
        .iter_functions()
        .filter(|found| found.name.starts_with(PREFIX));
    let mut tests = Vec::new();
    let mut faults = Vec::new();
    for function in functions {
        if function.params.is_empty() {
            tests.push(function.name.to_owned());
        } else {
            let message = format!("fn {} takes values, a test takes none", function.name);
            faults.push(Fault::new(file, message));
        }
    }
    if tests.is_empty() && faults.is_empty() {
        let hint = format!("write `fn {PREFIX}large_orders_are_told() {{ … }}`");
        faults.push(Fault::new(file, "there is no test in this file").with_hint(hint));
    }
    tests.sort_by_key(|name| source.find(&format!("fn {name}(")));
    match faults.is_empty() {
        true => Ok(tests),
        false => Err(faults),
    }
}

/// The names of a script's functions, for [`TestScript::tested`].
pub(super) fn functions_of(script: &Script) -> Vec<String> {
    let functions = script.functions().into_iter();
    functions.map(|(name, _)| name.to_owned()).collect()
}
