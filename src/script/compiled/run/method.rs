//! Methods.

use rhai::{Array, Dynamic};

use super::change::Goes;
use super::slots::Held;
use super::{Ran, Run, Stop, number};
use crate::script::compiled::GaveUp;
use crate::script::compiled::code::{Closure, Does, Each, Method, Slot};

impl<'c> Run<'c, '_> {
    /// Nothing if `?.` ended the chain before it.
    pub(super) fn method(&mut self, method: &'c Method) -> Ran {
        let mut arguments = self.values(&method.arguments)?;
        let value = match &method.does {
            Does::Each(each, closure) => match self.goes_over(method)? {
                Some((array, len)) => self.each(*each, closure, array, len)?,
                None => return Ok(Dynamic::UNIT),
            },
            Does::Reduce(sum, closure) => match self.goes_over(method)? {
                Some((array, len)) => {
                    let begins = arguments.pop().unwrap_or_default();
                    self.reduce(*sum, begins, closure, array, len)?
                }
                None => return Ok(Dynamic::UNIT),
            },
            does => match self.of_receiver(method, does, &mut arguments)? {
                Some(value) => value,
                None => return Ok(Dynamic::UNIT),
            },
        };
        match &method.rest {
            Some((slot, rest)) => {
                self.slots.put(*slot, Held::Value(value));
                self.value(rest)
            }
            None => Ok(value),
        }
    }

    fn goes_over(&mut self, method: &'c Method) -> Ran<Option<(Goes<'c>, usize)>> {
        let place = &method.source.place;
        if method.is_optional && !self.slots.is_made(place) {
            let mut is_nothing = true;
            self.slots.look(self.slots.base, place, &[], &mut |value| {
                is_nothing = value.is_unit();
                Ok(())
            })?;
            if is_nothing {
                return Ok(None);
            }
        }
        self.source(&method.source)
    }

    fn of_receiver(
        &mut self,
        method: &'c Method,
        does: &'c Does,
        arguments: &mut Vec<Dynamic>,
    ) -> Ran<Option<Dynamic>> {
        let place = &method.source.place;
        let computed = self.computed(place)?;
        let mut found = None;
        let budget = &mut self.budget;
        self.slots
            .look(self.slots.base, place, &computed, &mut |value| {
                if method.is_optional && value.is_unit() {
                    return Ok(());
                }
                found = Some(match does {
                    Does::Len => len(value)?,
                    Does::IsEmpty => is_empty(value)?,
                    _ => budget.copy(value)?,
                });
                Ok(())
            })?;
        match (does, found) {
            (Does::Rhais(name), Some(receiver)) => {
                arguments.insert(0, receiver);
                Ok(Some(self.rhais(name, arguments)?))
            }
            (_, found) => Ok(found),
        }
    }

    fn each(&mut self, each: Each, closure: &'c Closure, array: Goes<'c>, len: usize) -> Ran {
        let mut kept = Array::new();
        for index in 0..len {
            let value = self.call(closure, array, index)?;
            if let Each::Map = each {
                self.budget.elements(1)?;
                kept.push(value);
                continue;
            }
            match (each, value.as_bool().unwrap_or(false)) {
                (Each::Filter, true) => {
                    self.budget.elements(1)?;
                    kept.push(self.copy_of_item(array, index)?);
                }
                (Each::Find, true) => return self.copy_of_item(array, index),
                (Each::Some, true) => return Ok(true.into()),
                (Each::All, false) => return Ok(false.into()),
                _ => {}
            }
        }
        Ok(match each {
            Each::Map | Each::Filter => Dynamic::from_array(kept),
            Each::Some => false.into(),
            Each::All => true.into(),
            Each::Find => Dynamic::UNIT,
        })
    }

    fn reduce(
        &mut self,
        sum: Slot,
        begins: Dynamic,
        closure: &'c Closure,
        array: Goes<'c>,
        len: usize,
    ) -> Ran {
        let mut value = begins;
        for index in 0..len {
            self.slots.put(sum, Held::Value(value));
            value = self.call(closure, array, index)?;
        }
        Ok(value)
    }

    fn call(&mut self, closure: &'c Closure, array: Goes<'c>, index: usize) -> Ran {
        self.budget.step()?;
        let item = self.item(array, index, closure.is_steady)?;
        self.slots.put(closure.item, item);
        if let Some(slot) = closure.index {
            self.slots.put(slot, Held::Value(number(index)));
        }
        match self.value(&closure.body) {
            Err(Stop::Return(value)) => Ok(value),
            Err(Stop::Break | Stop::Continue) => Err(Stop::GiveUp),
            result => result,
        }
    }
}

fn len(value: &Dynamic) -> Result<Dynamic, GaveUp> {
    let len = sizes(value).map(|(len, _)| len)?;
    Ok(number(len))
}

fn is_empty(value: &Dynamic) -> Result<Dynamic, GaveUp> {
    sizes(value).map(|(_, is_empty)| is_empty.into())
}

/// How long it is, and whether it is empty.
fn sizes(value: &Dynamic) -> Result<(usize, bool), GaveUp> {
    if let Ok(items) = value.as_array_ref() {
        return Ok((items.len(), items.is_empty()));
    }
    if let Ok(text) = value.as_immutable_string_ref() {
        return Ok((text.chars().count(), text.is_empty()));
    }
    let map = value.as_map_ref().map_err(|_| GaveUp)?;
    Ok((map.len(), map.is_empty()))
}
