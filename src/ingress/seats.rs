//! How many connections are open, in all and from each address. It closes none.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Limits;
use super::refusal::Refusal;

/// The counts of open connections. Locked once when a connection begins and once when it ends.
#[derive(Debug)]
pub(super) struct Seats {
    taken: Mutex<Taken>,
    limit: usize,
    limit_per_address: usize,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// The right to keep one connection open; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Arc<Seats>,
    address: Option<IpAddr>,
}

impl Seats {
    pub(super) fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            taken: Mutex::default(),
            limit: limits.connections,
            limit_per_address: limits.connections_per_address,
        })
    }

    /// A seat for a connection from `peer`; one that `is_trusted` carries many senders and is
    /// not counted by address.
    pub(super) fn take(self: &Arc<Self>, peer: IpAddr, is_trusted: bool) -> Result<Seat, Refusal> {
        let address = (!is_trusted).then(|| network(peer));
        let mut taken = self.lock();
        if taken.all >= self.limit {
            return Err(Refusal::TooManyConnections);
        }
        if let Some(address) = address {
            let count = taken.by_address.entry(address).or_default();
            if *count >= self.limit_per_address {
                return Err(Refusal::TooManyFromAddress);
            }
            *count += 1;
        }
        taken.all += 1;
        Ok(Seat {
            seats: Arc::clone(self),
            address,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.lock();
        taken.all -= 1;
        let Some(address) = self.address else { return };
        if let Some(count) = taken.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                taken.by_address.remove(&address);
            }
        }
    }
}

/// What one sender has: an IPv4 address, or a /64 network, of which everybody has 2^64 addresses.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_are_counted_and_given_back() {
        let limits = Limits {
            connections: 4,
            connections_per_address: 2,
            ..Limits::default()
        };
        let seats = Seats::new(&limits);
        let take = |peer: &str, is_trusted| seats.take(peer.parse().unwrap(), is_trusted);

        let first = take("198.51.100.1", false).unwrap();
        let mapped = take("::ffff:198.51.100.1", false).unwrap();
        let third = take("198.51.100.1", false);
        assert_eq!(third.unwrap_err(), Refusal::TooManyFromAddress);

        let _v6 = take("2001:db8::1", false).unwrap();
        let _same_network = take("2001:db8::2", false).unwrap();
        let proxy = take("10.0.0.1", true);
        assert_eq!(proxy.unwrap_err(), Refusal::TooManyConnections);

        drop((first, mapped));
        let _proxies = (
            take("2001:db8::3", true).unwrap(),
            take("2001:db8::3", true).unwrap(),
        );
        assert!(seats.lock().by_address.len() == 1);
    }
}
