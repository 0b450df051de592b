//! `Set-Cookie` from what a script asks for. Whatever could end a value early, and so slip in
//! another attribute or header, is refused.

use http::HeaderValue;

use crate::config::suggest;
use crate::script::value::{kind, plain_text};
use crate::script::{Map, Value};

const OPTIONS: [&str; 7] = [
    "value",
    "path",
    "domain",
    "max_age",
    "secure",
    "http_only",
    "same_site",
];

/// A cookie is a text, or a map of options: `value`, `path` (default `/`), `domain`, `max_age`
/// (seconds), `secure` (default true), `http_only`, `same_site` (default `"Lax"`).
pub(super) fn set_cookie(name: &str, value: &Value) -> Result<HeaderValue, String> {
    let in_cookie = |message: String| format!("cookie `{name}`: {message}");
    let options = match value.as_map_ref() {
        Ok(options) => options.clone(),
        Err(_) => Map::from([("value".into(), value.clone())]),
    };
    let line = Cookie { name, options }.line().map_err(in_cookie)?;
    HeaderValue::try_from(line)
        .map_err(|_| in_cookie("it has characters that no header may have".to_owned()))
}

struct Cookie<'a> {
    name: &'a str,
    options: Map,
}

impl Cookie<'_> {
    fn line(&self) -> Result<String, String> {
        let known = |key: &str| OPTIONS.contains(&key);
        if let Some(unknown) = self.options.keys().find(|key| !known(key)) {
            let hint = suggest(unknown, OPTIONS)
                .unwrap_or_else(|| format!("there are {}", OPTIONS.join(", ")));
            return Err(format!("unknown option `{unknown}`; {hint}"));
        }
        check("the name", self.name)?;
        if self.name.is_empty() || self.name.contains('=') {
            return Err("that is no name".to_owned());
        }
        let value = self.text("value")?.unwrap_or_default();
        let path = self.text("path")?.unwrap_or_else(|| "/".to_owned());
        let mut line = format!("{}={value}; Path={path}", self.name);
        if let Some(domain) = self.text("domain")? {
            line += &format!("; Domain={domain}");
        }
        if let Some(seconds) = self.max_age()? {
            line += &format!("; Max-Age={seconds}");
        }
        if self.flag("secure", true)? {
            line += "; Secure";
        }
        if self.flag("http_only", false)? {
            line += "; HttpOnly";
        }
        line += &format!("; SameSite={}", self.same_site()?);
        Ok(line)
    }

    fn text(&self, key: &str) -> Result<Option<String>, String> {
        let Some(value) = self.options.get(key).filter(|value| !value.is_unit()) else {
            return Ok(None);
        };
        let text =
            plain_text(value).ok_or_else(|| format!("`{key}` wants a text, is {}", kind(value)))?;
        check(key, &text)?;
        Ok(Some(text))
    }

    fn flag(&self, key: &str, default: bool) -> Result<bool, String> {
        match self.options.get(key) {
            None => Ok(default),
            Some(value) => value
                .as_bool()
                .map_err(|_| format!("`{key}` wants true or false, is {}", kind(value))),
        }
    }

    fn max_age(&self) -> Result<Option<i64>, String> {
        let Some(value) = self.options.get("max_age") else {
            return Ok(None);
        };
        match value.as_int() {
            Ok(seconds) => Ok(Some(seconds)),
            Err(_) => Err(format!(
                "`max_age` wants a whole number of seconds, is {}",
                kind(value)
            )),
        }
    }

    fn same_site(&self) -> Result<&'static str, String> {
        let wanted = self.text("same_site")?.unwrap_or_else(|| "Lax".to_owned());
        let known = ["Lax", "Strict", "None"];
        let found = known
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(&wanted));
        found.ok_or_else(|| format!("`same_site` is one of {}", known.join(", ")))
    }
}

fn check(what: &str, text: &str) -> Result<(), String> {
    let bad = |letter: char| {
        !letter.is_ascii() || letter.is_ascii_control() || " ;,\"\\".contains(letter)
    };
    match text.chars().find(|letter| bad(*letter)) {
        Some(letter) => Err(format!(
            "{what} has {letter:?}, which no cookie may have; `url::encode` it"
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::parse_json;

    fn line(name: &str, json: &str) -> Result<String, String> {
        let value = parse_json(json.as_bytes()).unwrap();
        set_cookie(name, &value).map(|line| line.to_str().unwrap().to_owned())
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
        ];
        for (given, expected) in cases {
            assert_eq!(line("id", given).as_deref(), Ok(expected), "{given}");
        }
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
            let refused = line(name, given).unwrap_err();
            assert!(refused.contains(expected), "{name} {given}: {refused}");
        }
    }
}
