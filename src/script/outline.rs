//! What a script's syntax tree tells before anything runs: its header constants, its imports, and the
//! statements that would never run. What it calls is `calls`' business.

use std::collections::BTreeSet;

use rhai::{AST, ASTFlags, ASTNode, Expr, ImmutableString, Position, Stmt};

use super::Fault;
use super::value::Value;

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

/// The imports that all functions see, each with what the script calls it.
pub(super) fn imports_at_the_top(ast: &AST) -> Vec<(ImmutableString, ImmutableString)> {
    let import = |statement: &Stmt| match statement {
        Stmt::Import(parts, _) => match &parts.0 {
            Expr::StringConstant(name, _) => Some((name.clone(), parts.1.name.clone())),
            _ => None,
        },
        _ => None,
    };
    ast.statements().iter().filter_map(import).collect()
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
            let hint = match statement {
                Stmt::Var(parts, ..) if is_constant(&parts.0.name) => {
                    format!("write `const {}`", parts.0.name)
                }
                _ => {
                    "only `const` and `import` stand at the top; move it into a function".to_owned()
                }
            };
            Fault::new(file, "this stands outside of the functions and never runs")
                .with_hint(hint)
                .of_kind("never-runs")
                .at(start_of(statement))
        })
        .collect()
}

/// A name as header constants have.
fn is_constant(name: &str) -> bool {
    name.chars()
        .all(|letter| letter.is_ascii_uppercase() || letter == '_')
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

/// The statements of a function. Rhai shows them to a walker only, and lends them no longer.
pub(super) fn body(ast: &AST, function: &str, parameters: usize) -> Vec<Stmt> {
    let mut own = ast.clone_functions_only();
    own.retain_functions(|_, _, name, takes| name == function && takes == parameters);
    let mut statements = Vec::new();
    own.walk(&mut |path| {
        if let [ASTNode::Stmt(statement)] = path {
            statements.push((*statement).clone());
        }
        true
    });
    statements
}

/// Whether a function of this name is called, or named so that it could be.
pub(super) fn names(ast: &AST, function: &str) -> bool {
    let mut found = false;
    ast.walk(&mut |path| {
        found |= match path.last() {
            Some(
                ASTNode::Expr(Expr::FnCall(call, _) | Expr::MethodCall(call, _))
                | ASTNode::Stmt(Stmt::FnCall(call, _)),
            ) => call.name == function,
            Some(ASTNode::Expr(Expr::StringConstant(text, _))) => text == function,
            Some(ASTNode::Expr(Expr::Variable(parts, ..))) => parts.1 == function,
            Some(ASTNode::Expr(Expr::DynamicConstant(value, _))) => {
                value.to_string().contains(function)
            }
            _ => false,
        };
        !found
    });
    found
}

/// The namespaces that are named anywhere: of host functions, and aliases of imports.
pub(super) fn namespaces(ast: &AST) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    ast.walk(&mut |path| {
        let namespace = match path.last() {
            Some(ASTNode::Expr(Expr::FnCall(call, _)) | ASTNode::Stmt(Stmt::FnCall(call, _))) => {
                &call.namespace
            }
            Some(ASTNode::Expr(Expr::Variable(variable, ..))) => &variable.2,
            _ => return true,
        };
        if !namespace.is_empty() {
            found.insert(namespace.to_string());
        }
        true
    });
    found
}
