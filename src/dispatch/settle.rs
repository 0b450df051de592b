//! What becomes of a delivery after an attempt, or without one: from an outcome to a settlement.
//! Pure but for a log line.

use std::time::Duration;

use tracing::{debug, warn};

use super::backoff::{next_wait, obeyed};
use crate::clock::Millis;
use crate::delivery::{ErrorClass, State};
use crate::destination::Destination;
use crate::journal::{Pending, Settlement};
use crate::outcome::Outcome;

/// What the settlements of one request have in common.
pub(super) struct Settling<'a> {
    pub destination: &'a Destination,
    /// Where its deliveries stand in the journal.
    pub from: State,
    /// How long a vendor is left alone that has had enough and does not say.
    pub hold: Duration,
    /// False if the vendor surely saw nothing of it.
    pub may_have_arrived: bool,
    pub now: Millis,
}

/// Read by whoever finds it after a crash.
const UNCONFIRMED: &str = "was being sent when the process ended; it may have arrived";

impl Settling<'_> {
    pub(super) fn settlement(&self, pending: &Pending, outcome: Outcome) -> Settlement {
        match outcome {
            Outcome::Delivered => Settlement {
                state: State::Delivered,
                ..self.tried(pending)
            },
            Outcome::Retry { why, .. } if self.is_unconfirmed() => {
                let why = format!("it may have arrived, and is not sent twice: {why}");
                self.dead(self.tried(pending), pending, ErrorClass::Unconfirmed, why)
            }
            Outcome::Retry { after, why } => self.again(pending, after, why),
            Outcome::Throttled { after, why } => {
                let wait = after.map_or(self.hold, obeyed);
                self.later(self.postponed(pending, self.now), pending, wait, why)
            }
            Outcome::Rejected { why } => {
                self.dead(self.tried(pending), pending, ErrorClass::Rejected, why)
            }
            Outcome::Redirected { why } => {
                self.dead(self.tried(pending), pending, ErrorClass::Redirected, why)
            }
            // Still the next in the queue: a key that was rotated must not burn the backlog.
            Outcome::NotTried { why } | Outcome::Paused { why } | Outcome::Disabled { why } => {
                Settlement {
                    note: Some(self.destination.hide(&why)),
                    ..self.postponed(pending, pending.delivery.due)
                }
            }
        }
    }

    /// Given up without an attempt.
    pub(super) fn bury(&self, pending: &Pending, class: ErrorClass, why: String) -> Settlement {
        self.dead(self.postponed(pending, self.now), pending, class, why)
    }

    /// Given up, as it has become too old before it could be sent.
    pub(super) fn expired(&self, pending: &Pending) -> Settlement {
        let why = match pending.attempts {
            0 => "became older than its tag's MAX_AGE before it could be sent".to_owned(),
            tried => format!(
                "became older than its tag's MAX_AGE after {tried} attempts, before it could be sent again"
            ),
        };
        self.bury(pending, ErrorClass::Expired, why)
    }

    /// Dead until it is answered: what is sent after this is on disk is never sent twice.
    pub(super) fn mark(&self, pending: &Pending) -> Settlement {
        Settlement {
            state: State::Dead,
            class: Some(ErrorClass::Unconfirmed),
            note: Some(UNCONFIRMED.to_owned()),
            ..self.postponed(pending, self.now)
        }
    }

    /// Pending as before, at another time.
    pub(super) fn postponed(&self, pending: &Pending, due: Millis) -> Settlement {
        postponed(pending, self.from, due)
    }

    fn is_unconfirmed(&self) -> bool {
        self.destination.is_at_most_once() && self.may_have_arrived
    }

    /// One attempt more than before.
    fn tried(&self, pending: &Pending) -> Settlement {
        Settlement {
            attempts: pending.attempts.saturating_add(1),
            ..self.postponed(pending, self.now)
        }
    }

    /// Tried again as the schedule says, if it does.
    fn again(&self, pending: &Pending, after: Option<Duration>, why: String) -> Settlement {
        let tried = self.tried(pending);
        let retry = &self.destination.options.retry;
        match next_wait(retry, tried.attempts, after, jitter(pending)) {
            Some(wait) => self.later(tried, pending, wait, why),
            None => {
                let why = format!("given up after {} attempts: {why}", tried.attempts);
                self.dead(tried, pending, ErrorClass::Exhausted, why)
            }
        }
    }

    /// Tried again after a while, if it is worth something then.
    fn later(
        &self,
        settlement: Settlement,
        pending: &Pending,
        wait: Duration,
        why: String,
    ) -> Settlement {
        let wait_ms = Millis::try_from(wait.as_millis()).unwrap_or(Millis::MAX);
        let due = self.now.saturating_add(wait_ms);
        if pending
            .delivery
            .expires
            .is_some_and(|expires| expires < due)
        {
            let why = format!("would be older than its tag's MAX_AGE at the next attempt: {why}");
            return self.dead(settlement, pending, ErrorClass::Expired, why);
        }
        let why = self.destination.hide(&why);
        debug!(destination = %self.destination.name, id = %pending.delivery.id, attempts = settlement.attempts, wait_ms, why, "delivery failed, will retry");
        Settlement {
            due,
            note: Some(why),
            ..settlement
        }
    }

    fn dead(
        &self,
        settlement: Settlement,
        pending: &Pending,
        class: ErrorClass,
        why: String,
    ) -> Settlement {
        let why = self.destination.hide(&why);
        warn!(destination = %self.destination.name, tag = %pending.delivery.tag, id = %pending.delivery.id, class = class.as_str(), why, "delivery given up, kept as a dead letter");
        Settlement {
            state: State::Dead,
            class: Some(class),
            note: Some(why),
            ..settlement
        }
    }
}

/// Pending as before, at another time.
pub(super) fn postponed(pending: &Pending, from: State, due: Millis) -> Settlement {
    Settlement {
        number: pending.number,
        destination: pending.delivery.destination.clone(),
        tag: pending.delivery.tag.clone(),
        from,
        state: State::Pending,
        class: None,
        attempts: pending.attempts,
        due,
        note: None,
    }
}

/// 0 to 1, different for each delivery and attempt, and the same when looked at again.
fn jitter(pending: &Pending) -> f64 {
    let bytes = pending.delivery.id.0;
    let byte = bytes.get(pending.attempts as usize % bytes.len()).copied();
    f64::from(byte.unwrap_or_default()) / 255.0
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;
    use crate::delivery::{Delivery, DeliveryId};
    use crate::destination::load_all;

    const NOW: Millis = 1_720_602_000_000;

    fn destination(options: &str) -> Destination {
        let text = format!(
            "[destinations.crm]\ntype = \"http\"\nurl = \"http://a.example\"\n\
             headers = {{ A = \"t0ken-123\" }}\n{options}"
        );
        let config = crate::config::parse(&text, Path::new("tagwerk.toml"), &BTreeMap::new());
        let mut all = load_all(&config.unwrap()).unwrap();
        Destination::clone(&all.pop_first().unwrap().1)
    }

    /// Tried twice before, worth nothing in an hour.
    fn pending() -> Pending {
        Pending {
            number: 7,
            attempts: 2,
            delivery: Delivery {
                id: DeliveryId([128; 16]),
                event_id: "e".into(),
                received_at: NOW - 60_000,
                tag: "t".into(),
                destination: "crm".into(),
                payload: "{}".into(),
                due: NOW - 50,
                expires: Some(NOW + 3_600_000),
                state: State::Pending,
            },
        }
    }

    fn outcome(name: &str, after: Option<u64>) -> Outcome {
        let why = "no such thing for t0ken-123".to_owned();
        let after = after.map(Duration::from_secs);
        match name {
            "delivered" => Outcome::Delivered,
            "retry" => Outcome::Retry { after, why },
            "throttled" => Outcome::Throttled { after, why },
            "rejected" => Outcome::Rejected { why },
            "redirected" => Outcome::Redirected { why },
            "paused" => Outcome::Paused { why },
            _ => Outcome::Disabled { why },
        }
    }

    #[test]
    fn every_outcome_has_its_settlement() {
        use ErrorClass::{Exhausted, Expired, Redirected, Rejected, Unconfirmed};
        use State::{Dead, Delivered, Pending};
        let (often, thrice, once) = (
            destination("retry = [\"1s\", \"1s\", \"10s\"]"),
            destination("retry = [\"1s\", \"1s\"]"),
            destination("delivery = \"at-most-once\""),
        );
        // The outcome, what was asked for, and: state, class, attempts, milliseconds from now.
        for (destination, name, after, expected) in [
            (&often, "delivered", None, (Delivered, None, 3, 0)),
            (&often, "retry", None, (Pending, None, 3, 10_000)),
            (&often, "retry", Some(60), (Pending, None, 3, 60_000)),
            (&often, "retry", Some(9_999), (Pending, None, 3, 3_600_000)),
            (&thrice, "retry", Some(60), (Dead, Some(Exhausted), 3, 0)),
            (&often, "throttled", None, (Pending, None, 2, 8_000)),
            (&thrice, "throttled", Some(0), (Pending, None, 2, 1_000)),
            (&often, "rejected", None, (Dead, Some(Rejected), 3, 0)),
            (&often, "redirected", None, (Dead, Some(Redirected), 3, 0)),
            (&often, "paused", None, (Pending, None, 2, -50)),
            (&often, "disabled", None, (Pending, None, 2, -50)),
            (&once, "delivered", None, (Delivered, None, 3, 0)),
            (&once, "retry", None, (Dead, Some(Unconfirmed), 3, 0)),
            (&once, "throttled", None, (Pending, None, 2, 8_000)),
            (&once, "paused", None, (Pending, None, 2, -50)),
        ] {
            let settling = Settling {
                destination,
                from: Dead,
                hold: Duration::from_secs(8),
                may_have_arrived: true,
                now: NOW,
            };
            let settled = settling.settlement(&pending(), outcome(name, after));
            let due = (settled.due - NOW) as f64;
            let (state, class, attempts, wait) = expected;
            let got = (settled.state, settled.class, settled.attempts);
            assert_eq!(got, (state, class, attempts), "{name} {after:?}");
            // The schedule strays a little.
            let wait = f64::from(wait);
            assert!((due - wait).abs() <= 0.01 * wait.abs(), "{name}: {due}");
            assert_eq!((settled.number, settled.from), (7, Dead));
            if let Some(note) = settled.note {
                assert!(note.ends_with("no such thing for ***"), "{note}");
            }
        }
        let expiring = super::Settling {
            destination: &often,
            from: Pending,
            hold: Duration::ZERO,
            may_have_arrived: true,
            now: NOW + 3_595_000,
        };
        for (name, attempts) in [("retry", 3), ("throttled", 2)] {
            let settled = expiring.settlement(&pending(), outcome(name, Some(9)));
            let got = (settled.state, settled.class, settled.attempts);
            assert_eq!(got, (Dead, Some(Expired), attempts), "{name}");
        }
    }
}
