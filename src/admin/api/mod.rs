//! The handlers of the JSON API, a file for each topic: each reads or changes one thing and says it
//! as JSON. Errors have one form, `{ "error": "what, and how to mend it" }`.

mod access;
mod ask;
mod deliveries;
mod keep;
mod live;
mod preview;
mod problems;
mod replay;
mod requests;
mod stream;
mod traces;
mod verify;

pub(super) use problems::{with_source, without_source};
pub use verify::verification_to_json;

use axum::body::to_bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde_json::json;

use super::{Admin, status};
use crate::{journal, rerun};

/// Every path, and what answers there.
pub(super) fn routes() -> Router<Admin> {
    Router::new()
        .route("/login/{code}", get(access::follow))
        .route("/api/me", get(access::me))
        .route("/api/login", post(access::login))
        .route("/api/logout", post(access::logout))
        .route("/api/login-links", post(access::new_link))
        .route("/api/audit", get(access::audit))
        .route("/api/status", get(status::status))
        .route("/metrics", get(status::metrics))
        .route("/api/clients", get(live::clients))
        .route("/api/tags", get(live::tags))
        .route("/api/destinations", get(live::destinations))
        .route("/api/destinations/{name}/resume", post(live::resume))
        .route("/api/reload", post(live::reload))
        .route("/api/traces", get(traces::list))
        .route("/api/traces/stream", get(stream::stream))
        .route("/api/traces/{id}", get(traces::show))
        .route("/api/traces/{id}/save", post(keep::save))
        .route("/api/traces/{id}/replay", post(keep::replay))
        .route("/api/series", get(live::series))
        .route("/api/dead", get(deliveries::dead))
        .route(
            "/api/preview/sessions",
            get(preview::sessions).post(preview::open_session),
        )
        .route("/api/preview/sessions/{id}", delete(preview::close_session))
        .route("/api/deliveries", get(deliveries::list))
        .route("/api/deliveries/{id}", get(deliveries::show))
        .route("/api/deliveries/retry", post(deliveries::retry))
        .route("/api/deliveries/discard", post(deliveries::discard))
        .route("/api/requests", get(requests::list))
        .route("/api/requests/{id}", get(requests::show))
        .route("/api/requests/retry", post(requests::retry))
        .route("/api/requests/discard", post(requests::discard))
        .route("/api/replay", post(replay::replay))
        .route("/api/verify", post(verify::verify))
        .fallback(not_found)
        .layer(axum::middleware::map_response(in_one_form))
}

/// Gives a "no" that axum made by itself the form of all others: a wrong method, a path that is no
/// text, a body that is too large.
async fn in_one_form(response: Response) -> Response {
    let (status, headers) = (response.status(), response.headers());
    let is_json = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if is_json || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let text = to_bytes(response.into_body(), MOST_OF_A_REFUSAL).await;
    let text = String::from_utf8_lossy(&text.unwrap_or_default()).into_owned();
    let why = match (status, text.is_empty()) {
        // axum adds `allow` when it has this.
        (StatusCode::METHOD_NOT_ALLOWED, true) => {
            "not by this method; `allow` names those".to_owned()
        }
        (_, true) => status
            .canonical_reason()
            .unwrap_or("refused")
            .to_lowercase(),
        (_, false) => text,
    };
    Refusal(status, why).into_response()
}

/// Bytes of what axum says by itself.
const MOST_OF_A_REFUSAL: usize = 4 * 1024;

/// A "no" of the API.
struct Refusal(StatusCode, String);

impl Refusal {
    /// What was asked makes no sense.
    fn bad(why: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, why.into())
    }

    /// What was asked for is not there.
    fn missing(why: impl Into<String>) -> Self {
        Self(StatusCode::NOT_FOUND, why.into())
    }
}

impl From<journal::Error> for Refusal {
    fn from(error: journal::Error) -> Self {
        Self(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }
}

impl From<rerun::Error> for Refusal {
    fn from(error: rerun::Error) -> Self {
        match error {
            rerun::Error::Journal(error) => error.into(),
            rerun::Error::Broken => Self(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

async fn not_found() -> Refusal {
    Refusal::missing("there is nothing here; the API is under /api/")
}
