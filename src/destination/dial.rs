//! Connections to places that speak no HTTP, under the same policy as those of the HTTP client: what is
//! written is judged, and so is what its name leads to.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::Url;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::http_client::{CONNECT_TIMEOUT, TransportError, lookup};
use super::policy::{Forbidden, Policy};

/// Opens connections for one destination.
#[derive(Clone)]
pub struct Dialer {
    policy: Arc<Policy>,
    tls: Arc<ClientConfig>,
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dialer({:?})", self.policy)
    }
}

/// A connection, with TLS or without.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Dialer {
    pub(super) fn new(policy: Arc<Policy>, tls: Arc<ClientConfig>) -> Self {
        Self { policy, tls }
    }

    /// Connects to a host as the configuration writes it.
    pub(super) async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, TransportError> {
        // As one of HTTP, whose parser knows every way to write a host.
        let address = Url::parse(&format!("http://{host}:{port}"));
        let address = address.map_err(|error| cannot_connect(&error.to_string()))?;
        self.policy.check(&address)?;
        let mut why = "its name leads nowhere".to_owned();
        for one in self.find(&address).await? {
            match timeout(CONNECT_TIMEOUT, TcpStream::connect(one)).await {
                Ok(Ok(stream)) => {
                    stream.set_nodelay(true).ok(); // slower, but no less right
                    return Ok(stream);
                }
                Ok(Err(error)) => why = error.to_string(),
                Err(_) => why = format!("nobody answers within {CONNECT_TIMEOUT:?}"),
            }
        }
        Err(cannot_connect(&why))
    }

    async fn find(&self, address: &Url) -> Result<Vec<SocketAddr>, TransportError> {
        let host = address.host_str().unwrap_or_default();
        let port = address.port_or_known_default().unwrap_or_default();
        // A literal was judged as it is written.
        if let Ok(ip) = bare(host).parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, port)]);
        }
        let found = lookup(&self.policy, host, port).await;
        found.map_err(|error| match error.downcast::<Forbidden>() {
            Ok(forbidden) => TransportError::from(*forbidden),
            Err(error) => cannot_connect(&error.to_string()),
        })
    }

    /// Goes on with TLS, by the certificate authorities of the system.
    pub(super) async fn secure<S: Stream>(
        &self,
        stream: S,
        host: &str,
    ) -> Result<impl Stream + use<S>, TransportError> {
        let name = ServerName::try_from(bare(host).to_owned());
        let name = name.map_err(|error| cannot_connect(&error.to_string()))?;
        let connector = TlsConnector::from(self.tls.clone());
        let secured = connector.connect(name, stream).await;
        secured.map_err(|error| cannot_connect(&format!("no TLS: {error}")))
    }
}

fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

fn cannot_connect(why: &str) -> TransportError {
    TransportError::new(format!("cannot connect: {why}"), false)
}
