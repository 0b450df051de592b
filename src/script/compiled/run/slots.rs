//! What variables hold, and looking into them.

use rhai::{Dynamic, ImmutableString};

use crate::script::compiled::GaveUp;
use crate::script::compiled::code::{Code, Place, Slot, Step, To};
use crate::script::request_view::RequestView;

/// What is in a slot.
pub(super) enum Held<'c> {
    Value(Dynamic),
    /// What the host gave.
    Given(&'c Dynamic),
    /// Another name for a place in the call whose slots begin here. Nothing changes what is there.
    Alias(usize, &'c Place),
    /// An element of the array there.
    Item(usize, &'c Place, usize),
}

impl Default for Held<'_> {
    fn default() -> Self {
        Self::Value(Dynamic::UNIT)
    }
}

/// The slots of all calls that are under way, the innermost call's last.
pub(super) struct Slots<'c> {
    held: Vec<Held<'c>>,
    /// Where those of the innermost call begin.
    pub(super) base: usize,
}

/// What is done with the value that is found.
type Look<'l> = &'l mut dyn FnMut(&Dynamic) -> Result<(), GaveUp>;

impl<'c> Slots<'c> {
    pub(super) fn new() -> Self {
        let held = Vec::with_capacity(32);
        Self { held, base: 0 }
    }

    /// Begins a call with these arguments and so many slots. Gives back where those of its caller begin.
    pub(super) fn enter(&mut self, mut arguments: Vec<Held<'c>>, slots: usize) -> usize {
        let caller = std::mem::replace(&mut self.base, self.held.len());
        self.held.append(&mut arguments);
        self.held.resize_with(self.base + slots, Held::default);
        caller
    }

    /// Ends it.
    pub(super) fn leave(&mut self, caller: usize) {
        self.held.truncate(self.base);
        self.base = caller;
    }

    pub(super) fn get_mut(&mut self, slot: Slot) -> Option<&mut Held<'c>> {
        self.held.get_mut(self.base + slot)
    }

    pub(super) fn put(&mut self, slot: Slot, held: Held<'c>) {
        if let Some(place) = self.get_mut(slot) {
            *place = held;
        }
    }

    /// Looks at what is in a place of the call whose slots begin at `base`. `then` is not called if a
    /// `?.` ended the way. `computed` has what the steps came to that are not constant, in their order.
    pub(super) fn look(
        &self,
        base: usize,
        place: &Place,
        computed: &[Dynamic],
        then: Look<'_>,
    ) -> Result<(), GaveUp> {
        let steps = &*place.steps;
        match self.held.get(base + place.root).ok_or(GaveUp)? {
            Held::Value(value) => follow(value, steps, computed, then),
            Held::Given(value) => follow(value, steps, computed, then),
            &Held::Alias(base, outer) => self.look(base, outer, &[], &mut |value| {
                follow(value, steps, computed, then)
            }),
            &Held::Item(base, array, index) => self.look(base, array, &[], &mut |value| {
                let items = value.as_array_ref().map_err(|_| GaveUp)?;
                follow(items.get(index).ok_or(GaveUp)?, steps, computed, then)
            }),
        }
    }

    /// Whether what is in a place is worked out for whoever asks, and not simply there.
    pub(super) fn is_made(&self, place: &Place) -> bool {
        let mut is_made = false;
        let root = Place::of(place.root);
        let looked = self.look(self.base, &root, &[], &mut |value| {
            is_made = value.is::<RequestView>();
            Ok(())
        });
        looked.is_ok() && is_made && !place.steps.is_empty()
    }

    /// The value of a request's property, if that is what the place is.
    pub(super) fn made(&self, place: &Place) -> Result<Option<Dynamic>, GaveUp> {
        let [
            Step {
                to: To::Key(name), ..
            },
        ] = &*place.steps
        else {
            return Ok(None);
        };
        match self.held.get(self.base + place.root) {
            Some(Held::Value(value)) => property(value, name),
            Some(Held::Given(value)) => property(value, name),
            _ => Ok(None),
        }
    }
}

fn property(value: &Dynamic, name: &str) -> Result<Option<Dynamic>, GaveUp> {
    if !value.is_variant() {
        return Ok(None);
    }
    let Some(view) = value.read_lock::<RequestView>() else {
        return Ok(None);
    };
    let value = view.property(name).ok_or(GaveUp)?;
    value.map(Some).map_err(|_| GaveUp)
}

fn follow(
    value: &Dynamic,
    steps: &[Step],
    computed: &[Dynamic],
    then: Look<'_>,
) -> Result<(), GaveUp> {
    let Some((step, steps)) = steps.split_first() else {
        return then(value);
    };
    if step.is_optional && value.is_unit() {
        return Ok(());
    }
    match &step.to {
        To::Key(key) => key_of(value, key, steps, computed, then),
        To::Computed(Code::Constant(index)) => element_of(value, index, steps, computed, then),
        To::Computed(_) => {
            let (index, computed) = computed.split_first().ok_or(GaveUp)?;
            element_of(value, index, steps, computed, then)
        }
    }
}

fn key_of(
    value: &Dynamic,
    key: &ImmutableString,
    steps: &[Step],
    computed: &[Dynamic],
    then: Look<'_>,
) -> Result<(), GaveUp> {
    if value.is_map() {
        let map = value.as_map_ref().map_err(|_| GaveUp)?;
        return match map.get(key.as_str()) {
            Some(value) => follow(value, steps, computed, then),
            None => follow(&Dynamic::UNIT, steps, computed, then),
        };
    }
    match property(value, key)? {
        Some(value) => follow(&value, steps, computed, then),
        None => Err(GaveUp),
    }
}

fn element_of(
    value: &Dynamic,
    index: &Dynamic,
    steps: &[Step],
    computed: &[Dynamic],
    then: Look<'_>,
) -> Result<(), GaveUp> {
    if value.is_array() {
        let items = value.as_array_ref().map_err(|_| GaveUp)?;
        let at = position(index, items.len()).ok_or(GaveUp)?;
        return follow(items.get(at).ok_or(GaveUp)?, steps, computed, then);
    }
    if !value.is_map() {
        return Err(GaveUp);
    }
    let key = index.as_immutable_string_ref().map_err(|_| GaveUp)?;
    key_of(value, &key, steps, computed, then)
}

/// From the end, if it is less than 0.
pub(super) fn position(index: &Dynamic, len: usize) -> Option<usize> {
    let index = index.as_int().ok()?;
    let distance = usize::try_from(index.unsigned_abs()).ok()?;
    match index < 0 {
        true => len.checked_sub(distance),
        false => Some(distance),
    }
}
