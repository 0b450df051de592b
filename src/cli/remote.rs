//! Talking to a running server from the command line.

use std::path::Path;
use std::time::Duration;

use http::{HeaderValue, Method, header};
use serde_json::Value;

use super::Exit;
use super::serve::runtime;
use crate::admin::find_admin_token;
use crate::config::{self, Config, SystemEnvironment};
use crate::destination::{Following, HttpClient, Outgoing, Reply, TransportError};
use crate::secret::Secret;

/// A server on this machine answers at once or not at all.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A page of work, [`PAGE`] things that each run scripts: tags of 50 ms, ten of them to an event.
const WORK_TIMEOUT: Duration = Duration::from_secs(120);

/// Things that the server is asked to do at once: few enough that a progress bar moves.
pub(super) const PAGE: u64 = 200;

/// A page of differences shows 4 MiB of requests, and one event more; a list is a thousand lines.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// A running server's admin API.
pub(super) struct Remote {
    client: HttpClient,
    base: String,
    token: Secret,
}

/// Has a command talk to the running server of a configuration file.
pub(super) fn ask(
    config_file: &Path,
    command: impl AsyncFnOnce(&Remote) -> Result<(), Exit>,
) -> Result<(), Exit> {
    let remote = Remote::of(config_file)?;
    runtime()?.block_on(command(&remote))
}

impl Remote {
    fn of(config_file: &Path) -> Result<Self, Exit> {
        let config = config::load(config_file, &SystemEnvironment)
            .map_err(|problems| Exit::configuration(&problems))?;
        let token = find_admin_token(&config.data.dir, &SystemEnvironment)?.ok_or_else(|| {
            Exit::bad("there is no admin token yet; start the server first: `tagwerk serve`")
        })?;
        Ok(Self {
            client: HttpClient::new()?.with_replies_up_to(MAX_ANSWER_BYTES),
            base: format!("http://{}", config.admin.listen),
            token,
        })
    }

    /// Reads something.
    pub(super) async fn get(&self, path: &str) -> Result<Value, Exit> {
        self.call(Method::GET, path, None).await
    }

    /// Has a page of work done.
    pub(super) async fn work(&self, path: &str, body: &Value) -> Result<Value, Exit> {
        self.ask(Method::POST, path, Some(body), WORK_TIMEOUT).await
    }

    /// Calls the API; what it refuses is an error.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Exit> {
        self.ask(method, path, body, TIMEOUT).await
    }

    /// Follows a stream.
    pub(super) async fn follow(&self, path: &str) -> Result<Following, Exit> {
        let outgoing = self.outgoing(Method::GET, path, Vec::new())?;
        let stream = self.client.follow(outgoing, TIMEOUT).await;
        let mut stream = stream.map_err(|error| self.no_answer(&error))?;
        if stream.status() == 200 {
            return Ok(stream);
        }
        let answer = stream.next().await.ok().flatten().unwrap_or_default();
        let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
        let status = stream.status().to_string();
        let why = answer["error"].as_str().unwrap_or(&status);
        Err(match stream.status() {
            400 => Exit::usage(why),
            _ => Exit::bad(why),
        })
    }

    fn outgoing(&self, method: Method, path: &str, body: Vec<u8>) -> Result<Outgoing, Exit> {
        let authorization = HeaderValue::try_from(format!("Bearer {}", self.token.expose()))
            .map_err(|_| Exit::bad("the admin token has characters that no header may have"))?;
        let outgoing = Outgoing::post_json(&format!("{}{path}", self.base), body)
            .with_header(header::AUTHORIZATION, authorization);
        Ok(Outgoing { method, ..outgoing })
    }

    fn no_answer(&self, error: &TransportError) -> Exit {
        Exit::bad(format!(
            "no answer from {}: {error}; is the server running? `tagwerk serve` starts it, and [admin] listen says where it is called",
            self.base
        ))
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        timeout: Duration,
    ) -> Result<Value, Exit> {
        let body = body
            .map(|body| body.to_string().into_bytes())
            .unwrap_or_default();
        let outgoing = self.outgoing(method, path, body)?;
        let reply = self.client.send(outgoing, timeout).await;
        let reply = reply.map_err(|error| self.no_answer(&error))?;
        let answer = reply.json();
        if (200..300).contains(&reply.status) {
            let broken = || Exit::bad(format!("the answer of {path} is no JSON, or too long"));
            return answer.ok_or_else(broken);
        }
        let why = answer.as_ref().and_then(|answer| answer["error"].as_str());
        let why = why.map_or_else(|| reply.summary(), str::to_owned);
        // What makes no sense to the API was written by whoever called the command.
        Err(match reply.status {
            400 => Exit::usage(why),
            _ => Exit::bad(why),
        })
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
