//! Talking to a running server from the command line.

use std::path::Path;
use std::time::Duration;

use http::{HeaderValue, Method, header};
use serde_json::Value;

use super::Exit;
use crate::admin::find_admin_token;
use crate::config::{self, Config, SystemEnvironment};
use crate::destination::{HttpClient, Outgoing, Reply};
use crate::secret::Secret;

/// A server on this machine answers at once or not at all.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A running server's admin API.
pub(super) struct Remote {
    client: HttpClient,
    base: String,
    token: Secret,
}

impl Remote {
    /// The server of a configuration file.
    pub(super) fn of(config_file: &Path) -> Result<Self, Exit> {
        let config = config::load(config_file, &SystemEnvironment)
            .map_err(|problems| Exit::configuration(&problems))?;
        let token = find_admin_token(&config.data.dir, &SystemEnvironment)?.ok_or_else(|| {
            Exit::bad("there is no admin token yet; has the server been started?")
        })?;
        Ok(Self {
            client: HttpClient::new()?,
            base: format!("http://{}", config.admin.listen),
            token,
        })
    }

    /// Calls the API; what it refuses is an error.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Exit> {
        let body = body
            .map(|body| body.to_string().into_bytes())
            .unwrap_or_default();
        let authorization = HeaderValue::try_from(format!("Bearer {}", self.token.expose()))
            .map_err(|_| Exit::bad("the admin token has characters that no header may have"))?;
        let outgoing = Outgoing::post_json(&format!("{}{path}", self.base), body)
            .with_header(header::AUTHORIZATION, authorization);
        let outgoing = Outgoing { method, ..outgoing };
        let reply = self.client.send(outgoing, TIMEOUT).await.map_err(|error| {
            Exit::bad(format!(
                "no answer from {}: {error}; is the server running? `tagwerk serve` starts it, and [admin] listen says where it is called",
                self.base
            ))
        })?;
        let answer = reply.json().unwrap_or_default();
        if (200..300).contains(&reply.status) {
            return Ok(answer);
        }
        let why = answer["error"]
            .as_str()
            .map_or_else(|| reply.summary(), str::to_owned);
        Err(Exit::bad(why))
    }
}

/// Asks the public listener of a configuration for a path.
pub(super) async fn get_public(config: &Config, path: &str) -> Result<Reply, Exit> {
    let outgoing = Outgoing {
        method: Method::GET,
        url: format!("http://{}{path}", config.server.listen),
        headers: Vec::new(),
        body: bytes::Bytes::new(),
    };
    let reply = HttpClient::new()?.send(outgoing, TIMEOUT).await;
    reply.map_err(|error| Exit::bad(format!("no answer from {}: {error}", config.server.listen)))
}
