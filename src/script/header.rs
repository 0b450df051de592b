//! Reading the header constants of a script, one by one, with every mistake reported: wrong type,
//! not a literal, unknown name. Which constants there are is said by `client`, `tag` and `transform`.

use std::time::Duration;

use super::Fault;
use super::compile::Script;
use super::outline::Constant;
use super::value::{Map, Value, kind, text, texts};
use crate::config::{parse_duration, suggest};

/// Constants that mean the same, of one kind of script: a row of their table.
#[derive(Clone, Copy, Debug)]
pub struct Constants {
    /// What they are called.
    pub names: &'static [&'static str],
    /// What holds without them, as Markdown.
    pub default: &'static str,
    /// What they mean, as Markdown.
    pub about: &'static str,
}

/// A row of a table.
pub const fn constants(
    names: &'static [&'static str],
    default: &'static str,
    about: &'static str,
) -> Constants {
    Constants {
        names,
        default,
        about,
    }
}

/// A reader of the header constants of one script.
pub struct Header<'a> {
    script: &'a Script,
    known: &'static [Constants],
    faults: Vec<Fault>,
}

impl<'a> Header<'a> {
    /// Starts reading. `known` are all that such a script may have.
    pub fn of(script: &'a Script, known: &'static [Constants]) -> Self {
        Self {
            script,
            known,
            faults: Vec::new(),
        }
    }

    /// A text.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        let value = self.literal(name)?;
        self.or_wrong(name, &value, "a text", text(&value))
    }

    /// A text, or an array of texts.
    pub fn texts(&mut self, name: &'static str) -> Option<Vec<String>> {
        let value = self.literal(name)?;
        self.or_wrong(name, &value, "a text or an array of texts", texts(&value))
    }

    /// A whole number.
    pub fn integer(&mut self, name: &'static str) -> Option<i64> {
        let value = self.literal(name)?;
        self.or_wrong(name, &value, "a whole number", value.as_int().ok())
    }

    /// `true` or `false`.
    pub fn flag(&mut self, name: &'static str) -> Option<bool> {
        let value = self.literal(name)?;
        self.or_wrong(name, &value, "true or false", value.as_bool().ok())
    }

    /// A map.
    pub fn map(&mut self, name: &'static str) -> Option<Map> {
        let value = self.literal(name)?;
        let map = value.clone().try_cast::<Map>();
        self.or_wrong(name, &value, "a map, #{ … }", map)
    }

    /// A map, or an array of maps.
    pub fn maps(&mut self, name: &'static str) -> Option<Vec<Map>> {
        let value = self.literal(name)?;
        let maps = match value.clone().into_array() {
            Ok(items) => items.into_iter().map(Value::try_cast::<Map>).collect(),
            Err(_) => value.clone().try_cast::<Map>().map(|map| vec![map]),
        };
        self.or_wrong(name, &value, "a map, #{ … }, or an array of maps", maps)
    }

    /// A duration, such as `"30m"`.
    pub fn duration(&mut self, name: &'static str) -> Option<Duration> {
        let text = self.text(name)?;
        let duration = parse_duration(&text);
        if duration.is_none() {
            let hint = "write a number and a unit, such as \"30s\", \"5m\", \"2h\" or \"7d\"";
            self.wrong(
                name,
                format!("{text:?} is not a duration"),
                Some(hint.to_owned()),
            );
        }
        duration
    }

    /// True if the script declares the constant at all.
    pub fn has(&self, name: &str) -> bool {
        self.script.declared(name).is_some()
    }

    /// Reports a mistake in the value of `name`.
    pub fn wrong(&mut self, name: &str, message: impl Into<String>, hint: Option<String>) {
        let fault = self.script.fault_in(name, &message.into());
        self.faults.push(Fault { hint, ..fault });
    }

    /// Reports that the script lacks the constant `name`.
    pub fn missing(&mut self, name: &str, example: &str) {
        let fault = Fault::new(&self.script.file, format!("the constant {name} is missing"));
        let fault = fault.of_kind("missing-constant");
        self.faults
            .push(fault.with_hint(format!("add `{example}` at the top")));
    }

    /// Ends reading: constants that there are not are mistakes too.
    pub fn finish(mut self) -> Vec<Fault> {
        let known = self.known.iter().flat_map(|row| row.names).copied();
        let constants = &self.script.constants;
        for (at, Constant { name, position, .. }) in constants.iter().enumerate() {
            if constants.iter().take(at).any(|before| before.name == *name) {
                let fault = Fault::new(&self.script.file, format!("{name} is there twice"));
                let fault = fault.of_kind("wrong-constant").at(*position);
                self.faults
                    .push(fault.with_hint("only one of the two can count"));
            }
            if known.clone().any(|known| known == name) {
                continue;
            }
            let hint = suggest(name, known.clone()).unwrap_or_else(|| {
                let known: Vec<&str> = known.clone().collect();
                format!("there are {}", known.join(", "))
            });
            let fault = Fault::new(&self.script.file, format!("unknown constant {name}"));
            let fault = fault.of_kind("unknown-constant");
            self.faults.push(fault.at(*position).with_hint(hint));
        }
        self.faults
    }

    fn literal(&mut self, name: &'static str) -> Option<Value> {
        if let Some(value) = self.script.constant(name) {
            return Some(value.clone());
        }
        if self.has(name) {
            let hint =
                "header constants are read without running the script: write the value itself";
            self.wrong(name, "the value must be a literal", Some(hint.to_owned()));
        }
        None
    }

    fn or_wrong<T>(
        &mut self,
        name: &str,
        value: &Value,
        wanted: &str,
        read: Option<T>,
    ) -> Option<T> {
        if read.is_none() {
            self.wrong(name, format!("wants {wanted}, is {}", kind(value)), None);
        }
        read
    }
}
