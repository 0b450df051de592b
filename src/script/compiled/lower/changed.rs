//! Which variables of a function something changes, by their names: what is assigned to, or whose method
//! is called that may change it. All others stay as they are from their first value on, so that a name
//! for a place in one of them need not be a copy.

use std::collections::BTreeSet;

use rhai::{ASTNode, Expr, ImmutableString, Stmt};

use super::Source;
use super::call::is_pure;

/// Of a function and of all closures that may see its variables.
pub(super) fn variables<'a>(
    sources: impl Iterator<Item = &'a Source>,
) -> BTreeSet<ImmutableString> {
    let mut changed = BTreeSet::new();
    sources.for_each(|source| add(source, &mut changed));
    changed
}

fn add(source: &Source, changed: &mut BTreeSet<ImmutableString>) {
    for statement in &source.statements {
        statement.walk(&mut Vec::new(), &mut |path: &[ASTNode<'_>]| {
            let name = match path.last() {
                Some(ASTNode::Stmt(Stmt::Assignment(parts))) => root(&parts.1.lhs),
                Some(ASTNode::Expr(Expr::Dot(parts, ..) | Expr::Index(parts, ..))) => {
                    match has_only_pure_methods(&parts.rhs) {
                        true => None,
                        false => root(&parts.lhs),
                    }
                }
                _ => None,
            };
            changed.extend(name);
            true
        });
    }
}

/// The variable that a place is in.
fn root(place: &Expr) -> Option<ImmutableString> {
    match place {
        Expr::Variable(parts, ..) => Some(parts.1.clone()),
        Expr::Dot(parts, ..) | Expr::Index(parts, ..) => root(&parts.lhs),
        _ => None,
    }
}

/// Of the rest of a chain.
fn has_only_pure_methods(rest: &Expr) -> bool {
    match rest {
        Expr::MethodCall(call, _) => is_pure(&call.name),
        Expr::Dot(parts, ..) | Expr::Index(parts, ..) => {
            has_only_pure_methods(&parts.lhs) && has_only_pure_methods(&parts.rhs)
        }
        _ => true,
    }
}
