//! What a capture session watches, and how much of it: a filter, and a pace that a flood cannot
//! exceed.

use crate::client::Pattern;
use crate::clock::Millis;

/// Traces a second, when more than a burst of them comes. At two thousand events a second watching
/// then costs a few per cent; nobody reads more.
const PACE_PER_SECOND: f64 = 50.0;

/// Traces at once before the pace counts.
const BURST: f64 = 200.0;

/// What live traffic is watched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capture {
    /// Paths that match it; all, if there is none.
    pub path: Option<Pattern>,
    /// Requests that this client took.
    pub client: Option<String>,
    /// Requests that made an event of this name.
    pub event: Option<String>,
}

/// What is looked at to decide.
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a> {
    /// The path as it was sent.
    pub path: &'a str,
    /// Who took it.
    pub client: Option<&'a str>,
    /// What was made of it.
    pub events: &'a [String],
}

impl Capture {
    pub(super) fn may_match(&self, path: &str) -> bool {
        let pattern = self.path.as_ref();
        pattern.is_none_or(|pattern| pattern.matches(path).is_some())
    }

    pub(super) fn matches(&self, sight: &Sight<'_>) -> bool {
        let of_client = self.client.as_deref();
        let of_event = self.event.as_ref();
        self.may_match(sight.path)
            && of_client.is_none_or(|name| sight.client == Some(name))
            && of_event.is_none_or(|name| sight.events.contains(name))
    }
}

/// A bucket that fills with the time, and that each trace takes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    left: f64,
    since: Millis,
}

impl Pace {
    pub(super) fn new(now: Millis) -> Self {
        Self {
            left: BURST,
            since: now,
        }
    }

    /// True if one more may be recorded now.
    pub(super) fn take(&mut self, now: Millis) -> bool {
        let elapsed = now.saturating_sub(self.since).max(0) as f64 / 1e3;
        self.since = now;
        self.left = (self.left + elapsed * PACE_PER_SECOND).min(BURST);
        if self.left < 1.0 {
            return false;
        }
        self.left -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sight<'a>(path: &'a str, client: Option<&'a str>, events: &'a [String]) -> Sight<'a> {
        Sight {
            path,
            client,
            events,
        }
    }

    #[test]
    fn every_part_of_a_filter_must_match() {
        let events = ["order".to_owned(), "refund".to_owned()];
        let seen = sight("/hooks/shop", Some("woocommerce"), &events);
        for (path, client, event, matches) in [
            (None, None, None, true),
            (
                Some("/hooks/:shop"),
                Some("woocommerce"),
                Some("refund"),
                true,
            ),
            (Some("/hooks/*"), None, None, true),
            (Some("/hooks"), None, None, false),
            (None, Some("woo"), None, false),
            (None, None, Some("ref"), false),
        ] {
            let capture = Capture {
                path: path.map(|path| Pattern::parse(path).unwrap()),
                client: client.map(str::to_owned),
                event: event.map(str::to_owned),
            };
            assert_eq!(capture.matches(&seen), matches, "{capture:?}");
        }
        let unclaimed = sight("/nowhere", None, &[]);
        assert!(Capture::default().matches(&unclaimed));
    }

    #[test]
    fn a_flood_is_cut_to_the_pace() {
        let mut pace = Pace::new(0);
        let taken = |pace: &mut Pace, now| (0..1_000).filter(|_| pace.take(now)).count();
        assert_eq!(taken(&mut pace, 0), 200);
        assert_eq!(taken(&mut pace, 1_000), 50);
        assert_eq!(
            taken(&mut pace, 900),
            0,
            "a clock that goes back gives nothing"
        );
        assert_eq!(taken(&mut pace, 3_600_000), 200);
    }
}
