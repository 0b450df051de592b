//! Which addresses a destination may be reached at: the policy against a name, or an address of the
//! configuration, that leads into the operator's own network. Pure; `http_client` asks it of every
//! address, as it is written and as it is dialled.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use reqwest::Url;

use crate::config::Options;

/// What one destination may connect to. Public addresses always; the operator's own only as the
/// configuration says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Hosts of addresses in the configuration.
    named: Vec<String>,
    /// Names that may lead to a private address.
    hosts: Vec<String>,
    /// Addresses that are allowed whatever they are.
    nets: Vec<IpNet>,
}

/// An address that a destination may not be reached at, and how to allow it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forbidden(String);

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Forbidden {}

/// What kind of place an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Public,
    /// Networks of one's own: RFC 1918, shared address space, unique local.
    Private,
    Loopback,
    /// Link-local (where clouds have their metadata), unspecified, multicast, reserved, examples, and
    /// forms of IPv6 that hide another address.
    Special,
}

const SPECIAL_V4: &[([u8; 4], u32, Place)] = &[
    ([0, 0, 0, 0], 8, Place::Special),
    ([10, 0, 0, 0], 8, Place::Private),
    ([100, 64, 0, 0], 10, Place::Private),
    ([127, 0, 0, 0], 8, Place::Loopback),
    ([169, 254, 0, 0], 16, Place::Special),
    ([172, 16, 0, 0], 12, Place::Private),
    ([192, 0, 0, 0], 24, Place::Special),
    ([192, 0, 2, 0], 24, Place::Special),
    ([192, 88, 99, 0], 24, Place::Special),
    ([192, 168, 0, 0], 16, Place::Private),
    ([198, 18, 0, 0], 15, Place::Special),
    ([198, 51, 100, 0], 24, Place::Special),
    ([203, 0, 113, 0], 24, Place::Special),
    ([224, 0, 0, 0], 4, Place::Special),
    ([240, 0, 0, 0], 4, Place::Special),
];

/// `::/96` and `::ffff:0:0/96` hold an IPv4 address, as do Teredo and 6to4.
const SPECIAL_V6: &[([u16; 8], u32, Place)] = &[
    ([0, 0, 0, 0, 0, 0, 0, 1], 128, Place::Loopback),
    ([0, 0, 0, 0, 0, 0, 0, 0], 96, Place::Special),
    ([0, 0, 0, 0, 0, 0xffff, 0, 0], 96, Place::Special),
    ([0, 0, 0, 0, 0xffff, 0, 0, 0], 96, Place::Special),
    ([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48, Place::Special),
    ([0x100, 0, 0, 0, 0, 0, 0, 0], 64, Place::Special),
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23, Place::Special),
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32, Place::Special),
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16, Place::Special),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20, Place::Special),
    ([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16, Place::Special),
    ([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, Place::Private),
    ([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10, Place::Special),
    ([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10, Place::Special),
    ([0xff00, 0, 0, 0, 0, 0, 0, 0], 8, Place::Special),
];

/// An IPv6 network's way to IPv4 servers: as good or bad as the address in it.
const NAT64: [u16; 6] = [0x64, 0xff9b, 0, 0, 0, 0];

impl Policy {
    /// The policy of a destination's options, where the configuration has these addresses.
    pub fn new(options: &Options, addresses: &[&str]) -> Self {
        let urls = addresses
            .iter()
            .filter_map(|address| Url::parse(&as_http(address)).ok());
        let named = urls.filter_map(|url| Some(host_of(&url)?.to_string()));
        Self {
            named: named.collect(),
            hosts: options.allow_hosts.clone(),
            nets: options.allow_nets.clone(),
        }
    }

    /// Whether a request may go to this address, as far as one sees by looking at it.
    ///
    /// # Errors
    /// If it may not.
    pub fn check(&self, url: &Url) -> Result<(), Forbidden> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Forbidden(format!("{}: is not http or https", url.scheme())));
        }
        if !url.username().is_empty() || url.password().is_some() {
            let why = "an address must not hold a user or password: put it into a header";
            return Err(Forbidden(why.to_owned()));
        }
        match host_of(url) {
            None => Err(Forbidden("the address names no host".to_owned())),
            Some(Host::Name(name)) => self.check_name(&name),
            Some(Host::Address(ip)) => self.check_literal(ip),
        }
    }

    /// Whether an address of the configuration may stand there: it must be what it looks like. What
    /// is no HTTP address is not judged.
    ///
    /// # Errors
    /// If it may not.
    pub fn check_written(&self, address: &str) -> Result<(), Forbidden> {
        let address = as_http(address);
        let is_http = ["http://", "https://"]
            .iter()
            .any(|scheme| address.starts_with(scheme));
        let (true, Ok(url)) = (is_http, Url::parse(&address)) else {
            return Ok(());
        };
        match disguise(&address) {
            Some(why) => Err(Forbidden(why)),
            None => self.check(&url),
        }
    }

    /// Whether this address may be dialled, that the name of a host has led to.
    ///
    /// # Errors
    /// If it may not.
    pub fn check_dialled(&self, name: &str, ip: IpAddr) -> Result<(), Forbidden> {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let is_fine = match place(ip) {
            Place::Public => true,
            _ if self.is_in_nets(ip) => true,
            Place::Private => self.allows_host(&name),
            Place::Loopback => is_localhost(&name) && self.check_name(&name).is_ok(),
            Place::Special => false,
        };
        if is_fine {
            return Ok(());
        }
        let hint = match place(ip) {
            Place::Private => format!("allow_hosts = [\"{name}\"] allows it"),
            _ => format!("allow_nets = [\"{ip}\"] allows it"),
        };
        Err(Forbidden(format!(
            "{name} leads to {ip}, {}: {hint}",
            place(ip).words()
        )))
    }

    /// `localhost` is a loopback address by another name.
    fn check_name(&self, name: &str) -> Result<(), Forbidden> {
        if !is_localhost(name) || self.names(name) || self.allows_host(name) {
            return Ok(());
        }
        Err(Forbidden(format!(
            "{name} is this machine itself, and no address of the configuration names it"
        )))
    }

    fn check_literal(&self, ip: IpAddr) -> Result<(), Forbidden> {
        let written = ip.to_string();
        let is_fine = match place(ip) {
            Place::Public => true,
            _ if self.is_in_nets(ip) => true,
            Place::Loopback => self.names(&written) || self.allows_host(&written),
            Place::Private => self.allows_host(&written),
            Place::Special => false,
        };
        if is_fine {
            return Ok(());
        }
        Err(Forbidden(format!(
            "{ip} is {}: allow_nets = [\"{ip}\"] allows it",
            place(ip).words()
        )))
    }

    fn names(&self, host: &str) -> bool {
        self.named.iter().any(|named| named == host)
    }

    fn is_in_nets(&self, ip: IpAddr) -> bool {
        self.nets.iter().any(|net| net.contains(&ip))
    }

    /// `crm.internal` is itself, `*.internal` is everything below.
    fn allows_host(&self, name: &str) -> bool {
        self.hosts.iter().any(|host| match host.strip_prefix('*') {
            Some(ending) => name.ends_with(ending) && name.len() > ending.len(),
            None => host == name,
        })
    }
}

/// An address of another protocol over TCP as one of HTTP, whose parser knows every way to write a host.
fn as_http(address: &str) -> Cow<'_, str> {
    let other = ["nats://", "tls://"]
        .iter()
        .find_map(|scheme| address.strip_prefix(scheme));
    match other {
        Some(rest) => format!("http://{rest}").into(),
        None => address.into(),
    }
}

/// What is wrong with the way a host is written in the configuration: one that is read otherwise
/// than it looks is refused.
fn disguise(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let read = url.host_str()?.trim_end_matches('.').to_owned();
    let (_, rest) = address.split_once("://")?;
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host = authority.rsplit('@').next()?;
    let written = match host.rfind(']') {
        Some(end) => host.get(..=end)?,
        None => host.split(':').next()?,
    };
    let written = written.trim_end_matches('.').to_lowercase();
    let is_international = !written.is_ascii();
    (written != read && !is_international)
        .then(|| format!("the host `{written}` is another way to write `{read}`: write that"))
}

/// A host as it is used, whatever way it was written.
enum Host {
    Name(String),
    Address(IpAddr),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(ip) => ip.fmt(f),
        }
    }
}

/// The parser of addresses has turned every way to write an IPv4 address into the one.
fn host_of(url: &Url) -> Option<Host> {
    let host = url.host_str().filter(|host| !host.is_empty())?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    Some(match bare.parse() {
        Ok(ip) => Host::Address(ip),
        Err(_) => Host::Name(host.trim_end_matches('.').to_ascii_lowercase()),
    })
}

fn is_localhost(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

fn place(ip: IpAddr) -> Place {
    match ip {
        IpAddr::V4(ip) => place_v4(ip),
        IpAddr::V6(ip) => place_v6(ip),
    }
}

fn place_v4(ip: Ipv4Addr) -> Place {
    let found = SPECIAL_V4.iter().find(|(net, length, _)| {
        let shift = 32 - length;
        ip.to_bits() >> shift == Ipv4Addr::from(*net).to_bits() >> shift
    });
    found.map_or(Place::Public, |(_, _, place)| *place)
}

fn place_v6(ip: Ipv6Addr) -> Place {
    if ip.segments().starts_with(&NAT64) {
        let [.., a, b, c, d] = ip.octets();
        return place_v4(Ipv4Addr::new(a, b, c, d));
    }
    let found = SPECIAL_V6.iter().find(|(net, length, _)| {
        let shift = 128 - length;
        ip.to_bits() >> shift == Ipv6Addr::from(*net).to_bits() >> shift
    });
    found.map_or(Place::Public, |(_, _, place)| *place)
}

impl Place {
    fn words(self) -> &'static str {
        match self {
            Self::Public => "a public address",
            Self::Private => "an address of a private network",
            Self::Loopback => "this machine itself",
            Self::Special => "an address that no vendor has",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn policy(hosts: &[&str], nets: &[&str], addresses: &[&str]) -> Policy {
        let options = Options {
            allow_hosts: hosts.iter().copied().map(str::to_owned).collect(),
            allow_nets: nets.iter().map(|net| net.parse().unwrap()).collect(),
            ..Options::default()
        };
        Policy::new(&options, addresses)
    }

    fn allows(policy: &Policy, url: &str) -> bool {
        Url::parse(url).is_ok_and(|url| policy.check(&url).is_ok())
    }

    #[test]
    fn without_leave_only_public_addresses_are_reached() {
        let strict = Policy::default();
        for url in [
            "https://api.example.com/x",
            "http://8.8.8.8",
            "https://[2606:4700::1111]:8443/",
            "https://172.32.0.1",
            "https://[64:ff9b::808:808]/",
        ] {
            assert!(allows(&strict, url), "{url}");
        }
        for url in [
            "http://localhost",
            "http://LOCALHOST.:80",
            "http://a.localhost",
            "http://127.0.0.1",
            "http://127.9.9.9",
            "http://2130706433",
            "http://0x7f.1",
            "http://017700000001",
            "http://127.1",
            "http://0",
            "http://[::1]",
            "http://[::]",
            "http://[::ffff:127.0.0.1]",
            "http://[::ffff:a9fe:a9fe]",
            "http://[::127.0.0.1]",
            "http://[64:ff9b::10.0.0.1]",
            "http://[2002:7f00:1::]",
            "http://[2001:0:1::1]",
            "http://[fe80::1]",
            "http://[fec0::1]",
            "http://[fd00::1]",
            "http://[ff02::1]",
            "http://10.0.0.1",
            "http://172.16.0.1",
            "http://172.31.255.255",
            "http://192.168.0.1",
            "http://100.64.0.1",
            "http://169.254.169.254/latest/meta-data",
            "http://169.254.169.254.",
            "http://１２７.0.0.1",
            "http://255.255.255.255",
            "http://224.0.0.1",
            "ftp://api.example.com",
            "file:///etc/passwd",
            "gopher://api.example.com",
            "https://user@api.example.com",
            "https://:pass@api.example.com",
        ] {
            assert!(!allows(&strict, url), "{url}");
        }
    }

    #[test]
    fn the_machine_itself_is_reached_where_the_configuration_names_it() {
        let named = policy(&[], &[], &["http://127.0.0.1:9100/x", "http://localhost:1"]);
        for (url, is_allowed) in [
            ("http://127.0.0.1:9100/other", true),
            ("http://localhost:1/", true),
            ("http://127.0.0.2:9100/", false),
            ("http://[::1]:9100/", false),
            ("http://a.localhost/", false),
        ] {
            assert_eq!(allows(&named, url), is_allowed, "{url}");
        }
        // A name is no leave for where it leads.
        let rebound = policy(&[], &[], &["https://crm.example.com"]);
        for ip in [
            "127.0.0.1",
            "::1",
            "10.0.0.1",
            "169.254.169.254",
            "::ffff:8.8.8.8",
        ] {
            let ip = ip.parse().unwrap();
            assert!(
                rebound.check_dialled("crm.example.com", ip).is_err(),
                "{ip}"
            );
        }
        let ip = "127.0.0.1".parse().unwrap();
        assert!(named.check_dialled("localhost", ip).is_ok());
        assert!(named.check_dialled("crm.example.com", ip).is_err());
    }

    #[test]
    fn a_private_network_is_reached_by_name_or_by_net() {
        let lax = policy(&["crm.internal", "*.lan"], &["10.1.0.0/16", "::1/128"], &[]);
        for (name, ip, is_allowed) in [
            ("crm.internal", "192.168.0.9", true),
            ("CRM.internal.", "fd00::9", true),
            ("a.lan", "172.20.0.2", true),
            (".lan", "172.20.0.2", false),
            ("other.internal", "192.168.0.9", false),
            ("other.internal", "10.1.2.3", true),
            ("other.internal", "10.2.2.3", false),
            ("crm.internal", "127.0.0.1", false),
            ("crm.internal", "169.254.169.254", false),
            ("crm.internal", "::1", true),
        ] {
            let ip = ip.parse().unwrap();
            assert_eq!(
                lax.check_dialled(name, ip).is_ok(),
                is_allowed,
                "{name} {ip}"
            );
        }
        assert!(allows(&lax, "http://10.1.2.3/"));
        assert!(!allows(&lax, "http://10.2.2.3/"));
        let told = lax.check_dialled("db", "10.2.2.3".parse().unwrap());
        let told = told.unwrap_err().to_string();
        let expected = "db leads to 10.2.2.3, an address of a private network: allow_hosts = [\"db\"] allows it";
        assert_eq!(told, expected);
    }

    #[test]
    fn a_host_that_is_read_otherwise_than_it_looks_is_a_disguise() {
        for (address, read) in [
            ("http://127.0.0.1:9100/x", None),
            ("http://[::1]:9100/x", None),
            ("https://API.example.com./x", None),
            ("https://bücher.example/x", None),
            ("http://2130706433/", Some("127.0.0.1")),
            ("http://0x7f.1:80/", Some("127.0.0.1")),
            ("http://127.1/", Some("127.0.0.1")),
            ("http://[::ffff:127.0.0.1]/", Some("[::ffff:7f00:1]")),
            ("http://%6c%6fcalhost/", Some("localhost")),
        ] {
            let told = disguise(address);
            assert_eq!(told.is_some(), read.is_some(), "{address}: {told:?}");
            if let (Some(told), Some(read)) = (told, read) {
                assert!(told.contains(read), "{told}");
            }
        }
    }

    proptest! {
        /// Nothing that is let through without leave is a place of one's own.
        #[test]
        fn what_is_let_through_is_public(bits in any::<u32>(), high in any::<u128>()) {
            let strict = Policy::default();
            let v4 = Ipv4Addr::from(bits);
            if strict.check_dialled("x", v4.into()).is_ok() {
                prop_assert!(!v4.is_private() && !v4.is_loopback() && !v4.is_link_local());
                prop_assert!(!v4.is_unspecified() && !v4.is_broadcast() && !v4.is_multicast());
            }
            for v6 in [Ipv6Addr::from(high), v4.to_ipv6_mapped(), v4.to_ipv6_compatible()] {
                if strict.check_dialled("x", v6.into()).is_ok() {
                    prop_assert!(!v6.is_loopback() && !v6.is_multicast() && !v6.is_unspecified());
                    prop_assert!(v6.to_ipv4().is_none() && !v6.is_unique_local());
                }
            }
        }
    }
}
