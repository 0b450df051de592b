//! Expressions, but for chains and calls.

use rhai::{Dynamic, Expr, Map, Stmt, StmtBlock};

use super::{Lower, Lowered, NotCovered};
use crate::script::compiled::code::{Code, MapLiteral, Place};

impl Lower<'_> {
    pub(super) fn value(&mut self, value: &Expr) -> Lowered<Code> {
        if let Some(constant) = constant(value) {
            return Ok(Code::Constant(constant));
        }
        match value {
            Expr::Variable(parts, ..) if parts.2.is_empty() => {
                Ok(Code::Read(Place::of(self.slot(&parts.1)?)))
            }
            Expr::InterpolatedString(parts, _) => Ok(Code::Text(self.values(parts)?)),
            Expr::Array(items, _) => Ok(Code::Array(self.values(items)?)),
            Expr::Map(parts, _) => {
                let entries = parts
                    .0
                    .iter()
                    .map(|(key, value)| (key.name.as_str(), value));
                self.map(entries.collect())
            }
            Expr::And(parts, _) => Ok(Code::And(self.values(parts.iter())?)),
            Expr::Or(parts, _) => Ok(Code::Or(self.values(parts.iter())?)),
            Expr::Coalesce(parts, _) => Ok(Code::Coalesce(self.values(parts.iter())?)),
            Expr::Stmt(block) => self.inner_block(block),
            Expr::FnCall(call, _) => self.call(call),
            Expr::Dot(..) | Expr::Index(..) => self.chain(value),
            _ => Err(NotCovered),
        }
    }

    pub(super) fn values<'b>(
        &mut self,
        values: impl IntoIterator<Item = &'b Expr>,
    ) -> Lowered<Box<[Code]>> {
        values.into_iter().map(|value| self.value(value)).collect()
    }

    fn map(&mut self, entries: Vec<(&str, &Expr)>) -> Lowered<Code> {
        let keys: Map = entries
            .iter()
            .map(|(key, _)| ((*key).into(), Dynamic::UNIT))
            .collect();
        let at = |key: &str| keys.keys().position(|known| known == key);
        let mut lowered = Vec::new();
        for (key, value) in entries {
            lowered.push((at(key).ok_or(NotCovered)?, self.value(value)?));
        }
        let entries = lowered.into();
        Ok(Code::Map(Box::new(MapLiteral { keys, entries })))
    }

    /// A closure with captured variables is a block, too: closures are known where they are used only.
    fn inner_block(&mut self, block: &StmtBlock) -> Lowered<Code> {
        match block.statements() {
            [Stmt::Share(..), ..] => Err(NotCovered),
            statements => self.block(statements),
        }
    }
}

/// What is written out. Functions are none: what they are of is found out where they are called.
fn constant(value: &Expr) -> Option<Dynamic> {
    match value {
        Expr::FnCall(..) => None, // such as `Fn("name")`
        _ => value
            .get_literal_value(None)
            .filter(|value| !value.is_fnptr()),
    }
}
