//! `json::`: JSON inside text. A request's own body is parsed by the host.

use rhai::{Dynamic, ImmutableString};

use super::argument;
use super::host::Host;
use super::namespace::{Namespace, Problem};
use super::{Function, Topic};
use crate::script::json::{parse_json, to_json};

pub(super) const TOPIC: Topic = Topic {
    name: "json",
    about: "JSON inside text, as some senders nest it. `request.json` and what a tag returns need \
            none of this.",
    functions: &[
        Function {
            signature: "json::parse(text) -> value",
            about: "The value that a JSON text stands for; null is `()`. At most 128 levels deep. \
                    Of a key that is there twice, the last one counts.",
            example: r#"json::parse(`{"sku": "Bar3", "sizes": [1, 2.5, null]}`) == #{ sku: "Bar3", sizes: [1, 2.5, ()] }"#,
        },
        Function {
            signature: "json::stringify(value) -> text",
            about: "The JSON text of any value, keys in alphabetical order, without spaces.",
            example: r#"json::stringify(#{ sku: "Bar3", price: 12.5, gift: () }) == `{"gift":null,"price":12.5,"sku":"Bar3"}`"#,
        },
    ],
    register,
};

fn register(host: &mut Host) {
    Namespace::new(TOPIC.name)
        .one("parse", parse)
        .one("stringify", stringify)
        .add_to(host);
}

fn parse(text: Dynamic) -> Result<Dynamic, Problem> {
    let text = argument::text("text", text)?;
    parse_json(text.as_bytes()).map_err(|cause| {
        let shown = argument::quote(&text);
        Problem(format!("{shown} is no JSON: {cause}"))
    })
}

fn stringify(value: Dynamic) -> Result<ImmutableString, Problem> {
    let json = to_json(&value).map_err(Problem)?;
    Ok(String::from_utf8_lossy(&json).as_ref().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_parsed_prints_the_same() {
        for json in [
            "null",
            "true",
            "-7",
            "12.5",
            r#""a\"b\u0001ü""#,
            r#"{"a":[1,{"b":null}],"c":{}}"#,
        ] {
            let value = parse(json.into()).unwrap();
            let printed = stringify(value).unwrap();
            let same: serde_json::Value = serde_json::from_str(&printed).unwrap();
            assert_eq!(
                same,
                serde_json::from_str::<serde_json::Value>(json).unwrap()
            );
        }
    }

    #[test]
    fn a_byte_order_mark_is_ignored() {
        assert!(parse("\u{feff}{}".into()).unwrap().is_map());
    }

    #[test]
    fn broken_and_bottomless_json_is_an_error() {
        for json in ["", "{", "{'a': 1}", "1 2", &"[".repeat(100_000)] {
            let error = parse(json.into()).unwrap_err().to_string();
            assert!(error.contains("is no JSON: "), "{error}");
            assert!(error.chars().count() < 200, "{error}");
        }
    }
}
