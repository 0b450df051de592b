//! `application/x-www-form-urlencoded`: pairs of names and values, percent-encoded.

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
pub(super) fn parse(body: &[u8]) -> Result<Map, String> {
    let body =
        std::str::from_utf8(body).map_err(|error| format!("the body is not UTF-8: {error}"))?;
    let body = body.strip_prefix('\u{feff}').unwrap_or(body);
    let most = limits::FORM_FIELDS;
    if body.bytes().filter(|byte| *byte == b'&').count() >= most {
        return Err(format!("the form has more than {most} fields"));
    }
    let mut map = Map::new();
    for (name, value) in form_urlencoded::parse(body.as_bytes()) {
        check_name(&name)?;
        add(&mut map, &name, Value::from(value.into_owned()));
    }
    Ok(map)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::script::map_to_json;

    fn json(body: &str) -> String {
        String::from_utf8(map_to_json(&parse(body.as_bytes()).unwrap()).unwrap()).unwrap()
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

    #[test]
    fn a_form_is_bounded() {
        let many = vec!["a=1"; limits::FORM_FIELDS].join("&");
        assert_eq!(parse(many.as_bytes()).unwrap().len(), 1);
        let more = format!("{many}&a=1");
        assert!(parse(more.as_bytes()).unwrap_err().contains("more than"));
        let deep = format!("a{}=1", "[b]".repeat(1_000));
        assert!(parse(deep.as_bytes()).unwrap_err().contains("nested"));
        assert!(parse(b"a=\xff").unwrap_err().contains("UTF-8"));
    }

    proptest! {
        #[test]
        fn no_body_panics(body in "[a-c=&%+;\\[\\]0-9\u{feff}ü]{0,80}") {
            parse(body.as_bytes()).unwrap();
        }
    }
}
