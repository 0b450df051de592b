//! Loops.

use rhai::Dynamic;

use super::slots::Held;
use super::{Ran, Run, Stop, number};
use crate::script::compiled::code::{Code, For, Over};

impl<'c> Run<'c, '_> {
    pub(super) fn repeat(&mut self, condition: &'c Code, body: &'c Code) -> Ran {
        while self.flag(condition)? {
            if !self.goes_on(body)? {
                break;
            }
        }
        Ok(Dynamic::UNIT)
    }

    pub(super) fn go_over(&mut self, parts: &'c For) -> Ran {
        match &parts.over {
            Over::Array(source) => {
                let (array, len) = self.source(source)?.ok_or(Stop::GiveUp)?;
                for index in 0..len {
                    let item = self.item(array, index, parts.is_steady)?;
                    self.slots.put(parts.item, item);
                    if !self.go_through(parts, index)? {
                        break;
                    }
                }
            }
            Over::Range {
                from,
                to,
                is_inclusive,
            } => {
                let from = self.value(from)?.as_int().map_err(|_| Stop::GiveUp)?;
                let to = self.value(to)?.as_int().map_err(|_| Stop::GiveUp)?;
                let end = to
                    .checked_add(i64::from(*is_inclusive))
                    .ok_or(Stop::GiveUp)?;
                for (index, number) in (from..end).enumerate() {
                    self.slots.put(parts.item, Held::Value(number.into()));
                    if !self.go_through(parts, index)? {
                        break;
                    }
                }
            }
        }
        Ok(Dynamic::UNIT)
    }

    fn go_through(&mut self, parts: &'c For, index: usize) -> Ran<bool> {
        if let Some(counter) = parts.counter {
            self.slots.put(counter, Held::Value(number(index)));
        }
        self.goes_on(&parts.body)
    }

    /// One round of a loop. False if it was the last.
    fn goes_on(&mut self, body: &'c Code) -> Ran<bool> {
        self.budget.step()?;
        match self.value(body) {
            Ok(_) | Err(Stop::Continue) => Ok(true),
            Err(Stop::Break) => Ok(false),
            Err(stop) => Err(stop),
        }
    }
}
