//! Every limit of the script engine, set by us because Rhai's own differ between debug and
//! release builds and leave operations unlimited. Each bound has a hostile script as its test, in
//! `tests/it/script_limits.rs`.

use std::time::Duration;

/// How long one call may be on the processor. Generous: a realistic tag takes 6 to 10 µs.
pub const DEADLINE: Duration = Duration::from_millis(50);

/// Steps of one call, counted in callbacks too. The deadline is met first on a slow machine.
pub const STEPS: u32 = 500_000;

/// Nested script calls. Each takes about 10 KiB of native stack.
pub const CALL_LEVELS: usize = 32;

/// Bytes of a string, and of all strings within one array or map together (Rhai measures the
/// sum). Above the largest body that a client may ask for, or an event could not be assigned.
pub const STRING_BYTES: usize = 8 * 1024 * 1024;

/// Elements of an array with those of the arrays within it. Rhai measures the whole value anew on
/// each change, which is quadratic; the deadline bounds that.
pub const ARRAY_ITEMS: usize = JSON_ITEMS;

/// Keys of a map with those of the maps within it: nearly as many as JSON may have, so that an event
/// can still be read when the host has added what it knows. An order of 300 items with 30 keys each
/// is real.
pub const MAP_KEYS: usize = JSON_KEYS - 100;

/// Variables in scope.
pub const VARIABLES: usize = 128;

/// Functions in one script.
pub const FUNCTIONS: usize = 64;

/// Modules that one script may import.
pub const MODULES: usize = 32;

/// Nesting of expressions and blocks. Each `else if` and each `+` of a long sum is one deeper.
pub const EXPRESSION_DEPTH: usize = 128;

/// Bytes of one script file. The largest sensible script is a few KiB.
pub const SCRIPT_BYTES: u64 = 256 * 1024;

/// Stack of a script thread. Virtual memory; only what is touched is real. Comparing or printing
/// a value nested 999 deep needs more than the 2 MiB that threads get by default.
pub const STACK_BYTES: usize = 64 * 1024 * 1024;

/// Nesting of JSON that goes in or out: what serde_json reads. Were more written, an event could not
/// be read again.
pub const JSON_DEPTH: usize = 127;

/// Keys of all objects of one JSON text together, so that a small body cannot become a huge map.
pub const JSON_KEYS: usize = 10_000;

/// Elements of all arrays of one JSON text together, for the same reason.
pub const JSON_ITEMS: usize = 10_000;

/// Fields of one form: as many as a map may have.
pub const FORM_FIELDS: usize = MAP_KEYS;

/// Parts of one multipart form; each costs more than a field does, and no page has so many inputs.
pub const FORM_PARTS: usize = 1_000;
