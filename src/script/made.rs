//! The names of the events that a script makes, as far as they are written out in it: to tell which
//! tags can never fire. A guess from the syntax tree; it says when it cannot know.

use std::collections::BTreeSet;

use rhai::{AST, ASTNode, Dynamic, Expr, Stmt};

/// The key of an event's name.
const KEY: &str = "event_name";

/// Host functions that make events with names of the sender's.
const MAKERS: [&str; 2] = ["ga4", "stape"];

/// The names of the events that a script makes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventNames {
    /// Those that are written out.
    pub known: BTreeSet<String>,
    /// True if there may be others.
    pub others: bool,
}

impl EventNames {
    /// What a script and the modules that it imports make.
    pub(super) fn of<'a>(trees: impl IntoIterator<Item = &'a AST>) -> Self {
        let mut names = Self::default();
        for tree in trees {
            names.add_tree(tree);
        }
        names.others |= names.known.is_empty();
        names
    }

    fn add_tree(&mut self, tree: &AST) {
        tree.walk(&mut |path| {
            match path.last() {
                Some(ASTNode::Expr(expression)) => self.add_expression(expression),
                Some(ASTNode::Stmt(Stmt::Assignment(parts))) if names_event(&parts.1.lhs) => {
                    self.add_name(&parts.1.rhs);
                }
                _ => {}
            }
            true
        });
    }

    fn add_expression(&mut self, expression: &Expr) {
        match expression {
            Expr::Map(parts, _) => {
                let names = parts.0.iter().filter(|(key, _)| key.name == KEY);
                names.for_each(|(_, value)| self.add_name(value));
            }
            Expr::DynamicConstant(value, _) => self.add_constant(value),
            Expr::FnCall(call, _)
                if MAKERS
                    .iter()
                    .any(|maker| call.namespace.to_string() == *maker) =>
            {
                self.others = true;
            }
            _ => {}
        }
    }

    fn add_constant(&mut self, value: &Dynamic) {
        if let Ok(map) = value.as_map_ref() {
            match map.get(KEY) {
                Some(name) if name.is_string() => drop(self.known.insert(name.to_string())),
                Some(_) => self.others = true,
                None => map.values().for_each(|value| self.add_constant(value)),
            }
        } else if let Ok(items) = value.as_array_ref() {
            items.iter().for_each(|item| self.add_constant(item));
        }
    }

    /// A name, or what gives one: `a ?? "b"`, `if … { "a" } else { "b" }`, `switch`.
    fn add_name(&mut self, value: &Expr) {
        match value {
            Expr::StringConstant(name, _) => drop(self.known.insert(name.to_string())),
            Expr::IntegerConstant(name, _) => drop(self.known.insert(name.to_string())),
            Expr::Coalesce(choices, _) => choices.iter().for_each(|choice| self.add_name(choice)),
            Expr::Stmt(block) => self.add_last(block.statements()),
            _ => self.others = true,
        }
    }

    fn add_last(&mut self, statements: &[Stmt]) {
        match statements.last() {
            Some(Stmt::Expr(value)) => self.add_name(value),
            Some(Stmt::Block(block)) => self.add_last(block.statements()),
            Some(Stmt::If(parts, _)) => {
                self.add_last(parts.body.statements());
                self.add_last(parts.branch.statements());
            }
            Some(Stmt::Switch(parts, _)) => {
                let values = parts.1.expressions.iter();
                values.for_each(|choice| self.add_name(&choice.rhs));
            }
            _ => self.others = true,
        }
    }
}

/// `….event_name` or `…["event_name"]`.
fn names_event(target: &Expr) -> bool {
    match target {
        Expr::Dot(parts, ..) | Expr::Index(parts, ..) => names_event(&parts.rhs),
        Expr::Property(parts, _) => parts.2 == KEY,
        Expr::StringConstant(key, _) => key == KEY,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::engine;

    fn names(body: &str) -> (Vec<String>, bool) {
        let source = format!("fn parse(request) {{ {body} }}");
        let names = EventNames::of([&engine::build().compile(source).unwrap()]);
        (names.known.into_iter().collect(), names.others)
    }

    #[test]
    fn names_that_are_written_out_are_known() {
        for (body, known, others) in [
            (r#"#{ event_name: "a" }"#, &["a"][..], false),
            (
                r#"#{ event_name: "a", id: request.json.id }"#,
                &["a"],
                false,
            ),
            (
                r#"[#{ event_name: "a", x: request }, #{ event_name: "b" }]"#,
                &["a", "b"],
                false,
            ),
            (
                r#"let e = request.json; e.event_name = "a"; e"#,
                &["a"],
                false,
            ),
            (
                r#"let e = request.json; e["event_name"] = "a"; e"#,
                &["a"],
                false,
            ),
            (
                r#"#{ event_name: request.json.event ?? "a" }"#,
                &["a"],
                true,
            ),
            (
                r#"#{ event_name: if request.path == "/" { "a" } else { "b" } }"#,
                &["a", "b"],
                false,
            ),
            (
                r#"#{ event_name: switch request.path { "/a" => "a", _ => "b" } }"#,
                &["a", "b"],
                false,
            ),
            (r#"#{ event_name: `x_${request.path}` }"#, &[], true),
            ("request.json", &[], true),
        ] {
            let expected: Vec<String> = known.iter().map(ToString::to_string).collect();
            assert_eq!(names(body), (expected, others), "{body}");
        }
    }
}
