//! A list of networks that requests may come from. Behind a proxy it is as good as
//! `[server] trusted_proxies`.

use std::net::IpAddr;

use ipnet::IpNet;

use super::why::Why;

/// The networks.
#[derive(Clone, Debug)]
pub struct Addresses(pub(super) Vec<IpNet>);

impl Addresses {
    pub(super) fn verify(&self, ip: IpAddr) -> Result<(), Why> {
        let ip = ip.to_canonical();
        match self.0.iter().any(|network| network.contains(&ip)) {
            true => Ok(()),
            false => Err(Why::Address(ip)),
        }
    }
}

/// A network, or one address.
pub(super) fn parse(text: &str) -> Option<IpNet> {
    let network = text.parse().ok();
    network.or_else(|| Some(IpNet::from(text.parse::<IpAddr>().ok()?)))
}
