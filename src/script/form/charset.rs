//! How the text of a form is encoded: UTF-8, unless an old sender says Latin-1.

use std::borrow::Cow;

/// An encoding that is understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Charset {
    /// What all browsers send.
    Utf8,
    /// Whoever says ISO-8859-1 or ASCII means this, as browsers have it, too.
    Windows1252,
}

/// What Windows-1252 has from 0x80 to 0x9f, where Latin-1 has control characters.
const WINDOWS: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The encoding that a content type names.
///
/// # Errors
/// If it is none that is understood.
pub(super) fn of(content_type: &[u8]) -> Result<Charset, String> {
    let content_type = String::from_utf8_lossy(content_type).to_ascii_lowercase();
    let mut parameters = content_type.split(';').skip(1);
    let named =
        parameters.find_map(|one| Some(one.trim().strip_prefix("charset=")?.trim_matches('"')));
    match named.unwrap_or_default() {
        "" | "utf-8" | "utf8" => Ok(Charset::Utf8),
        "iso-8859-1" | "latin1" | "windows-1252" | "cp1252" | "us-ascii" | "ascii" => {
            Ok(Charset::Windows1252)
        }
        other => Err(format!(
            "the charset {other:?} is not understood: send UTF-8"
        )),
    }
}

impl Charset {
    /// The text that these bytes are.
    pub(super) fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        match self {
            Self::Utf8 => String::from_utf8_lossy(bytes),
            Self::Windows1252 => bytes.iter().map(|byte| character(*byte)).collect(),
        }
    }
}

fn character(byte: u8) -> char {
    let place = usize::from(byte).checked_sub(0x80);
    let windows = place.and_then(|place| WINDOWS.get(place));
    windows.copied().unwrap_or(char::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_type_names_it() {
        for (content_type, expected) in [
            ("application/x-www-form-urlencoded", Ok(Charset::Utf8)),
            ("a/b; charset=UTF-8", Ok(Charset::Utf8)),
            ("a/b; x=y; Charset=\"ISO-8859-1\"", Ok(Charset::Windows1252)),
            ("a/b;charset=windows-1252", Ok(Charset::Windows1252)),
        ] {
            assert_eq!(of(content_type.as_bytes()), expected, "{content_type}");
        }
        assert!(of(b"a/b; charset=utf-16").unwrap_err().contains("utf-16"));
    }

    #[test]
    fn every_byte_is_a_character() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(Charset::Windows1252.decode(&all).chars().count(), 256);
        assert_eq!(
            Charset::Windows1252.decode(b"Zo\xeb, 5 \x80 \x93a\x94"),
            "Zoë, 5 € “a”"
        );
    }
}
