//! `tracify::`: events for Tracify, and the forms that it wants people and times in. Sending is the
//! destination's.

mod event;

use rhai::{Dynamic, ImmutableString, Map};

use super::argument;
use super::hash::sha256_hex;
use super::host::Host;
use super::mapping::Mapping;
use super::namespace::{Namespace, Problem};
use super::{Function, Topic, pii, time};

pub(super) const TOPIC: Topic = Topic {
    name: "tracify",
    about: "Events for Tracify, and the forms that it wants people and times in.",
    functions: &[
        event::PAGEVIEW.function(),
        event::PRODUCTVIEW.function(),
        event::ADDTOCART.function(),
        event::PURCHASE.function(),
        event::CONVERSION.function(),
        Function {
            signature: "tracify::identity(person) -> map",
            about: "A Tracify event's `identity_data`, made of `#{ email, ip, user_agent }`: group \
                    hashes of the email address (1), of ip and user agent together (2), of the ip \
                    (3) and of the user agent (4). What is missing or blank is left out; the \
                    email address is trimmed and put in lower case.",
            example: r#"tracify::identity(#{ email: " Test@example.com", ip: () }) == #{ "d655199e48e08f40798252d4688ea6c4d2e1ec5a06175477e9342a3cfda4ded9": 1 }"#,
        },
        Function {
            signature: "tracify::group_hash(text) -> text",
            about: "SHA-256 of the SHA-256, both in hex, after cutting the last 5 digits of the \
                    inner one, so that many values share a hash.",
            example: r#"tracify::group_hash("192.168.1.1") == "2d0b84ff7b04b74906148264f4c6cba08b99a4c9a856ad92fb9ba0dde4932580""#,
        },
        Function {
            signature: "tracify::datetime(ms) -> text",
            about: "A time in milliseconds as Tracify's `datetime`, in UTC.",
            example: r#"tracify::datetime(1718973400000) == "2024-06-21 12:36:40""#,
        },
    ],
    register,
};

pub(super) const MAPPINGS: &[&Mapping] = &[
    &event::PAGEVIEW,
    &event::PRODUCTVIEW,
    &event::ADDTOCART,
    &event::PURCHASE,
    &event::CONVERSION,
];

/// So many hex digits of the inner hash are cut: 16^5 values share each group.
const CUT_DIGITS: usize = 5;

/// What [`identity`] reads of a person.
const IDENTITY_KEYS: [&str; 3] = ["email", "ip", "user_agent"];

fn register(host: &mut Host) {
    let mappings = MAPPINGS.iter().copied();
    mappings
        .fold(Namespace::new(TOPIC.name), Namespace::mapping)
        .one("identity", identity)
        .one("group_hash", group_hash)
        .one("datetime", datetime)
        .add_to(host);
}

fn identity(person: Dynamic) -> Result<Map, Problem> {
    let person = argument::map("person", person)?;
    if let Some(unknown) = person
        .keys()
        .find(|key| !IDENTITY_KEYS.contains(&key.as_str()))
    {
        return Err(Problem(format!(
            "unknown key \"{unknown}\"; email, ip and user_agent are known"
        )));
    }
    let email = part(&person, "email")?.map(|email| pii::normalise(&email));
    let ip = part(&person, "ip")?;
    let user_agent = part(&person, "user_agent")?;
    let session = ip.as_ref().zip(user_agent.as_ref());
    let session = session.map(|(ip, user_agent)| format!("{ip}|{user_agent}"));

    let mut identity = Map::new();
    for (kind, value) in [
        (1, email.as_deref()),
        (2, session.as_deref()),
        (3, ip.as_deref()),
        (4, user_agent.as_deref()),
    ] {
        if let Some(value) = value {
            identity.insert(group(value).into(), Dynamic::from_int(kind));
        }
    }
    Ok(identity)
}

/// One part of a person; none if it is missing or blank.
fn part(person: &Map, key: &str) -> Result<Option<ImmutableString>, Problem> {
    match person.get(key) {
        None => Ok(None),
        Some(value) if value.is_unit() => Ok(None),
        Some(value) => argument::text(key, value.clone())
            .map(|text| Some(text).filter(|text| !text.trim().is_empty())),
    }
}

fn group_hash(text: Dynamic) -> Result<ImmutableString, Problem> {
    let text = argument::text("text", text)?;
    Ok(group(&text).into())
}

fn group(value: &str) -> String {
    let mut inner = sha256_hex(value);
    inner.truncate(inner.len().saturating_sub(CUT_DIGITS));
    sha256_hex(&inner)
}

fn datetime(ms: Dynamic) -> Result<ImmutableString, Problem> {
    time::write(&ms, "%Y-%m-%d %H:%M:%S")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tracify publishes the algorithm but no vectors; these were computed with Python's hashlib.
    const VECTORS: &[(&str, &str)] = &[
        (
            "test@example.com",
            "d655199e48e08f40798252d4688ea6c4d2e1ec5a06175477e9342a3cfda4ded9",
        ),
        (
            "johndoe@gmail.com",
            "a0244706b2b21c07940f5804de111e0cb0cb88924905ea2da4ae158dbed7e3fd",
        ),
        (
            "192.168.1.1",
            "2d0b84ff7b04b74906148264f4c6cba08b99a4c9a856ad92fb9ba0dde4932580",
        ),
        (
            "Mozilla/5.0",
            "fe3fa8b7cb726fc1507885122d8bc5dcb7bfbf0f17f08d8f4dd588bc810c929b",
        ),
        (
            "192.168.1.1|Mozilla/5.0",
            "6fa4c6102d82c29727f536f606dfa1780df4b188846ff70042cdafbcee84a404",
        ),
        (
            "2001:db8::1",
            "a5719773f4aa3572abfa03e17a80ba1286501f9c33d144554ff73df05ceb323e",
        ),
        (
            "",
            "7fc114ae2e184065b8da584d336f02dbcd28b701ef346bd7b999ac1b59fae494",
        ),
        (
            "Jörg@Exämple.de",
            "82a86cd4606ed5b9cb3f061294e7afcfc85a5bce3bf735b042eeee29a0a9484b",
        ),
    ];

    fn hash_of(value: &str) -> &'static str {
        let found = VECTORS.iter().find(|(candidate, _)| *candidate == value);
        found.map(|(_, hash)| *hash).unwrap()
    }

    fn kinds(person: &str) -> Vec<(String, i64)> {
        let engine = Host::engine_with(register);
        let map: Map = engine
            .eval(&format!("tracify::identity({person})"))
            .unwrap();
        map.into_iter()
            .map(|(hash, kind)| (hash.to_string(), kind.as_int().unwrap()))
            .collect()
    }

    #[test]
    fn group_hashes_cut_five_digits_not_four() {
        for (value, hash) in VECTORS {
            assert_eq!(group(value), *hash, "{value:?}");
        }
    }

    #[test]
    fn a_whole_person_has_four_hashes() {
        let person =
            r#"#{ email: "  TEST@Example.com ", ip: "192.168.1.1", user_agent: "Mozilla/5.0" }"#;
        let mut expected = [
            (hash_of("test@example.com").to_owned(), 1),
            (hash_of("192.168.1.1|Mozilla/5.0").to_owned(), 2),
            (hash_of("192.168.1.1").to_owned(), 3),
            (hash_of("Mozilla/5.0").to_owned(), 4),
        ];
        expected.sort();
        assert_eq!(kinds(person), expected);
    }

    #[test]
    fn what_is_missing_or_blank_is_left_out() {
        for (person, count) in [
            ("#{}", 0),
            (r#"#{ email: (), ip: "", user_agent: " " }"#, 0),
            (r#"#{ ip: "192.168.1.1" }"#, 1),
            (r#"#{ user_agent: "Mozilla/5.0" }"#, 1),
            (r#"#{ ip: "192.168.1.1", user_agent: "Mozilla/5.0" }"#, 3),
        ] {
            assert_eq!(kinds(person).len(), count, "{person}");
        }
    }

    #[test]
    fn a_misspelt_key_is_no_missing_one() {
        let mut person = Map::new();
        person.insert("userAgent".into(), "Mozilla/5.0".into());
        let error = identity(person.into()).unwrap_err().to_string();
        assert!(
            error.contains("unknown key \"userAgent\"; email, ip and user_agent are known"),
            "{error}"
        );
    }
}
