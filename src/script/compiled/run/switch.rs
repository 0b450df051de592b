//! Which arms of a `switch` are meant: Rhai keeps of the values that are written out only their hashes, by the
//! hasher that is asked here.

use std::hash::{Hash, Hasher};

use ahash::AHasher;
use rhai::Dynamic;

use crate::script::compiled::code::Switch;

/// Those that are to be tried for a value, in their order; nothing for a value of an unusual kind.
pub(super) fn arms<'c>(switch: &'c Switch, value: &Dynamic) -> Option<&'c [usize]> {
    let is_usual = value.is_string() || value.is_int() || value.is_bool() || value.is_unit();
    if !is_usual {
        return None;
    }
    let mut hasher = AHasher::default();
    value.hash(&mut hasher);
    let arms = switch.cases.get(&hasher.finish());
    Some(arms.map_or(&[], |arms| arms))
}
