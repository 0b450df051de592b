//! `VERIFY`: whether a request comes from whom it says. Each scheme takes the request as it came
//! and the time, and says yes or why not; pure, on the raw bytes, in constant time where a secret is
//! compared. It runs before any of the script does. What a "no" is answered is `intake`'s business.

mod address;
mod age;
mod credentials;
mod hubspot;
mod key;
mod keyed;
mod list;
mod parameter;
mod payload;
mod schemes;
mod senders;
mod settings;
mod standard_webhooks;
#[cfg(test)]
mod tests;
mod why;
mod write_key;

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, Method};

use crate::clock::Millis;
use crate::request::{Request, SecretNames};
use address::Addresses;
use credentials::Credentials;
use hubspot::Hubspot;
use keyed::Keyed;
use list::SignatureList;
use parameter::Parameter;
use standard_webhooks::StandardWebhooks;
use write_key::WriteKey;

pub(super) use settings::read;
pub use why::Why;

/// The most signatures of one request that are looked at. Senders send two while a secret is being
/// replaced; each costs a pass over the body.
const MAX_SIGNATURES: usize = 8;

/// What a client's `VERIFY` says: all of these schemes must hold.
#[derive(Debug)]
pub struct Verify(Vec<Scheme>);

/// One way to know a sender.
#[derive(Debug)]
pub enum Scheme {
    /// A keyed hash of the body, or of a text with the body in it, in a header.
    Keyed(Keyed),
    /// Stripe's and Paddle's: a header that is a list, of a time and of signatures.
    List(SignatureList),
    /// Standard Webhooks, which Svix is.
    StandardWebhooks(StandardWebhooks),
    /// HubSpot's first two: a plain hash of secret and request.
    Hubspot(Hubspot),
    /// A password or token that the sender sends along.
    Credentials(Credentials),
    /// Segment's write key, wherever its library has it.
    WriteKey(WriteKey),
    /// A secret in the query.
    Parameter(Parameter),
    /// Where the request comes from.
    Addresses(Addresses),
}

/// What a scheme looks at: the request as it came.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// See [`Request::method`].
    pub method: &'a Method,
    /// See [`Request::path`].
    pub path: &'a str,
    /// See [`Request::query`].
    pub query: &'a str,
    /// See [`Request::headers`].
    pub headers: &'a HeaderMap,
    /// See [`Request::ip`].
    pub ip: IpAddr,
    /// The bytes as they came, also if they came packed.
    pub body: &'a [u8],
    /// What senders call, without the path: some sign the whole address.
    pub public_url: &'a str,
}

/// How a request held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passed {
    /// It is from whom it says.
    Verified,
    /// It is WooCommerce trying out a new webhook, which it does unsigned. It says nothing, so it is
    /// answered, and no script sees it.
    Ping,
}

/// Whether `signed` holds by this scheme at this time.
///
/// # Errors
/// Why not, for whoever looks after the server. Never for the sender.
pub fn verify(scheme: &Scheme, signed: &Signed<'_>, now: Millis) -> Result<Passed, Why> {
    match scheme {
        Scheme::Keyed(keyed) => return keyed.verify(signed, now),
        Scheme::List(list) => list.verify(signed, now),
        Scheme::StandardWebhooks(webhooks) => webhooks.verify(signed, now),
        Scheme::Hubspot(hubspot) => hubspot.verify(signed),
        Scheme::Credentials(credentials) => credentials.verify(signed.headers),
        Scheme::WriteKey(write_key) => write_key.verify(signed),
        Scheme::Parameter(parameter) => parameter.verify(signed),
        Scheme::Addresses(addresses) => addresses.verify(signed.ip),
    }?;
    Ok(Passed::Verified)
}

impl Verify {
    /// Whether the request holds by all schemes, at the time when it came.
    ///
    /// # Errors
    /// Why not; see [`verify`].
    pub fn check(&self, request: &Request, public_url: &str) -> Result<Passed, Why> {
        let signed = Signed {
            method: &request.method,
            path: &request.path,
            query: &request.query,
            headers: &request.headers,
            ip: request.ip,
            body: &request.body,
            public_url,
        };
        let mut passed = Passed::Verified;
        for scheme in &self.0 {
            if verify(scheme, &signed, request.received_at)? == Passed::Ping {
                passed = Passed::Ping;
            }
        }
        Ok(passed)
    }

    /// Adds where the secret itself is sent, besides where there always is one.
    pub fn add_secret_names(&self, names: &mut SecretNames) {
        for scheme in &self.0 {
            match scheme {
                Scheme::Credentials(credentials) => {
                    names.headers.push(credentials.header().clone());
                }
                Scheme::Parameter(parameter) => names.parameters.push(parameter.name.clone()),
                _ => {}
            }
        }
    }

    /// How a client may be asked to show who it is, for `WWW-Authenticate`.
    pub fn challenge(&self) -> Option<&'static str> {
        self.0.iter().find_map(|scheme| match scheme {
            Scheme::Credentials(credentials) => credentials.challenge(),
            _ => None,
        })
    }
}

impl Signed<'_> {
    /// The one value of a header.
    fn header(&self, name: &HeaderName) -> Result<&[u8], Why> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().ok_or_else(|| Why::missing(name))?;
        match values.next() {
            None => Ok(value.as_bytes()),
            Some(_) => Err(Why::malformed(name, "is there twice")),
        }
    }

    /// The address that the sender called, as it knows it.
    fn url(&self) -> String {
        let mark = if self.query.is_empty() { "" } else { "?" };
        format!("{}{}{mark}{}", self.public_url, self.path, self.query)
    }
}
