//! Reads the constant `VERIFY`, with every mistake at once: what cannot be checked must not load, and
//! nothing that asks for a check runs without it.

use std::collections::BTreeSet;
use std::time::Duration;

use http::HeaderName;

use super::Verify;
use super::key::Key;
use super::schemes::SCHEMES;
use crate::client::Surroundings;
use crate::config::{self, parse_duration, suggest};
use crate::script::value::{kind, text, texts};
use crate::script::{Header, Map, Value};
use crate::secret::Secret;

/// While one secret is being replaced there are two; each costs a pass over the body.
const MAX_SECRETS: usize = 4;

pub(super) const EXAMPLE: &str = "#{ scheme: \"stripe\", secret: \"STRIPE_WEBHOOK_SECRET\" }";

/// A mistake: what, and how to mend it.
pub(super) type Mistake = (String, Option<String>);

/// Reads `VERIFY`. Mistakes go into `header`; then there may be fewer schemes than it says.
pub(in crate::client) fn read(
    header: &mut Header<'_>,
    surroundings: &Surroundings<'_>,
) -> Option<Verify> {
    let maps = header.maps("VERIFY")?;
    if maps.is_empty() {
        header.wrong(
            "VERIFY",
            "an empty array checks nothing",
            Some(format!("write {EXAMPLE}")),
        );
    }
    let mut schemes = Vec::new();
    for map in maps {
        let mut settings = Settings::new(map, surroundings);
        schemes.extend(settings.scheme());
        for (message, hint) in settings.finish() {
            header.wrong("VERIFY", message, hint);
        }
    }
    Some(Verify(schemes))
}

/// One map, and what was asked of it.
pub(super) struct Settings<'a> {
    pub(super) scheme: String,
    pub(super) map: Map,
    asked: BTreeSet<&'static str>,
    pub(super) mistakes: Vec<Mistake>,
    surroundings: &'a Surroundings<'a>,
}

impl<'a> Settings<'a> {
    fn new(map: Map, surroundings: &'a Surroundings<'a>) -> Self {
        Self {
            scheme: String::new(),
            map,
            asked: BTreeSet::new(),
            mistakes: Vec::new(),
            surroundings,
        }
    }

    /// The secrets that `secret` names, each as its scheme wants it.
    pub(super) fn keys(
        &mut self,
        key: fn(&str, &Secret) -> Result<Key, Mistake>,
    ) -> Option<Vec<Key>> {
        let Some(names) = self.texts("secret") else {
            if !self.map.contains_key("secret") {
                let hint = "write the name of an environment variable: `secret: \"SHOP_SECRET\"`";
                self.wrong("the key `secret` is missing", hint);
            }
            return None;
        };
        if names.is_empty() || names.len() > MAX_SECRETS {
            let message = format!(
                "secret: 1 to {MAX_SECRETS} names, there are {}",
                names.len()
            );
            self.mistakes.push((message, None));
            return None;
        }
        let (base, environment) = (self.surroundings.base, self.surroundings.environment);
        let mut keys = Vec::new();
        for name in &names {
            let secret =
                config::secret(name, base, environment).map_err(|(what, hint)| (what, Some(hint)));
            match secret.and_then(|secret| key(name, &secret)) {
                Ok(key) => keys.push(key),
                Err(mistake) => self.mistakes.push(mistake),
            }
        }
        (keys.len() == names.len()).then_some(keys)
    }

    pub(super) fn tolerance(&mut self) -> Option<Duration> {
        let text = self.text("tolerance")?;
        let tolerance = parse_duration(&text).filter(|time| !time.is_zero());
        if tolerance.is_none() {
            self.wrong(
                format!("tolerance: \"{text}\" is not a duration"),
                "write \"30s\", \"5m\" or \"1h\"",
            );
        }
        tolerance
    }

    pub(super) fn header(&mut self, name: &'static str) -> Option<HeaderName> {
        let text = self.text(name)?;
        let header = HeaderName::try_from(&text).ok();
        if header.is_none() {
            let message = format!("{name}: \"{text}\" is not a header's name");
            self.mistakes.push((message, None));
        }
        header
    }

    /// One of these words; the first if it says nothing.
    pub(super) fn choice<T: Copy>(
        &mut self,
        name: &'static str,
        choices: &[(&'static str, T)],
    ) -> Option<T> {
        if !self.map.contains_key(name) {
            self.asked.insert(name);
            return choices.first().map(|(_, value)| *value);
        }
        let text = self.text(name)?;
        let chosen = choices.iter().find(|(word, _)| *word == text);
        if chosen.is_none() {
            let words = choices.iter().map(|(word, _)| *word);
            let hint = suggest(&text, words.clone())
                .unwrap_or_else(|| format!("there are {}", words.collect::<Vec<_>>().join(", ")));
            self.wrong(format!("{name}: there is no \"{text}\""), hint);
        }
        chosen.map(|(_, value)| *value)
    }

    pub(super) fn text(&mut self, name: &'static str) -> Option<String> {
        self.asked.insert(name);
        let value = self.map.get(name)?.clone();
        self.or_wrong(name, &value, "a text", text(&value))
    }

    pub(super) fn texts(&mut self, name: &'static str) -> Option<Vec<String>> {
        self.asked.insert(name);
        let value = self.map.get(name)?.clone();
        self.or_wrong(name, &value, "a text or an array of texts", texts(&value))
    }

    fn or_wrong<T>(
        &mut self,
        name: &str,
        value: &Value,
        wanted: &str,
        read: Option<T>,
    ) -> Option<T> {
        if read.is_none() {
            let message = format!("{name}: wants {wanted}, is {}", kind(value));
            self.mistakes.push((message, None));
        }
        read
    }

    pub(super) fn wrong(&mut self, message: impl Into<String>, hint: impl Into<String>) {
        self.mistakes.push((message.into(), Some(hint.into())));
    }

    /// Keys that nobody asked for are mistakes too; without a scheme nobody knows which those are.
    fn finish(mut self) -> Vec<Mistake> {
        if !SCHEMES.contains(&&*self.scheme) {
            return self.mistakes;
        }
        for key in self.map.keys() {
            if self.asked.contains(key.as_str()) {
                continue;
            }
            let known: Vec<&str> = self.asked.iter().copied().collect();
            let hint = suggest(key, known.iter().copied())
                .unwrap_or_else(|| format!("it has {}", known.join(", ")));
            let message = format!("the scheme {} has no key `{key}`", self.scheme);
            self.mistakes.push((message, Some(hint)));
        }
        self.mistakes
    }
}
