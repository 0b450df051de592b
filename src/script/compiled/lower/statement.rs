//! Statements.

use std::ops::{Range, RangeInclusive};

use rhai::{
    ASTFlags, Dynamic, Expr, FlowControl, Ident, OpAssignment, Stmt, SwitchCasesCollection,
};

use super::{Lower, Lowered, NotCovered};
use crate::script::compiled::code::{Code, For, Operator, Over, Place, Source, Switch};

impl Lower<'_> {
    /// The statements of a function, of which the last gives its value.
    pub(super) fn tail(&mut self, statements: &[Stmt]) -> Lowered<Code> {
        let block = self.block(statements)?;
        let Code::Block(mut parts) = block else {
            return Ok(block);
        };
        // A variable that is the function's value is handed out, and not copied.
        if let Some(Code::Read(place)) = parts.last()
            && place.steps.is_empty()
            && let slot = place.root
            && let Some(last) = parts.last_mut()
        {
            *last = Code::Take(Place::of(slot));
        }
        Ok(Code::Block(parts))
    }

    pub(super) fn block(&mut self, statements: &[Stmt]) -> Lowered<Code> {
        self.scoped(|inner| {
            let mut parts = statements
                .iter()
                .map(|statement| inner.statement(statement))
                .collect::<Lowered<Vec<Code>>>()?;
            Ok(match parts.len() {
                0 => nothing(),
                1 => parts.remove(0),
                _ => Code::Block(parts.into()),
            })
        })
    }

    fn statement(&mut self, statement: &Stmt) -> Lowered<Code> {
        match statement {
            Stmt::Noop(_) => Ok(nothing()),
            Stmt::Expr(value) => self.value(value),
            Stmt::FnCall(call, _) => self.call(call),
            Stmt::Block(block) => self.block(block.statements()),
            Stmt::If(parts, _) => self.condition(parts),
            Stmt::Switch(parts, _) => self.switch(&parts.0, &parts.1),
            Stmt::Var(parts, ..) => self.variable(&parts.0, &parts.1),
            Stmt::Assignment(parts) => self.assignment(&parts.0, &parts.1.lhs, &parts.1.rhs),
            Stmt::While(parts, _) => {
                let condition = match &parts.expr {
                    Expr::Unit(_) => Code::Constant(Dynamic::TRUE), // `loop`
                    condition => self.value(condition)?,
                };
                let body = self.block(parts.body.statements())?;
                Ok(Code::While(Box::new((condition, body))))
            }
            Stmt::For(parts, _) => self.for_each(&parts.0, parts.1.as_ref(), &parts.2),
            Stmt::Return(_, flags, _) if flags.contains(ASTFlags::BREAK) => Ok(Code::GiveUp), // `throw`
            Stmt::Return(value, ..) => {
                let value = value.as_ref().map(|value| self.value(value));
                Ok(Code::Return(Box::new(
                    value.unwrap_or_else(|| Ok(nothing()))?,
                )))
            }
            Stmt::BreakLoop(None, flags, _) => Ok(match flags.contains(ASTFlags::BREAK) {
                true => Code::Break,
                false => Code::Continue,
            }),
            _ => Err(NotCovered),
        }
    }

    pub(super) fn condition(&mut self, parts: &FlowControl) -> Lowered<Code> {
        let condition = self.value(&parts.expr)?;
        let yes = self.block(parts.body.statements())?;
        let no = self.block(parts.branch.statements())?;
        Ok(Code::If(Box::new((condition, yes, no))))
    }

    fn switch(&mut self, value: &Expr, cases: &SwitchCasesCollection) -> Lowered<Code> {
        if !cases.ranges.is_empty() {
            return Err(NotCovered);
        }
        let value = self.value(value)?;
        let mut arms = Vec::new();
        for arm in &cases.expressions {
            arms.push((self.value(&arm.lhs)?, self.value(&arm.rhs)?));
        }
        let tried = cases.cases.iter();
        Ok(Code::Switch(Box::new(Switch {
            value,
            cases: tried
                .map(|(hash, case)| (*hash, case.blocks.iter().copied().collect()))
                .collect(),
            arms: arms.into(),
            otherwise: cases.def_case,
        })))
    }

    fn variable(&mut self, name: &Ident, value: &Expr) -> Lowered<Code> {
        let value = self.value(value)?;
        let slot = self.declare(&name.name);
        match value {
            Code::Read(place) if self.is_steady(&name.name) && self.is_fixed(&place) => {
                Ok(Code::Alias(slot, place))
            }
            value => Ok(Code::Let(slot, Box::new(value))),
        }
    }

    /// Nothing changes what it is in, and it is always the same one there.
    pub(super) fn is_fixed(&self, place: &Place) -> bool {
        self.is_steady_slot(place.root) && place.is_constant()
    }

    /// Slots without a name are given a value once.
    fn is_steady_slot(&self, slot: usize) -> bool {
        let mut names = self.names.iter();
        names
            .find(|(_, known)| *known == slot)
            .is_none_or(|(name, _)| self.is_steady(name))
    }

    fn assignment(&mut self, operator: &OpAssignment, to: &Expr, value: &Expr) -> Lowered<Code> {
        let operator = match operator.get_op_assignment_info() {
            Some((.., text)) => Some(Operator::from_text(text).ok_or(NotCovered)?),
            None => None,
        };
        let value = Box::new(self.value(value)?);
        match self.value(to)? {
            Code::Read(place) if place.has_nothing_optional() => {
                Ok(Code::Set(place, operator, value))
            }
            _ => Err(NotCovered),
        }
    }

    fn for_each(
        &mut self,
        item: &Ident,
        counter: Option<&Ident>,
        parts: &FlowControl,
    ) -> Lowered<Code> {
        let (begin, over) = self.over(&parts.expr)?;
        let body = self.scoped(|inner| {
            let counter = counter.map(|name| inner.declare(&name.name));
            Ok(For {
                item: inner.declare(&item.name),
                is_steady: inner.is_steady(&item.name),
                counter,
                over,
                body: inner.block(parts.body.statements())?,
            })
        })?;
        Ok(first(begin, Code::For(Box::new(body))))
    }

    fn over(&mut self, value: &Expr) -> Lowered<(Option<Code>, Over)> {
        if let Expr::FnCall(call, _) = value
            && let is_inclusive = call.name == "..="
            && (is_inclusive || call.name == "..")
            && let [from, to] = &*call.args
        {
            let (from, to) = (self.value(from)?, self.value(to)?);
            return Ok((None, range(from, to, is_inclusive)));
        }
        let value = self.value(value)?;
        if let Code::Constant(written) = &value
            && let Some((from, to, is_inclusive)) = bounds(written)
        {
            let [from, to] = [from, to].map(|bound| Code::Constant(bound.into()));
            return Ok((None, range(from, to, is_inclusive)));
        }
        let (begin, source) = self.source(value);
        Ok((begin, Over::Array(source)))
    }

    /// Where a value can be looked at while other code runs; what is to be done before.
    pub(super) fn source(&mut self, value: Code) -> (Option<Code>, Source) {
        let spare = Place::of(self.spare());
        match value {
            Code::Read(place) if self.is_fixed(&place) => (None, Source { place, spare }),
            value => {
                let place = Place::of(self.spare());
                let begin = Code::Let(place.root, Box::new(value));
                (Some(begin), Source { place, spare })
            }
        }
    }
}

fn range(from: Code, to: Code, is_inclusive: bool) -> Over {
    Over::Range {
        from,
        to,
        is_inclusive,
    }
}

/// From where to where a range goes that is written out, and whether its last number belongs to it.
fn bounds(range: &Dynamic) -> Option<(i64, i64, bool)> {
    if let Some(range) = range.read_lock::<Range<i64>>() {
        return Some((range.start, range.end, false));
    }
    let range = range.read_lock::<RangeInclusive<i64>>()?;
    Some((*range.start(), *range.end(), true))
}

/// `()`
pub(super) fn nothing() -> Code {
    Code::Constant(Dynamic::UNIT)
}

/// Both, one after the other.
pub(super) fn first(begin: Option<Code>, then: Code) -> Code {
    match begin {
        Some(begin) => Code::Block(Box::new([begin, then])),
        None => then,
    }
}
