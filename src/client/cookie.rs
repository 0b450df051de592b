//! `Set-Cookie` from what a script asks for. Whatever could end a value early, and so slip in
//! another attribute or header, is refused.

use http::HeaderValue;

use super::answer::Wrong;
use crate::config::suggest;
use crate::script::api::registrable;
use crate::script::value::{kind, plain_text};
use crate::script::{Map, Value};

const OPTIONS: [&str; 8] = [
    "value",
    "path",
    "domain",
    "max_age",
    "secure",
    "http_only",
    "same_site",
    "partitioned",
];

/// Name and value together: browsers drop a cookie that is longer.
const MAX_BYTES: usize = 4_096;

/// A cookie is a text, or a map of options: `value`, `path` (default `/`), `domain`, `max_age`
/// (seconds), `secure` (default true), `http_only`, `same_site` (default `"Lax"`), `partitioned`.
/// What browsers would drop without a word is refused, with a word.
pub(super) fn set_cookie(name: &str, value: &Value) -> Result<HeaderValue, Wrong> {
    let in_cookie = |wrong: Wrong| Wrong {
        message: format!("cookie `{name}`: {}", wrong.message),
        ..wrong
    };
    let options = match value.as_map_ref() {
        Ok(options) => options.clone(),
        Err(_) => Map::from([("value".into(), value.clone())]),
    };
    let cookie = Cookie::read(name, &Options(options)).map_err(in_cookie)?;
    cookie.refuse_what_browsers_drop().map_err(in_cookie)?;
    HeaderValue::try_from(cookie.line()).map_err(|_| {
        in_cookie(
            "it has characters that no header may have"
                .to_owned()
                .into(),
        )
    })
}

#[derive(Debug)]
struct Cookie<'a> {
    name: &'a str,
    value: String,
    path: String,
    domain: Option<String>,
    max_age: Option<i64>,
    secure: bool,
    http_only: bool,
    same_site: &'static str,
    partitioned: bool,
}

impl<'a> Cookie<'a> {
    fn read(name: &'a str, options: &Options) -> Result<Self, Wrong> {
        options.refuse_unknown()?;
        check("the name", name)?;
        if name.is_empty() || name.contains('=') {
            return Err("that is no name".to_owned().into());
        }
        Ok(Self {
            name,
            value: options.text("value")?.unwrap_or_default(),
            path: options.text("path")?.unwrap_or_else(|| "/".to_owned()),
            domain: options.text("domain")?,
            max_age: options.max_age()?,
            secure: options.flag("secure", true)?,
            http_only: options.flag("http_only", false)?,
            same_site: options.same_site()?,
            partitioned: options.flag("partitioned", false)?,
        })
    }

    fn refuse_what_browsers_drop(&self) -> Result<(), Wrong> {
        let prefix = |prefix: &str| {
            let start = self.name.get(..prefix.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        let (is_host, is_secure) = (prefix("__Host-"), prefix("__Secure-"));
        let rules = [
            (
                self.same_site == "None" && !self.secure,
                "`same_site: \"None\"` is only for secure cookies",
                "leave out `secure: false`; \"Lax\" is enough for pages of the same site",
            ),
            (
                self.partitioned && !self.secure,
                "`partitioned` is only for secure cookies",
                "leave out `secure: false`",
            ),
            (
                (is_host || is_secure) && !self.secure,
                "a name that begins so is only for secure cookies",
                "leave out `secure: false`, or choose a name without `__Host-` and `__Secure-`",
            ),
            (
                is_host && self.domain.is_some(),
                "`__Host-` means that the cookie is for one host, so it has no `domain`",
                "leave out `domain`, or begin the name with `__Secure-`",
            ),
            (
                is_host && self.path != "/",
                "`__Host-` means that the cookie is for all paths",
                "leave out `path`, or begin the name with `__Secure-`",
            ),
            (
                !self.path.starts_with('/'),
                "`path` must begin with /",
                "write `path: \"/shop\"`, or leave it out",
            ),
            (
                self.name.len() + self.value.len() > MAX_BYTES,
                "name and value are longer than 4,096 bytes",
                "keep an id in the cookie, and the rest elsewhere",
            ),
            (
                self.domain
                    .as_deref()
                    .is_some_and(|domain| !is_usable(domain)),
                "`domain` is nothing that cookies can be for: an address, a single word, or a \
                 public suffix",
                "write `domain: cookie::domain(request.headers.host)`, or leave it out, and the \
                 cookie is for this host alone",
            ),
        ];
        match rules.into_iter().find(|(is_broken, ..)| *is_broken) {
            Some((_, message, hint)) => Err(Wrong {
                message: message.to_owned(),
                hint: Some(hint.to_owned()),
            }),
            None => Ok(()),
        }
    }

    fn line(&self) -> String {
        let mut line = format!("{}={}; Path={}", self.name, self.value, self.path);
        if let Some(domain) = &self.domain {
            line += &format!("; Domain={domain}");
        }
        if let Some(seconds) = self.max_age {
            line += &format!("; Max-Age={seconds}");
        }
        for (is_set, word) in [
            (self.secure, "; Secure"),
            (self.http_only, "; HttpOnly"),
            (self.partitioned, "; Partitioned"),
        ] {
            line += if is_set { word } else { "" };
        }
        line + "; SameSite=" + self.same_site
    }
}

/// A domain that browsers take cookies for: a name below a public suffix. A dot before it means
/// nothing to them.
fn is_usable(domain: &str) -> bool {
    let domain = domain.strip_prefix('.').unwrap_or(domain);
    !domain.contains(':') && registrable(domain).is_some()
}

/// What the script said.
struct Options(Map);

impl Options {
    fn refuse_unknown(&self) -> Result<(), Wrong> {
        let known = |key: &str| OPTIONS.contains(&key);
        let Some(unknown) = self.0.keys().find(|key| !known(key)) else {
            return Ok(());
        };
        let hint = suggest(unknown, OPTIONS);
        Err(Wrong {
            message: format!("unknown option `{unknown}`"),
            hint: Some(hint.unwrap_or_else(|| format!("there are {}", OPTIONS.join(", ")))),
        })
    }

    /// What is `()` is not there.
    fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key).filter(|value| !value.is_unit())
    }

    fn text(&self, key: &str) -> Result<Option<String>, Wrong> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let text =
            plain_text(value).ok_or_else(|| format!("`{key}` wants a text, is {}", kind(value)))?;
        check(key, &text)?;
        Ok(Some(text))
    }

    fn flag(&self, key: &str, default: bool) -> Result<bool, Wrong> {
        match self.get(key) {
            None => Ok(default),
            Some(value) => Ok(value
                .as_bool()
                .map_err(|_| format!("`{key}` wants true or false, is {}", kind(value)))?),
        }
    }

    fn max_age(&self) -> Result<Option<i64>, Wrong> {
        let Some(value) = self.get("max_age") else {
            return Ok(None);
        };
        match value.as_int() {
            Ok(seconds) => Ok(Some(seconds)),
            Err(_) => Err(format!(
                "`max_age` wants a whole number of seconds, is {}",
                kind(value)
            )
            .into()),
        }
    }

    fn same_site(&self) -> Result<&'static str, Wrong> {
        let wanted = self.text("same_site")?.unwrap_or_else(|| "Lax".to_owned());
        let known = ["Lax", "Strict", "None"];
        let found = known
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(&wanted));
        Ok(found.ok_or_else(|| format!("`same_site` is one of {}", known.join(", ")))?)
    }
}

fn check(what: &str, text: &str) -> Result<(), Wrong> {
    let bad = |letter: char| {
        !letter.is_ascii() || letter.is_ascii_control() || " ;,\"\\".contains(letter)
    };
    match text.chars().find(|letter| bad(*letter)) {
        Some(letter) => Err(Wrong {
            message: format!("{what} has {letter:?}, which no cookie may have"),
            hint: Some("`url::encode` it".to_owned()),
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::parse_json;

    fn line(name: &str, json: &str) -> Result<String, Wrong> {
        let value = parse_json(json.as_bytes()).unwrap();
        set_cookie(name, &value).map(|line| line.to_str().unwrap().to_owned())
    }

    fn refused(name: &str, json: &str) -> String {
        let Wrong { message, hint } = line(name, json).unwrap_err();
        format!("{message}; {}", hint.unwrap_or_default())
    }

    #[test]
    fn cookies_are_safe_unless_asked_otherwise() {
        let cases = [
            (r#""17""#, "id=17; Path=/; Secure; SameSite=Lax"),
            ("17", "id=17; Path=/; Secure; SameSite=Lax"),
            (
                r#"{"value":"a%20b","path":"/shop","domain":"example.com","max_age":60,"http_only":true,"same_site":"strict"}"#,
                "id=a%20b; Path=/shop; Domain=example.com; Max-Age=60; Secure; HttpOnly; SameSite=Strict",
            ),
            (
                r#"{"value":"","max_age":0,"secure":false}"#,
                "id=; Path=/; Max-Age=0; SameSite=Lax",
            ),
            (
                r#"{"value":"1","same_site":"none","partitioned":true,"domain":null}"#,
                "id=1; Path=/; Secure; Partitioned; SameSite=None",
            ),
        ];
        for (given, expected) in cases {
            assert_eq!(line("id", given).unwrap(), expected, "{given}");
        }
    }

    #[test]
    fn names_that_promise_something_keep_it() {
        let cases = [
            (
                "__Host-id",
                r#""1""#,
                "__Host-id=1; Path=/; Secure; SameSite=Lax",
            ),
            (
                "__Secure-id",
                r#"{"value":"1","domain":"example.com","path":"/a"}"#,
                "__Secure-id=1; Path=/a; Domain=example.com; Secure; SameSite=Lax",
            ),
        ];
        for (name, given, expected) in cases {
            assert_eq!(line(name, given).unwrap(), expected, "{name}");
        }
    }

    #[test]
    fn what_browsers_would_drop_is_refused() {
        let cases = [
            (
                "id",
                r#"{"same_site":"None","secure":false}"#,
                "only for secure cookies; leave out `secure: false`",
            ),
            (
                "id",
                r#"{"partitioned":true,"secure":false}"#,
                "`partitioned` is only for secure",
            ),
            (
                "__Host-id",
                r#"{"secure":false}"#,
                "only for secure cookies",
            ),
            (
                "__secure-id",
                r#"{"secure":false}"#,
                "only for secure cookies",
            ),
            (
                "__Host-id",
                r#"{"domain":"example.com"}"#,
                "has no `domain`; leave out `domain`",
            ),
            ("__HOST-id", r#"{"path":"/shop"}"#, "for all paths"),
            ("id", r#"{"path":"shop"}"#, "must begin with /"),
            (
                "id",
                r#"{"domain":"co.uk"}"#,
                "public suffix; write `domain: cookie::domain(",
            ),
            ("id", r#"{"domain":"localhost"}"#, "single word"),
            ("id", r#"{"domain":"127.0.0.1"}"#, "an address"),
            (
                "id",
                r#"{"domain":"example.com:443"}"#,
                "nothing that cookies can be for",
            ),
        ];
        for (name, given, expected) in cases {
            let refused = refused(name, given);
            assert!(refused.contains(expected), "{name} {given}: {refused}");
        }
        let long = format!("\"{}\"", "x".repeat(4_095));
        assert!(refused("id", &long).contains("longer than 4,096 bytes"));
        assert!(line("i", &long).is_ok());
    }

    #[test]
    fn nothing_slips_in() {
        let cases = [
            (
                "id",
                r#""a; Domain=evil.example""#,
                "which no cookie may have",
            ),
            (
                "id",
                r#""a\r\nSet-Cookie: b=c""#,
                "which no cookie may have",
            ),
            ("id", r#""Grüße""#, "which no cookie may have"),
            (
                "id",
                r#"{"value":"a","path":"/; HttpOnly"}"#,
                "path has ';'",
            ),
            ("id", r#"{"value":"a","domain":"x;y"}"#, "domain has ';'"),
            (
                "id",
                r#"{"value":"a","max_age":"60; Secure"}"#,
                "`max_age` wants a whole number",
            ),
            (
                "id",
                r#"{"value":"a","same_site":"Lax; Domain=x"}"#,
                "which no cookie may have",
            ),
            (
                "id",
                r#"{"value":"a","same_site":"Loose"}"#,
                "one of Lax, Strict, None",
            ),
            (
                "id",
                r#"{"value":"a","secure":"no"}"#,
                "`secure` wants true or false",
            ),
            ("id", r#"{"value":{}}"#, "`value` wants a text, is a map"),
            (
                "id",
                r#"{"value":"a","httponly":true}"#,
                "did you mean `http_only`?",
            ),
            ("a=b", r#""x""#, "no name"),
            ("", r#""x""#, "no name"),
            ("a b", r#""x""#, "the name has ' '"),
        ];
        for (name, given, expected) in cases {
            let refused = refused(name, given);
            assert!(refused.contains(expected), "{name} {given}: {refused}");
        }
    }
}
