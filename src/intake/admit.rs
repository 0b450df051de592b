//! What may be said of a request by its head alone, before its body is read: who could take it, and
//! how large it may be; else the answer of a path that nobody takes.

use http::{HeaderValue, Method, header};

use crate::client::{self, Client};
use crate::generation::Generation;
use crate::request::{Head, Response};

/// What may be said before the body is read: how large it may be, or the answer at once.
pub fn admit(generation: &Generation, head: &Head<'_>, request_id: &str) -> Result<u64, Response> {
    let found = generation.router.find(head.path);
    let clients: Vec<&Client> = found
        .iter()
        .filter_map(|found| generation.clients.get(found.client))
        .collect();
    if clients.is_empty() {
        return Err(nobody_claims(head.method, head.path, request_id));
    }
    let takes: Vec<&&Client> = clients
        .iter()
        .filter(|client| client.methods.contains(head.method))
        .collect();
    let asked_by_browser = head
        .headers
        .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if takes.is_empty() && head.method == Method::OPTIONS && asked_by_browser {
        let answer = clients
            .iter()
            .find_map(|client| client::preflight(client, head.headers));
        return Err(answer
            .unwrap_or_else(|| Response::error(403, "this origin may not call here", request_id)));
    }
    match takes.iter().map(|client| client.max_body).max() {
        Some(max_body) => Ok(max_body),
        None => Err(wrong_method(&clients, head, request_id)),
    }
}

pub(super) fn nobody_claims(method: &Method, path: &str, request_id: &str) -> Response {
    Response::error(
        404,
        &format!("no client claims {method} {path}"),
        request_id,
    )
}

fn wrong_method(clients: &[&Client], head: &Head<'_>, request_id: &str) -> Response {
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
