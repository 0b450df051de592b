//! `text::`: what Rhai's own text methods lack, or do in a way that surprises: its `trim`,
//! `replace` and `truncate` change the variable and give `()`, and none says that a value is
//! missing. These give a new text and change nothing.

mod entities;

use rhai::{Array, Dynamic, ImmutableString};

use super::argument;
use super::host::Host;
use super::namespace::{Namespace, Problem};
use super::{Function, MAX_PARTS, MAX_TEXT_BYTES, Topic};

pub(super) const TOPIC: Topic = Topic {
    name: "text",
    about: "Text in new forms; the text passed in stays as it is. Integers are taken as text, and \
            lengths are counted in characters.",
    functions: &[
        Function {
            signature: "text::lower(text) -> text",
            about: "In lower case.",
            example: r#"text::lower("ÄB c") == "äb c""#,
        },
        Function {
            signature: "text::upper(text) -> text",
            about: "In upper case.",
            example: r#"text::upper("äb c") == "ÄB C""#,
        },
        Function {
            signature: "text::title(text) -> text",
            about: "Each word with a capital first letter, the rest in lower case.",
            example: r#"text::title("jean-luc O'NEIL") == "Jean-Luc O'neil""#,
        },
        Function {
            signature: "text::trim(text) -> text",
            about: "Without white space at both ends.",
            example: r#"text::trim("  a b\n") == "a b""#,
        },
        Function {
            signature: "text::truncate(text, chars) -> text",
            about: "At most the first so many characters, for vendors that limit lengths.",
            example: r#"text::truncate("Größe", 3) == "Grö" && text::truncate("a", 100) == "a""#,
        },
        Function {
            signature: "text::split(text, separator) -> array",
            about: "The parts between the separators, blank ones included; at most 10,000.",
            example: r#"text::split("a,b,,c", ",") == ["a", "b", "", "c"]"#,
        },
        Function {
            signature: "text::join(parts, separator) -> text",
            about: "An array's parts in one text: text, numbers and booleans; `()` is left out.",
            example: r#"text::join(["Berlin", (), 10115], ", ") == "Berlin, 10115""#,
        },
        Function {
            signature: "text::replace(text, from, to) -> text",
            about: "With `to` in every place of `from`. For patterns see `regex::replace`.",
            example: r#"text::replace("39,98", ",", ".") == "39.98""#,
        },
        Function {
            signature: "text::decode_entities(text) -> text",
            about: "With HTML entities as the characters that they stand for, once; WooCommerce \
                    sends names like this. Unknown ones stay. Tags stay, too.",
            example: r#"text::decode_entities("Idea &ndash; Tom &amp; Jerry&#8217;s") == "Idea – Tom & Jerry’s""#,
        },
    ],
    register,
};

fn register(host: &mut Host) {
    Namespace::new(TOPIC.name)
        .one("lower", lower)
        .one("upper", upper)
        .one("title", title)
        .one("trim", trim)
        .two("truncate", truncate)
        .two("split", split)
        .two("join", join)
        .three("replace", replace)
        .one("decode_entities", decode_entities)
        .add_to(host);
}

fn lower(text: Dynamic) -> Result<ImmutableString, Problem> {
    let text = argument::text("text", text)?;
    Ok(text.to_lowercase().into())
}

fn upper(text: Dynamic) -> Result<ImmutableString, Problem> {
    let text = argument::text("text", text)?;
    Ok(text.to_uppercase().into())
}

fn title(text: Dynamic) -> Result<ImmutableString, Problem> {
    let text = argument::text("text", text)?;
    let mut titled = String::with_capacity(text.len());
    let mut inside_word = false;
    for character in text.chars() {
        if inside_word {
            titled.extend(character.to_lowercase());
        } else {
            titled.extend(character.to_uppercase());
        }
        // An apostrophe begins no word: "o'neil" is one, and so is "don't".
        inside_word = character.is_alphanumeric() || matches!(character, '\'' | '’');
    }
    Ok(titled.into())
}

fn trim(text: Dynamic) -> Result<ImmutableString, Problem> {
    let text = argument::text("text", text)?;
    Ok(text.trim().into())
}

fn truncate(text: Dynamic, chars: Dynamic) -> Result<ImmutableString, Problem> {
    let text = argument::text("text", text)?;
    let limit = argument::integer("chars", &chars)?;
    let limit =
        usize::try_from(limit).map_err(|_| Problem(format!("the chars are {limit}, below 0")))?;
    match text.char_indices().nth(limit) {
        Some((end, _)) => Ok(text.get(..end).unwrap_or_default().into()),
        None => Ok(text),
    }
}

fn split(text: Dynamic, separator: Dynamic) -> Result<Array, Problem> {
    let text = argument::text("text", text)?;
    let separator = argument::text("separator", separator)?;
    if separator.is_empty() {
        return Err(Problem::from("the separator is blank"));
    }
    let parts: Array = text
        .split(separator.as_str())
        .take(MAX_PARTS + 1)
        .map(|part| part.into())
        .collect();
    if parts.len() > MAX_PARTS {
        return Err(Problem(format!("the text has more than {MAX_PARTS} parts")));
    }
    Ok(parts)
}

fn join(parts: Dynamic, separator: Dynamic) -> Result<ImmutableString, Problem> {
    let parts = argument::array("parts", parts)?;
    let separator = argument::text("separator", separator)?;
    let mut joined = String::new();
    let mut first = true;
    for part in parts.into_iter().filter(|part| !part.is_unit()) {
        if !std::mem::take(&mut first) {
            joined.push_str(&separator);
        }
        joined.push_str(&joinable(part)?);
        if joined.len() > MAX_TEXT_BYTES {
            return Err(Problem::from("the result is too long"));
        }
    }
    Ok(joined.into())
}

/// Floats and booleans are as harmless here as integers: nobody hashes what is joined for reading.
fn joinable(part: Dynamic) -> Result<ImmutableString, Problem> {
    if part.is_float() || part.is_bool() {
        return Ok(part.to_string().into());
    }
    argument::text("part", part)
}

fn replace(text: Dynamic, from: Dynamic, to: Dynamic) -> Result<ImmutableString, Problem> {
    let text = argument::text("text", text)?;
    let from = argument::text("from", from)?;
    let to = argument::text("to", to)?;
    if from.is_empty() {
        return Err(Problem::from("the from is blank"));
    }
    let grows_by = to.len().saturating_sub(from.len());
    // Counted beforehand, and only if it matters: a million short places and a long text in each
    // of them would take all memory before Rhai could measure the result.
    if grows_by > 0 {
        let places = text.matches(from.as_str()).count();
        let length = places.saturating_mul(grows_by).saturating_add(text.len());
        if length > MAX_TEXT_BYTES {
            return Err(Problem::from("the result is too long"));
        }
    }
    Ok(text.replace(from.as_str(), &to).into())
}

fn decode_entities(text: Dynamic) -> Result<ImmutableString, Problem> {
    let text = argument::text("text", text)?;
    if !text.contains('&') {
        return Ok(text);
    }
    Ok(entities::decode(&text).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed<T>(result: Result<T, Problem>) -> String {
        result.map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn truncation_counts_characters() {
        for (text, chars, expected) in [
            ("Größe", 0_i64, ""),
            ("Größe", 4, "Größ"),
            ("Größe", 5, "Größe"),
            ("👍👍", 1, "👍"),
            ("", 3, ""),
        ] {
            assert_eq!(truncate(text.into(), chars.into()).unwrap(), expected);
        }
        assert!(failed(truncate("a".into(), Dynamic::from(-1_i64))).contains("below 0"));
    }

    #[test]
    fn words_begin_after_what_is_no_letter() {
        for (text, expected) in [
            ("order_created", "Order_Created"),
            ("ÉMILE zola", "Émile Zola"),
            ("2nd street", "2nd Street"),
            ("don’t", "Don’t"),
            ("", ""),
        ] {
            assert_eq!(title(text.into()).unwrap(), expected);
        }
    }

    #[test]
    fn parts_that_are_no_text_cannot_be_joined() {
        let parts: Array = vec![
            1.5.into(),
            true.into(),
            'x'.into(),
            Dynamic::UNIT,
            7_i64.into(),
        ];
        assert_eq!(join(parts.into(), " ".into()).unwrap(), "1.5 true x 7");
        let nested: Array = vec![rhai::Map::new().into()];
        assert!(failed(join(nested.into(), ",".into())).contains("the part is a map"));
    }

    #[test]
    fn results_that_explode_are_stopped() {
        let long = "x".repeat(1_000_000);
        let result = replace(long.clone().into(), "x".into(), long.clone().into());
        assert!(failed(result).contains("too long"));
        let parts: Array = vec![long.clone().into(); 10];
        assert!(failed(join(parts.into(), long.clone().into())).contains("too long"));
        assert!(failed(split(long.into(), "x".into())).contains("more than 10000 parts"));
    }

    #[test]
    fn nothing_to_look_for_is_an_error() {
        assert!(failed(split("a".into(), "".into())).contains("the separator is blank"));
        assert!(failed(replace("a".into(), "".into(), "b".into())).contains("the from is blank"));
    }
}
