//! Logging in and out, and who did what.

use std::time::Duration;

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Refusal;
use super::ask::{body, query};
use crate::admin::access::{Caller, LINK_TTL, NewKey, Role, SESSION_TTL, Way, address_of};
use crate::admin::audit::Entry;
use crate::admin::guard::cookie_name;
use crate::admin::{Admin, page};
use crate::config::parse_duration;
use crate::error::BoxError;

/// Entries of the audit log if nobody says.
const DEFAULT_LIMIT: usize = 100;

pub(super) async fn me(
    State(admin): State<Admin>,
    Extension(caller): Extension<Caller>,
) -> Json<Value> {
    let (via, session, expires) = match &caller.way {
        Way::Token => ("token", None, None),
        Way::Session { id, expires } => ("session", Some(id), Some(expires)),
    };
    Json(json!({
        "role": caller.role.as_str(),
        "via": via,
        "session": session,
        "expires": expires,
        "version": env!("CARGO_PKG_VERSION"),
        "public_url": admin.public_url(),
        "time": admin.clock.now(),
    }))
}

/// Follows a one-time link.
pub(super) async fn follow(
    State(admin): State<Admin>,
    Path(code): Path<String>,
) -> Result<Response, Refusal> {
    let Some(session) = admin.access.follow_link(&code).map_err(broken)? else {
        return Ok(page::login());
    };
    note_login(&admin, session.role).await;
    let cookie = cookie(&admin, &session)?;
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response())
}

async fn note_login(admin: &Admin, role: Role) {
    let entry = Entry {
        time: admin.clock.now(),
        role: role.as_str().to_owned(),
        via: "login link".to_owned(),
        method: "GET".to_owned(),
        path: "/login/…".to_owned(),
        body: Value::Null,
        status: StatusCode::SEE_OTHER.as_u16(),
    };
    let audit = admin.audit.clone();
    drop(tokio::task::spawn_blocking(move || audit.add(entry)).await);
}

/// Opens a browser session for whoever has a token.
pub(super) async fn login(
    State(admin): State<Admin>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Refusal> {
    let session = admin.access.open_session(caller.role).map_err(broken)?;
    let cookie = cookie(&admin, &session)?;
    let body = json!({ "role": session.role.as_str(), "expires": session.expires });
    Ok(([(header::SET_COOKIE, cookie)], Json(body)).into_response())
}

pub(super) async fn logout(
    State(admin): State<Admin>,
    Extension(caller): Extension<Caller>,
) -> Response {
    if let Way::Session { id, .. } = &caller.way {
        admin.access.close_session(id);
    }
    let gone = format!("{}=; Path=/; Max-Age=0", cookie_name(admin.address));
    let body = Json(json!({ "logged_out": true }));
    ([(header::SET_COOKIE, gone)], body).into_response()
}

fn cookie(admin: &Admin, session: &NewKey) -> Result<HeaderValue, Refusal> {
    let cookie = format!(
        "{}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}",
        cookie_name(admin.address),
        session.secret.expose(),
        SESSION_TTL.as_secs(),
    );
    HeaderValue::try_from(cookie).map_err(|error| broken(error.into()))
}

/// `{ "role": "read", "ttl": "10m" }`, both optional.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct LinkAsked {
    role: Option<String>,
    ttl: Option<String>,
}

pub(super) async fn new_link(
    State(admin): State<Admin>,
    asked: Result<Json<LinkAsked>, JsonRejection>,
) -> Result<Json<Value>, Refusal> {
    let asked = body(asked)?;
    let role = match &asked.role {
        None => Role::Admin,
        Some(name) => Role::of(name).ok_or_else(|| {
            Refusal::bad(format!("there is no role `{name}`; there are read, admin"))
        })?,
    };
    let ttl = ttl(asked.ttl.as_deref(), LINK_TTL)?;
    let link = admin.access.new_link(role, ttl).map_err(broken)?;
    Ok(Json(json!({
        "url": address_of(&admin.base_url(), &link),
        "role": role.as_str(),
        "expires": link.expires,
    })))
}

/// A time to live, as one writes it.
pub(super) fn ttl(asked: Option<&str>, default: Duration) -> Result<Duration, Refusal> {
    let Some(text) = asked else {
        return Ok(default);
    };
    let is_some_time = |ttl: &Duration| !ttl.is_zero();
    parse_duration(text)
        .filter(is_some_time)
        .ok_or_else(|| Refusal::bad("ttl is not a duration; write \"30m\" or \"1h\""))
}

/// `?limit=`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct AuditAsked {
    limit: Option<usize>,
}

pub(super) async fn audit(
    State(admin): State<Admin>,
    asked: Result<Query<AuditAsked>, QueryRejection>,
) -> Result<Json<Value>, Refusal> {
    let limit = query(asked)?.limit.unwrap_or(DEFAULT_LIMIT);
    Ok(Json(json!(admin.audit.newest(limit))))
}

fn broken(error: BoxError) -> Refusal {
    Refusal(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}
