//! The page: its files, carried in the binary, and where they are served. What they show comes from
//! the API; there is no data in them, so all but `index.html` are open to everybody.

mod assets;

use axum::Extension;
use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use self::assets::{Asset, SCRIPTS, STYLES};
use super::access::Caller;

const HTML: &str = "text/html; charset=utf-8";

/// Shown to whoever is logged in.
const INDEX: &str = include_str!("index.html");

/// Shown to everybody else.
const LOGIN: &str = include_str!("login.html");

/// What the two ask for.
fn files() -> impl Iterator<Item = &'static Asset> {
    STYLES.iter().chain(SCRIPTS)
}

/// `/`, and a path for each file.
pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let add = |router: Router<S>, asset: &'static Asset| {
        let answer = || async { ([(header::CONTENT_TYPE, asset.kind)], asset.content) };
        router.route(asset.path, get(answer))
    };
    files().fold(Router::new().route("/", get(index)), add)
}

/// True where no login is needed.
pub(super) fn is_open(path: &str) -> bool {
    let is_asset = files().any(|asset| asset.path == path);
    is_asset || path == "/" || path.starts_with("/login/")
}

/// The login page, for whoever is not logged in.
pub(super) fn login() -> Response {
    let kind = [(header::CONTENT_TYPE, HTML)];
    (StatusCode::UNAUTHORIZED, kind, LOGIN).into_response()
}

async fn index(caller: Option<Extension<Caller>>) -> Response {
    match caller {
        Some(_) => ([(header::CONTENT_TYPE, HTML)], INDEX).into_response(),
        None => login(),
    }
}
