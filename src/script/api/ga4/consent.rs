//! Google's two consent codes. `gcs` says what is granted now, `gcd` also what was the default and
//! what the visitor changed. That what is unset is not granted is Tagwerk's rule; see `trigger`.

use rhai::{Dynamic, Map};

use crate::script::api::keys::text;

/// The kinds in a `gcd`, in its order, and where `gcs` has them.
const KINDS: [(&str, Option<usize>); 4] = [
    ("ad_storage", Some(2)),
    ("analytics_storage", Some(3)),
    ("ad_user_data", None),
    ("ad_personalization", None),
];

/// Default and update of one kind; none is unset.
type Signal = (Option<bool>, Option<bool>);

const UNSET: Signal = (None, None);

/// `13r3r1t1r5l1`: a digit, then for each kind a digit and a letter.
fn signal(gcd: &str, place: usize) -> Signal {
    let letter = gcd.as_bytes().get(2 + 2 * place);
    match letter {
        Some(b'p') => (Some(false), None),
        Some(b'q') => (Some(false), Some(false)),
        Some(b'r') => (Some(false), Some(true)),
        Some(b't') => (Some(true), None),
        Some(b'u') => (Some(true), Some(false)),
        Some(b'v') => (Some(true), Some(true)),
        Some(b'm') => (None, Some(false)),
        Some(b'n') => (None, Some(true)),
        _ => UNSET, // `l`, or a letter that is not known
    }
}

/// All that a `gcd` says.
pub(super) fn decoded(gcd: &str) -> Map {
    let word = |state: Option<bool>| match state {
        Some(true) => text("granted"),
        Some(false) => text("denied"),
        None => text("unset"),
    };
    let kinds = KINDS.iter().enumerate().map(|(place, (kind, _))| {
        let (default, update) = signal(gcd, place);
        let said = Map::from([
            ("default".into(), word(default)),
            ("update".into(), word(update)),
            ("effective".into(), word(update.or(default))),
        ]);
        ((*kind).into(), Dynamic::from_map(said))
    });
    kinds.collect()
}

/// The kinds of which a hit says that they are granted or denied.
pub(super) fn granted(data: &Map) -> Map {
    let code = |key: &str| {
        let value = data.get(key);
        value.and_then(|value| value.as_immutable_string_ref().ok())
    };
    let (gcd, gcs) = (code("x-ga-gcd"), code("x-ga-gcs"));
    let mut granted = Map::new();
    for (place, (kind, in_gcs)) in KINDS.into_iter().enumerate() {
        let (default, update) = gcd.as_ref().map_or(UNSET, |gcd| signal(gcd, place));
        let now = in_gcs.and_then(|at| digit(gcs.as_deref()?, at));
        if let Some(state) = update.or(default).or(now) {
            granted.insert(kind.into(), Dynamic::from_bool(state));
        }
    }
    granted
}

/// `G101`: 1 is granted, 0 denied, `-` unset.
fn digit(gcs: &str, at: usize) -> Option<bool> {
    let digits = gcs.strip_prefix("G1").map(|_| gcs.as_bytes())?;
    match digits.get(at)? {
        b'1' => Some(true),
        b'0' => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::json::map_to_json;

    fn consent(gcs: &str, gcd: &str) -> String {
        let mut data = Map::new();
        for (key, code) in [("x-ga-gcs", gcs), ("x-ga-gcd", gcd)] {
            if !code.is_empty() {
                data.insert(key.into(), text(code));
            }
        }
        String::from_utf8(map_to_json(&granted(&data)).unwrap()).unwrap()
    }

    #[test]
    fn what_is_known_is_granted_or_denied() {
        const ALL: &str = r#"{"ad_personalization":true,"ad_storage":true,"ad_user_data":true,"analytics_storage":true}"#;
        for (gcs, gcd, expected) in [
            ("", "", "{}"),
            ("", "11l1l1l1l1", "{}"),
            ("G1--", "13l3l3l3l1", "{}"),
            ("G111", "13r3r3r3r5l1", ALL),
            ("", "11t1t1t1t5", ALL),
            (
                "G101",
                "",
                r#"{"ad_storage":false,"analytics_storage":true}"#,
            ),
            (
                "G110",
                "11l1l1l1l1",
                r#"{"ad_storage":true,"analytics_storage":false}"#,
            ),
            (
                "",
                "13q3p3u3m5l1",
                r#"{"ad_personalization":false,"ad_storage":false,"ad_user_data":false,"analytics_storage":false}"#,
            ),
            (
                "",
                "13n3v",
                r#"{"ad_storage":true,"analytics_storage":true}"#,
            ),
            ("X11", "é", "{}"),
            ("G1", "1", "{}"),
        ] {
            assert_eq!(consent(gcs, gcd), expected, "{gcs} {gcd}");
        }
    }
}
