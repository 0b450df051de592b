//! Carries requests to where they go: each destination over connections of its own policy. It does
//! not decide what a reply means, nor when to send.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::Destination;
use super::dial::Dialer;
use super::encode::Outgoing;
use super::http_client::{HttpClient, TransportError};
use super::policy::Policy;
use super::reply::Reply;
use super::token::Tokens;
use crate::error::BoxError;

/// What takes requests that do not go over plain HTTP: to a file, to a message broker. Its reply is
/// as one of HTTP, and it is as bounded.
pub trait Carry: fmt::Debug + Send + Sync {
    /// Takes one request; whatever it does ends within `timeout`, and it connects by `dialer` only.
    fn carry(&self, outgoing: Outgoing, dialer: Dialer, timeout: Duration) -> Carrying<'_>;
}

/// A request on its way.
pub type Carrying<'a> = Pin<Box<dyn Future<Output = Result<Reply, TransportError>> + Send + 'a>>;

/// Clients by what they may connect to.
type Clients = Vec<(Arc<Policy>, HttpClient)>;

/// Sends what destinations made. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Courier {
    base: HttpClient,
    clients: Arc<Mutex<Clients>>,
    tokens: Arc<Tokens>,
}

/// The way to one destination, for one request and what it needs.
pub(super) struct Lane<'a> {
    client: &'a HttpClient,
    destination: &'a Destination,
    timeout: Duration,
}

impl Lane<'_> {
    /// Sends one request; what people see of the reply has no secrets of the destination.
    pub(super) async fn send(&self, outgoing: Outgoing) -> Result<Reply, TransportError> {
        let reply = self.client.send(outgoing, self.timeout).await?;
        Ok(without_secrets(self.destination, reply))
    }
}

/// The same reply, where people see no secrets of the destination.
fn without_secrets(destination: &Destination, reply: Reply) -> Reply {
    let shown = {
        let text = String::from_utf8_lossy(&reply.body);
        let hidden = destination.hide(&text);
        (hidden != text).then(|| hidden.into())
    };
    Reply { shown, ..reply }
}

/// More policies than this are left over from configurations of the past.
const MAX_CLIENTS: usize = 64;

impl Courier {
    /// One that has no connections yet.
    pub fn new() -> Result<Self, BoxError> {
        Ok(Self {
            base: HttpClient::new()?,
            clients: Arc::default(),
            tokens: Arc::default(),
        })
    }

    /// Sends one request of a destination; `timeout` covers everything up to the last byte of the
    /// reply.
    pub async fn carry(
        &self,
        destination: &Destination,
        outgoing: Outgoing,
        timeout: Duration,
    ) -> Result<Reply, TransportError> {
        if let Some(carrier) = destination.vendor.carrier() {
            let dialer = self.base.dialer(destination.policy.clone());
            let reply = carrier.carry(outgoing, dialer, timeout).await?;
            return Ok(without_secrets(destination, reply));
        }
        let client = self.client(&destination.policy).map_err(|error| {
            let text = format!("the HTTP client cannot be made: {error}");
            TransportError::new(text, false)
        })?;
        let lane = Lane {
            client: &client,
            destination,
            timeout,
        };
        match destination.vendor.account() {
            Some(account) => self.tokens.send(&lane, account, outgoing).await,
            None => lane.send(outgoing).await,
        }
    }

    /// The connections of a policy: what one destination may reach, another may not by reusing its
    /// connection.
    fn client(&self, policy: &Arc<Policy>) -> Result<HttpClient, BoxError> {
        // Nothing panics while it is held.
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let found = clients.iter().find(|(known, _)| known == policy); // the same one is seen at once
        if let Some((_, client)) = found {
            return Ok(client.clone());
        }
        if clients.len() == MAX_CLIENTS {
            clients.remove(0);
        }
        let client = self.base.under(policy.clone())?;
        clients.push((policy.clone(), client.clone()));
        Ok(client)
    }
}
