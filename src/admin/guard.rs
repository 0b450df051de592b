//! Who may call the admin API: whoever has the token, and no web page that happens to run in the
//! operator's browser (cross-site requests, DNS rebinding).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use subtle::ConstantTimeEq;

use crate::secret::Secret;

/// What a request is checked against.
#[derive(Debug)]
pub(super) struct Guard {
    pub token: Secret,
    pub address: SocketAddr,
}

/// Refuses what must not come through, and lets no answer be stored or framed.
pub(super) async fn check(
    State(guard): State<Arc<Guard>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = match guard.refuse(request.headers(), request.uri().query()) {
        Some((status, why)) => (status, Json(json!({ "error": why }))).into_response(),
        None => next.run(request).await,
    };
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

type Refusal = (StatusCode, &'static str);

impl Guard {
    fn refuse(&self, headers: &HeaderMap, query: Option<&str>) -> Option<Refusal> {
        if !self.is_our_host(headers) {
            return Some((
                StatusCode::MISDIRECTED_REQUEST,
                "this is not the admin address",
            ));
        }
        if is_cross_site(headers, self.address) {
            return Some((
                StatusCode::FORBIDDEN,
                "requests from other sites are refused",
            ));
        }
        if query.is_some_and(|query| query.contains("token=")) {
            return Some((
                StatusCode::UNAUTHORIZED,
                "a token in the address ends up in logs; send `Authorization: Bearer …`",
            ));
        }
        if !self.has_token(headers) {
            return Some((
                StatusCode::UNAUTHORIZED,
                "send `Authorization: Bearer …` with the admin token",
            ));
        }
        None
    }

    /// An address or `localhost`, with our port. A name that somebody else's DNS points at us is not.
    fn is_our_host(&self, headers: &HeaderMap) -> bool {
        let Some(host) = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
        else {
            return false;
        };
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()),
            _ => (host, Some(80)),
        };
        let name = name.trim_start_matches('[').trim_end_matches(']');
        port == Some(self.address.port()) && (name == "localhost" || name.parse::<IpAddr>().is_ok())
    }

    fn has_token(&self, headers: &HeaderMap) -> bool {
        let given = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let given = given
            .and_then(|value| value.strip_prefix("Bearer "))
            .unwrap_or_default();
        bool::from(given.as_bytes().ct_eq(self.token.expose().as_bytes()))
    }
}

fn is_cross_site(headers: &HeaderMap, address: SocketAddr) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    if site.is_some_and(|site| site != b"same-origin" && site != b"none") {
        return true;
    }
    let Some(origin) = headers.get(header::ORIGIN) else {
        return false;
    };
    let ours = [
        format!("http://{address}"),
        format!("http://localhost:{}", address.port()),
    ];
    !ours.iter().any(|ours| origin.as_bytes() == ours.as_bytes())
}
