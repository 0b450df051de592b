//! How much a run may do before it is Rhai's to count: more than functions usually do, and little enough
//! that what is made stays far below every limit (`script::limits`).

use rhai::Dynamic;

use crate::script::compiled::GaveUp;
use crate::script::frame;

/// Rounds of loops, and calls.
const STEPS: usize = 20_000;

/// Elements of arrays and maps that are made or copied: fewer than one array or map may have, so that none
/// becomes too large.
const ELEMENTS: usize = 9_000;

/// Bytes of the texts that are made or copied, for the same reason.
const TEXT: usize = 4 * 1024 * 1024;

pub(super) struct Budget {
    steps: usize,
    elements: usize,
    text: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            steps: STEPS,
            elements: ELEMENTS,
            text: TEXT,
        }
    }
}

impl Budget {
    /// One more round or call; the call's time is looked at, too.
    pub(super) fn step(&mut self) -> Result<(), GaveUp> {
        self.steps = self.steps.checked_sub(1).ok_or(GaveUp)?;
        match frame::step() {
            None => Ok(()),
            Some(_) => Err(GaveUp),
        }
    }

    /// Copies a value.
    pub(super) fn copy(&mut self, value: &Dynamic) -> Result<Dynamic, GaveUp> {
        self.measure(value)?;
        Ok(value.clone())
    }

    /// A value that was made.
    pub(super) fn count(&mut self, value: Dynamic) -> Result<Dynamic, GaveUp> {
        self.measure(&value)?;
        Ok(value)
    }

    /// The same of one that became what it is.
    pub(super) fn measure(&mut self, value: &Dynamic) -> Result<(), GaveUp> {
        // Asking for the kind first saves the words for what it is not: half of what measuring took.
        if value.is_string() {
            let text = value.as_immutable_string_ref().map_err(|_| GaveUp)?;
            self.text = self.text.checked_sub(text.len()).ok_or(GaveUp)?;
        } else if value.is_map() {
            let map = value.as_map_ref().map_err(|_| GaveUp)?;
            self.elements(map.len())?;
            map.values().try_for_each(|inner| self.measure(inner))?;
        } else if value.is_array() {
            let items = value.as_array_ref().map_err(|_| GaveUp)?;
            self.elements(items.len())?;
            items.iter().try_for_each(|inner| self.measure(inner))?;
        }
        Ok(())
    }

    /// So many more of arrays and maps.
    pub(super) fn elements(&mut self, count: usize) -> Result<(), GaveUp> {
        self.elements = self.elements.checked_sub(count).ok_or(GaveUp)?;
        Ok(())
    }
}
