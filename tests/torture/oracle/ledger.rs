//! What was promised for each order, and what became of it. An order is its number and a sum over it,
//! so that one that arrives changed is known from one that arrives.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How often is looked whether everything has arrived.
const LOOK: Duration = Duration::from_millis(20);

/// All orders of one fault.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    orders: Vec<Order>,
    /// What is answered now was answered too late to be a promise.
    is_frozen: bool,
    account: Account,
}

#[derive(Clone, Copy, Debug, Default)]
struct Order {
    is_acked: bool,
    is_late: bool,
    is_unanswered: bool,
    arrivals: u16,
}

/// The sums.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Account {
    /// Answered 200.
    pub(crate) acked: u64,
    /// Acked, and not arrived.
    pub(crate) open: u64,
    /// Answered 200 while the ledger was frozen; no promise.
    pub(crate) late: u64,
    /// Of these, the ones that have not arrived.
    pub(crate) late_open: u64,
    /// Answered 503.
    pub(crate) refused: u64,
    /// Answered anything else.
    pub(crate) odd: u64,
    /// Arrived at least once, acked or not.
    pub(crate) arrived: u64,
    /// Arrived again.
    pub(crate) duplicates: u64,
    /// Arrived with a wrong sum, or were never sent.
    pub(crate) wrong: u64,
    /// The connection ended before the answer, and yet they arrived.
    pub(crate) unanswered_and_arrived: u64,
}

impl Ledger {
    /// One in which so many orders are drawn.
    pub(crate) fn of_drawn(orders: u64) -> Self {
        let ledger = Self::default();
        for _ in 0..orders {
            ledger.draw();
        }
        ledger
    }

    /// A new order.
    pub(crate) fn draw(&self) -> u64 {
        let mut inner = self.lock();
        inner.orders.push(Order::default());
        inner.orders.len() as u64 - 1
    }

    /// It was answered.
    pub(crate) fn answer(&self, order: u64, status: u16) {
        let mut inner = self.lock();
        match (status, inner.is_frozen) {
            (200, false) => {
                inner.account.acked += 1;
                let has_arrived = inner.order(order).is_some_and(|order| {
                    order.is_acked = true;
                    order.arrivals > 0
                });
                inner.account.open += u64::from(!has_arrived);
            }
            (200, true) => {
                inner.account.late += 1;
                let has_arrived = inner.order(order).is_some_and(|order| {
                    order.is_late = true;
                    order.arrivals > 0
                });
                inner.account.late_open += u64::from(!has_arrived);
            }
            (503, _) => inner.account.refused += 1,
            _ => inner.account.odd += 1,
        }
    }

    /// From now on, until told otherwise, an answer is no promise: the machine it would come from is
    /// without power.
    pub(crate) fn freeze(&self, is_frozen: bool) {
        self.lock().is_frozen = is_frozen;
    }

    /// It will never be answered.
    pub(crate) fn unanswered(&self, order: u64) {
        let mut inner = self.lock();
        let arrived = inner.order(order).is_some_and(|order| {
            order.is_unanswered = true;
            order.arrivals > 0
        });
        inner.account.unanswered_and_arrived += u64::from(arrived);
    }

    /// The vendor has taken it.
    pub(crate) fn arrive(&self, number: u64, sum: u64) {
        let mut inner = self.lock();
        let Some(order) = inner.order(number).filter(|_| sum == sum_of(number)) else {
            inner.account.wrong += 1;
            return;
        };
        order.arrivals = order.arrivals.saturating_add(1);
        let order = *order;
        if order.arrivals > 1 {
            inner.account.duplicates += 1;
            return;
        }
        inner.account.arrived += 1;
        inner.account.open -= u64::from(order.is_acked);
        inner.account.late_open -= u64::from(order.is_late);
        inner.account.unanswered_and_arrived += u64::from(order.is_unanswered);
    }

    pub(crate) fn account(&self) -> Account {
        self.lock().account
    }

    /// Waits until all that was acked has arrived, for as long as something goes on arriving: up to
    /// `stall` without.
    pub(crate) async fn settled(&self, stall: Duration) -> Account {
        let mut last = self.account();
        let mut since = Instant::now();
        loop {
            let now = self.account();
            if now.open == 0 || since.elapsed() > stall {
                return now;
            }
            if now.arrived != last.arrived {
                (last, since) = (now, Instant::now());
            }
            sleep(LOOK).await;
        }
    }

    /// Waits until the sums are as wished; false if they are not by then.
    pub(crate) async fn until(&self, wished: impl Fn(Account) -> bool, patience: Duration) -> bool {
        let start = Instant::now();
        while !wished(self.account()) {
            if start.elapsed() > patience {
                return false;
            }
            sleep(LOOK).await;
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn order(&mut self, number: u64) -> Option<&mut Order> {
        self.orders.get_mut(usize::try_from(number).ok()?)
    }
}

/// Spreads a number over 32 bits, so that no changed number has a fitting sum by chance.
pub(crate) fn sum_of(number: u64) -> u64 {
    let mixed = (number ^ (number >> 31)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed >> 32
}
