//! How a `Section` reads one value: as text, number, duration, size, list, address. Each reader
//! gives `None` for a key that is absent or wrong; what is wrong has then been noted, so the
//! caller goes on with its default and the user sees all problems at once.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use crate::secret::Secret;

use super::position::Position;
use super::problem::{quoted, suggest};
use super::section::{Found, Section};
use super::units::{self, DURATION_HINT, SIZE_HINT};
use super::value::{Item, Text, Value};

/// What to write for a text, for hints.
const QUOTES: &str = "write it in double quotes";

impl Section {
    /// A text as it is.
    pub fn text(&mut self, key: &'static str) -> Option<String> {
        self.string(key, QUOTES).map(|(_, text)| text.value)
    }

    /// A text that never prints itself.
    pub fn secret(&mut self, key: &'static str) -> Option<Secret> {
        self.text(key).map(Secret::new)
    }

    /// A text that must be there and not be empty. It is empty if that was a problem, or if it
    /// waits for a variable that is not set.
    pub fn required_text(&mut self, key: &'static str) -> String {
        if !self.has(key) {
            let message = format!("[{}] has no `{key}`", self.name());
            self.problem(key, message, None);
        }
        match self.string(key, QUOTES) {
            Some((at, text)) if text.value.is_empty() => {
                self.problem_at(Some(at), format!("`{key}` is empty"), None);
                String::new()
            }
            Some((_, text)) => text.value,
            None => String::new(),
        }
    }

    /// A secret that must be there and not be empty, as [`Section::required_text`].
    pub fn required_secret(&mut self, key: &'static str) -> Secret {
        Secret::new(self.required_text(key))
    }

    /// `true` or `false`; also as a text that came from a variable.
    pub fn flag(&mut self, key: &'static str) -> Option<bool> {
        const WANTED: &str = "true or false";
        let (at, value) = self.present(key)?;
        match value {
            Value::Boolean(flag) => Some(flag),
            Value::Text(text) if text.written.is_some() => {
                self.parse_text(key, at, &text, WANTED, "", |word| word.parse().ok())
            }
            other => self.refuse(key, at, WANTED, &other, "write it without quotes"),
        }
    }

    /// A whole number from 0 on; also as a text that came from a variable.
    pub fn number(&mut self, key: &'static str) -> Option<u64> {
        const WANTED: &str = "a whole number";
        let (at, value) = self.present(key)?;
        match value {
            Value::Integer(number) => self.not_negative(key, at, number),
            Value::Text(text) if text.written.is_some() => {
                self.parse_text(key, at, &text, WANTED, "", |word| word.parse().ok())
            }
            other => self.refuse(key, at, WANTED, &other, "write digits without quotes"),
        }
    }

    /// A number within limits, which the message names.
    pub fn number_in(&mut self, key: &'static str, limits: RangeInclusive<u64>) -> Option<u64> {
        let number = self.number(key)?;
        self.within(key, number, &limits, |number| number.to_string())
    }

    /// A duration: `"250ms"`, `"5s"`, `"2m"`, `"1h"`, `"14d"`.
    pub fn duration(&mut self, key: &'static str) -> Option<Duration> {
        let (at, value) = self.present(key)?;
        match value {
            Value::Text(text) => {
                let parse = units::parse_duration;
                self.parse_text(key, at, &text, "a duration", DURATION_HINT, parse)
            }
            other => self.refuse(key, at, "a duration", &other, DURATION_HINT),
        }
    }

    /// A duration within limits, which the message names.
    pub fn duration_in(
        &mut self,
        key: &'static str,
        limits: RangeInclusive<Duration>,
    ) -> Option<Duration> {
        let duration = self.duration(key)?;
        self.within(key, duration, &limits, |duration| {
            units::duration_text(*duration)
        })
    }

    /// A size in bytes: `"256KiB"`, `"1MiB"`, `"10GiB"`, or a plain number of bytes.
    pub fn size(&mut self, key: &'static str) -> Option<u64> {
        let (at, value) = self.present(key)?;
        match value {
            Value::Integer(number) => self.not_negative(key, at, number),
            Value::Text(text) => {
                self.parse_text(key, at, &text, "a size", SIZE_HINT, units::parse_size)
            }
            other => self.refuse(key, at, "a size", &other, SIZE_HINT),
        }
    }

    /// A size within limits, which the message names.
    pub fn size_in(&mut self, key: &'static str, limits: RangeInclusive<u64>) -> Option<u64> {
        let size = self.size(key)?;
        self.within(key, size, &limits, |size| units::size_text(*size))
    }

    /// One of a few words.
    pub fn one_of(&mut self, key: &'static str, words: &[&'static str]) -> Option<&'static str> {
        let hint = format!("write one of: {}", quoted_words(words));
        let (at, text) = self.string(key, &hint)?;
        let found = words.iter().copied().find(|word| *word == text.value);
        if found.is_none() {
            let message = format!("`{key}`: {} is not known", shown(&text));
            let hint = suggest(&text.value, words.iter().copied()).unwrap_or(hint);
            self.problem_at(Some(at), message, Some(hint));
        }
        found
    }

    /// A list of texts; none if one of them is wrong or waits for a variable.
    pub fn text_list(&mut self, key: &'static str) -> Option<Vec<String>> {
        self.list(key, QUOTES, |_, _, text| Some(text.value))
    }

    /// A table of texts that never print themselves, such as headers, in the order of the file.
    /// Empty if absent; an entry that waits for a variable is left out.
    pub fn secret_map(&mut self, key: &'static str) -> Vec<(String, Secret)> {
        let Some((at, value)) = self.present(key) else {
            return Vec::new();
        };
        let Value::Table(entries) = value else {
            const HINT: &str = "write { Name = \"value\" }";
            self.refuse::<()>(key, at, "a table of texts", &value, HINT);
            return Vec::new();
        };
        let mut map = Vec::with_capacity(entries.len());
        for entry in entries {
            if let Some(text) = self.text_of(&entry.key, entry.at, entry.value, QUOTES) {
                map.push((entry.key, Secret::new(text.value)));
            }
        }
        map
    }

    /// An address of an HTTP server, `http://` or `https://`, perhaps with a path. Slashes at the
    /// end are cut off, so that a path can be put behind it.
    pub fn base_url(&mut self, key: &'static str) -> Option<String> {
        const HINT: &str =
            "write http:// or https://, a host, and perhaps a port and a path; no query";
        self.parsed(key, "the address of an HTTP server", HINT, |word| {
            is_base_url(word).then(|| word.trim_end_matches('/').to_owned())
        })
    }

    /// A path in the file system, as written.
    pub(super) fn path(&mut self, key: &'static str) -> Option<PathBuf> {
        const HINT: &str = "write the path of a folder in double quotes";
        self.parsed(key, "a path", HINT, |word| Some(PathBuf::from(word)))
    }

    /// Whatever `parse` makes of one text, such as an address.
    pub(super) fn parsed<T>(
        &mut self,
        key: &'static str,
        wanted: &str,
        hint: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let (at, text) = self.string(key, hint)?;
        self.parse_text(key, at, &text, wanted, hint, parse)
    }

    /// A list of what `parse` makes of one text each; none if one is wrong or waits.
    pub(super) fn list_of<T>(
        &mut self,
        key: &'static str,
        wanted: &str,
        hint: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.list(key, hint, |section, at, text| {
            section.parse_text(key, at, &text, wanted, hint, &parse)
        })
    }

    fn present(&mut self, key: &'static str) -> Option<(Position, Value)> {
        match self.take(key) {
            Found::Here(at, value) => Some((at, value)),
            Found::Absent | Found::Unreadable => None,
        }
    }

    fn string(&mut self, key: &'static str, hint: &str) -> Option<(Position, Text)> {
        let (at, value) = self.present(key)?;
        Some((at, self.text_of(key, at, value, hint)?))
    }

    fn list<T>(
        &mut self,
        key: &'static str,
        hint: &str,
        mut read: impl FnMut(&mut Self, Position, Text) -> Option<T>,
    ) -> Option<Vec<T>> {
        let (at, value) = self.present(key)?;
        let Value::List(items) = value else {
            const BRACKETS: &str = "write it in brackets: [\"…\"]";
            return self.refuse(key, at, "a list of texts", &value, BRACKETS);
        };
        let mut read_item = |item: Item| {
            let text = self.text_of(key, item.at, item.value, hint)?;
            read(self, item.at, text)
        };
        // In two steps, so that the first wrong element does not hide the others.
        let elements: Vec<Option<T>> = items.into_iter().map(&mut read_item).collect();
        elements.into_iter().collect()
    }

    fn text_of(&mut self, key: &str, at: Position, value: Value, hint: &str) -> Option<Text> {
        match value {
            Value::Text(text) => return Some(text),
            Value::Unset(names) => self.waits(at, &names),
            Value::Faulty | Value::Taken => {}
            other => return self.refuse(key, at, "text", &other, hint),
        }
        None
    }

    fn not_negative(&mut self, key: &str, at: Position, number: i64) -> Option<u64> {
        let found = u64::try_from(number).ok();
        if found.is_none() {
            let message = format!("`{key}` must not be negative");
            self.problem_at(Some(at), message, None);
        }
        found
    }

    fn parse_text<T>(
        &mut self,
        key: &str,
        at: Position,
        text: &Text,
        wanted: &str,
        hint: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        if text.value.is_empty() {
            self.problem_at(Some(at), format!("`{key}` is empty"), hint_text(hint));
            return None;
        }
        let found = parse(&text.value);
        if found.is_none() {
            let message = format!("`{key}`: {} is not {wanted}", shown(text));
            self.problem_at(Some(at), message, hint_text(hint));
        }
        found
    }

    fn within<T: PartialOrd>(
        &mut self,
        key: &'static str,
        value: T,
        limits: &RangeInclusive<T>,
        write: impl Fn(&T) -> String,
    ) -> Option<T> {
        if limits.contains(&value) {
            return Some(value);
        }
        let (least, most) = (write(limits.start()), write(limits.end()));
        let message = format!(
            "`{key}` is {}, but must be {least} to {most}",
            write(&value)
        );
        self.problem(key, message, None);
        None
    }

    fn refuse<T>(
        &mut self,
        key: &str,
        at: Position,
        wanted: &str,
        found: &Value,
        hint: &str,
    ) -> Option<T> {
        self.wrong_kind(key, at, wanted, found, hint_text(hint));
        None
    }
}

/// A text for messages. What came out of a variable or a file may be a secret, so such a value is
/// shown as it was written.
fn shown(text: &Text) -> String {
    quoted(text.written.as_ref().unwrap_or(&text.value))
}

fn hint_text(hint: &str) -> Option<String> {
    (!hint.is_empty()).then(|| hint.to_owned())
}

fn quoted_words(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}

fn is_base_url(text: &str) -> bool {
    let Ok(uri) = text.parse::<http::Uri>() else {
        return false;
    };
    let http = matches!(uri.scheme_str(), Some("http" | "https"));
    let host = uri.host().is_some_and(|host| !host.is_empty());
    // A user name, a query and a fragment would all get lost where a path is put behind.
    http && host && has_sound_port(&uri) && !text.contains(['?', '#', '@'])
}

/// False if a port is written that no server has.
pub fn has_sound_port(uri: &http::Uri) -> bool {
    let is_left_out = |authority: &http::uri::Authority| {
        let host = authority.host();
        authority.as_str().ends_with(host)
    };
    uri.port_u16().is_some() || uri.authority().is_some_and(is_left_out)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::Section;

    /// A section as a destination type gets it, with `TOKEN` set and nothing else.
    fn section(text: &str) -> Section {
        let token = ("TOKEN".to_owned(), "never-show-this".to_owned());
        Section::parse("destinations.a", text, &BTreeMap::from([token])).unwrap()
    }

    fn messages(section: Section) -> Vec<String> {
        section.finish().into_iter().map(|p| p.message).collect()
    }

    #[test]
    fn a_required_key_must_be_there_and_not_be_empty() {
        let mut settings = section("token = \"\"\nurl = 5");
        assert!(settings.required_secret("api_key").is_empty());
        assert!(settings.required_secret("token").is_empty());
        assert_eq!(settings.required_text("url"), "");
        assert_eq!(
            messages(settings),
            [
                "[destinations.a] has no `api_key`",
                "`token` is empty",
                "`url` must be text, not a number",
            ]
        );
    }

    #[test]
    fn what_waits_for_a_variable_is_no_problem() {
        let mut settings = section(
            "token = \"${A}\"\nregion = \"${B}\"\nlist = [\"x\", \"${A}\"]\nport = \"${C}\"\nurl = \"u\"",
        );
        assert_eq!(settings.missing(), ["A", "B", "C"]);
        assert!(settings.has("token") && settings.waits_for_variable("list"));
        assert!(!settings.waits_for_variable("url") && !settings.has("none"));
        assert!(settings.required_secret("token").is_empty());
        assert_eq!(settings.one_of("region", &["us", "eu"]), None);
        assert_eq!(settings.text_list("list"), None);
        assert_eq!(settings.number("port"), None);
        assert_eq!(settings.text("url").as_deref(), Some("u"));
        assert_eq!(messages(settings), [""; 0]);
    }

    #[test]
    fn headers_keep_their_order_and_lose_only_what_waits() {
        let mut settings = section(
            "[headers]\nB = \"1\"\nWaits = \"${A}\"\nA = \"Bearer ${TOKEN}\"\nWrong = true",
        );
        let headers = settings.secret_map("headers");
        let shown: Vec<_> = headers
            .iter()
            .map(|(k, v)| (k.as_str(), v.expose()))
            .collect();
        assert_eq!(shown, [("B", "1"), ("A", "Bearer never-show-this")]);
        assert_eq!(
            messages(settings),
            ["`Wrong` must be text, not true or false"]
        );
    }

    #[test]
    fn a_message_shows_the_variable_and_not_its_value() {
        let mut settings =
            section("region = \"${TOKEN}\"\nport = \"x${TOKEN}\"\nurl = \"${TOKEN}\"");
        settings.one_of("region", &["us", "eu"]);
        settings.number("port");
        settings.base_url("url");
        assert!(!format!("{settings:?}").contains("never-show-this"));
        assert_eq!(
            messages(settings),
            [
                "`region`: `${TOKEN}` is not known",
                "`port`: `x${TOKEN}` is not a whole number",
                "`url`: `${TOKEN}` is not the address of an HTTP server",
            ]
        );
    }

    #[test]
    fn an_address_is_one_that_a_path_can_be_put_behind() {
        for (url, expected) in [
            ("https://a.example", Some("https://a.example")),
            (
                "http://127.0.0.1:9000/v1//",
                Some("http://127.0.0.1:9000/v1"),
            ),
            ("http://[::1]:80/", Some("http://[::1]:80")),
            ("ftp://a.example", None),
            ("a.example", None),
            ("/path", None),
            ("https://", None),
            ("https://a.example?x=1", None),
            ("https://a.example/#x", None),
            ("https://user@a.example", None),
        ] {
            let mut settings = section(&format!("url = \"{url}\""));
            assert_eq!(settings.base_url("url").as_deref(), expected, "{url}");
        }
    }
}
