//! How many connections are open, in all and from each address. Where all seats are taken, a
//! connection that has been waiting for its next request leaves for one that has a request now.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Limits;
use super::idle::Idle;
use super::refusal::Refusal;

/// Between two looks for who could leave, if nobody could: each goes over all connections.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The counts of open connections. Locked once when a connection begins and once when it ends.
#[derive(Debug)]
pub(super) struct Seats {
    taken: Mutex<Taken>,
    limits: Limits,
}

#[derive(Debug, Default)]
struct Taken {
    all: Count,
    by_address: HashMap<IpAddr, Count>,
    open: HashMap<u64, Occupant>,
    /// The number of the last connection that got a seat.
    last: u64,
}

/// How many seats are taken, of all or by an address.
#[derive(Debug, Default)]
struct Count {
    seats: usize,
    /// Nobody could leave: when to look again.
    look_at: Option<Instant>,
}

/// Who has a seat.
#[derive(Debug)]
struct Occupant {
    /// None if it is not counted by address.
    address: Option<IpAddr>,
    idle: Arc<Idle>,
    leave: CancellationToken,
}

/// The right to keep one connection open; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Arc<Seats>,
    number: u64,
    idle: Arc<Idle>,
    leave: CancellationToken,
}

impl Seat {
    /// To be told when the connection waits.
    pub(super) fn idle(&self) -> &Idle {
        &self.idle
    }

    /// Cancelled when the connection is to end, once it is idle: its seat may be another's by then.
    pub(super) fn leave(&self) -> &CancellationToken {
        &self.leave
    }
}

impl Seats {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            taken: Mutex::default(),
            limits,
        })
    }

    /// A seat for a connection from `peer`; one that `is_trusted` carries many senders and is
    /// not counted by address. `stop` has all of them leave.
    pub(super) fn take(
        self: &Arc<Self>,
        peer: IpAddr,
        is_trusted: bool,
        stop: &CancellationToken,
    ) -> Result<Seat, Refusal> {
        let address = (!is_trusted).then(|| network(peer));
        let mut taken = self.lock();
        if let Some(address) = address
            && !taken.has_room_for(address, &self.limits)
        {
            return Err(Refusal::TooManyFromAddress);
        }
        if !taken.has_room(&self.limits) {
            return Err(Refusal::TooManyConnections);
        }
        // Each has its own token, as all would wait at the lock of a common one.
        let (idle, leave) = (Arc::new(Idle::new()), stop.child_token());
        let number = taken.seat(Occupant {
            address,
            idle: idle.clone(),
            leave: leave.clone(),
        });
        Ok(Seat {
            seats: Arc::clone(self),
            number,
            idle,
            leave,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.lock().free(self.number);
    }
}

impl Taken {
    /// Makes room if there is none and somebody can leave.
    fn has_room(&mut self, limits: &Limits) -> bool {
        if self.all.seats < limits.connections {
            return true;
        }
        if !self.all.may_look() {
            return false;
        }
        let has_left = self.send_away(limits.idle_time_if_full, |_| true);
        self.all.looked(has_left);
        has_left
    }

    fn has_room_for(&mut self, address: IpAddr, limits: &Limits) -> bool {
        let Some(count) = self.by_address.get(&address) else {
            return true;
        };
        if count.seats < limits.connections_per_address {
            return true;
        }
        if !count.may_look() {
            return false;
        }
        let is_of_address = |one: &Occupant| one.address == Some(address);
        let has_left = self.send_away(limits.idle_time_if_full, is_of_address);
        if let Some(count) = self.by_address.get_mut(&address) {
            count.looked(has_left);
        }
        has_left
    }

    /// Takes the seat of the one that has been idle for longest, if that was for `time`.
    fn send_away(&mut self, time: Duration, among: impl Fn(&Occupant) -> bool) -> bool {
        let open = self.open.iter().filter(|(_, one)| among(one));
        let idle = open.filter_map(|(number, one)| Some((one.idle.time()?, *number)));
        match idle.max() {
            Some((longest, number)) if longest >= time => {
                if let Some(occupant) = self.free(number) {
                    occupant.leave.cancel();
                }
                true
            }
            _ => false,
        }
    }

    fn seat(&mut self, occupant: Occupant) -> u64 {
        self.all.seats += 1;
        if let Some(address) = occupant.address {
            self.by_address.entry(address).or_default().seats += 1;
        }
        self.last += 1;
        self.open.insert(self.last, occupant);
        self.last
    }

    /// None if its seat was another's already.
    fn free(&mut self, number: u64) -> Option<Occupant> {
        let occupant = self.open.remove(&number)?;
        self.all.seats -= 1;
        if let Some(address) = occupant.address
            && let Some(count) = self.by_address.get_mut(&address)
        {
            count.seats -= 1;
            if count.seats == 0 {
                self.by_address.remove(&address);
            }
        }
        Some(occupant)
    }
}

impl Count {
    fn may_look(&self) -> bool {
        self.look_at.is_none_or(|at| at <= Instant::now())
    }

    fn looked(&mut self, has_left: bool) {
        self.look_at = (!has_left).then(|| Instant::now() + LOOK_AGAIN);
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
        let seats = Seats::new(limits);
        let stop = CancellationToken::new();
        let take = |peer: &str, is_trusted| seats.take(peer.parse().unwrap(), is_trusted, &stop);

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

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_longest_leaves_for_who_has_a_request() {
        let limits = Limits {
            connections: 3,
            connections_per_address: 2,
            ..Limits::default()
        };
        let (seats, patience) = (Seats::new(limits), limits.idle_time_if_full);
        let stop = CancellationToken::new();
        let take = |peer: &str| seats.take(peer.parse().unwrap(), false, &stop);
        let [busy, second, first] =
            ["198.51.100.1", "198.51.100.1", "198.51.100.2"].map(|peer| take(peer).unwrap());
        first.idle().begin();
        tokio::time::advance(patience / 2).await;
        second.idle().begin();
        tokio::time::advance(patience / 2).await;
        first.idle().begin();
        let third = take("198.51.100.3").unwrap();
        let leaves = [&busy, &second, &first, &third].map(|seat| seat.leave().is_cancelled());
        assert_eq!(leaves, [false, false, true, false]);
        drop(first);
        assert_eq!(
            take("198.51.100.4").unwrap_err(),
            Refusal::TooManyConnections
        );
        assert_eq!(
            take("198.51.100.1").unwrap_err(),
            Refusal::TooManyFromAddress
        );
        tokio::time::advance(patience / 2).await;
        let fourth = take("198.51.100.1").unwrap();
        assert!(second.leave().is_cancelled() && !busy.leave().is_cancelled());
        third.idle().begin();
        third.idle().end();
        tokio::time::advance(patience).await;
        assert_eq!(
            take("198.51.100.4").unwrap_err(),
            Refusal::TooManyConnections
        );
        drop((busy, second, third, fourth));
        let taken = seats.lock();
        assert!(taken.open.is_empty() && taken.by_address.is_empty());
        assert_eq!(taken.all.seats, 0);
    }
}
