//! Runs compiled functions. Whatever does not go as usual ends the run: an error, since Rhai knows how to
//! say it; much of anything, since Rhai counts it. It never answers what Rhai would not.

mod budget;
mod change;
mod loops;
mod method;
mod operate;
mod rhais;
mod slots;
mod switch;

use std::fmt::Write;

use rhai::Dynamic;

use super::GaveUp;
use super::code::{Code, Function, MapLiteral, Operator, Switch};
use budget::Budget;
pub(in crate::script) use rhais::Rhais;
use slots::{Held, Slots};

/// How deep functions call one another.
const DEPTH: usize = 8;

/// Calls a function by its number.
pub(super) fn call<'c>(
    functions: &'c [Function],
    at: usize,
    arguments: &'c [Dynamic],
    rhais: Rhais<'_>,
) -> Result<Dynamic, GaveUp> {
    let function = functions.get(at).ok_or(GaveUp)?;
    let mut run = Run {
        functions,
        slots: Slots::new(),
        depth: 0,
        budget: Budget::default(),
        rhais,
    };
    let mut given = Vec::with_capacity(function.slots);
    for (argument, parameter) in arguments.iter().zip(&function.parameters) {
        given.push(match parameter.is_steady {
            true => Held::Given(argument),
            false => Held::Value(run.budget.copy(argument)?),
        });
    }
    run.slots.enter(given, function.slots);
    run.body(function)
}

/// Why there is no value.
enum Stop {
    GiveUp,
    Return(Dynamic),
    Break,
    Continue,
}

impl From<GaveUp> for Stop {
    fn from(GaveUp: GaveUp) -> Self {
        Self::GiveUp
    }
}

type Ran<T = Dynamic> = Result<T, Stop>;

struct Run<'c, 'e> {
    functions: &'c [Function],
    slots: Slots<'c>,
    depth: usize,
    budget: Budget,
    rhais: Rhais<'e>,
}

impl<'c> Run<'c, '_> {
    fn body(&mut self, function: &'c Function) -> Result<Dynamic, GaveUp> {
        match self.value(&function.body) {
            Ok(value) | Err(Stop::Return(value)) => Ok(value),
            Err(_) => Err(GaveUp),
        }
    }

    fn value(&mut self, code: &'c Code) -> Ran {
        match code {
            Code::Constant(value) => Ok(self.budget.copy(value)?),
            Code::Read(place) => self.read(place),
            Code::Take(variable) => self.take(variable),
            Code::Text(parts) => self.text(parts),
            Code::Array(items) => {
                self.budget.elements(items.len())?;
                Ok(Dynamic::from_array(self.values(items)?))
            }
            Code::Map(literal) => self.map(literal),
            Code::And(parts) => self.all_are(parts, true),
            Code::Or(parts) => self.all_are(parts, false),
            Code::Coalesce(parts) => self.coalesce(parts),
            Code::Not(part) => Ok((!self.flag(part)?).into()),
            Code::Operate(operator, both) => self.operate(*operator, both),
            Code::IsNothing(part, wanted) => {
                Ok((self.see(part, &mut Dynamic::is_unit)? == *wanted).into())
            }
            Code::TypeOf(part) => {
                let engine = self.rhais.engine;
                let name = self.see(part, &mut |value| {
                    engine.map_type_name(value.type_name()).into()
                })?;
                Ok(self.budget.count(name)?)
            }
            Code::Switch(switch) => self.switch(switch),
            Code::If(parts) => match self.flag(&parts.0)? {
                true => self.value(&parts.1),
                false => self.value(&parts.2),
            },
            Code::Block(parts) => {
                let mut value = Dynamic::UNIT;
                for part in parts {
                    value = self.value(part)?;
                }
                Ok(value)
            }
            Code::Let(slot, value) => {
                let value = self.value(value)?;
                self.slots.put(*slot, Held::Value(value));
                Ok(Dynamic::UNIT)
            }
            Code::Alias(slot, place) => {
                let held = self.alias(place)?;
                self.slots.put(*slot, held);
                Ok(Dynamic::UNIT)
            }
            Code::Set(place, operator, value) => self.set(place, *operator, value),
            Code::Push(place, item) => self.push(place, item),
            Code::Change(place, name, arguments) => self.change_by(place, name, arguments),
            Code::While(parts) => self.repeat(&parts.0, &parts.1),
            Code::For(parts) => self.go_over(parts),
            Code::Method(method) => self.method(method),
            Code::Own(function, arguments) => self.own(*function, arguments),
            Code::Host(function, arguments) => {
                let mut arguments = self.values(arguments)?;
                self.budget.step()?;
                let value = function(&mut arguments).ok_or(Stop::GiveUp)?;
                Ok(self.budget.count(value)?)
            }
            Code::Rhais(name, arguments) => {
                let mut arguments = self.values(arguments)?;
                Ok(self.rhais(name, &mut arguments)?)
            }
            Code::Return(value) => Err(Stop::Return(self.value(value)?)),
            Code::Break => Err(Stop::Break),
            Code::Continue => Err(Stop::Continue),
            Code::GiveUp => Err(Stop::GiveUp),
        }
    }

    fn values(&mut self, codes: &'c [Code]) -> Ran<Vec<Dynamic>> {
        codes.iter().map(|code| self.value(code)).collect()
    }

    /// What there is to see of a value, which is not copied for that.
    fn see<T>(&mut self, code: &'c Code, see: &mut dyn FnMut(&Dynamic) -> T) -> Ran<T> {
        let Code::Read(place) = code else {
            return Ok(see(&self.value(code)?));
        };
        let computed = self.computed(place)?;
        let mut seen = None;
        self.slots
            .look(self.slots.base, place, &computed, &mut |value| {
                seen = Some(see(value));
                Ok(())
            })?;
        Ok(seen.unwrap_or_else(|| see(&Dynamic::UNIT))) // where `?.` ended the way
    }

    fn flag(&mut self, code: &'c Code) -> Ran<bool> {
        self.value(code)?.as_bool().map_err(|_| Stop::GiveUp)
    }

    /// `&&` for true, `||` for false: true as long as all are that.
    fn all_are(&mut self, parts: &'c [Code], wanted: bool) -> Ran {
        for part in parts {
            if self.flag(part)? != wanted {
                return Ok((!wanted).into());
            }
        }
        Ok(wanted.into())
    }

    fn coalesce(&mut self, parts: &'c [Code]) -> Ran {
        for part in parts {
            let value = self.value(part)?;
            if !value.is_unit() {
                return Ok(value);
            }
        }
        Ok(Dynamic::UNIT)
    }

    fn text(&mut self, parts: &'c [Code]) -> Ran {
        let mut text = String::new();
        for part in parts {
            match part {
                Code::Constant(constant) => write_plain(&mut text, constant)?,
                Code::Read(place) if place.is_constant() => {
                    let write = &mut |value: &Dynamic| write_plain(&mut text, value);
                    self.slots.look(self.slots.base, place, &[], write)?;
                }
                part => write_plain(&mut text, &self.value(part)?)?,
            }
        }
        Ok(self.budget.count(text.into())?)
    }

    fn map(&mut self, literal: &'c MapLiteral) -> Ran {
        self.budget.elements(literal.keys.len())?;
        let mut values = vec![Dynamic::UNIT; literal.keys.len()];
        for (at, code) in &literal.entries {
            let value = self.value(code)?;
            *values.get_mut(*at).ok_or(Stop::GiveUp)? = value;
        }
        let mut map = literal.keys.clone();
        for (place, value) in map.values_mut().zip(values) {
            *place = value;
        }
        Ok(Dynamic::from_map(map))
    }

    fn operate(&mut self, operator: Operator, both: &'c (Code, Code)) -> Ran {
        let mut left = self.value(&both.0)?;
        let mut right = self.value(&both.1)?;
        self.operated(operator, &mut left, &mut right)
    }

    /// What two values come to. They may be gone then.
    fn operated(&mut self, operator: Operator, left: &mut Dynamic, right: &mut Dynamic) -> Ran {
        match operate::usual(operator, left, right) {
            Some(value) => Ok(self.budget.count(value)?),
            None => {
                let (name, both) = (operator.text(), &mut [left, right]);
                Ok(self.rhais.call(&mut self.budget, name, false, both)?)
            }
        }
    }

    fn switch(&mut self, switch: &'c Switch) -> Ran {
        let value = self.value(&switch.value)?;
        for at in switch::arms(switch, &value).ok_or(Stop::GiveUp)? {
            let (condition, then) = switch.arms.get(*at).ok_or(Stop::GiveUp)?;
            if self.flag(condition)? {
                return self.value(then);
            }
        }
        match switch.otherwise.and_then(|at| switch.arms.get(at)) {
            Some((_, then)) => self.value(then),
            None => Ok(Dynamic::UNIT),
        }
    }

    fn own(&mut self, function: usize, arguments: &'c [Code]) -> Ran {
        let function = self.functions.get(function).ok_or(Stop::GiveUp)?;
        self.budget.step()?;
        if self.depth == DEPTH {
            return Err(Stop::GiveUp);
        }
        let mut given = Vec::with_capacity(arguments.len());
        for (argument, parameter) in arguments.iter().zip(&function.parameters) {
            given.push(match argument {
                Code::Read(place) if parameter.is_steady && place.is_constant() => {
                    self.alias(place)?
                }
                argument => Held::Value(self.value(argument)?),
            });
        }
        let caller = self.slots.enter(given, function.slots);
        self.depth += 1;
        let result = self.body(function);
        self.depth -= 1;
        self.slots.leave(caller);
        Ok(result?)
    }
}

fn number(index: usize) -> Dynamic {
    i64::try_from(index).unwrap_or(i64::MAX).into()
}

/// As it stands in an interpolated text, if it is of a kind that is written in one way only.
fn write_plain(text: &mut String, value: &Dynamic) -> Result<(), GaveUp> {
    if value.is_string() {
        text.push_str(&value.as_immutable_string_ref().map_err(|_| GaveUp)?);
        return Ok(());
    }
    if value.is_int() || value.is_float() || value.is_bool() || value.is_unit() {
        return write!(text, "{value}").map_err(|_| GaveUp);
    }
    Err(GaveUp)
}
