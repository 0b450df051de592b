//! The keys of the maps that a function returns, as far as they stand in its text: for looking at what
//! a tag sends before it ever runs. It follows no call, and knows no vendor.

use rhai::{AST, ASTNode, Expr, Position, Stmt};

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
    let body = body(ast, function);
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

/// The statements of a function. Rhai shows them to a walker only, and lends them no longer.
fn body(ast: &AST, function: &str) -> Vec<Stmt> {
    let own = ast.clone_functions_only_filtered(|_, _, _, name, _| name == function);
    let mut statements = Vec::new();
    own.walk(&mut |path| {
        if let [ASTNode::Stmt(statement)] = path {
            statements.push((*statement).clone());
        }
        true
    });
    statements
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
            Expr::DynamicConstant(constant, position) => {
                if let Some(map) = constant.read_lock::<rhai::Map>() {
                    for key in map.keys() {
                        self.note(key.to_string(), *position);
                    }
                }
            }
            _ => {}
        }
    }

    fn map(&mut self, value: &'a Expr, above: &str) {
        let Expr::Map(parts, _) = value else {
            return;
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
                _ => {}
            }
        }
    }

    /// What the variable begins as.
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
    }

    fn note(&mut self, path: String, position: Position) {
        self.found.push(Key {
            path,
            line: position.line().unwrap_or(1),
            column: position.position().unwrap_or(1),
        });
    }
}
