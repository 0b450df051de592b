//! `url::`: the parts of a page's address. It reads addresses as visitors' browsers and shops send
//! them, is lenient, and decides nothing about where Tagwerk connects to.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use rhai::{Dynamic, ImmutableString, Map};

use super::argument;
use super::host::Host;
use super::namespace::{Namespace, Problem};
use super::{Function, Topic};

pub(super) const TOPIC: Topic = Topic {
    name: "url",
    about: "The parts of a page's address. What is not there is `()`, so `url::host(x) ?? \"\"` \
            works.",
    functions: &[
        Function {
            signature: "url::origin(url) -> text",
            about: "Scheme, host and port, in lower case and without a default port; `()` if the \
                    address is relative.",
            example: r#"url::origin("https://Shop.example.com:443/thanks?x=1") == "https://shop.example.com""#,
        },
        Function {
            signature: "url::host(url) -> text",
            about: "The host in lower case, without the port; `()` if the address is relative.",
            example: r#"url::host("https://Shop.example.com:8443/thanks") == "shop.example.com" && url::host("/thanks") == ()"#,
        },
        Function {
            signature: "url::path(url) -> text",
            about: "The path as it stands, not decoded; `/` if there is none.",
            example: r#"url::path("https://shop.example.com/a%20b?x=1#top") == "/a%20b""#,
        },
        Function {
            signature: "url::query(url) -> map",
            about: "The query parameters, decoded. Of a name that is there twice the first one \
                    counts; of more than 500 parameters the first 500.",
            example: r#"url::query("/?utm_source=a%20b&gclid=x+y") == #{ utm_source: "a b", gclid: "x y" }"#,
        },
        Function {
            signature: "url::param(url, name) -> text",
            about: "One query parameter, decoded; `()` if it is not there.",
            example: r#"url::param("/?gclid=x&b=", "gclid") == "x" && url::param("/", "gclid") == ()"#,
        },
        Function {
            signature: "url::encode(text) -> text",
            about: "Percent-encodes all but letters, digits and `-._~`, for one part of an address.",
            example: r#"url::encode("a b/ü") == "a%20b%2F%C3%BC""#,
        },
        Function {
            signature: "url::decode(text) -> text",
            about: "Percent-decodes; `+` stays a plus. Bytes that are no UTF-8 become U+FFFD.",
            example: r#"url::decode("a%20b%2F%C3%BC+") == "a b/ü+""#,
        },
    ],
    register,
};

/// More query parameters than any real address has, and a map that costs little.
const MAX_PARAMETERS: usize = 500;

/// RFC 3986: only unreserved characters stay as they are.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// An address cut into its parts; nothing in it is decoded.
#[derive(Debug, PartialEq, Eq)]
struct Parts<'a> {
    scheme: Option<&'a str>,
    /// Without user and password.
    authority: Option<&'a str>,
    path: &'a str,
    query: &'a str,
}

fn register(host: &mut Host) {
    Namespace::new(TOPIC.name)
        .one("origin", origin)
        .one("host", self::host)
        .one("path", path)
        .one("query", query)
        .two("param", param)
        .one("encode", encode)
        .one("decode", decode)
        .add_to(host);
}

pub(super) fn origin(url: Dynamic) -> Result<Dynamic, Problem> {
    let url = argument::text("url", url)?;
    let parts = split(&url);
    let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
        return Ok(Dynamic::UNIT);
    };
    let scheme = scheme.to_ascii_lowercase();
    let authority = authority.to_lowercase();
    let default_port = match scheme.as_str() {
        "http" => ":80",
        "https" => ":443",
        _ => ":",
    };
    let authority = authority
        .strip_suffix(default_port)
        .or_else(|| authority.strip_suffix(':'))
        .unwrap_or(&authority);
    Ok(format!("{scheme}://{authority}").into())
}

pub(super) fn host(url: Dynamic) -> Result<Dynamic, Problem> {
    let url = argument::text("url", url)?;
    let Some(authority) = split(&url).authority else {
        return Ok(Dynamic::UNIT);
    };
    Ok(without_port(authority).to_lowercase().into())
}

pub(super) fn path(url: Dynamic) -> Result<ImmutableString, Problem> {
    let url = argument::text("url", url)?;
    match split(&url).path {
        "" => Ok("/".into()),
        path => Ok(path.into()),
    }
}

pub(super) fn query(url: Dynamic) -> Result<Map, Problem> {
    let url = argument::text("url", url)?;
    let mut map = Map::new();
    for (name, value) in parameters(&url) {
        map.entry(name.as_ref().into())
            .or_insert_with(|| value.into_owned().into());
    }
    Ok(map)
}

pub(super) fn param(url: Dynamic, name: Dynamic) -> Result<Dynamic, Problem> {
    let url = argument::text("url", url)?;
    let name = argument::text("name", name)?;
    let found = parameters(&url).find(|(candidate, _)| *candidate == name.as_str());
    Ok(found.map_or(Dynamic::UNIT, |(_, value)| value.into_owned().into()))
}

fn encode(text: Dynamic) -> Result<ImmutableString, Problem> {
    let text = argument::text("text", text)?;
    Ok(utf8_percent_encode(&text, RESERVED).to_string().into())
}

fn decode(text: Dynamic) -> Result<ImmutableString, Problem> {
    let text = argument::text("text", text)?;
    Ok(percent_decode_str(&text)
        .decode_utf8_lossy()
        .as_ref()
        .into())
}

fn parameters(
    url: &str,
) -> impl Iterator<Item = (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)> {
    form_urlencoded::parse(split(url).query.as_bytes()).take(MAX_PARAMETERS)
}

fn split(url: &str) -> Parts<'_> {
    let url = url.trim();
    let url = url
        .split_once('#')
        .map_or(url, |(before, _fragment)| before);
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let (scheme, rest) = match address.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => (Some(scheme), Some(rest)),
        _ => (None, address.strip_prefix("//")),
    };
    let Some(rest) = rest else {
        return Parts {
            scheme,
            authority: None,
            path: address,
            query,
        };
    };
    // Browsers take a backslash for a slash here.
    let end = rest.find(['/', '\\']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let authority = authority
        .rsplit_once('@')
        .map_or(authority, |(_user, host)| host);
    let authority = (!authority.is_empty()).then_some(authority);
    Parts {
        scheme,
        authority,
        path,
        query,
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// The host of `host:port`, and of `[::1]:port` with its brackets.
fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(value: &Dynamic) -> String {
        value.to_string()
    }

    #[test]
    fn addresses_are_cut_into_parts() {
        for (url, expected_origin, expected_host, expected_path) in [
            (
                "https://shop.example.com/thanks?a=1#x",
                "https://shop.example.com",
                "shop.example.com",
                "/thanks",
            ),
            (
                "HTTP://Shop.Example.com",
                "http://shop.example.com",
                "shop.example.com",
                "/",
            ),
            (
                "http://localhost:8080/",
                "http://localhost:8080",
                "localhost",
                "/",
            ),
            (
                "http://example.com:80?x",
                "http://example.com",
                "example.com",
                "/",
            ),
            (
                "https://user:p@ss@example.com/",
                "https://example.com",
                "example.com",
                "/",
            ),
            (
                "https://[2001:db8::1]:8443/a",
                "https://[2001:db8::1]:8443",
                "[2001:db8::1]",
                "/a",
            ),
            ("https://[::1]/", "https://[::1]", "[::1]", "/"),
            (
                "https://evil.example\\@good.example/",
                "https://evil.example",
                "evil.example",
                "\\@good.example/",
            ),
            (
                "https://müller.example/ü",
                "https://müller.example",
                "müller.example",
                "/ü",
            ),
            ("//cdn.example.com/x.js", "", "cdn.example.com", "/x.js"),
            ("/thanks?next=https://example.com", "", "", "/thanks"),
            (
                "android-app://com.example/",
                "android-app://com.example",
                "com.example",
                "/",
            ),
            (
                "  https://example.com/a  ",
                "https://example.com",
                "example.com",
                "/a",
            ),
            ("about:blank", "", "", "about:blank"),
            ("https://", "", "", "/"),
            ("", "", "", "/"),
        ] {
            assert_eq!(
                shown(&origin(url.into()).unwrap()),
                expected_origin,
                "{url}"
            );
            assert_eq!(shown(&host(url.into()).unwrap()), expected_host, "{url}");
            assert_eq!(path(url.into()).unwrap(), expected_path, "{url}");
        }
    }

    #[test]
    fn the_first_of_two_equal_parameters_counts() {
        let url = "https://example.com/?a=1&a=2&b=x%26y&c&=d#a=3";
        let map = query(url.into()).unwrap();
        let pairs: Vec<(&str, String)> = map
            .iter()
            .map(|(k, v)| (k.as_str(), v.to_string()))
            .collect();
        let expected = [("", "d"), ("a", "1"), ("b", "x&y"), ("c", "")];
        assert_eq!(
            pairs,
            expected.map(|(name, value)| (name, value.to_owned()))
        );
        assert_eq!(shown(&param(url.into(), "a".into()).unwrap()), "1");
    }

    #[test]
    fn parameters_are_bounded() {
        let pairs: Vec<String> = (0..2_000).map(|n| format!("p{n}=1")).collect();
        let url = format!("/?{}", pairs.join("&"));
        assert_eq!(query(url.into()).unwrap().len(), MAX_PARAMETERS);
    }

    proptest! {
        #[test]
        fn encoded_text_comes_back(text: String) {
            let encoded = encode(text.clone().into()).unwrap();
            prop_assert!(encoded.is_ascii());
            prop_assert_eq!(decode(encoded.into()).unwrap(), text.as_str());
        }

        #[test]
        fn nothing_panics(url in "[a-z:/?#@\\[\\]\\\\.0-9&=%ü ]{0,40}") {
            for function in [origin, host] {
                prop_assert!(function(url.clone().into()).is_ok());
            }
            prop_assert!(path(url.clone().into()).is_ok());
            prop_assert!(query(url.into()).is_ok());
        }
    }
}
