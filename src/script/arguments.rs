//! Values that stand in a call of a host function, tried before anything runs. Host functions are
//! pure, so calling one early harms nothing: what is written out is handed over as it is, and what is
//! not known yet is stood in for by the values of the function's own example. As those may not go
//! together with what is written out, only a complaint about the latter counts.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Duration;

use rhai::{ASTNode, Dynamic, Engine, EvalAltResult, Expr, Scope};

use super::api::TOPICS;
use super::frame;

/// How long a try may take; none takes nearly as long.
const DEADLINE: Duration = Duration::from_millis(20);

/// The values of a function's example, by its full name and how many it takes.
type Examples = HashMap<(String, usize), Vec<Dynamic>>;

/// Why a host function refuses what is given, `None` where a value is not known yet; nothing if it
/// takes it, or if that cannot be told.
pub(super) fn refused(
    engine: &Engine,
    name: &str,
    given: &[Option<Dynamic>],
) -> Option<Box<EvalAltResult>> {
    if !given.iter().any(Option::is_some) {
        return None;
    }
    let all_known = given.iter().all(Option::is_some);
    let example = examples(engine).get(&(name.to_owned(), given.len()));
    if example.is_none() && !all_known {
        return None;
    }
    let stand_in = |at: usize| example.and_then(|example| example.get(at)).cloned();
    let values = given.iter().enumerate();
    let values = values.map(|(at, given)| given.clone().or_else(|| stand_in(at)));
    let values: Option<Vec<Dynamic>> = values.collect();
    let error = call(engine, name, values?).err()?;
    (all_known || is_about(&error.to_string(), name, given)).then_some(error)
}

/// Whether a complaint is about one of the values that are given: it names the parameter, or says that
/// what is asked for is not there.
fn is_about(complaint: &str, name: &str, given: &[Option<Dynamic>]) -> bool {
    let functions = TOPICS.iter().flat_map(|topic| topic.functions);
    let parameters = functions.filter_map(|function| {
        let (full, rest) = function.signature.split_once('(')?;
        let (inside, _) = rest.split_once(')')?;
        let parameters: Vec<&str> = inside.split(", ").collect();
        (full == name && parameters.len() == given.len()).then_some(parameters)
    });
    let named = parameters
        .flatten()
        .zip(given)
        .filter(|(_, given)| given.is_some());
    let mut complaints = named.map(|(parameter, _)| format!("{name}: the {parameter} is "));
    complaints.any(|words| complaint.contains(&words))
        || complaint.contains("there is no ")
        || complaint.contains("has no column ")
}

fn call(engine: &Engine, name: &str, values: Vec<Dynamic>) -> Result<Dynamic, Box<EvalAltResult>> {
    let mut scope = Scope::new();
    let mut names = Vec::new();
    for (at, value) in values.into_iter().enumerate() {
        names.push(format!("value{at}"));
        scope.push_dynamic(format!("value{at}"), value);
    }
    frame::begin(0, DEADLINE);
    let call = format!("{name}({})", names.join(", "));
    let called = engine.eval_expression_with_scope::<Dynamic>(&mut scope, &call);
    frame::finish();
    called
}

/// Read once, when a script first has such a call.
fn examples(engine: &Engine) -> &'static Examples {
    static EXAMPLES: OnceLock<Examples> = OnceLock::new();
    EXAMPLES.get_or_init(|| {
        let mut examples = Examples::new();
        for function in TOPICS.iter().flat_map(|topic| topic.functions) {
            add(engine, function.example, &mut examples);
        }
        examples
    })
}

fn add(engine: &Engine, example: &str, examples: &mut Examples) {
    let Ok(ast) = engine.compile_expression(example) else {
        return;
    };
    ast.walk(&mut |path| {
        if let Some(ASTNode::Expr(Expr::FnCall(call, _))) = path.last() {
            let values = call.args.iter().map(|value| value.get_literal_value(None));
            let name = match call.namespace.is_empty() {
                true => call.name.to_string(),
                false => format!("{}::{}", call.namespace, call.name),
            };
            if let Some(values) = values.collect::<Option<Vec<Dynamic>>>() {
                examples.entry((name, values.len())).or_insert(values);
            }
        }
        true
    });
}
