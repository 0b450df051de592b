//! The one HTTP client: pooled connections, deadlines, no redirects, no proxies from the
//! environment, bounded replies, and no address that a policy forbids. It does not decide what a
//! reply means.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use http::header::{LOCATION, RETRY_AFTER};
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt;

use super::dial::Dialer;
use super::encode::Outgoing;
use super::policy::{Forbidden, Policy};
use super::reply::{Reply, parse_retry_after};
use crate::error::BoxError;
use crate::outcome::Outcome;

/// Sends requests to vendors. Cheap to clone.
#[derive(Clone, Debug)]
pub struct HttpClient {
    client: reqwest::Client,
    tls: Arc<ClientConfig>,
    most_reply_bytes: usize,
    policy: Option<Arc<Policy>>,
}

/// Nothing came back: no connection, no TLS, no answer in time.
#[derive(Clone, Debug)]
pub struct TransportError {
    text: String,
    cause: Cause,
    may_have_arrived: bool,
}

/// Why nothing came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Failure,
    Timeout,
    /// The address is forbidden, or there is no leave to send: a person must act.
    NoLeave,
    /// Who gives leave to send has had enough for now.
    Throttled(Option<Duration>),
}

impl TransportError {
    /// One that is no timeout.
    pub(super) fn new(text: String, may_have_arrived: bool) -> Self {
        Self {
            text,
            cause: Cause::Failure,
            may_have_arrived,
        }
    }

    /// There is no leave to send, until a person has acted.
    pub(super) fn no_leave(text: String) -> Self {
        Self {
            cause: Cause::NoLeave,
            ..Self::new(text, false)
        }
    }

    /// There is no leave to send for so long.
    pub(super) fn throttled(text: String, after: Option<Duration>) -> Self {
        Self {
            cause: Cause::Throttled(after),
            ..Self::new(text, false)
        }
    }

    /// There was no complete answer in time; nobody knows how far the request came.
    pub(super) fn late(timeout: Duration) -> Self {
        Self {
            cause: Cause::Timeout,
            ..Self::new(format!("no complete answer within {timeout:?}"), true)
        }
    }

    /// The same of a request that had to come before: of the deliveries nothing has left.
    pub(super) fn before(self, what: &str) -> Self {
        Self {
            text: format!("{what}: {}", self.text),
            cause: self.cause,
            may_have_arrived: false,
        }
    }

    /// What it means for the deliveries of the request.
    pub fn outcome(&self) -> Outcome {
        let why = self.to_string();
        match self.cause {
            Cause::Failure | Cause::Timeout => Outcome::Retry { after: None, why },
            Cause::NoLeave => Outcome::Paused { why },
            Cause::Throttled(after) => Outcome::Throttled { after, why },
        }
    }

    /// True if the answer, or the connection, took too long.
    pub fn is_timeout(&self) -> bool {
        self.cause == Cause::Timeout
    }

    /// False if the request surely was not seen by the vendor: there was no connection to send it on.
    pub fn may_have_arrived(&self) -> bool {
        self.may_have_arrived
    }
}

impl From<reqwest::Error> for TransportError {
    fn from(error: reqwest::Error) -> Self {
        let cause = match forbidden(&error) {
            Some(_) => Cause::NoLeave,
            None if error.is_timeout() => Cause::Timeout,
            None => Cause::Failure,
        };
        Self {
            text: chain(&error),
            cause,
            // Name lookup and TLS are a part of connecting.
            may_have_arrived: !error.is_connect() && !error.is_builder(),
        }
    }
}

impl From<Forbidden> for TransportError {
    fn from(forbidden: Forbidden) -> Self {
        Self::no_leave(forbidden.to_string())
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for TransportError {}

/// A vendor that does not take the connection by then is down.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Below what load balancers close at (60 s is common), so that we rarely send into a closing one.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// No vendor says more than this about a request; a hostile one might.
const MAX_REPLY_BYTES: usize = 64 * 1024;

impl HttpClient {
    /// A client that trusts the certificate authorities of the system, and goes wherever it is told:
    /// for our own server. For vendors, see [`HttpClient::under`].
    pub fn new() -> Result<Self, BoxError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_platform_verifier()?
            .with_no_client_auth();
        Ok(Self {
            client: builder(&tls).build()?,
            tls: Arc::new(tls),
            most_reply_bytes: MAX_REPLY_BYTES,
            policy: None,
        })
    }

    /// The same with connections of its own, that goes only where the policy lets it.
    pub fn under(&self, policy: Arc<Policy>) -> Result<Self, BoxError> {
        let guarded = Guarded(policy.clone());
        Ok(Self {
            client: builder(&self.tls).dns_resolver(guarded).build()?,
            tls: self.tls.clone(),
            most_reply_bytes: self.most_reply_bytes,
            policy: Some(policy),
        })
    }

    /// Opens connections for what speaks no HTTP, where the policy lets it.
    pub(super) fn dialer(&self, policy: Arc<Policy>) -> Dialer {
        Dialer::new(policy, self.tls.clone())
    }

    /// The same for replies of up to so many bytes, where it is not a vendor that answers.
    pub fn with_replies_up_to(self, most_reply_bytes: usize) -> Self {
        Self {
            most_reply_bytes,
            ..self
        }
    }

    /// Sends one request; `timeout` covers everything up to the last byte of the reply.
    pub async fn send(
        &self,
        outgoing: Outgoing,
        timeout: Duration,
    ) -> Result<Reply, TransportError> {
        // Around the whole, not per request in reqwest, which costs 14 µs more.
        match tokio::time::timeout(timeout, self.exchange(outgoing)).await {
            Ok(result) => result,
            Err(_) => Err(TransportError::late(timeout)),
        }
    }

    /// Sends one request whose reply does not end: a stream. `timeout` is until it begins.
    pub async fn follow(
        &self,
        outgoing: Outgoing,
        timeout: Duration,
    ) -> Result<Following, TransportError> {
        let sent = self.request(outgoing)?.send();
        match tokio::time::timeout(timeout, sent).await {
            Ok(response) => Ok(Following(response?)),
            Err(_) => Err(TransportError::late(timeout)),
        }
    }

    fn request(&self, outgoing: Outgoing) -> Result<reqwest::RequestBuilder, TransportError> {
        let url = Url::parse(&outgoing.url).map_err(|error| {
            TransportError::new(format!("the request cannot be made: {error}"), false)
        })?;
        if let Some(policy) = &self.policy {
            policy.check(&url)?;
        }
        let headers = outgoing.headers.into_iter().collect();
        Ok(self
            .client
            .request(outgoing.method, url)
            .headers(headers)
            .body(outgoing.body))
    }

    async fn exchange(&self, outgoing: Outgoing) -> Result<Reply, TransportError> {
        let response = self.request(outgoing)?.send().await?;
        let text = |name| {
            response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        Ok(Reply {
            status: response.status().as_u16(),
            retry_after: text(RETRY_AFTER)
                .and_then(|value| parse_retry_after(value, SystemTime::now())),
            location: text(LOCATION).map(str::to_owned),
            body: read_body(response, self.most_reply_bytes).await?,
            shown: None,
        })
    }
}

/// What all our clients have in common.
fn builder(tls: &ClientConfig) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls.clone())
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .tcp_nodelay(true)
        .referer(false)
        .user_agent(concat!("tagwerk/", env!("CARGO_PKG_VERSION")))
}

/// Looks names up for the client.
struct Guarded(Arc<Policy>);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.0.clone();
        Box::pin(async move {
            // Port 0 stands for the one of the address.
            let found = lookup(&policy, name.as_str(), 0).await?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Looks a name up, and forgets the addresses that the policy forbids: what a name leads to is known
/// only now, and may be another thing than it was.
pub(super) async fn lookup(
    policy: &Policy,
    name: &str,
    port: u16,
) -> Result<Vec<SocketAddr>, BoxError> {
    let mut refused = None;
    let mut allowed = Vec::new();
    for address in tokio::net::lookup_host((name, port)).await? {
        match policy.check_dialled(name, address.ip()) {
            Ok(()) => allowed.push(address),
            Err(why) => refused = Some(why),
        }
    }
    match refused {
        Some(why) if allowed.is_empty() => Err(BoxError::from(why)),
        _ => Ok(allowed),
    }
}

/// A reply that does not end.
#[derive(Debug)]
pub struct Following(reqwest::Response);

impl Following {
    /// HTTP status code.
    pub fn status(&self) -> u16 {
        self.0.status().as_u16()
    }

    /// What comes next; none at its end.
    ///
    /// # Errors
    /// If the connection breaks.
    pub async fn next(&mut self) -> Result<Option<Bytes>, TransportError> {
        Ok(self.0.chunk().await?)
    }
}

async fn read_body(mut response: reqwest::Response, most: usize) -> Result<Bytes, reqwest::Error> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        let room = most - body.len();
        body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if body.len() == most {
            break; // dropping the response closes the connection
        }
    }
    Ok(body.freeze())
}

/// The policy's word, if that is what stopped it.
fn forbidden(error: &reqwest::Error) -> Option<&Forbidden> {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(forbidden) = cause.downcast_ref() {
            return Some(forbidden);
        }
        source = cause.source();
    }
    None
}

/// The error and its causes, without the address: it may hold a secret.
fn chain(error: &reqwest::Error) -> String {
    let mut text = kind(error).to_owned();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

fn kind(error: &reqwest::Error) -> &'static str {
    if error.is_connect() {
        "cannot connect"
    } else if error.is_timeout() {
        "no answer in time"
    } else if error.is_builder() {
        "the request cannot be made"
    } else if error.is_body() || error.is_decode() {
        "the answer broke off"
    } else {
        "no answer"
    }
}

/// Shared by the files beside this one: the address of a path under a base address.
pub(super) fn join(base: &str, path: &str) -> String {
    format!("{}{path}", base.trim_end_matches('/'))
}
