//! `application/x-www-form-urlencoded`: pairs of names and values, percent-encoded.

use percent_encoding::percent_decode;

use super::charset::Charset;
use super::{add, check_name};
use crate::script::limits;
use crate::script::value::{Map, Value};

/// A query: decoded; a name that comes twice gets an array. The listener bounds how long it is.
pub fn parse_query(query: &str) -> Map {
    let mut map = Map::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        add(&mut map, &name, Value::from(value.into_owned()));
    }
    map
}

/// A body.
pub(super) fn parse(charset: Charset, body: &[u8]) -> Result<Map, String> {
    if charset == Charset::Utf8
        && let Err(error) = std::str::from_utf8(body)
    {
        return Err(format!("the body is not UTF-8: {error}"));
    }
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    let most = limits::FORM_FIELDS;
    if body.iter().filter(|byte| **byte == b'&').count() >= most {
        return Err(format!("the form has more than {most} fields"));
    }
    let mut map = Map::new();
    for pair in body
        .split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
    {
        let end = pair.iter().position(|byte| *byte == b'=');
        let (name, value) = pair.split_at(end.unwrap_or(pair.len()));
        let name = decoded(charset, name);
        check_name(&name)?;
        let value = decoded(charset, value.get(1..).unwrap_or_default());
        add(&mut map, &name, Value::from(value));
    }
    Ok(map)
}

fn decoded(charset: Charset, text: &[u8]) -> String {
    let plain: Vec<u8> = text
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect();
    let bytes: Vec<u8> = percent_decode(&plain).collect();
    charset.decode(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::script::map_to_json;

    fn json(body: &str) -> String {
        String::from_utf8(map_to_json(&parse(Charset::Utf8, body.as_bytes()).unwrap()).unwrap())
            .unwrap()
    }

    #[test]
    fn a_form_is_decoded() {
        for (body, expected) in [
            ("", "{}"),
            ("a=1&b=x+y%26", r#"{"a":"1","b":"x y&"}"#),
            ("a&b=", r#"{"a":"","b":""}"#),
            ("a=1&a=2&a=3", r#"{"a":["1","2","3"]}"#),
            (
                "user.name=Ann&tags[]=x",
                r#"{"tags[]":"x","user.name":"Ann"}"#,
            ),
            ("\u{feff}a=%C3%BC", r#"{"a":"ü"}"#),
        ] {
            assert_eq!(json(body), expected, "{body}");
        }
    }

    /// What is decoded here is what the library for queries decodes.
    #[test]
    fn a_form_is_decoded_as_a_query_is() {
        for text in [
            "a=b",
            "a",
            "=b",
            "a=b=c",
            "&&a&",
            "%",
            "%4",
            "%zz=%41+%2B",
            "a=%C3%BC&a=%ff",
            "+=+",
        ] {
            let as_query = map_to_json(&parse_query(text)).unwrap();
            assert_eq!(json(text).as_bytes(), as_query, "{text}");
        }
    }

    #[test]
    fn an_old_sender_may_say_latin_1() {
        let map = parse(Charset::Windows1252, b"n%E4me=Zo%EB+%80&b=\xfc").unwrap();
        let json = String::from_utf8(map_to_json(&map).unwrap()).unwrap();
        assert_eq!(json, r#"{"b":"ü","näme":"Zoë €"}"#);
    }

    #[test]
    fn a_form_is_bounded() {
        let many = vec!["a=1"; limits::FORM_FIELDS].join("&");
        assert_eq!(parse(Charset::Utf8, many.as_bytes()).unwrap().len(), 1);
        let more = format!("{many}&a=1");
        assert!(
            parse(Charset::Utf8, more.as_bytes())
                .unwrap_err()
                .contains("more than")
        );
        let deep = format!("a{}=1", "[b]".repeat(1_000));
        assert!(
            parse(Charset::Utf8, deep.as_bytes())
                .unwrap_err()
                .contains("nested")
        );
        assert!(
            parse(Charset::Utf8, b"a=\xff")
                .unwrap_err()
                .contains("UTF-8")
        );
    }

    proptest! {
        #[test]
        fn no_body_panics(body in "[a-c=&%+;\\[\\]0-9\u{feff}ü]{0,80}") {
            parse(Charset::Utf8, body.as_bytes()).unwrap();
        }
    }
}
