//! Any HTTP API: a payload is `{ body, path, method, headers, query }`, all optional. The host is
//! the configuration's and nothing in an event can change it.

mod judge;
mod sign;

use sign::Signer;
use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method, Uri, header};
use serde_json::{Map, Value};

use crate::config::{Options, Rate, Section, has_sound_port};
use crate::destination::encode::{Item, Limits, Outgoing, Refused, Vendor, Verdict, single};
use crate::destination::fields::{Shape, field};
use crate::destination::http_client::join;
use crate::destination::kind::{Example, Facts, Others, Proof, Setting, Type, Variable};
use crate::destination::payload::Payload;
use crate::destination::reply::{Reply, classify};
use crate::secret::Secret;

pub(in crate::destination) const TYPE: Type = Type {
    name: "http",
    title: "Any HTTP API",
    about: "One request for each map that a tag returns, with what is in it.",
    load,
    settings: &[
        Setting {
            key: "url",
            default: "required",
            about: "where to; `path` and `query` of a payload are put behind it",
        },
        Setting {
            key: "signing_secret",
            default: "none",
            about: "signs each request as Standard Webhooks do, in the header `webhook-signature`; 24 to 64 bytes in base64 behind `whsec_`",
        },
        Setting {
            key: "headers",
            default: "none",
            about: "header fields of every request, such as `{ Authorization = \"Bearer ${CRM_TOKEN}\" }`",
        },
    ],
    fields: &[
        field(
            "body",
            Shape::Any,
            "sent as JSON, or as it is if it is a text",
        ),
        field("form", Shape::Object, "sent as a form, instead of `body`"),
        field(
            "path",
            Shape::Text,
            "put behind the path of `url`; begins with `/`",
        ),
        field(
            "method",
            Shape::OneOf(&["POST", "PUT", "PATCH", "DELETE", "GET", "HEAD", "OPTIONS"]),
            "`POST` if it is left out",
        ),
        field(
            "headers",
            Shape::Object,
            "more header fields; they go before those of the settings",
        ),
        field(
            "query",
            Shape::Object,
            "parameters put behind those of `url`",
        ),
    ],
    others: Others::Refused,
    stand_in: Some(judge::STAND_IN),
    example: Example {
        settings: "url = \"https://crm.example.com/hooks/orders\"\nheaders = { Authorization = \"Bearer ${CRM_TOKEN}\" }",
        variables: &[Variable {
            name: "CRM_TOKEN",
            value: "crm-t0ken",
            secret: "crm-t0ken",
        }],
        tag: r#"// Orders are put into a CRM of one's own.
const ON = "purchase";
const TO = "http";

fn tag(event) {
    #{
        method: "PUT",
        path: `/${url::encode(event.transaction_id)}`,
        body: #{ total: event.value, currency: event.currency, items: event.items },
    }
}
"#,
    },
    facts: Facts {
        sources: &["https://www.standardwebhooks.com"],
        proof: Proof::Tested,
        idempotency: "The headers `Idempotency-Key` and `webhook-id`; what your API does with them is up to it.",
        limits: &[("requests at once", "`concurrency`, 16 if it is left out")],
        answers: &[],
        notes: &[
            "A signature is `v1,` and the base64 of an HMAC-SHA-256 over `webhook-id`, `webhook-timestamp` and the body, with dots between them. The time is that of the attempt, so that a retry is fresh.",
            "No event can choose the host: `path` and `query` stay behind the address of the settings.",
        ],
    },
};

/// `[destinations.NAME]` with `type = "http"`.
#[derive(Debug)]
struct Settings {
    /// The address up to the query.
    base: Secret,
    /// The query of the address, without `?`.
    query: Secret,
    headers: Vec<(HeaderName, HeaderValue)>,
    signer: Option<Signer>,
    secrets: Vec<Secret>,
}

const METHODS: [Method; 7] = [
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::GET,
    Method::HEAD,
    Method::OPTIONS,
];

/// Header fields that frame the message or belong to the connection.
const RESERVED: [&str; 9] = [
    "expect",
    "host",
    "keep-alive",
    "content-length",
    "transfer-encoding",
    "connection",
    "te",
    "trailer",
    "upgrade",
];

/// More than this many header fields is a mistake of the tag.
const MAX_HEADERS: usize = 64;

/// Shorter values of headers are no secrets, and hiding them would blot out half of a message.
const MIN_SECRET: usize = 4;

fn load(section: &mut Section, options: &Options) -> Arc<dyn Vendor> {
    let from_variables = section.put_in("url");
    let url = section.required_text("url");
    if !url.is_empty() && !is_address(&url) {
        let message = "`url` is not the address of an HTTP server";
        let hint = "write http:// or https://, a host, and perhaps a port, a path and a query; a password belongs into `headers`";
        section.problem("url", message, Some(hint.to_owned()));
    }
    let mut headers = Vec::new();
    let mut secrets: Vec<Secret> = from_variables.iter().filter_map(secret_of_url).collect();
    for (name, value) in section.secret_map("headers") {
        match read_header(&name, value.expose()) {
            Ok(field) => headers.push(field),
            Err(why) => section.problem("headers", why, None),
        }
        secrets.extend(secrets_of(value));
    }
    let signer = load_signer(section, &mut secrets);
    let (base, query) = url.split_once('?').unwrap_or((&url, ""));
    let base = match &options.endpoint {
        Some(endpoint) => join(endpoint, path_of(base)),
        None => base.to_owned(),
    };
    Arc::new(Settings {
        base: Secret::new(base),
        query: Secret::new(query),
        headers,
        signer,
        secrets,
    })
}

fn load_signer(section: &mut Section, secrets: &mut Vec<Secret>) -> Option<Signer> {
    let secret = section.secret("signing_secret")?;
    let signer = Signer::new(&secret);
    if signer.is_none() {
        let message = "`signing_secret` is no key of Standard Webhooks";
        let hint = "write whsec_ and 24 to 64 random bytes in base64: `echo whsec_$(openssl rand -base64 32)` makes one";
        section.problem("signing_secret", message, Some(hint.to_owned()));
    }
    secrets.push(secret);
    signer
}

fn is_address(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else {
        return false;
    };
    let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
    let is_plain = uri
        .authority()
        .is_some_and(|authority| !authority.host().is_empty());
    // What is behind a # never reaches a server. A password in it is the policy's to refuse.
    is_http && is_plain && has_sound_port(&uri) && !url.contains('#')
}

fn path_of(base: &str) -> &str {
    let rest = base.split_once("://").map_or(base, |(_, rest)| rest);
    rest.find('/')
        .and_then(|at| rest.get(at..))
        .unwrap_or_default()
}

/// A token in the address; of a whole address that a variable holds, what is behind the host.
fn secret_of_url(put_in: &Secret) -> Option<Secret> {
    let text = put_in.expose();
    let hidden = if text.contains("://") {
        path_of(text)
    } else {
        text
    };
    let hidden = hidden.trim_matches('/');
    (hidden.len() >= MIN_SECRET).then(|| Secret::new(hidden))
}

/// The value, and what stands behind a word such as `Bearer` in it: a reply may repeat either.
fn secrets_of(value: Secret) -> impl Iterator<Item = Secret> {
    let token = value
        .expose()
        .split_once(' ')
        .map(|(_, token)| token.trim());
    let token = token.map(Secret::new);
    let is_long = |secret: &Secret| secret.expose().len() >= MIN_SECRET;
    [Some(value), token].into_iter().flatten().filter(is_long)
}

fn read_header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let name = HeaderName::try_from(name).map_err(|_| format!("`{name}` is not a header name"))?;
    if RESERVED.contains(&name.as_str()) || name.as_str().starts_with("proxy-") {
        return Err(format!(
            "the header {name} is set by the HTTP client itself"
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
        let item = single(items)?;
        self.request(item).map_err(Refused::only)
    }

    fn read(&self, reply: &Reply, _count: usize) -> Verdict {
        Verdict::All(classify(reply))
    }

    fn limits(&self) -> Limits {
        Limits::single(Rate::Off)
    }

    fn secrets(&self) -> Vec<&Secret> {
        self.secrets.iter().collect()
    }
}

impl Settings {
    fn request(&self, item: &Item<'_>) -> Result<Outgoing, String> {
        let payload = Payload::open(item.payload)?;
        payload.refuse_unknown(TYPE.fields)?;
        let (body, content_type) = match payload.map("form")? {
            Some(_) if payload.has("body") => {
                return Err("there are both `body` and `form`".to_owned());
            }
            Some(form) => (form_of(&form).into_bytes(), Some(FORM)),
            None => read_body(&payload)?,
        };
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
        if let Some(signer) = &self.signer {
            signer.sign(&mut headers, item.sent_at, &body)?;
        }
        Ok(Outgoing {
            method: read_method(&payload)?,
            url: self.address(&payload)?,
            headers,
            body: body.into(),
        })
    }

    fn address(&self, payload: &Payload<'_>) -> Result<String, String> {
        let mut url = match payload.value("path") {
            Some(path) => join(self.base.expose(), read_path(&path)?),
            None => self.base.expose().to_owned(),
        };
        let mut query = self.query.expose().to_owned();
        if let Some(pairs) = payload.value("query") {
            let pairs = pairs.as_object().ok_or("`query` must be a map")?;
            let mut writer = form_urlencoded::Serializer::new(query); // behind what is there
            append(&mut writer, pairs);
            query = writer.finish();
        }
        if !query.is_empty() {
            url.push('?');
            url.push_str(&query);
        }
        Ok(url)
    }
}

/// A path that stays where it seems to point: what stands behind a host cannot become one.
fn read_path(path: &Value) -> Result<&str, String> {
    let path = path.as_str().ok_or("`path` must be a text")?;
    let is_bad = |letter: char| {
        letter.is_control() || letter.is_whitespace() || matches!(letter, '?' | '#' | '\\')
    };
    // URL parsers take %2e for a dot.
    let is_dots = |part: &str| {
        matches!(
            part.to_ascii_lowercase().replace("%2e", ".").as_str(),
            "." | ".."
        )
    };
    if !path.starts_with('/') || path.contains(is_bad) || path.split('/').any(is_dots) {
        return Err("`path` must start with / and hold no query, no spaces and no ..".to_owned());
    }
    Ok(path)
}

const FORM: &str = "application/x-www-form-urlencoded";

fn form_of(fields: &Map<String, Value>) -> String {
    let mut writer = form_urlencoded::Serializer::new(String::new());
    append(&mut writer, fields);
    writer.finish()
}

/// A list is a field that comes several times; what is `null` is left out.
fn append(writer: &mut form_urlencoded::Serializer<'_, String>, fields: &Map<String, Value>) {
    for (key, value) in fields {
        match value {
            Value::Null => {}
            Value::Array(values) => {
                for value in values {
                    writer.append_pair(key, &text_of(value));
                }
            }
            value => {
                writer.append_pair(key, &text_of(value));
            }
        }
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
