//! Reading variables and changing them.

use rhai::Dynamic;

use super::slots::{Held, position};
use super::{Ran, Run, Stop};
use crate::script::compiled::GaveUp;
use crate::script::compiled::code::{Code, Operator, Place, Source, Step, To};

/// What is done with the value that is to change.
type Change<'l> = &'l mut dyn FnMut(&mut Dynamic) -> Result<(), GaveUp>;

impl<'c> Run<'c, '_> {
    /// A copy of what is there.
    pub(super) fn read(&mut self, place: &'c Place) -> Ran {
        if let Some(value) = self.slots.made(place)? {
            return Ok(self.budget.count(value)?);
        }
        let computed = self.computed(place)?;
        let mut found = Dynamic::UNIT;
        let budget = &mut self.budget;
        self.slots
            .look(self.slots.base, place, &computed, &mut |value| {
                found = budget.copy(value)?;
                Ok(())
            })?;
        Ok(found)
    }

    /// What the steps of a place come to that are not constant.
    pub(super) fn computed(&mut self, place: &'c Place) -> Ran<Vec<Dynamic>> {
        let mut computed = Vec::new();
        for step in &place.steps {
            match &step.to {
                To::Key(_) | To::Computed(Code::Constant(_)) => {}
                To::Computed(code) => computed.push(self.value(code)?),
            }
        }
        Ok(computed)
    }

    /// Another name for a place that does not change, once it is seen that one gets there.
    pub(super) fn alias(&mut self, place: &'c Place) -> Ran<Held<'c>> {
        if self.slots.is_made(place) {
            return Ok(Held::Value(self.read(place)?));
        }
        let mut is_there = false;
        self.slots.look(self.slots.base, place, &[], &mut |_| {
            is_there = true;
            Ok(())
        })?;
        Ok(match is_there {
            true => Held::Alias(self.slots.base, place),
            false => Held::default(),
        })
    }

    /// The place where the array of a loop can be looked at all the time, and how long it is.
    pub(super) fn source(&mut self, source: &'c Source) -> Ran<Option<(Goes<'c>, usize)>> {
        let mut place = Goes {
            place: &source.place,
            base: self.slots.base,
        };
        if self.slots.is_made(&source.place) {
            let value = self.read(&source.place)?;
            self.slots.put(source.spare.root, Held::Value(value));
            place.place = &source.spare;
        }
        let mut len = None;
        self.slots
            .look(place.base, place.place, &[], &mut |value| {
                len = Some(value.as_array_ref().map_err(|_| GaveUp)?.len());
                Ok(())
            })?;
        Ok(len.map(|len| (place, len)))
    }

    /// A copy of an element, or a name for it if nothing changes the variable.
    pub(super) fn item(&mut self, array: Goes<'c>, index: usize, is_steady: bool) -> Ran<Held<'c>> {
        let item = Held::Item(array.base, array.place, index);
        if is_steady {
            return Ok(item);
        }
        Ok(Held::Value(self.copy_of_item(array, index)?))
    }

    pub(super) fn copy_of_item(&mut self, array: Goes<'c>, index: usize) -> Ran {
        let mut copy = Dynamic::UNIT;
        let budget = &mut self.budget;
        self.slots
            .look(array.base, array.place, &[], &mut |value| {
                let items = value.as_array_ref().map_err(|_| GaveUp)?;
                copy = budget.copy(items.get(index).ok_or(GaveUp)?)?;
                Ok(())
            })?;
        Ok(copy)
    }

    /// The value of a variable that nobody reads any more.
    pub(super) fn take(&mut self, variable: &'c Place) -> Ran {
        if let Some(Held::Value(value)) = self.slots.get_mut(variable.root) {
            return Ok(value.take());
        }
        self.read(variable)
    }

    pub(super) fn set(
        &mut self,
        place: &'c Place,
        operator: Option<Operator>,
        value: &'c Code,
    ) -> Ran {
        let mut value = self.value(value)?;
        if let Some(operator) = operator {
            let mut before = self.read(place)?;
            if before.is_array() || before.is_map() {
                return Err(Stop::GiveUp); // which is added to where it is
            }
            value = self.operated(operator, &mut before, &mut value)?;
        }
        self.change(place, &mut |there| {
            *there = value.take();
            Ok(())
        })
    }

    pub(super) fn push(&mut self, place: &'c Place, item: &'c Code) -> Ran {
        let mut item = self.value(item)?;
        self.change(place, &mut |there| {
            there.as_array_mut().map_err(|_| GaveUp)?.push(item.take());
            Ok(())
        })
    }

    /// What a method of Rhai's gives that may change what is there.
    pub(super) fn change_by(
        &mut self,
        place: &'c Place,
        method: &str,
        arguments: &'c [Code],
    ) -> Ran {
        let mut arguments = self.values(arguments)?;
        let computed = self.computed(place)?;
        let Some(Held::Value(value)) = self.slots.get_mut(place.root) else {
            return Err(Stop::GiveUp);
        };
        let mut given = Dynamic::UNIT;
        let (rhais, budget) = (&mut self.rhais, &mut self.budget);
        follow(value, &place.steps, &computed, &mut |there| {
            let mut all = vec![&mut *there];
            all.extend(arguments.iter_mut());
            given = rhais.call(budget, method, true, &mut all)?;
            budget.measure(there)
        })?;
        Ok(given)
    }

    /// What changes it may add an element to something.
    fn change(&mut self, place: &'c Place, change: Change<'_>) -> Ran {
        self.budget.step()?;
        self.budget.elements(1)?;
        let computed = self.computed(place)?;
        match self.slots.get_mut(place.root) {
            Some(Held::Value(value)) => follow(value, &place.steps, &computed, change)?,
            _ => return Err(Stop::GiveUp),
        }
        Ok(Dynamic::UNIT)
    }
}

/// Where an array is that is gone through.
#[derive(Clone, Copy)]
pub(super) struct Goes<'c> {
    base: usize,
    place: &'c Place,
}

/// A last key that is not there is made, as by Rhai.
fn follow(
    value: &mut Dynamic,
    steps: &[Step],
    computed: &[Dynamic],
    change: Change<'_>,
) -> Result<(), GaveUp> {
    let Some((step, steps)) = steps.split_first() else {
        return change(value);
    };
    let (key, computed) = match &step.to {
        To::Key(key) => (Dynamic::from(key.clone()), computed),
        To::Computed(Code::Constant(index)) => (index.clone(), computed),
        To::Computed(_) => {
            let (index, computed) = computed.split_first().ok_or(GaveUp)?;
            (index.clone(), computed)
        }
    };
    if let Ok(mut items) = value.as_array_mut() {
        let at = position(&key, items.len()).ok_or(GaveUp)?;
        return follow(items.get_mut(at).ok_or(GaveUp)?, steps, computed, change);
    }
    let mut map = value.as_map_mut().map_err(|_| GaveUp)?;
    let key = key.as_immutable_string_ref().map_err(|_| GaveUp)?;
    match map.get_mut(key.as_str()) {
        Some(value) => follow(value, steps, computed, change),
        None if steps.is_empty() => {
            let mut value = Dynamic::UNIT;
            change(&mut value)?;
            map.insert(key.as_str().into(), value);
            Ok(())
        }
        None => Err(GaveUp),
    }
}
