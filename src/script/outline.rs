//! What a script's syntax tree tells before anything runs: its header constants, its imports, the
//! statements that would never run, and calls of host functions that there are not.

use rhai::{AST, ASTFlags, ASTNode, Expr, FnCallExpr, ImmutableString, Position, Stmt};

use super::Fault;
use super::value::Value;
use crate::config::suggest;

/// A constant at the top of a script.
#[derive(Debug)]
pub(super) struct Constant {
    pub(super) name: String,
    /// Where its name stands.
    pub(super) position: Position,
    /// None if it is computed.
    pub(super) value: Option<Value>,
}

/// An `import`, at the top or within a function.
pub(super) struct Import {
    /// None if it is computed.
    pub(super) name: Option<ImmutableString>,
    /// What the script calls it.
    pub(super) alias: ImmutableString,
    pub(super) position: Position,
}

/// What a module offers: its name in the script, and its functions with their numbers of
/// parameters.
pub(super) struct Offer {
    pub(super) alias: ImmutableString,
    pub(super) functions: Vec<(String, usize)>,
}

pub(super) fn constants(ast: &AST) -> Vec<Constant> {
    let constant = |statement: &Stmt| match statement {
        Stmt::Var(parts, flags, _) if flags.contains(ASTFlags::CONSTANT) => Some(Constant {
            name: parts.0.name.to_string(),
            position: parts.0.pos,
            value: parts.1.get_literal_value(None),
        }),
        _ => None,
    };
    ast.statements().iter().filter_map(constant).collect()
}

pub(super) fn imports(ast: &AST) -> Vec<Import> {
    let mut imports = Vec::new();
    ast.walk(&mut |path| {
        if let Some(ASTNode::Stmt(Stmt::Import(parts, _))) = path.last() {
            let name = match &parts.0 {
                Expr::StringConstant(name, _) => Some(name.clone()),
                _ => None,
            };
            imports.push(Import {
                name,
                alias: parts.1.name.clone(),
                position: parts.0.start_position(),
            });
        }
        true
    });
    imports
}

/// Only functions run, so a statement beside them is a mistake that nobody would notice.
pub(super) fn statements_that_never_run(file: &str, ast: &AST) -> Vec<Fault> {
    let is_header = |statement: &Stmt| match statement {
        Stmt::Var(_, flags, _) => flags.contains(ASTFlags::CONSTANT),
        Stmt::Import(..) | Stmt::Export(..) | Stmt::Noop(_) => true,
        _ => false,
    };
    let strays = ast
        .statements()
        .iter()
        .filter(|statement| !is_header(statement));
    strays
        .map(|statement| {
            Fault::new(file, "this stands outside of the functions and never runs")
                .with_hint("only `const` and `import` stand at the top; move it into a function")
                .at(start_of(statement))
        })
        .collect()
}

fn start_of(statement: &Stmt) -> Position {
    match statement {
        Stmt::FnCall(call, _) if !call.namespace.is_empty() => call.namespace.position(),
        _ => statement.position(),
    }
}

pub(super) fn functions(ast: &AST) -> Vec<(String, usize)> {
    let public = ast
        .iter_functions()
        .filter(|found| found.access.is_public());
    public
        .map(|found| (found.name.to_owned(), found.params.len()))
        .collect()
}

/// Calls of host functions and of functions of modules that are misspelt or get the wrong number
/// of values. Rhai would notice only when it comes to them, which may be with the first refund in
/// three months.
pub(super) fn wrong_calls(file: &str, ast: &AST, offers: &[Offer]) -> Vec<Fault> {
    let own = functions(ast);
    let mut faults = Vec::new();
    ast.walk(&mut |path| {
        let (call, position) = match path.last() {
            Some(
                ASTNode::Expr(Expr::FnCall(call, position))
                | ASTNode::Stmt(Stmt::FnCall(call, position)),
            ) => (call, *position),
            _ => return true,
        };
        let namespace = call.namespace.to_string();
        let begins = if namespace.is_empty() {
            position
        } else {
            call.namespace.position()
        };
        let offer = offers.iter().find(|offer| offer.alias == namespace);
        let fault = match offer {
            Some(offer) => wrong_offer(file, call, offer),
            None if namespace.is_empty() && own.iter().any(|(name, _)| call.name == *name) => None,
            None => Fault::of_wrong_call(file, &full_name(call), call.args.len()),
        };
        faults.extend(fault.map(|fault| fault.at(begins)));
        true
    });
    faults
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
            Fault::new(file, message)
        }
        None => {
            let names: Vec<&str> = offer
                .functions
                .iter()
                .map(|(known, _)| known.as_str())
                .collect();
            let hint = suggest(name, names.iter().copied())
                .unwrap_or_else(|| format!("{} has {}", offer.alias, names.join(", ")));
            Fault::new(file, format!("there is no function {full}")).with_hint(hint)
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
