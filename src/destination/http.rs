//! Any HTTP API: a payload is `{ body, path, method, headers, query }`, all optional. The host is
//! the configuration's and nothing in an event can change it.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method, header};
use serde_json::Value;

use super::encode::{Item, Limits, Outgoing, Refused, Vendor, Verdict};
use super::payload::Payload;
use super::reply::{Reply, classify};
use crate::config::{Options, Rate, Section};
use crate::secret::Secret;

/// `[destinations.NAME]` with `type = "http"`.
#[derive(Debug)]
struct Settings {
    url: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    secrets: Vec<Secret>,
}

const KEYS: [&str; 5] = ["body", "path", "method", "headers", "query"];

const METHODS: [Method; 5] = [
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::GET,
];

/// Header fields that frame the message or belong to the connection.
const RESERVED: [&str; 7] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "te",
    "trailer",
    "upgrade",
];

/// More than this many header fields is a mistake of the tag.
const MAX_HEADERS: usize = 64;

pub(super) fn load(section: &mut Section, options: &Options) -> Arc<dyn Vendor> {
    let url = section.required_text("url");
    let is_http = ["http://", "https://"]
        .iter()
        .any(|scheme| url.starts_with(scheme));
    if !url.is_empty() && !is_http {
        section.problem("url", "is not an http(s) address".to_owned(), None);
    }
    let mut secrets = Vec::new();
    let mut headers = Vec::new();
    for (name, value) in section.secret_map("headers") {
        match read_header(&name, value.expose()) {
            Ok(field) => headers.push(field),
            Err(why) => section.problem("headers", why, None),
        }
        secrets.push(value);
    }
    let url = match &options.endpoint {
        Some(endpoint) => format!("{}{}", endpoint.trim_end_matches('/'), path_of(&url)),
        None => url,
    };
    Arc::new(Settings {
        url,
        headers,
        secrets,
    })
}

fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/')
        .and_then(|at| rest.get(at..))
        .unwrap_or_default()
}

fn read_header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let name = HeaderName::try_from(name).map_err(|_| format!("`{name}` is not a header name"))?;
    if RESERVED.contains(&name.as_str()) || name.as_str().starts_with("proxy-") {
        return Err(format!(
            "the header {name} is set by the HTTP client, not by a tag"
        ));
    }
    let mut value = HeaderValue::try_from(value).map_err(|_| {
        format!("the value of header {name} has characters that no header may have")
    })?;
    value.set_sensitive(true);
    Ok((name, value))
}

impl Vendor for Settings {
    fn encode(&self, items: &[Item<'_>]) -> Result<Outgoing, Refused> {
        let Some(item) = items.first() else {
            return Err(Refused {
                index: 0,
                why: "nothing to send".to_owned(),
            });
        };
        self.request(item).map_err(|why| Refused { index: 0, why })
    }

    fn read(&self, reply: &Reply, _count: usize) -> Verdict {
        Verdict::All(classify(reply))
    }

    fn limits(&self) -> Limits {
        Limits {
            items: 1,
            bytes: usize::MAX,
            rate: Rate::Off,
        }
    }

    fn secrets(&self) -> Vec<&Secret> {
        self.secrets.iter().collect()
    }
}

impl Settings {
    fn request(&self, item: &Item<'_>) -> Result<Outgoing, String> {
        let payload = Payload::open(item.payload)?;
        if let Some(unknown) = payload.keys().find(|key| !KEYS.contains(key)) {
            return Err(format!(
                "unknown key `{unknown}`; there are {}",
                KEYS.join(", ")
            ));
        }
        let (body, content_type) = read_body(&payload)?;
        let mut headers = self.headers.clone();
        for (name, value) in read_headers(&payload)? {
            headers.retain(|(known, _)| *known != name);
            headers.push((name, value));
        }
        let mut add_missing = |name: HeaderName, value: HeaderValue| {
            if !headers.iter().any(|(known, _)| *known == name) {
                headers.push((name, value));
            }
        };
        if let Some(content_type) = content_type {
            add_missing(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        if let Ok(id) = HeaderValue::try_from(item.id.to_string()) {
            add_missing(HeaderName::from_static("idempotency-key"), id.clone());
            add_missing(HeaderName::from_static("webhook-id"), id);
        }
        Ok(Outgoing {
            method: read_method(&payload)?,
            url: self.address(&payload)?,
            headers,
            body: body.into(),
        })
    }

    fn address(&self, payload: &Payload<'_>) -> Result<String, String> {
        let mut url = self.url.clone();
        if let Some(path) = payload.value("path") {
            let path = path.as_str().ok_or("`path` must be a text")?;
            let plain = path.starts_with('/')
                && !path.contains(|letter: char| {
                    letter.is_control() || letter.is_whitespace() || "?#\\".contains(letter)
                })
                && !path.split('/').any(|part| part == "..");
            if !plain {
                return Err(
                    "`path` must start with / and hold no query, no spaces and no ..".to_owned(),
                );
            }
            url = format!("{}{path}", url.trim_end_matches('/'));
        }
        let Some(query) = payload.value("query") else {
            return Ok(url);
        };
        let query = query.as_object().ok_or("`query` must be a map")?;
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        for (key, value) in query {
            pairs.append_pair(key, &text_of(value));
        }
        let mark = if url.contains('?') { '&' } else { '?' };
        Ok(format!("{url}{mark}{}", pairs.finish()))
    }
}

fn text_of(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn read_body(payload: &Payload<'_>) -> Result<(Vec<u8>, Option<&'static str>), String> {
    let Some(json) = payload.get("body") else {
        return Ok((Vec::new(), None));
    };
    if !json.starts_with('"') {
        return Ok((json.into_bytes(), Some("application/json")));
    }
    let text: String = serde_json::from_str(&json).map_err(|error| error.to_string())?;
    Ok((text.into_bytes(), Some("text/plain; charset=utf-8")))
}

fn read_method(payload: &Payload<'_>) -> Result<Method, String> {
    let Some(method) = payload.value("method") else {
        return Ok(Method::POST);
    };
    let name = method.as_str().unwrap_or_default();
    METHODS
        .iter()
        .find(|known| known.as_str() == name)
        .cloned()
        .ok_or_else(|| {
            format!(
                "`method` must be one of {}",
                METHODS.each_ref().map(Method::as_str).join(", ")
            )
        })
}

fn read_headers(payload: &Payload<'_>) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
    let Some(headers) = payload.value("headers") else {
        return Ok(Vec::new());
    };
    let headers = headers.as_object().ok_or("`headers` must be a map")?;
    if headers.len() > MAX_HEADERS {
        return Err(format!(
            "{} headers, the most is {MAX_HEADERS}",
            headers.len()
        ));
    }
    headers
        .iter()
        .map(|(name, value)| read_header(name, &text_of(value)))
        .collect()
}
