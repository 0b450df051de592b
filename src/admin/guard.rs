//! The door of the admin API. Whoever has a token or a session is let in, no web page that happens
//! to run in the operator's browser is (cross-site requests, DNS rebinding), who may only look
//! changes nothing, and what is changed is written down.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::access::{Access, Caller, Role, Way};
use super::audit::{Audit, Entry, shown};
use super::page;
use crate::clock::Clock;

/// What requests are checked against.
#[derive(Debug)]
pub(super) struct Guard {
    pub access: Arc<Access>,
    pub audit: Arc<Audit>,
    pub address: SocketAddr,
    /// Names besides addresses and `localhost` that it is called by, with a port or for any.
    pub hosts: Vec<String>,
    pub clock: Clock,
}

/// The longest body: a list of a thousand ids is 40 KiB.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// Nothing from elsewhere, nothing inline, nothing framed: what senders sent is shown here.
const CSP: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; \
                   frame-ancestors 'none'; base-uri 'none'";

const HEADERS: [(HeaderName, &str); 4] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CONTENT_SECURITY_POLICY, CSP),
];

/// Lets a request through, or says why not; lets no answer be stored or framed.
pub(super) async fn check(
    State(guard): State<Arc<Guard>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = match guard.judge(&request) {
        Ok(caller) => guard.pass(caller, request, next).await,
        Err(refusal) => refusal.into_response(),
    };
    for (name, value) in HEADERS {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

/// A "no" at the door.
#[derive(Debug, PartialEq, Eq)]
struct Refused(StatusCode, &'static str);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

impl Guard {
    /// Who calls; nobody in particular where everybody may.
    fn judge(&self, request: &Request) -> Result<Option<Caller>, Refused> {
        let headers = request.headers();
        if !self.is_our_host(headers) {
            let why = "this is not the admin address; if it is called by another name, add that to `hosts` in [admin]";
            return Err(Refused(StatusCode::MISDIRECTED_REQUEST, why));
        }
        let origin = Origin::of(headers);
        if origin == Origin::Other {
            let why = "requests from other sites are refused";
            return Err(Refused(StatusCode::FORBIDDEN, why));
        }
        if request
            .uri()
            .query()
            .is_some_and(|query| query.contains("token="))
        {
            let why = "a token in the address ends up in logs; send `Authorization: Bearer …`";
            return Err(Refused(StatusCode::UNAUTHORIZED, why));
        }
        if page::is_open(request.uri().path()) && !is_change(request.method()) {
            return Ok(self.caller(headers));
        }
        let caller = self.caller(headers);
        if request.method() == Method::POST {
            check_type(headers, caller.as_ref())?;
        }
        let Some(caller) = caller else {
            return Err(Refused(
                StatusCode::UNAUTHORIZED,
                "send `Authorization: Bearer …` with the admin token, or log in with the link that `tagwerk preview link` prints",
            ));
        };
        let is_session = matches!(caller.way, Way::Session { .. });
        if is_change(request.method()) && is_session && origin != Origin::Ours {
            let why = "a change with a cookie must say that it comes from our own page";
            return Err(Refused(StatusCode::FORBIDDEN, why));
        }
        Ok(Some(caller))
    }

    async fn pass(&self, caller: Option<Caller>, mut request: Request, next: Next) -> Response {
        let Some(caller) = caller else {
            return next.run(request).await;
        };
        request.extensions_mut().insert(caller.clone());
        if !is_change(request.method()) {
            return next.run(request).await;
        }
        let changes = !changes_nothing(request.uri().path());
        let (parts, body) = request.into_parts();
        let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
            return Refused(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the body is larger than 1 MiB",
            )
            .into_response();
        };
        let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
        let response = match caller.role {
            Role::Read if changes && !is_own_session(&path) => Refused(
                StatusCode::FORBIDDEN,
                "this token or session may look and not change",
            )
            .into_response(),
            _ => {
                let request = Request::from_parts(parts, Body::from(body.clone()));
                next.run(request).await
            }
        };
        if changes {
            let status = response.status();
            self.note(&caller, &method, path, &body, status).await;
        }
        response
    }

    /// Writes a change down before it is answered.
    async fn note(
        &self,
        caller: &Caller,
        method: &Method,
        path: String,
        body: &Bytes,
        status: StatusCode,
    ) {
        let entry = Entry {
            time: self.clock.now(),
            role: caller.role.as_str().to_owned(),
            via: caller.way.shown(),
            method: method.to_string(),
            path,
            body: shown(body),
            status: status.as_u16(),
        };
        let audit = self.audit.clone();
        // It cannot fail but by a panic, which is logged elsewhere.
        drop(tokio::task::spawn_blocking(move || audit.add(entry)).await);
    }

    fn caller(&self, headers: &HeaderMap) -> Option<Caller> {
        if let Some(given) = headers.get(header::AUTHORIZATION) {
            let token = given.to_str().ok()?.strip_prefix("Bearer ")?;
            return self.access.by_token(token);
        }
        let name = cookie_name(self.address);
        let cookies = headers.get_all(header::COOKIE).iter();
        let pairs = cookies
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='));
        let mut ours = pairs.filter(|(key, _)| *key == name);
        ours.find_map(|(_, value)| self.access.by_cookie(value))
    }

    /// An address or `localhost` with our port, or a name that is configured. A name that somebody
    /// else's DNS points at us is none of these.
    fn is_our_host(&self, headers: &HeaderMap) -> bool {
        let mut given = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (given.next(), given.next()) else {
            return false;
        };
        let Ok(host) = host.to_str() else {
            return false;
        };
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()),
            _ => (host, Some(80)),
        };
        let is_configured =
            |known: &String| known.eq_ignore_ascii_case(host) || known.eq_ignore_ascii_case(name);
        if self.hosts.iter().any(is_configured) {
            return true;
        }
        let name = name.trim_start_matches('[').trim_end_matches(']');
        port == Some(self.address.port()) && (name == "localhost" || name.parse::<IpAddr>().is_ok())
    }
}

/// What a browser says of where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// Our own page.
    Ours,
    /// Another site's.
    Other,
    /// The address bar, or no browser.
    Unknown,
}

impl Origin {
    fn of(headers: &HeaderMap) -> Self {
        let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
        let origin = headers.get(header::ORIGIN);
        let host = headers
            .get(header::HOST)
            .map_or(b"".as_slice(), HeaderValue::as_bytes);
        let is_ours = |origin: &HeaderValue| {
            let origin = origin.as_bytes();
            let origin = origin
                .strip_prefix(b"http://")
                .or_else(|| origin.strip_prefix(b"https://"));
            origin.is_some_and(|origin| origin.eq_ignore_ascii_case(host))
        };
        match (site, origin) {
            (Some(site), _) if site != b"same-origin" && site != b"none" => Self::Other,
            (_, Some(origin)) if !is_ours(origin) => Self::Other,
            (Some(b"same-origin"), _) | (_, Some(_)) => Self::Ours,
            _ => Self::Unknown,
        }
    }
}

/// Forms and simple requests of other sites can say anything but this. Without a body, a caller who
/// has a token, and so is no such form, need not say it.
fn check_type(headers: &HeaderMap, caller: Option<&Caller>) -> Result<(), Refused> {
    let wrong = Err(Refused(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "send `Content-Type: application/json`",
    ));
    let Some(kind) = headers.get(header::CONTENT_TYPE) else {
        let has_token = caller.is_some_and(|caller| caller.way == Way::Token);
        return if has_token { Ok(()) } else { wrong };
    };
    let kind = kind.to_str().unwrap_or_default();
    let name = kind.split(';').next().unwrap_or_default().trim();
    if name.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    wrong
}

fn is_change(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// What is a POST only because it is work.
fn changes_nothing(path: &str) -> bool {
    let is_replay = |path: &str| {
        path.strip_prefix("/api/traces/")
            .is_some_and(|rest| rest.ends_with("/replay"))
    };
    path == "/api/verify" || is_replay(path)
}

/// One may log oneself in and out, whatever else one may do.
fn is_own_session(path: &str) -> bool {
    matches!(path, "/api/login" | "/api/logout")
}

/// Cookies are shared by all ports of a host, so its port is in the name.
pub(super) fn cookie_name(address: SocketAddr) -> String {
    format!("tagwerk-{}", address.port())
}
