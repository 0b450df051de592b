//! The one HTTP client: pooled connections, deadlines, no redirects, no proxies from the
//! environment, bounded replies. It does not decide what a reply means.

use std::fmt;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use http::header::{LOCATION, RETRY_AFTER};

use super::encode::Outgoing;
use super::reply::{Reply, parse_retry_after};
use crate::error::BoxError;

/// Sends requests to vendors. Cheap to clone.
#[derive(Clone, Debug)]
pub struct HttpClient {
    client: reqwest::Client,
    most_reply_bytes: usize,
}

/// Nothing came back: no connection, no TLS, no answer in time.
#[derive(Debug)]
pub struct TransportError {
    text: String,
    is_timeout: bool,
    may_have_arrived: bool,
}

impl TransportError {
    /// True if the answer, or the connection, took too long.
    pub fn is_timeout(&self) -> bool {
        self.is_timeout
    }

    /// False if the request surely was not seen by the vendor: there was no connection to send it on.
    pub fn may_have_arrived(&self) -> bool {
        self.may_have_arrived
    }
}

impl From<reqwest::Error> for TransportError {
    fn from(error: reqwest::Error) -> Self {
        Self {
            text: chain(&error),
            is_timeout: error.is_timeout(),
            // Name lookup and TLS are a part of connecting.
            may_have_arrived: !error.is_connect() && !error.is_builder(),
        }
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for TransportError {}

/// A vendor that does not take the connection by then is down.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Below what load balancers close at (60 s is common), so that we rarely send into a closing one.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// No vendor says more than this about a request; a hostile one might.
const MAX_REPLY_BYTES: usize = 64 * 1024;

impl HttpClient {
    /// A client that trusts the certificate authorities of the system.
    pub fn new() -> Result<Self, BoxError> {
        // An error means that somebody installed one before us, which is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .tcp_nodelay(true)
            .referer(false)
            .user_agent(concat!("tagwerk/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self {
            client,
            most_reply_bytes: MAX_REPLY_BYTES,
        })
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
            Ok(result) => result.map_err(TransportError::from),
            Err(_) => Err(TransportError {
                text: format!("no complete answer within {timeout:?}"),
                is_timeout: true,
                may_have_arrived: true, // nobody knows how far it came
            }),
        }
    }

    /// Sends one request whose reply does not end: a stream. `timeout` is until it begins.
    pub async fn follow(
        &self,
        outgoing: Outgoing,
        timeout: Duration,
    ) -> Result<Following, TransportError> {
        let sent = self.request(outgoing).send();
        match tokio::time::timeout(timeout, sent).await {
            Ok(response) => Ok(Following(response?)),
            Err(_) => Err(TransportError {
                text: format!("no answer within {timeout:?}"),
                is_timeout: true,
                may_have_arrived: true,
            }),
        }
    }

    fn request(&self, outgoing: Outgoing) -> reqwest::RequestBuilder {
        let headers = outgoing.headers.into_iter().collect();
        self.client
            .request(outgoing.method, outgoing.url)
            .headers(headers)
            .body(outgoing.body)
    }

    async fn exchange(&self, outgoing: Outgoing) -> Result<Reply, reqwest::Error> {
        let response = self.request(outgoing).send().await?;
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
        })
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
