//! The calls of a script, judged before anything runs: functions that there are not, another number
//! of values than they take, values that the host refuses. Rhai would notice only when it comes to
//! them, which may be with the first refund in three months.

use std::collections::BTreeSet;

use rhai::{AST, ASTNode, Dynamic, Engine, Expr, FnCallExpr, Position, Stmt};

use super::Fault;
use super::arguments;
use super::known::{self, Known};
use super::outline::Offer;
use crate::config::suggest;

/// One call in a script.
struct Call<'a> {
    call: &'a FnCallExpr,
    position: Position,
    /// True for `value.name()`, which hands the value over besides.
    is_method: bool,
}

/// What a script may call besides what it has itself.
#[derive(Default)]
pub(super) struct Besides<'a> {
    /// Functions, and how many values they take.
    pub(super) functions: Vec<(&'a str, usize)>,
    /// Other scripts whose values it may be handed.
    pub(super) trees: Vec<AST>,
}

/// All calls that are wrong for certain.
pub(super) fn wrong_calls(
    engine: &Engine,
    file: &str,
    ast: &AST,
    offers: &[Offer],
    besides: &Besides<'_>,
) -> Vec<Fault> {
    let trees = std::iter::once(ast).chain(&besides.trees);
    let besides = besides
        .functions
        .iter()
        .map(|(name, takes)| ((*name).to_owned(), *takes));
    let judge = Judge {
        engine,
        file,
        offers,
        own: own(ast).into_iter().chain(besides).collect(),
        known: known::known(engine),
        keys: trees.flat_map(keys).collect(),
    };
    let mut faults = Vec::new();
    ast.walk(&mut |path| {
        if let Some(call) = path.last().and_then(call) {
            faults.extend(judge.fault(&call));
        }
        true
    });
    faults
}

/// All names that may be the key of a map, which may hold a function.
fn keys(ast: &AST) -> Vec<String> {
    let mut keys = Vec::new();
    ast.walk(&mut |path| {
        match path.last() {
            Some(ASTNode::Expr(Expr::Map(parts, _))) => {
                keys.extend(parts.0.iter().map(|(key, _)| key.name.to_string()));
            }
            Some(ASTNode::Expr(Expr::Property(parts, _))) => keys.push(parts.2.to_string()),
            Some(ASTNode::Expr(Expr::StringConstant(text, _))) => keys.push(text.to_string()),
            Some(ASTNode::Expr(Expr::DynamicConstant(value, _))) => add_keys(value, &mut keys),
            _ => {}
        }
        true
    });
    keys
}

fn add_keys(value: &Dynamic, keys: &mut Vec<String>) {
    if let Ok(map) = value.as_map_ref() {
        keys.extend(map.keys().map(ToString::to_string));
        map.values().for_each(|value| add_keys(value, keys));
    } else if let Ok(items) = value.as_array_ref() {
        items.iter().for_each(|item| add_keys(item, keys));
    }
}

fn call<'a>(node: &'a ASTNode<'a>) -> Option<Call<'a>> {
    let (call, position, is_method) = match node {
        ASTNode::Expr(Expr::FnCall(call, position))
        | ASTNode::Stmt(Stmt::FnCall(call, position)) => (call, *position, false),
        ASTNode::Expr(Expr::MethodCall(call, position)) => (call, *position, true),
        _ => return None,
    };
    Some(Call {
        call,
        position,
        is_method,
    })
}

/// What calls are judged by.
struct Judge<'a> {
    engine: &'a Engine,
    file: &'a str,
    offers: &'a [Offer],
    own: Vec<(String, usize)>,
    known: &'static Known,
    /// What may be the key of a map.
    keys: BTreeSet<String>,
}

impl Judge<'_> {
    fn fault(&self, call: &Call<'_>) -> Option<Fault> {
        let namespace = call.call.namespace.to_string();
        if namespace.is_empty() {
            return self.plain(call).map(|fault| fault.at(call.position));
        }
        let begins = call.call.namespace.position();
        match self.offers.iter().find(|offer| offer.alias == namespace) {
            Some(offer) => wrong_offer(self.file, call.call, offer).map(|fault| fault.at(begins)),
            None => self.host(call).map(|fault| match fault.line {
                None => fault.at(begins),
                Some(_) => fault,
            }),
        }
    }

    /// A call of a bare name: the script's own function, the host's or the language's.
    fn plain(&self, call: &Call<'_>) -> Option<Fault> {
        let name = call.call.name.as_str();
        if call.call.op_token.is_some() || !is_word(name) {
            return None; // an operator
        }
        let values = call.call.args.len();
        let handed = values + usize::from(call.is_method);
        let mut own = self.own.iter().filter(|(known, _)| known == name);
        if let Some((_, takes)) = own.clone().next() {
            let fits = own.any(|(_, takes)| *takes == values) || self.known.has(name);
            return (!fits).then(|| Fault::of_wrong_count(self.file, name, values, *takes));
        }
        if super::api::function_names().any(|known| known == name) {
            return match call.is_method {
                true => Fault::of_wrong_call(self.file, name, handed),
                false => self.host(call),
            };
        }
        // What kind of value a method is asked of is not known here, and maps can hold functions: such
        // a call is told when it comes to it.
        if self.known.has(name) || call.is_method && self.keys.contains(name) {
            return None;
        }
        let mut known: Vec<&str> = self.own.iter().map(|(name, _)| name.as_str()).collect();
        known.extend(self.known.names());
        let may_be_key = call.is_method && call.call.args.is_empty();
        Some(Fault::of_unknown_function(
            self.file, name, &known, may_be_key,
        ))
    }

    /// A call of a host function: whether there is one that takes so many values, and these.
    fn host(&self, call: &Call<'_>) -> Option<Fault> {
        let name = full_name(call.call);
        let values = call.call.args.len();
        if let Some(fault) = Fault::of_wrong_call(self.file, &name, values) {
            return Some(fault);
        }
        let given: Vec<Option<Dynamic>> = call.call.args.iter().map(literal).collect();
        let error = arguments::refused(self.engine, &name, &given)?;
        let fault = Fault::of_wrong_value(self.file, &error);
        let mut literals = call
            .call
            .args
            .iter()
            .filter(|value| literal(value).is_some());
        Some(match (literals.next(), literals.next()) {
            (Some(only), None) => fault.at(only.start_position()),
            _ if call.call.namespace.is_empty() => fault.at(call.position),
            _ => fault.at(call.call.namespace.position()),
        })
    }
}

fn literal(expression: &Expr) -> Option<Dynamic> {
    expression.get_literal_value(None)
}

fn own(ast: &AST) -> Vec<(String, usize)> {
    let functions = ast.iter_functions();
    let own = functions.map(|found| (found.name.to_owned(), found.params.len()));
    own.collect()
}

fn is_word(name: &str) -> bool {
    let mut letters = name.chars();
    let begins = letters
        .next()
        .is_some_and(|first| first.is_alphabetic() || first == '_');
    begins && letters.all(|letter| letter.is_alphanumeric() || letter == '_')
}

fn wrong_offer(file: &str, call: &FnCallExpr, offer: &Offer) -> Option<Fault> {
    let name = call.name.as_str();
    let takes =
        |(known, parameters): &&(String, usize)| known == name && *parameters == call.args.len();
    if offer.functions.iter().any(|function| takes(&function)) {
        return None;
    }
    let full = full_name(call);
    let same = offer.functions.iter().find(|(known, _)| known == name);
    let fault = match same {
        Some((_, takes)) => {
            let message = format!(
                "{full} is called with {} values, it takes {takes}",
                call.args.len()
            );
            Fault::new(file, message).of_kind("wrong-arguments")
        }
        None => {
            let names: Vec<&str> = offer
                .functions
                .iter()
                .map(|(known, _)| known.as_str())
                .collect();
            let hint = suggest(name, names.iter().copied())
                .unwrap_or_else(|| format!("{} has {}", offer.alias, names.join(", ")));
            let fault = Fault::new(file, format!("there is no function {full}"));
            fault.with_hint(hint).of_kind("unknown-function")
        }
    };
    Some(fault)
}

fn full_name(call: &FnCallExpr) -> String {
    if call.namespace.is_empty() {
        return call.name.to_string();
    }
    format!("{}::{}", call.namespace, call.name)
}
