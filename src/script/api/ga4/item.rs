//! One item of a hit: `idSKU_1~nmShirt~pr9.5~k0size~v0XL`, parts of a code and a value.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rhai::{Dynamic, Map};

use super::parameter::Kind::{self, Number, Text};
use crate::script::api::keys::text;
use crate::script::api::number;

/// Code, key, kind. A test holds docs/sources/ga4.md to it.
pub(super) const CODES: &[(&str, &str, Kind)] = &[
    ("id", "item_id", Text),
    ("nm", "item_name", Text),
    ("br", "item_brand", Text),
    ("ca", "item_category", Text),
    ("c2", "item_category2", Text),
    ("c3", "item_category3", Text),
    ("c4", "item_category4", Text),
    ("c5", "item_category5", Text),
    ("va", "item_variant", Text),
    ("pr", "price", Number),
    ("qt", "quantity", Number),
    ("cp", "coupon", Text),
    ("ds", "discount", Number),
    ("af", "affiliation", Text),
    ("li", "item_list_id", Text),
    ("ln", "item_list_name", Text),
    ("lp", "index", Number),
    ("in", "index", Number),
    ("lo", "location_id", Text),
    ("pi", "promotion_id", Text),
    ("pn", "promotion_name", Text),
    ("cn", "creative_name", Text),
    ("cs", "creative_slot", Text),
];

/// The item, and of how many parts it is.
pub(super) fn read(value: &str) -> (Dynamic, usize) {
    let mut item = Map::new();
    let mut names = BTreeMap::new();
    let mut count = 0;
    for part in Parts(Some(value)) {
        count += 1;
        let Some((code, rest)) = part.split_at_checked(2) else {
            continue;
        };
        if let Some((_, key, kind)) = CODES.iter().find(|(known, ..)| *known == code) {
            item.insert((*key).into(), plain(*kind, rest));
        } else if let Some((number, name)) = own_name(&part) {
            names.insert(number.to_owned(), name.to_owned());
        } else if let Some((name, value)) = own_value(&part, &names) {
            item.insert(name.into(), text(value));
        } else {
            item.insert(code.into(), text(rest));
        }
    }
    (Dynamic::from_map(item), count)
}

fn plain(kind: Kind, value: &str) -> Dynamic {
    match kind {
        Number => number::parse(value).map_or_else(|| text(value), number::Number::into_dynamic),
        Text => text(value),
    }
}

/// `k0size`: the page's own key 0 is called size. No such name begins with a digit.
fn own_name(part: &str) -> Option<(&str, &str)> {
    let rest = part.strip_prefix('k')?;
    let end = rest.find(|letter: char| !letter.is_ascii_digit())?;
    rest.split_at_checked(end)
        .filter(|(number, _)| !number.is_empty())
}

/// `v0XL`: its value. A value may begin with a digit, so that the names seen so far tell where the
/// number ends: the longest of them that fits.
fn own_value<'a, 'n>(
    part: &'a str,
    names: &'n BTreeMap<String, String>,
) -> Option<(&'n str, &'a str)> {
    /// More keys of its own than this many digits can count has no item.
    const MAX_DIGITS: usize = 4;
    let rest = part.strip_prefix('v')?;
    (1..=MAX_DIGITS).rev().find_map(|digits| {
        let (number, value) = rest.split_at_checked(digits)?;
        Some((names.get(number)?.as_str(), value))
    })
}

/// The parts of an item, split at `~`; `~~` is a tilde of the text.
struct Parts<'a>(Option<&'a str>);

impl<'a> Iterator for Parts<'a> {
    type Item = Cow<'a, str>;

    fn next(&mut self) -> Option<Cow<'a, str>> {
        let mut rest = self.0.take()?;
        let mut whole: Cow<'a, str> = Cow::Borrowed("");
        loop {
            let (part, behind) = match rest.split_once('~') {
                Some((part, behind)) => (part, Some(behind)),
                None => (rest, None),
            };
            whole += part;
            match behind.map(|behind| (behind, behind.strip_prefix('~'))) {
                Some((_, Some(behind))) => {
                    whole += "~";
                    rest = behind;
                }
                Some((behind, None)) => {
                    self.0 = Some(behind);
                    return Some(whole);
                }
                None => return Some(whole),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::script::json::to_json;

    fn json(value: &str) -> String {
        String::from_utf8(to_json(&read(value).0).unwrap()).unwrap()
    }

    #[test]
    fn codes_become_keys() {
        for (value, expected) in [
            (
                "idSKU_1~nmShirt~pr19.5~qt2~lp0",
                r#"{"index":0,"item_id":"SKU_1","item_name":"Shirt","price":19.5,"quantity":2}"#,
            ),
            (
                "k0size~v0XL~k1colour~v1red",
                r#"{"colour":"red","size":"XL"}"#,
            ),
            ("k1a~k10b~v1x~v10y", r#"{"a":"x","b":"y"}"#),
            ("k2year~v22024", r#"{"year":"2024"}"#),
            ("nma~~b~~~~c~id1", r#"{"item_id":"1","item_name":"a~b~~c"}"#),
            ("cp~id1", r#"{"coupon":"","item_id":"1"}"#),
            (
                "prfree~zzother~v9x",
                r#"{"price":"free","v9":"x","zz":"other"}"#,
            ),
            ("vaBlue~v~", r#"{"item_variant":"Blue"}"#),
            ("", "{}"),
            ("é~ü", "{\"é\":\"\",\"ü\":\"\"}"),
        ] {
            assert_eq!(json(value), expected, "{value}");
        }
    }

    proptest! {
        #[test]
        fn no_item_panics(value in "[kv0-9a-c~é]{0,60}") {
            let (_, parts) = read(&value);
            prop_assert!(parts <= value.len() + 1);
        }
    }
}
