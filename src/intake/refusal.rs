//! What is answered where no client takes a request.

use http::{HeaderValue, Method, header};

use crate::client::Client;
use crate::request::{Head, Response};

pub(super) fn nobody_claims(method: &Method, path: &str, request_id: &str) -> Response {
    Response::error(
        404,
        &format!("no client claims {method} {path}"),
        request_id,
    )
}

pub(super) fn wrong_method(clients: &[&Client], head: &Head<'_>, request_id: &str) -> Response {
    let mut allowed: Vec<&str> = clients
        .iter()
        .flat_map(|client| &client.methods)
        .map(Method::as_str)
        .collect();
    allowed.sort_unstable();
    allowed.dedup();
    let message = format!("{} takes {}", head.path, allowed.join(", "));
    let allow =
        HeaderValue::try_from(allowed.join(", ")).unwrap_or(HeaderValue::from_static("POST"));
    Response::error(405, &message, request_id).with_header(header::ALLOW, allow)
}
