//! The two listeners: `[server]`, which the world reaches, and `[admin]`, which it must not.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;

use ipnet::IpNet;

use super::section::Section;

const LISTEN_HINT: &str = "write an address and a port, such as \"127.0.0.1:8080\"";

/// Below 1 KiB not even a page view fits; above 8 MiB one sender could fill the memory that all
/// bodies in flight share.
const MAX_BODY_LIMITS: RangeInclusive<u64> = 1 << 10..=8 << 20;

/// The public listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Where it listens.
    pub listen: SocketAddr,
    /// What senders and browsers call, without a slash at the end.
    pub public_url: String,
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The largest body in bytes, 1 KiB to 8 MiB; a client may set its own.
    pub max_body: u64,
}

/// The listener for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    /// Where it listens: an address of this machine only, unless `allow_remote` is set.
    pub listen: SocketAddr,
    /// True if `listen` may be reached from other machines.
    pub allow_remote: bool,
    /// Names, besides addresses and `localhost`, that it is called by; with a port, or for any.
    pub hosts: Vec<String>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            public_url: "http://127.0.0.1:8080".to_owned(),
            trusted_proxies: Vec::new(),
            max_body: 1 << 20,
        }
    }
}

impl Default for Admin {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8081)),
            allow_remote: false,
            hosts: Vec::new(),
        }
    }
}

impl Server {
    pub(super) fn read(section: &mut Section) -> Self {
        let default = Self::default();
        Self {
            listen: listen(section).unwrap_or(default.listen),
            public_url: section.base_url("public_url").unwrap_or(default.public_url),
            trusted_proxies: trusted_proxies(section).unwrap_or(default.trusted_proxies),
            max_body: section
                .size_in("max_body", MAX_BODY_LIMITS)
                .unwrap_or(default.max_body),
        }
    }

    /// What is called from this machine, for command lines to paste: `public_url`, unless that names
    /// this machine at a port at which, as the listener shows, nobody listens.
    pub fn url_at(&self, listener: SocketAddr) -> String {
        let elsewhere = local_port(&self.public_url).is_some_and(|port| port != listener.port());
        // Behind a container's own ports another number may well be right, if somebody chose it.
        let is_chosen = self.public_url != Self::default().public_url;
        match elsewhere && (listener.ip().is_loopback() || !is_chosen) {
            true => url_of(listener),
            false => self.public_url.clone(),
        }
    }
}

/// How a listener is called from this machine.
pub fn url_of(listener: SocketAddr) -> String {
    let ip = match listener.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    format!("http://{}", SocketAddr::new(ip, listener.port()))
}

/// The port of an address that means this machine.
fn local_port(url: &str) -> Option<u16> {
    let url: http::Uri = url.parse().ok()?;
    let host = url.host()?.trim_matches(['[', ']']);
    let is_local = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    let usual = match url.scheme_str() {
        Some("https") => 443,
        _ => 80,
    };
    is_local.then(|| url.port_u16().unwrap_or(usual))
}

impl Admin {
    pub(super) fn read(section: &mut Section, server: &Server) -> Self {
        let default = Self::default();
        let admin = Self {
            listen: listen(section).unwrap_or(default.listen),
            allow_remote: section.flag("allow_remote").unwrap_or(default.allow_remote),
            hosts: hosts(section).unwrap_or(default.hosts),
        };
        let local = admin.listen.ip().to_canonical().is_loopback();
        if !local && !admin.allow_remote {
            let message = format!("{} can be reached from other machines", admin.listen);
            let hint = "listen on 127.0.0.1, or set `allow_remote = true` if a firewall guards it";
            section.problem("listen", message, Some(hint.to_owned()));
        }
        // Port 0 means any free port, so two of them do not clash.
        if admin.listen == server.listen && admin.listen.port() != 0 {
            let message = format!("[server] listens on {} already", admin.listen);
            section.problem("listen", message, Some("take another port".to_owned()));
        }
        admin
    }
}

fn listen(section: &mut Section) -> Option<SocketAddr> {
    section.parsed("listen", "an address with a port", LISTEN_HINT, |text| {
        text.parse().ok()
    })
}

fn hosts(section: &mut Section) -> Option<Vec<String>> {
    const HINT: &str = "write names as browsers send them, such as \"tagwerk.example.com\"";
    section.list_of("hosts", "the name of a host", HINT, |text| {
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || "-._:[]".contains(letter);
        (!text.is_empty() && text.chars().all(is_part)).then(|| text.to_owned())
    })
}

fn trusted_proxies(section: &mut Section) -> Option<Vec<IpNet>> {
    const HINT: &str = "write networks, such as \"10.0.0.0/8\", or single addresses";
    section.list_of("trusted_proxies", "a network", HINT, |text| {
        let network = text.parse().ok();
        network.or_else(|| Some(IpNet::from(text.parse::<IpAddr>().ok()?)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_for_people_to_call_is_where_somebody_listens() {
        for (public_url, listener, called) in [
            (
                "http://127.0.0.1:8080",
                "127.0.0.1:8080",
                "http://127.0.0.1:8080",
            ),
            (
                "http://127.0.0.1:8080",
                "127.0.0.1:9000",
                "http://127.0.0.1:9000",
            ),
            (
                "http://127.0.0.1:8080",
                "0.0.0.0:9000",
                "http://127.0.0.1:9000",
            ),
            ("http://127.0.0.1:8080", "[::]:9000", "http://[::1]:9000"),
            (
                "http://127.0.0.1:8080",
                "192.0.2.1:9000",
                "http://192.0.2.1:9000",
            ),
            (
                "http://localhost",
                "127.0.0.1:9000",
                "http://127.0.0.1:9000",
            ),
            ("http://[::1]:1", "[::1]:9000", "http://[::1]:9000"),
            (
                "http://localhost:9000",
                "127.0.0.1:9000",
                "http://localhost:9000",
            ),
            // A container's port, as the host has it.
            (
                "http://127.0.0.1:7000",
                "0.0.0.0:8080",
                "http://127.0.0.1:7000",
            ),
            (
                "https://tags.example.com",
                "127.0.0.1:9000",
                "https://tags.example.com",
            ),
        ] {
            let server = Server {
                public_url: public_url.to_owned(),
                ..Server::default()
            };
            assert_eq!(
                server.url_at(listener.parse().unwrap()),
                called,
                "{public_url} {listener}"
            );
        }
    }
}
