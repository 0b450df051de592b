//! Where the branches of a script are, and where in its text a note of each can stand.

use std::collections::BTreeMap;

use rhai::{AST, ASTNode, Expr, FlowControl, FnCallExpr, Position, Stmt, StmtBlock};

use super::BranchKind;

/// How a note stands in the text.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// As a statement behind a brace.
    Within,
    /// Before a value.
    Before,
    /// As the `else` that an `if` does not have.
    Else,
}

/// A branch, and where its note stands.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) kind: BranchKind,
    pub(super) line: usize,
    pub(super) column: usize,
    /// From where to where it reaches, in bytes.
    pub(super) span: (usize, usize),
    /// Where the note stands, in bytes.
    pub(super) at: usize,
    pub(super) place: Place,
}

/// All branches in the order of the text.
pub(super) fn branches(ast: &AST, source: &str) -> Vec<Found> {
    let mut search = Search {
        text: Text::of(source),
        found: BTreeMap::new(),
    };
    let mut closures = Vec::new();
    for (_, _, _, _, function) in ast.shared_lib().iter_script_fn_info() {
        let (begin, end) = (function.body.start_position(), function.body.end_position());
        match end.is_none() {
            true => closures.push(begin),
            false => search.add_braces(BranchKind::Function, begin, begin, end),
        }
    }
    ast.walk(&mut |path| {
        if let Some(ASTNode::Stmt(statement)) = path.last() {
            // A closure without braces is one statement.
            if path.len() == 1 && closures.contains(&statement.position()) {
                search.add_value(BranchKind::Function, statement.position(), statement);
            }
            search.look_at(statement);
        }
        true
    });
    search.found.into_values().collect()
}

struct Search<'a> {
    text: Text<'a>,
    /// By where the note stands: a tree may lead to the same branch twice.
    found: BTreeMap<usize, Found>,
}

impl Search<'_> {
    fn look_at(&mut self, statement: &Stmt) {
        match statement {
            Stmt::If(parts, position) => self.add_if(parts, *position),
            Stmt::Switch(parts, _) => {
                for choice in &parts.1.expressions {
                    if let Expr::Stmt(block) = &choice.rhs {
                        self.add_block(BranchKind::Case, block.position(), block);
                    }
                }
            }
            Stmt::While(parts, position) => {
                self.add_block(BranchKind::Loop, *position, &parts.body);
            }
            Stmt::For(parts, position) => {
                self.add_block(BranchKind::Loop, *position, &parts.2.body);
            }
            Stmt::TryCatch(parts, _) => {
                self.add_block(BranchKind::Catch, parts.branch.position(), &parts.branch);
            }
            _ => {}
        }
    }

    fn add_if(&mut self, parts: &FlowControl, position: Position) {
        self.add_block(BranchKind::If, position, &parts.body);
        let otherwise = &parts.branch;
        if let [Stmt::If(..)] = otherwise.statements()
            && otherwise.end_position().is_none()
        {
            return; // `else if`, whose branches are told
        }
        if !otherwise.position().is_none() {
            let (begin, end) = (otherwise.position(), otherwise.end_position());
            return self.add_braces(BranchKind::Else, position, begin, end);
        }
        if let Some(end) = self.text.offset(parts.body.end_position()) {
            let begin = self.text.offset(position).unwrap_or(end);
            let span = (begin, begin);
            self.add(
                BranchKind::WithoutElse,
                position,
                span,
                end + 1,
                Place::Else,
            );
        }
    }

    fn add_block(&mut self, kind: BranchKind, shown: Position, block: &StmtBlock) {
        match (block.end_position().is_none(), block.statements()) {
            (false, _) => self.add_braces(kind, shown, block.position(), block.end_position()),
            (true, [statement, ..]) => self.add_value(kind, shown, statement),
            (true, []) => {}
        }
    }

    fn add_braces(&mut self, kind: BranchKind, shown: Position, begin: Position, end: Position) {
        if let (Some(begin), Some(end)) = (self.text.offset(begin), self.text.offset(end))
            && self.text.is_at(begin, '{')
            && self.text.is_at(end, '}')
        {
            self.add(kind, shown, (begin, end), begin + 1, Place::Within);
        }
    }

    /// A branch without braces: it runs if what it works out first is worked out.
    fn add_value(&mut self, kind: BranchKind, shown: Position, statement: &Stmt) {
        let begin = first_of_statement(statement).and_then(|first| self.text.offset(first));
        if let Some(begin) = begin
            && !self.text.is_signed(begin)
        {
            self.add(kind, shown, (begin, begin), begin, Place::Before);
        }
    }

    fn add(
        &mut self,
        kind: BranchKind,
        shown: Position,
        span: (usize, usize),
        at: usize,
        place: Place,
    ) {
        let found = Found {
            kind,
            line: shown.line().unwrap_or_default(),
            column: shown.position().unwrap_or_default(),
            span,
            at,
            place,
        };
        self.found.entry(at).or_insert(found);
    }
}

/// Where the value begins that a statement works out first.
fn first_of_statement(statement: &Stmt) -> Option<Position> {
    match statement {
        Stmt::Expr(value) => first_of_value(value),
        Stmt::FnCall(call, position) => first_of_call(call, *position),
        Stmt::Return(Some(value), ..) => first_of_value(value),
        Stmt::Assignment(parts) => first_of_value(&parts.1.rhs),
        Stmt::If(parts, _) => first_of_value(&parts.expr),
        Stmt::Switch(parts, _) => first_of_value(&parts.0),
        _ => None,
    }
}

fn first_of_value(value: &Expr) -> Option<Position> {
    match value {
        Expr::Stmt(block) => first_of_statement(block.statements().first()?),
        Expr::And(parts, _) | Expr::Or(parts, _) | Expr::Coalesce(parts, _) => {
            first_of_value(parts.first()?)
        }
        Expr::Dot(parts, ..) | Expr::Index(parts, ..) => first_of_value(&parts.lhs),
        Expr::FnCall(call, position) => first_of_call(call, *position),
        other => Some(other.start_position()),
    }
}

fn first_of_call(call: &FnCallExpr, position: Position) -> Option<Position> {
    match &*call.args {
        [left, _] if call.op_token.is_some() => first_of_value(left),
        _ if call.namespace.is_empty() => Some(position),
        _ => Some(call.namespace.position()),
    }
}

/// The text of a script, by lines and columns.
struct Text<'a> {
    source: &'a str,
    lines: Vec<usize>,
}

impl<'a> Text<'a> {
    fn of(source: &'a str) -> Self {
        let breaks = source.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            source,
            lines: std::iter::once(0).chain(breaks).collect(),
        }
    }

    /// In bytes. Columns are counted in characters, from 1.
    fn offset(&self, position: Position) -> Option<usize> {
        let begin = *self.lines.get(position.line()?.checked_sub(1)?)?;
        let column = position.position()?.checked_sub(1)?;
        let line = self.source.get(begin..)?;
        let (within, _) = line.char_indices().nth(column)?;
        Some(begin + within)
    }

    fn is_at(&self, at: usize, letter: char) -> bool {
        let rest = self.source.get(at..);
        rest.is_some_and(|rest| rest.starts_with(letter))
    }

    /// Whether a sign stands before it, which would be that of the note then.
    fn is_signed(&self, at: usize) -> bool {
        let before = self.source.get(..at).unwrap_or_default().trim_end();
        before.ends_with(['-', '+', '!'])
    }
}
