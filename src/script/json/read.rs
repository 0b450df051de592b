//! JSON text to script values.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use rhai::Identifier;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};

use crate::script::limits;
use crate::script::value::{Map, Value};

/// Why a text is not usable JSON, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadJson {
    /// What is wrong, without the place.
    pub message: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in bytes, from 1.
    pub column: usize,
    /// So many bytes of the text are good; the length of the text if it ends too early.
    pub offset: usize,
}

impl fmt::Display for BadJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} at line {} column {}",
            self.message, self.line, self.column
        )
    }
}

impl std::error::Error for BadJson {}

/// What serde_json says of a number that no float is as large as.
const OUT_OF_RANGE: &str = "number out of range";

/// Reads one JSON text. At most [`limits::JSON_DEPTH`] deep, with
/// [`limits::JSON_KEYS`] keys and [`limits::JSON_ITEMS`] array elements.
pub fn parse_json(text: &[u8]) -> Result<Value, BadJson> {
    let whole = text;
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    let state = State::default();
    let result = match parse_with(text, &state) {
        // Only integers of 20 digits and more come here, so the second pass costs nobody. Those of
        // more than 308 do not even fit a float.
        Err(bad) if state.huge_integer.get() || bad.message == OUT_OF_RANGE => {
            parse_with(&quote_huge_integers(text), &State::quoted())
        }
        result => result,
    };
    result.map_err(|mut bad| {
        bad.offset = (bad.offset + whole.len() - text.len()).min(whole.len());
        bad
    })
}

fn parse_with(text: &[u8], state: &State) -> Result<Value, BadJson> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = Seed(state)
        .deserialize(&mut reader)
        .map_err(|error| bad_json(text, error))?;
    reader.end().map_err(|error| bad_json(text, error))?;
    Ok(value)
}

fn bad_json(text: &[u8], error: serde_json::Error) -> BadJson {
    let whole = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let message = whole.strip_suffix(&place).unwrap_or(&whole).to_owned();
    BadJson {
        message,
        line: error.line(),
        column: error.column(),
        offset: if error.is_eof() {
            text.len()
        } else {
            offset_of(text, error.line(), error.column())
        },
    }
}

/// serde_json counts lines and columns; the column is that of the byte it did not like, from 1.
fn offset_of(text: &[u8], line: usize, column: usize) -> usize {
    let lines = text.split(|byte| *byte == b'\n');
    let before: usize = lines
        .take(line.saturating_sub(1))
        .map(|line| line.len() + 1)
        .sum();
    (before + column).saturating_sub(1).min(text.len())
}

#[derive(Default)]
struct State {
    keys: Cell<usize>,
    items: Cell<usize>,
    huge_integer: Cell<bool>,
    quoted: bool,
}

impl State {
    fn quoted() -> Self {
        Self {
            quoted: true,
            ..Self::default()
        }
    }
}

#[derive(Clone, Copy)]
struct Seed<'a>(&'a State);

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::UNIT)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or_else(|_| value.to_string().into(), Value::from))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        // An integer of more than 64 bits reaches us as a float, its digits gone: read again.
        if value.abs() >= 9.2e18 && !self.0.quoted {
            self.0.huge_integer.set(true);
            return Err(E::custom("number needs a second reading"));
        }
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = rhai::Array::new();
        while let Some(item) = items.next_element_seed(self)? {
            count(&self.0.items, limits::JSON_ITEMS, "array elements")?;
            array.push(item);
        }
        Ok(Value::from_array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key_seed(Key)? {
            count(&self.0.keys, limits::JSON_KEYS, "keys")?;
            map.insert(key, entries.next_value_seed(self)?);
        }
        // `into()` would build the map a second time, which was a tenth of a whole event's cost.
        Ok(Value::from_map(map))
    }
}

/// One more of something, if there may be.
fn count<E: serde::de::Error>(counter: &Cell<usize>, most: usize, what: &str) -> Result<(), E> {
    let now = counter.get() + 1;
    counter.set(now);
    if now > most {
        return Err(E::custom(format!("more than {most} {what}")));
    }
    Ok(())
}

struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Identifier;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Identifier;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(key.into())
    }
}

/// Puts integers that do not fit 64 bits into quotes. Texts are left alone; anything that is not
/// JSON stays what it is, for the parser to refuse.
fn quote_huge_integers(text: &[u8]) -> Cow<'_, [u8]> {
    let mut out = Vec::with_capacity(text.len() + 16);
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let end = match byte {
            b'"' => end_of_text(text, at),
            b'-' | b'0'..=b'9' => end_of_number(text, at),
            _ => at + 1,
        };
        let token = text.get(at..end).unwrap_or_default();
        if is_huge_integer(token) {
            out.push(b'"');
            out.extend_from_slice(token);
            out.push(b'"');
        } else {
            out.extend_from_slice(token);
        }
        at = end;
    }
    Cow::Owned(out)
}

fn end_of_text(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

fn end_of_number(text: &[u8], start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let number = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
    start + rest.iter().take_while(|byte| number(byte)).count()
}

fn is_huge_integer(token: &[u8]) -> bool {
    let Ok(token) = std::str::from_utf8(token) else {
        return false;
    };
    let digits = token.strip_prefix('-').unwrap_or(token);
    digits.len() >= 19
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with('0') // not JSON; quoting it would make it so
        && token.parse::<i64>().is_err()
}
