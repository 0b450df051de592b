//! The one file of the stand-ins that knows axum: takes a request apart, has it judged, sends the
//! answer. It decides nothing.

use axum::Router;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{Emulator, Incoming, talk};
use crate::destination::Answer;

/// The largest body that any of the vendors reads: Amplitude's batch upload. Each vendor's own
/// limit, where it is smaller, is judged with the rest.
pub(super) const MAX_BODY_BYTES: usize = 20_000_000;

/// Serves a stand-in on a listener until `stop` is cancelled and the open requests are answered.
pub async fn serve(listener: TcpListener, emulator: Emulator, stop: CancellationToken) {
    let kind = emulator.kind;
    if let Some(begin) = kind.stand_in.talk {
        return talk::serve(listener, emulator, begin, stop).await;
    }
    let served = axum::serve(listener, emulator.router())
        .with_graceful_shutdown(stop.cancelled_owned())
        .await;
    if let Err(error) = served {
        warn!(%kind, %error, "stand-in stopped serving");
    }
}

pub(super) fn router(emulator: Emulator) -> Router {
    Router::new()
        .fallback(receive)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(emulator)
}

async fn receive(
    State(emulator): State<Emulator>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let body = match body {
        Ok(body) => Some(body),
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => None,
        // The sender went away in the middle of its body: nothing came that could be judged.
        Err(rejection) => return rejection.into_response(),
    };
    respond(emulator.receive(Incoming {
        method,
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        headers,
        body,
    }))
}

fn respond(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, answer.body).into_response();
    let content_type = HeaderValue::from_static(answer.content_type);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    if let Some(seconds) = answer.retry_after {
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
