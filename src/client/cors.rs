//! CORS: whether a page's script may call a client, and the browser's question beforehand.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};

use super::{Client, Cors};
use crate::request::Response;

/// How long a browser may remember the answer: Chromium's own upper bound is two hours.
const REMEMBER_SECONDS: HeaderValue = HeaderValue::from_static("7200");

/// The answer to a browser's `OPTIONS` question, if the client lets that origin in.
pub fn preflight(client: &Client, headers: &HeaderMap) -> Option<Response> {
    let allowed = allowed_origin(&client.cors, headers)?;
    let mut answer = HeaderMap::new();
    answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods(client));
    answer.insert(header::ACCESS_CONTROL_MAX_AGE, REMEMBER_SECONDS);
    if let Some(asked) = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
    }
    answer.append(header::VARY, HeaderValue::from_static("origin"));
    insert_origin(&mut answer, allowed);
    Some(Response {
        status: 204,
        headers: answer,
        body: Bytes::new(),
    })
}

/// Lets the page read the answer, if its origin may call the client.
pub fn add_cors(client: &Client, request: &HeaderMap, response: &mut Response) {
    if client.cors == Cors::Off {
        return;
    }
    // Also where the origin may not: a cache must not give its answer to one that may.
    response
        .headers
        .append(header::VARY, HeaderValue::from_static("origin"));
    if let Some(allowed) = allowed_origin(&client.cors, request) {
        insert_origin(&mut response.headers, allowed);
    }
}

/// The page's origin, echoed: `*` would make browsers drop `sendBeacon`, which sends credentials.
fn allowed_origin(cors: &Cors, headers: &HeaderMap) -> Option<HeaderValue> {
    let origin = headers.get(header::ORIGIN)?;
    let allowed = match cors {
        Cors::Off => false,
        Cors::Any => true,
        Cors::Origins(origins) => origins.contains(origin),
    };
    allowed.then(|| origin.clone())
}

fn insert_origin(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
        HeaderValue::from_static("true"),
    );
}

fn methods(client: &Client) -> HeaderValue {
    let names: Vec<&str> = client.methods.iter().map(Method::as_str).collect();
    HeaderValue::try_from(names.join(", ")).unwrap_or(HeaderValue::from_static("POST"))
}
