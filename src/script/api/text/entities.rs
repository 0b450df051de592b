//! HTML entities. Those of HTML 4 and `&apos;`, which is what shops and editors write; not the
//! 2,000 of HTML 5, and none without its semicolon.

use std::collections::HashMap;
use std::sync::LazyLock;

/// The longest entity, from behind `&` to before `;`: `thetasym`, or `#x10FFFF`.
const MAX_NAME_BYTES: usize = 8;

/// The named entities by code point, each followed by its character.
const NAMES: &str = "\
quot \" amp & apos ' lt < gt > nbsp \u{a0} iexcl ¡ cent ¢ pound £ curren ¤ yen ¥ brvbar ¦ sect § \
uml ¨ copy © ordf ª laquo « not ¬ shy \u{ad} reg ® macr ¯ deg ° plusmn ± sup2 ² sup3 ³ acute ´ \
micro µ para ¶ middot · cedil ¸ sup1 ¹ ordm º raquo » frac14 ¼ frac12 ½ frac34 ¾ iquest ¿ \
Agrave À Aacute Á Acirc Â Atilde Ã Auml Ä Aring Å AElig Æ Ccedil Ç Egrave È Eacute É Ecirc Ê \
Euml Ë Igrave Ì Iacute Í Icirc Î Iuml Ï ETH Ð Ntilde Ñ Ograve Ò Oacute Ó Ocirc Ô Otilde Õ Ouml Ö \
times × Oslash Ø Ugrave Ù Uacute Ú Ucirc Û Uuml Ü Yacute Ý THORN Þ szlig ß agrave à aacute á \
acirc â atilde ã auml ä aring å aelig æ ccedil ç egrave è eacute é ecirc ê euml ë igrave ì \
iacute í icirc î iuml ï eth ð ntilde ñ ograve ò oacute ó ocirc ô otilde õ ouml ö divide ÷ \
oslash ø ugrave ù uacute ú ucirc û uuml ü yacute ý thorn þ yuml ÿ OElig Œ oelig œ Scaron Š \
scaron š Yuml Ÿ fnof ƒ circ ˆ tilde ˜ Alpha Α Beta Β Gamma Γ Delta Δ Epsilon Ε Zeta Ζ Eta Η \
Theta Θ Iota Ι Kappa Κ Lambda Λ Mu Μ Nu Ν Xi Ξ Omicron Ο Pi Π Rho Ρ Sigma Σ Tau Τ Upsilon Υ \
Phi Φ Chi Χ Psi Ψ Omega Ω alpha α beta β gamma γ delta δ epsilon ε zeta ζ eta η theta θ iota ι \
kappa κ lambda λ mu μ nu ν xi ξ omicron ο pi π rho ρ sigmaf ς sigma σ tau τ upsilon υ phi φ \
chi χ psi ψ omega ω thetasym ϑ upsih ϒ piv ϖ ensp \u{2002} emsp \u{2003} thinsp \u{2009} \
zwnj \u{200c} zwj \u{200d} lrm \u{200e} rlm \u{200f} ndash – mdash — lsquo ‘ rsquo ’ sbquo ‚ \
ldquo “ rdquo ” bdquo „ dagger † Dagger ‡ bull • hellip … permil ‰ prime ′ Prime ″ lsaquo ‹ \
rsaquo › oline ‾ frasl ⁄ euro € image ℑ weierp ℘ real ℜ trade ™ alefsym ℵ larr ← uarr ↑ rarr → \
darr ↓ harr ↔ crarr ↵ lArr ⇐ uArr ⇑ rArr ⇒ dArr ⇓ hArr ⇔ forall ∀ part ∂ exist ∃ empty ∅ nabla ∇ \
isin ∈ notin ∉ ni ∋ prod ∏ sum ∑ minus − lowast ∗ radic √ prop ∝ infin ∞ ang ∠ and ∧ or ∨ cap ∩ \
cup ∪ int ∫ there4 ∴ sim ∼ cong ≅ asymp ≈ ne ≠ equiv ≡ le ≤ ge ≥ sub ⊂ sup ⊃ nsub ⊄ sube ⊆ \
supe ⊇ oplus ⊕ otimes ⊗ perp ⊥ sdot ⋅ lceil ⌈ rceil ⌉ lfloor ⌊ rfloor ⌋ loz ◊ spades ♠ clubs ♣ \
hearts ♥ diams ♦ lang ⟨ rang ⟩";

/// What browsers make of `&#128;` to `&#159;`: old editors meant Windows-1252 by them.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

static NAMED: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    let mut words = NAMES.split_ascii_whitespace();
    std::iter::from_fn(|| words.next().zip(words.next())).collect()
});

/// The text with every known entity as the character that it stands for, once: `&amp;lt;` becomes
/// `&lt;`. What is no entity stays as it is.
pub(super) fn decode(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('&') {
        decoded.push_str(before);
        rest = match entity(behind, &mut decoded) {
            Some(after) => after,
            None => {
                decoded.push('&');
                behind
            }
        };
    }
    decoded.push_str(rest);
    decoded
}

/// Writes the character of the entity that `text` begins with, and gives what comes after it.
fn entity<'a>(text: &'a str, decoded: &mut String) -> Option<&'a str> {
    let end = text
        .bytes()
        .take(MAX_NAME_BYTES + 1)
        .position(|byte| byte == b';')?;
    let (name, rest) = text.split_at_checked(end)?;
    match name.strip_prefix('#') {
        Some(number) => decoded.push(numbered(number)?),
        None => decoded.push_str(NAMED.get(name)?),
    }
    rest.strip_prefix(';')
}

fn numbered(number: &str) -> Option<char> {
    let (digits, radix) = match number.strip_prefix(['x', 'X']) {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    // `from_str_radix` would take a sign.
    if !digits.starts_with(|first: char| first.is_digit(radix)) {
        return None;
    }
    let code = u32::from_str_radix(digits, radix).ok()?;
    let windows = code
        .checked_sub(128)
        .and_then(|index| WINDOWS_1252.get(index as usize));
    let character = windows.copied().or_else(|| char::from_u32(code));
    Some(
        character
            .filter(|&character| character != '\0')
            .unwrap_or(char::REPLACEMENT_CHARACTER),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_table_is_whole() {
        assert_eq!(NAMED.len(), 253);
        for (name, character) in NAMED.iter() {
            assert_eq!(character.chars().count(), 1, "{name}");
            assert!(name.len() <= MAX_NAME_BYTES, "{name}");
            assert!(
                name.bytes().all(|byte| byte.is_ascii_alphanumeric()),
                "{name}"
            );
        }
    }

    #[test]
    fn entities_become_characters() {
        for (text, expected) in [
            (
                "Ship Your Idea &ndash; Color: Black",
                "Ship Your Idea – Color: Black",
            ),
            ("Tom &amp; Jerry", "Tom & Jerry"),
            ("it&#8217;s &#x2019;&#X2019;", "it’s ’’"),
            ("&lt;b&gt; &quot;x&quot; &apos;y&apos;", "<b> \"x\" 'y'"),
            ("a&nbsp;b", "a\u{a0}b"),
            ("&Auml;&auml;&szlig;&euro;&thetasym;", "Ääß€ϑ"),
            ("&#150;&#128;", "–€"),
            ("&#x1F44D;", "👍"),
            ("&#0;&#xD800;&#x110000;", "\u{fffd}\u{fffd}\u{fffd}"),
        ] {
            assert_eq!(decode(text), expected, "{text}");
        }
    }

    #[test]
    fn it_decodes_once_and_leaves_the_rest() {
        for (text, expected) in [
            ("&amp;ndash;", "&ndash;"),
            ("a & b", "a & b"),
            ("&", "&"),
            ("&;", "&;"),
            ("&unknown;", "&unknown;"),
            ("&amp", "&amp"),
            ("&&amp;&", "&&&"),
            (
                "&#;&#x;&#+5;&#-5;&#99999999999;",
                "&#;&#x;&#+5;&#-5;&#99999999999;",
            ),
            ("?a=1&b=2;", "?a=1&b=2;"),
            ("&ünü;", "&ünü;"),
        ] {
            assert_eq!(decode(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_without_ampersands_stays(text in "[^&]*") {
            prop_assert_eq!(decode(&text), text);
        }

        #[test]
        fn nothing_panics_and_nothing_grows(text in "[&#x;a-f0-9ü]{0,40}") {
            prop_assert!(decode(&text).len() <= text.len());
        }
    }
}
