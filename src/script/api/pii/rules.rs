//! How ad platforms want personal data written before it is hashed. Each rule gives blank text where nothing of
//! use is left.

use super::{is_hash, normalise, sha256_hex};

/// The hash of a text by a rule; a hash is kept. None of what is blank.
pub(in crate::script::api) fn hashed(text: &str, rule: fn(&str) -> String) -> Option<String> {
    let normal = normalise(text);
    if is_hash(&normal) {
        return Some(normal);
    }
    let normal = rule(&normal);
    (!normal.is_empty()).then(|| sha256_hex(&normal))
}

/// Trimmed and in lower case.
pub(in crate::script::api) fn email(text: &str) -> String {
    normalise(text)
}

/// As Google counts addresses: dots before `@gmail.com` and `@googlemail.com` say nothing.
pub(in crate::script::api) fn google_email(text: &str) -> String {
    let normal = normalise(text);
    match normal.rsplit_once('@') {
        Some((name, host @ ("gmail.com" | "googlemail.com"))) => {
            format!("{}@{host}", name.replace('.', ""))
        }
        _ => normal,
    }
}

/// A name: letters of any script, spaces within it, nothing that marks.
pub(in crate::script::api) fn name(text: &str) -> String {
    let normal = normalise(text);
    let kept: String = normal.chars().filter(|letter| !is_mark(*letter)).collect();
    kept.trim().to_owned()
}

/// Letters and digits alone: cities, states, postal codes.
pub(in crate::script::api) fn letters(text: &str) -> String {
    let normal = normalise(text);
    normal
        .chars()
        .filter(|letter| letter.is_alphanumeric())
        .collect()
}

/// The first five digits of `94103-1234`.
pub(in crate::script::api) fn us_zip(text: &str) -> String {
    letters(text).chars().take(5).collect()
}

/// An ISO 3166 code of two letters, in lower case.
pub(in crate::script::api) fn country(text: &str) -> String {
    let normal = normalise(text);
    let is_code = normal.len() == 2 && normal.bytes().all(|letter| letter.is_ascii_lowercase());
    if is_code { normal } else { String::new() }
}

/// `f` or `m`.
pub(in crate::script::api) fn gender(text: &str) -> String {
    let letter = match normalise(text).as_str() {
        "f" | "female" => "f",
        "m" | "male" => "m",
        _ => "",
    };
    letter.to_owned()
}

/// `19851217` of a date that begins with its year.
pub(in crate::script::api) fn birthday(text: &str) -> String {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let starts_with_year = text.trim().get(..4).is_some_and(|year| {
        year.bytes().all(|digit| digit.is_ascii_digit())
            && matches!(year.get(..2), Some("19" | "20"))
    });
    if digits.len() == 8 && starts_with_year {
        digits
    } else {
        String::new()
    }
}

fn is_mark(letter: char) -> bool {
    letter.is_ascii_punctuation() || matches!(letter, '’' | '‘' | '“' | '”' | '–' | '—' | '´')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_leaves_what_the_platforms_hash() {
        let cases: &[(fn(&str) -> String, &str, &str)] = &[
            (email, " John.Doe@Example.COM ", "john.doe@example.com"),
            (google_email, "John.D.Doe@Gmail.com", "johnddoe@gmail.com"),
            (google_email, "a.b@googlemail.com", "ab@googlemail.com"),
            (google_email, "a.b@example.com", "a.b@example.com"),
            (google_email, "no address", "no address"),
            (name, " Mary-Ann O’Neil, ", "maryann oneil"),
            (name, "Valéry", "valéry"),
            (name, "정", "정"),
            (name, "...", ""),
            (letters, "São Paulo", "sãopaulo"),
            (letters, "St. John's", "stjohns"),
            (letters, "SW1A 1AA", "sw1a1aa"),
            (us_zip, "94103-1234", "94103"),
            (country, " DE ", "de"),
            (country, "Germany", ""),
            (country, "1", ""),
            (gender, "Female", "f"),
            (gender, "M", "m"),
            (gender, "x", ""),
            (birthday, "1985-12-17", "19851217"),
            (birthday, "19851217", "19851217"),
            (birthday, "17.12.1985", ""),
            (birthday, "1985-12", ""),
        ];
        for (rule, text, expected) in cases {
            assert_eq!(rule(text), *expected, "{text}");
        }
    }

    #[test]
    fn a_hash_is_kept_and_blank_text_has_none() {
        let hash = sha256_hex("x");
        assert_eq!(hashed(&hash.to_uppercase(), name), Some(hash));
        assert_eq!(hashed(" ", email), None);
        assert_eq!(hashed("Germany", country), None);
    }
}
