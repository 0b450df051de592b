//! The `request` that client scripts see: properties that are worked out when they are first read.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use rhai::{Array, Engine, EvalAltResult, Position};

use super::form;
use super::json::{BadJson, parse_json};
use super::value::{Map, Value};
use crate::request::Request;

/// A request in the hands of a script. Cheap to clone.
#[derive(Clone)]
pub struct RequestView(Arc<View>);

struct View {
    request: Arc<Request>,
    /// Unpacked, if it came packed.
    body: Bytes,
    params: Map,
    json: Mutex<Json>,
    /// Why some of what is in it became no events, once that is known.
    left_out: OnceLock<Vec<String>>,
}

/// The body as JSON.
#[derive(Default)]
struct Json {
    /// As it was parsed, if it is kept for whoever asks next.
    kept: Option<Result<Value, BadJson>>,
    was_given: bool,
}

/// What gives a property.
type Property = fn(&RequestView) -> Got<Value>;

/// The properties. An array costs the least to look through.
const PROPERTIES: [(&str, Property); 16] = [
    ("id", |view| Ok(text(&view.request().id))),
    ("method", |view| Ok(text(view.request().method.as_str()))),
    ("path", |view| Ok(text(&view.request().path))),
    ("params", |view| Ok(view.0.params.clone().into())),
    ("query", |view| {
        Ok(form::parse_query(&view.request().query).into())
    }),
    ("headers", |view| Ok(view.headers().into())),
    ("cookies", |view| Ok(view.cookies().into())),
    ("content_type", |view| {
        Ok(text(&form::essence(view.content_type())))
    }),
    ("ip", |view| Ok(text(&view.request().ip.to_string()))),
    ("body", |view| view.body().map(text)),
    ("size", |view| {
        Ok(i64::try_from(view.body_len()).unwrap_or(i64::MAX).into())
    }),
    ("json", RequestView::json),
    ("json_problem", |view| Ok(view.json_problem())),
    ("form", |view| Ok(view.form()?.into())),
    ("left_out", |view| Ok(view.left_out().into())),
    ("received_at", |view| Ok(view.request().received_at.into())),
];

/// Their names, for hints.
pub(super) fn property_names() -> impl Iterator<Item = &'static str> {
    PROPERTIES.into_iter().map(|(name, _)| name)
}

/// Thrown when the sender's body cannot be read: the request is refused, not kept.
#[derive(Clone, Debug)]
pub(super) struct BadBody(pub(super) String);

type Got<T> = Result<T, Box<EvalAltResult>>;

impl RequestView {
    /// `params` are the parts of the path that the client's pattern names.
    pub fn new(request: Arc<Request>, params: Map) -> Self {
        let body = request.body.clone();
        Self::unpacked(request, body, params)
    }

    /// As [`RequestView::new`], where the body came packed: `body` is what was in it.
    pub fn unpacked(request: Arc<Request>, body: Bytes, params: Map) -> Self {
        Self(Arc::new(View {
            request,
            body,
            params,
            json: Mutex::default(),
            left_out: OnceLock::new(),
        }))
    }

    /// It, as a script's value.
    pub fn value(&self) -> Value {
        Value::from(self.clone())
    }

    /// The same request with another body, such as a part of its own.
    pub fn with_body(&self, body: Bytes) -> Self {
        Self::unpacked(self.0.request.clone(), body, self.0.params.clone())
    }

    /// Says why some of what is in it became no events.
    pub fn leave_out(&self, reasons: Vec<String>) {
        self.0.left_out.set(reasons).ok(); // a request is parsed once
    }

    /// A value of the body under these keys, one inside the other. In a form, which has no inside,
    /// it is the field of that name, dots and all.
    pub fn body_value(&self, keys: &[String]) -> Option<Value> {
        let mut json = self.json_state();
        match json.kept.get_or_insert_with(|| self.parse()) {
            Ok(json) => inside(json, keys),
            Err(_) => self.form().ok()?.remove(&*keys.join(".")),
        }
    }

    /// How many bytes the body has, unpacked.
    pub fn body_len(&self) -> usize {
        self.0.body.len()
    }

    /// The request itself, for host functions that read all of it.
    pub(super) fn request(&self) -> &Request {
        &self.0.request
    }

    /// The body's bytes, unpacked.
    pub fn bytes(&self) -> &[u8] {
        &self.0.body
    }

    /// What scripts see under a name; `None` if there is no such property.
    pub(super) fn property(&self, name: &str) -> Option<Got<Value>> {
        let mut properties = PROPERTIES.iter();
        let (_, property) = properties.find(|(known, _)| *known == name)?;
        Some(property(self))
    }

    fn left_out(&self) -> Array {
        let reasons = self.0.left_out.get().into_iter().flatten();
        reasons.map(|reason| reason.as_str().into()).collect()
    }

    fn body(&self) -> Got<&str> {
        std::str::from_utf8(self.bytes())
            .map_err(|error| bad_body(format!("the body is not UTF-8: {error}")))
    }

    /// Most scripts ask once: they are given what was parsed. To keep it for a second time means
    /// to copy it, which takes half as long as to parse it, so that is done when there was one.
    fn json(&self) -> Got<Value> {
        let mut json = self.json_state();
        let parsed = json.kept.take().unwrap_or_else(|| self.parse());
        if json.was_given {
            json.kept = Some(parsed.clone());
        }
        json.was_given = true;
        parsed.map_err(|problem| bad_body(format!("the body is not JSON: {problem}")))
    }

    fn json_state(&self) -> MutexGuard<'_, Json> {
        self.0.json.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What `json` would refuse, for clients that answer it in their own way.
    fn json_problem(&self) -> Value {
        let mut json = self.json_state();
        let Err(problem) = json.kept.get_or_insert_with(|| self.parse()) else {
            return Value::UNIT;
        };
        let number = |number: usize| Value::from(i64::try_from(number).unwrap_or(i64::MAX));
        Value::from_map(Map::from([
            ("message".into(), problem.message.as_str().into()),
            ("line".into(), number(problem.line)),
            ("column".into(), number(problem.column)),
            ("offset".into(), number(problem.offset)),
        ]))
    }

    fn parse(&self) -> Result<Value, BadJson> {
        parse_json(self.bytes())
    }

    fn form(&self) -> Got<Map> {
        form::parse(self.content_type(), self.bytes()).map_err(bad_body)
    }

    fn content_type(&self) -> &[u8] {
        let value = self.request().headers.get(http::header::CONTENT_TYPE);
        value.map_or(b"", |value| value.as_bytes())
    }

    fn headers(&self) -> Map {
        let mut map = Map::new();
        for (name, value) in &self.request().headers {
            let text = String::from_utf8_lossy(value.as_bytes());
            put(&mut map, name.as_str(), &text, ", ");
        }
        map
    }

    fn cookies(&self) -> Map {
        let lines = self.request().headers.get_all(http::header::COOKIE);
        lines
            .iter()
            .flat_map(|line| line.to_str().ok())
            .flat_map(parse_cookies)
            .collect()
    }
}

fn inside(value: &Value, keys: &[String]) -> Option<Value> {
    let Some((key, rest)) = keys.split_first() else {
        return Some(value.clone());
    };
    inside(value.as_map_ref().ok()?.get(key.as_str())?, rest)
}

/// Cookies of one `Cookie` header: names and values, the first of a repeated name last.
pub fn parse_cookies(line: &str) -> Map {
    let pairs = line
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='));
    let mut map = Map::new();
    for (name, value) in pairs {
        map.entry(name.into())
            .or_insert_with(|| value.trim_matches('"').into());
    }
    map
}

fn put(map: &mut Map, name: &str, value: &str, between: &str) {
    let joined = match map.get(name) {
        Some(earlier) => format!("{earlier}{between}{value}"),
        None => value.to_owned(),
    };
    map.insert(name.into(), joined.into());
}

pub(super) fn bad_body(message: String) -> Box<EvalAltResult> {
    EvalAltResult::ErrorRuntime(Value::from(BadBody(message)), Position::NONE).into()
}

pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<BadBody>("BadBody")
        .register_fn("to_string", |bad: &mut BadBody| bad.0.clone())
        .register_type_with_name::<RequestView>("Request");
    for (name, property) in PROPERTIES {
        engine.register_get(name, move |view: &mut RequestView| property(view));
    }
}

fn text(value: &str) -> Value {
    value.into()
}
