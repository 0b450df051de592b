//! How many connections have a seat, in all and from each address, and how many stand without one.
//! Where all seats are taken, those who have been waiting for their next request get up for those who
//! have one now.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Limits;
use super::idle::Idle;
use super::refusal::Refusal;

/// Between two looks for who could get up: each goes over all connections that are served.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The counts of open connections. Locked once when a connection begins and once when it ends, and where
/// all seats are taken for each request of one that has none.
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
    /// Who was told to get up and has not done so yet.
    told: HashSet<u64>,
    /// How many stand, those that were told to get up included.
    standing: usize,
    /// The number of the last connection that got a seat.
    last: u64,
}

/// How many seats are taken, of all or by an address.
#[derive(Debug, Default)]
struct Count {
    seats: usize,
    /// When to look again for who could get up.
    look_at: Option<Instant>,
}

/// Who has a seat.
#[derive(Debug)]
struct Occupant {
    /// None if it is not counted by address.
    address: Option<IpAddr>,
    idle: Arc<Idle>,
    get_up: CancellationToken,
}

/// The right of one connection to be served; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Arc<Seats>,
    number: u64,
    idle: Arc<Idle>,
    get_up: CancellationToken,
}

/// The right of one connection to stay open without a seat; given back when it is dropped.
#[derive(Debug)]
pub(super) struct StandingPlace {
    seats: Arc<Seats>,
}

impl Seat {
    /// To be told when the connection waits.
    pub(super) fn idle(&self) -> &Idle {
        &self.idle
    }

    /// Cancelled when the connection is to get up, once it is idle: its seat may be another's by then.
    /// Cancelled also when all are to end.
    pub(super) fn get_up(&self) -> &CancellationToken {
        &self.get_up
    }

    /// Where to be without the seat. None if there is no room, or if it need not get up.
    pub(super) fn stand(self) -> Option<StandingPlace> {
        let was_told = self.seats.lock().told.remove(&self.number);
        was_told.then(|| StandingPlace {
            seats: self.seats.clone(),
        })
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
    /// not counted by address. `stop` has all of them end.
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
        let (idle, get_up) = (Arc::new(Idle::new()), stop.child_token());
        let number = taken.seat(Occupant {
            address,
            idle: idle.clone(),
            get_up: get_up.clone(),
        });
        Ok(Seat {
            seats: Arc::clone(self),
            number,
            idle,
            get_up,
        })
    }

    /// The right to stay without a seat, while there is room for that.
    pub(super) fn stand(self: &Arc<Self>) -> Option<StandingPlace> {
        let mut taken = self.lock();
        let has_room = taken.standing < self.limits.standing;
        has_room.then(|| {
            taken.standing += 1;
            StandingPlace {
                seats: Arc::clone(self),
            }
        })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.lock();
        if taken.free(self.number).is_none() && taken.told.remove(&self.number) {
            taken.standing -= 1;
        }
    }
}

impl Drop for StandingPlace {
    fn drop(&mut self) {
        self.seats.lock().standing -= 1;
    }
}

impl Taken {
    /// Makes room if there is none and somebody can get up.
    fn has_room(&mut self, limits: &Limits) -> bool {
        if self.all.seats < limits.connections {
            return true;
        }
        if !self.all.may_look() {
            return false;
        }
        self.all.look_again_later();
        self.have_get_up(limits, |_| true)
    }

    fn has_room_for(&mut self, address: IpAddr, limits: &Limits) -> bool {
        let Some(count) = self.by_address.get_mut(&address) else {
            return true;
        };
        if count.seats < limits.connections_per_address {
            return true;
        }
        if !count.may_look() {
            return false;
        }
        count.look_again_later();
        self.have_get_up(limits, |one| one.address == Some(address))
    }

    /// Takes the seats of those who have been idle for long enough: the idlest first, as many as there
    /// is room for to stand, but one in any case, which closes if there is none. Whether there was one.
    fn have_get_up(&mut self, limits: &Limits, among: impl Fn(&Occupant) -> bool) -> bool {
        let open = self.open.iter().filter(|(_, one)| among(one));
        let idle = open.filter_map(|(number, one)| Some((one.idle.time()?, *number)));
        let mut idle: Vec<(Duration, u64)> = idle
            .filter(|(time, _)| *time >= limits.idle_time_if_full)
            .collect();
        idle.sort_unstable_by_key(|(time, _)| Reverse(*time));
        let room = limits.standing.saturating_sub(self.standing);
        idle.truncate(room.max(1));
        for (_, number) in &idle {
            let Some(occupant) = self.free(*number) else {
                continue;
            };
            if self.standing < limits.standing {
                self.standing += 1;
                self.told.insert(*number);
            }
            occupant.get_up.cancel();
        }
        !idle.is_empty()
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

    fn look_again_later(&mut self) {
        self.look_at = Some(Instant::now() + LOOK_AGAIN);
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

    /// Three seats, two of one address; the senders of the tests.
    fn few(standing: usize) -> (Arc<Seats>, Limits) {
        let limits = Limits {
            connections: 3,
            connections_per_address: 2,
            standing,
            ..Limits::default()
        };
        (Seats::new(limits), limits)
    }

    fn take(seats: &Arc<Seats>, peer: &str) -> Result<Seat, Refusal> {
        seats.take(peer.parse().unwrap(), false, &CancellationToken::new())
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_been_idle_gets_up_for_who_has_a_request() {
        let (seats, limits) = few(10);
        let [busy, second, first] = ["198.51.100.1", "198.51.100.1", "198.51.100.2"]
            .map(|peer| take(&seats, peer).unwrap());
        let get_up = |seat: &Seat| seat.get_up().is_cancelled();
        first.idle().begin();
        tokio::time::advance(limits.idle_time_if_full / 2).await;
        second.idle().begin();
        tokio::time::advance(limits.idle_time_if_full / 2).await;
        let third = take(&seats, "198.51.100.3").unwrap();
        assert_eq!(
            [&busy, &second, &first, &third].map(get_up),
            [false, false, true, false]
        );
        assert!(second.stand().is_none(), "it still has its seat");
        let place = first.stand().unwrap();
        assert_eq!(seats.lock().standing, 1);
        let fourth = take(&seats, "198.51.100.1").unwrap();
        assert_eq!(
            take(&seats, "198.51.100.1").unwrap_err(),
            Refusal::TooManyFromAddress
        );
        assert_eq!(
            take(&seats, "198.51.100.4").unwrap_err(),
            Refusal::TooManyConnections
        );

        // Idle and busy again.
        for seat in [&busy, &third, &fourth] {
            seat.idle().begin();
        }
        third.idle().end();
        tokio::time::advance(limits.idle_time_if_full).await;
        // Those of the other address stay where only one address has no seats.
        let fifth = take(&seats, "198.51.100.1").unwrap();
        assert_eq!(
            [&busy, &third, &fourth, &fifth].map(get_up),
            [true, false, true, false]
        );
        assert_eq!(seats.lock().standing, 3);
        drop((busy, third, fourth, fifth, place));
        let taken = seats.lock();
        assert!(taken.open.is_empty() && taken.by_address.is_empty() && taken.told.is_empty());
        assert_eq!((taken.all.seats, taken.standing), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn as_many_get_up_as_can_stand_and_one_in_any_case() {
        for (standing, tell, stand) in [(10, 3, 3), (2, 2, 2), (1, 1, 1), (0, 1, 0)] {
            let (seats, limits) = few(standing);
            let mut idle = Vec::new();
            for peer in ["198.51.100.1", "198.51.100.2", "198.51.100.3"] {
                let seat = take(&seats, peer).unwrap();
                seat.idle().begin();
                idle.push(seat);
                tokio::time::advance(limits.idle_time_if_full).await;
            }
            let _fourth = take(&seats, "198.51.100.4").unwrap();
            let told: Vec<_> = idle
                .iter()
                .map(|seat| seat.get_up().is_cancelled())
                .collect();
            assert_eq!(
                told,
                [0, 1, 2].map(|place| place < tell),
                "the idlest first"
            );
            let places: Vec<_> = idle.into_iter().filter_map(Seat::stand).collect();
            assert_eq!(places.len(), stand);
            assert_eq!(seats.stand().is_some(), stand < standing);
        }
    }
}
