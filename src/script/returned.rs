//! The keys of the maps that a function returns, as far as they stand in its text: for looking at what
//! a tag sends before it ever runs. It follows no call, and knows no vendor.

use rhai::{AST, Dynamic, Expr, Position, Stmt};

use super::outline;

/// A key that stands in a map that a function returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Where in what is returned: `revenue`, `user_data.em`, `items[].price`.
    pub path: String,
    /// Its line, from 1.
    pub line: usize,
    /// Its column, from 1.
    pub column: usize,
}

/// The keys of what `function` returns.
pub(super) fn keys(ast: &AST, function: &str) -> Vec<Key> {
    let mut functions = outline::functions(ast).into_iter();
    let takes = functions
        .find(|(name, _)| name == function)
        .map_or(0, |(_, takes)| takes);
    let body = outline::body(ast, function, takes);
    let statements: Vec<&Stmt> = body.iter().collect();
    let mut search = Search {
        statements: &statements,
        found: Vec::new(),
        followed: Vec::new(),
    };
    search.tail(&statements);
    for statement in &statements {
        search.returns(statement);
    }
    search.found.dedup();
    search.found
}

/// Looks for returned maps in one function.
struct Search<'a> {
    statements: &'a [&'a Stmt],
    found: Vec<Key>,
    /// Variables that were looked up already.
    followed: Vec<&'a str>,
}

impl<'a> Search<'a> {
    /// The value of a block is that of its last statement.
    fn tail(&mut self, statements: &[&'a Stmt]) {
        match statements.last() {
            Some(Stmt::Expr(value)) => self.value(value),
            Some(Stmt::If(parts, _)) => {
                self.tail(&parts.body.iter().collect::<Vec<_>>());
                self.tail(&parts.branch.iter().collect::<Vec<_>>());
            }
            Some(Stmt::Block(block)) => self.tail(&block.iter().collect::<Vec<_>>()),
            Some(Stmt::FnCall(call, _)) if call.name == "+" => {
                call.args.iter().for_each(|part| self.value(part));
            }
            _ => {}
        }
    }

    /// Every `return`, however deep.
    fn returns(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Return(Some(value), ..) => self.value(value),
            Stmt::If(parts, _) | Stmt::While(parts, _) | Stmt::Do(parts, ..) => {
                parts.body.iter().for_each(|inner| self.returns(inner));
                parts.branch.iter().for_each(|inner| self.returns(inner));
            }
            Stmt::For(parts, _) => parts.2.body.iter().for_each(|inner| self.returns(inner)),
            Stmt::Block(block) => block.iter().for_each(|inner| self.returns(inner)),
            _ => {}
        }
    }

    /// A payload, or a list of them.
    fn value(&mut self, value: &'a Expr) {
        match value {
            Expr::Map(..) => self.map(value, ""),
            Expr::Array(items, _) => items.iter().for_each(|item| self.value(item)),
            Expr::FnCall(call, _) if call.name == "+" => {
                call.args.iter().for_each(|part| self.value(part));
            }
            Expr::Coalesce(parts, _) => parts.iter().for_each(|part| self.value(part)),
            Expr::Stmt(block) => self.tail(&block.iter().collect::<Vec<_>>()),
            Expr::Variable(..) => self.variable(value),
            Expr::DynamicConstant(constant, position) => self.constant(constant, "", *position),
            _ => {}
        }
    }

    /// What is written out whole is one value, of which only the beginning has a place in the text.
    fn constant(&mut self, value: &Dynamic, above: &str, position: Position) {
        if let Ok(map) = value.as_map_ref() {
            for (key, value) in map.iter() {
                let path = format!("{above}{key}");
                self.note(path.clone(), position);
                let below = if value.is_array() { "[]." } else { "." };
                self.constant(value, &format!("{path}{below}"), position);
            }
        } else if let Ok(items) = value.as_array_ref() {
            for item in items.iter() {
                self.constant(item, above, position);
            }
        }
    }

    fn map(&mut self, value: &'a Expr, above: &str) {
        let parts = match value {
            Expr::Map(parts, _) => parts,
            Expr::DynamicConstant(constant, position) => {
                return self.constant(constant, above, *position);
            }
            _ => return,
        };
        for (key, value) in &parts.0 {
            let path = format!("{above}{}", key.name);
            self.note(path.clone(), key.pos);
            match value {
                Expr::Map(..) => self.map(value, &format!("{path}.")),
                Expr::Array(items, _) => {
                    for item in items {
                        self.map(item, &format!("{path}[]."));
                    }
                }
                Expr::DynamicConstant(constant, position) => {
                    let below = if constant.is_array() { "[]." } else { "." };
                    self.constant(constant, &format!("{path}{below}"), *position);
                }
                _ => {}
            }
        }
    }

    /// What the variable begins as, and what is put into it.
    fn variable(&mut self, value: &'a Expr) {
        let Expr::Variable(parts, ..) = value else {
            return;
        };
        let name = parts.1.as_str();
        if self.followed.contains(&name) {
            return;
        }
        self.followed.push(name);
        let declared = self
            .statements
            .iter()
            .find_map(|statement| match statement {
                Stmt::Var(parts, ..) if parts.0.name.as_str() == name => Some(&parts.1),
                _ => None,
            });
        if let Some(declared) = declared {
            self.value(declared);
        }
        for statement in self.statements {
            self.assigned(statement, name);
        }
    }

    /// Every `payload.key = …`, however deep.
    fn assigned(&mut self, statement: &'a Stmt, variable: &str) {
        match statement {
            Stmt::Assignment(parts) => {
                if let Some((path, position)) = target(&parts.1.lhs, variable) {
                    self.note(path.clone(), position);
                    self.map(&parts.1.rhs, &format!("{path}."));
                }
            }
            Stmt::If(parts, _) | Stmt::While(parts, _) | Stmt::Do(parts, ..) => {
                let inside = parts.body.iter().chain(parts.branch.iter());
                inside.for_each(|inner| self.assigned(inner, variable));
            }
            Stmt::For(parts, _) => {
                let inside = parts.2.body.iter();
                inside.for_each(|inner| self.assigned(inner, variable));
            }
            Stmt::Block(block) => block
                .iter()
                .for_each(|inner| self.assigned(inner, variable)),
            _ => {}
        }
    }

    fn note(&mut self, path: String, position: Position) {
        let key = Key {
            path,
            line: position.line().unwrap_or(1),
            column: position.position().unwrap_or(1),
        };
        if !self.found.contains(&key) {
            self.found.push(key);
        }
    }
}

/// `user_data.em` of `payload.user_data.em`, and where it stands.
fn target(value: &Expr, variable: &str) -> Option<(String, Position)> {
    let Expr::Dot(parts, ..) = value else {
        return None;
    };
    match &parts.lhs {
        Expr::Variable(name, ..) if name.1.as_str() == variable => properties(&parts.rhs),
        _ => None,
    }
}

fn properties(value: &Expr) -> Option<(String, Position)> {
    match value {
        Expr::Property(name, position) => Some((name.2.to_string(), *position)),
        Expr::Dot(parts, ..) => {
            let (first, position) = properties(&parts.lhs)?;
            let (rest, _) = properties(&parts.rhs)?;
            Some((format!("{first}.{rest}"), position))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::keys;
    use crate::script::engine;

    fn paths(body: &str) -> Vec<String> {
        let source = format!("fn tag(event) {{ {body} }}");
        let ast = engine::build().compile(source).unwrap();
        keys(&ast, "tag").into_iter().map(|key| key.path).collect()
    }

    #[test]
    fn keys_are_found_in_maps_lists_variables_and_what_is_written_out_whole() {
        for (body, expected) in [
            (
                r#"#{ a: event.x, b: #{ c: event.y } }"#,
                &["a", "b", "b.c"][..],
            ),
            (r#"#{ a: 1, b: #{ c: 2 } }"#, &["a", "b", "b.c"]),
            (r#"[#{ a: 1 }, #{ b: event.x }]"#, &["a", "b"]),
            (
                r#"[#{ a: "x", l: [#{ t: 1, f: [#{ n: 1 }, #{ n: 2, m: 3 }] }] }]"#,
                &["a", "l", "l[].f", "l[].f[].n", "l[].f[].m", "l[].t"],
            ),
            (
                r#"#{ a: event.x, l: [#{ t: 1 }, #{ u: event.y }] }"#,
                &["a", "l", "l[].t", "l[].u"],
            ),
            (
                r#"let p = #{ a: 1 }; p.b = 5; p.c.d = event.x; if event.y { p.e = #{ f: 1 }; } let q = #{}; q.g = 1; p"#,
                &["a", "b", "c.d", "e", "e.f"],
            ),
            (r#"meta::event(event) + #{ a: 1 }"#, &["a"]),
            (r#"if event.x { return #{ a: 1 }; } #{ b: 1 }"#, &["b", "a"]),
            (
                r#"#{ a: other(event) } } fn other(event) { #{ b: 1 }"#,
                &["a"],
            ),
        ] {
            assert_eq!(paths(body), expected, "{body}");
        }
    }
}
