//! The two listeners: `[server]`, which the world reaches, and `[admin]`, which it must not.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
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
