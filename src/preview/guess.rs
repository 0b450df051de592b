//! How often a sender may name a session that there is not. Tokens are of 128 bits and cannot be found
//! by trying; whoever tries anyway soon tries in vain, and costs less.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::clock::Millis;

/// Wrong tokens of a sender in a minute after which none of its tokens is looked at any more.
pub(super) const MAX_GUESSES: u32 = 10;

const MINUTE: Millis = 60_000;

/// Senders that are remembered. More at once are no single guesser, and are forgotten together.
const MAX_SENDERS: usize = 1_000;

/// Wrong tokens by sender.
#[derive(Debug, Default)]
pub(super) struct Guesses {
    by_sender: HashMap<IpAddr, Guessed>,
}

#[derive(Debug)]
struct Guessed {
    /// Since when it is counted.
    since: Millis,
    count: u32,
}

impl Guesses {
    /// True if the sender has guessed so often that a minute has to pass first.
    pub(super) fn are_too_many(&self, sender: IpAddr, now: Millis) -> bool {
        let guessed = self.by_sender.get(&network(sender));
        guessed.is_some_and(|one| one.is_fresh(now) && one.count >= MAX_GUESSES)
    }

    /// Counts a wrong token.
    pub(super) fn count(&mut self, sender: IpAddr, now: Millis) {
        if self.by_sender.len() >= MAX_SENDERS {
            self.by_sender.retain(|_, one| one.is_fresh(now));
        }
        if self.by_sender.len() >= MAX_SENDERS {
            self.by_sender.clear();
        }
        let guessed = self.by_sender.entry(network(sender)).or_insert(Guessed {
            since: now,
            count: 0,
        });
        if !guessed.is_fresh(now) {
            *guessed = Guessed {
                since: now,
                count: 0,
            };
        }
        guessed.count += 1;
    }
}

impl Guessed {
    /// The clock may have been set back meanwhile; then it begins anew.
    fn is_fresh(&self, now: Millis) -> bool {
        (0..MINUTE).contains(&(now - self.since))
    }
}

/// Who has one IPv6 address has the other 2^64 of its network.
fn network(sender: IpAddr) -> IpAddr {
    match sender {
        IpAddr::V4(_) => sender,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sender(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn ten_a_minute_and_sender() {
        let mut guesses = Guesses::default();
        let (one, other) = (sender("192.0.2.1"), sender("192.0.2.2"));
        for _ in 0..MAX_GUESSES {
            assert!(!guesses.are_too_many(one, 59_999));
            guesses.count(one, 0);
        }
        assert!(guesses.are_too_many(one, 59_999));
        assert!(!guesses.are_too_many(other, 59_999));
        assert!(!guesses.are_too_many(one, MINUTE));
        guesses.count(one, MINUTE);
        assert!(!guesses.are_too_many(one, MINUTE));
    }

    #[test]
    fn a_network_is_one_sender() {
        let mut guesses = Guesses::default();
        for last in 0..MAX_GUESSES {
            guesses.count(sender(&format!("2001:db8::{last}")), 0);
        }
        assert!(guesses.are_too_many(sender("2001:db8::ffff:1"), 0));
        assert!(!guesses.are_too_many(sender("2001:db8:0:1::"), 0));
    }

    #[test]
    fn senders_are_forgotten_before_they_fill_memory() {
        let mut guesses = Guesses::default();
        for number in 0..10_000u32 {
            guesses.count(IpAddr::from(number.to_be_bytes()), 0);
            assert!(guesses.by_sender.len() <= MAX_SENDERS);
        }
    }
}
