//! The functions that the language itself has, with whatever kinds of values: what is called and is
//! none of these, of the host's or of the script's own, is misspelt.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use rhai::Engine;

/// What is part of the language and looks like a function.
const WORDS: [&str; 9] = [
    // What closures become; whoever writes it is told by the parser.
    "curry",
    "type_of",
    "print",
    "debug",
    "call",
    "Fn",
    "is_shared",
    "is_def_fn",
    "is_def_var",
];

/// The names of all functions that scripts may call by a bare name.
pub(super) struct Known(BTreeSet<String>);

impl Known {
    /// True if there is a function of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// The names that people write; operators have names, too.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// What engines of ours have. The same for all, so it is asked for once.
pub(super) fn known(engine: &Engine) -> &'static Known {
    static KNOWN: OnceLock<Known> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let names = engine.collect_fn_metadata(
            None,
            |found| {
                let name = found.metadata.name.as_str();
                let is_plain = found.namespace.is_empty() && is_written(name);
                is_plain.then(|| name.to_owned())
            },
            true,
        );
        let words = WORDS.map(str::to_owned);
        Known(names.into_iter().chain(words).collect())
    })
}

/// Getters (`get$name`) and operators are called by other means.
fn is_written(name: &str) -> bool {
    name.chars()
        .all(|letter| letter.is_alphanumeric() || letter == '_')
}

#[cfg(test)]
mod tests {
    use super::known;
    use crate::script::engine;

    #[test]
    fn the_language_has_its_functions() {
        let known = known(&engine::build());
        for name in [
            "len",
            "push",
            "map",
            "filter",
            "to_string",
            "keys",
            "abs",
            "type_of",
            "num",
        ] {
            assert!(known.has(name), "{name}");
        }
        for name in ["lenght", "sha256", "+", "get$len"] {
            assert!(!known.has(name), "{name}");
        }
    }
}
