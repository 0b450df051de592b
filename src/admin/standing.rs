//! How things stand, put together: what the journal has, what the configuration says, and whether
//! destinations are sent to. `/api/status` and `/metrics` show the same.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::Admin;
use crate::delivery::State;
use crate::destination::Destination;
use crate::dispatch;
use crate::journal::{Counts, TagBook, Tally};
use crate::telemetry::{Books, DeliveryCount, DestinationState};

/// The journal's thread answers within a commit. A disk that hangs must not take the page with it
/// that would show it.
const PATIENCE: Duration = Duration::from_secs(2);

/// How a destination stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Standing {
    pub name: String,
    /// Its type; none if it is not configured any more.
    #[serde(rename = "type")]
    pub kind: Option<&'static str>,
    #[serde(serialize_with = "as_word")]
    pub state: DestinationState,
    /// Why it is not ready, for a person.
    pub why: Option<String>,
    pub pending: u64,
    pub delivered: u64,
    pub dead: u64,
}

fn as_word<S: serde::Serializer>(
    state: &DestinationState,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(state.as_str())
}

/// What the journal has, or why it cannot say.
pub(super) async fn counts(admin: &Admin) -> Result<Counts, String> {
    match tokio::time::timeout(PATIENCE, admin.journal.counts()).await {
        Ok(counts) => counts.map_err(|error| error.to_string()),
        Err(_) => Err(format!("the journal did not answer within {PATIENCE:?}")),
    }
}

/// All destinations that are configured, and those that are not and for which deliveries wait.
pub(super) fn standings(admin: &Admin, counts: Option<&Counts>) -> Vec<Standing> {
    let generation = admin.live.current();
    let written = admin.standings.all();
    let configured = generation.destinations.values();
    let mut standings: BTreeMap<String, Standing> = configured
        .map(|destination| {
            let standing = of_configured(destination, written.get(&destination.name));
            (destination.name.to_string(), standing)
        })
        .collect();
    for ((name, state), count) in counts.iter().flat_map(|counts| &counts.deliveries) {
        let standing = standings
            .entry(name.clone())
            .or_insert_with(|| removed(name));
        match State::of(state) {
            Some(State::Pending) => standing.pending = *count,
            Some(State::Delivered) => standing.delivered = *count,
            Some(State::Dead) => standing.dead = *count,
            Some(State::DryRun | State::Skipped) | None => {}
        }
    }
    let is_of_interest = |standing: &Standing| standing.kind.is_some() || standing.pending > 0;
    standings.into_values().filter(is_of_interest).collect()
}

/// What its worker wrote; until it has, what the configuration says.
fn of_configured(destination: &Destination, written: Option<&dispatch::Standing>) -> Standing {
    let (state, why) = match written {
        _ if !destination.missing.is_empty() => {
            let names = destination.missing.iter().map(|name| format!("${name}"));
            let names: Vec<String> = names.collect();
            let why = format!("not set: {}", names.join(", "));
            (DestinationState::NotConfigured, Some(why))
        }
        Some(written) => (written.state, written.why.clone()),
        None => (DestinationState::Ready, None),
    };
    Standing {
        name: destination.name.to_string(),
        kind: Some(destination.kind),
        state,
        why,
        pending: 0,
        delivered: 0,
        dead: 0,
    }
}

fn removed(name: &str) -> Standing {
    Standing {
        name: name.to_owned(),
        kind: None,
        state: DestinationState::Removed,
        why: Some("not in the configuration any more".to_owned()),
        pending: 0,
        delivered: 0,
        dead: 0,
    }
}

/// Events of a tag that are in none of the books: neither filtered nor fired, or fired and kept, and
/// there are fewer deliveries than that. What it cannot see, `verify` does, by a recount.
fn gap(book: &TagBook, tallies: &[Tally]) -> i64 {
    let signed = |count| i64::try_from(count).unwrap_or(i64::MAX);
    let of_tag = tallies.iter().filter(|tally| tally.tag == book.tag);
    let deliveries: u64 = of_tag
        .flat_map(|tally| &tally.deliveries)
        .map(|(_, count)| count)
        .sum();
    let kept = book.fired.saturating_sub(book.forgotten);
    let lost = kept.saturating_sub(deliveries);
    signed(book.handed) - signed(book.filtered) - signed(book.fired) + signed(lost)
}

/// What the journal has, for metrics.
pub(super) fn books(counts: &Counts) -> Books {
    let deliveries = counts.tallies.iter().flat_map(|tally| {
        let kept = tally.deliveries.iter();
        kept.map(|(state, count)| DeliveryCount {
            tag: tally.tag.clone(),
            destination: tally.destination.clone(),
            state: state.as_str(),
            count: *count,
        })
    });
    let tags = counts.tags.iter();
    let gap = |book: &TagBook| (book.tag.clone(), gap(book, &counts.tallies));
    Books {
        deliveries: deliveries.collect(),
        gaps: tags.map(gap).collect(),
        events: counts.newest_event,
        unprocessed: counts.unprocessed,
        failed_requests: counts.failed_requests,
        size: counts.size,
        oldest_undelivered: counts.oldest_undelivered,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_that_are_in_no_book_are_a_gap() {
        let tally = |tag: &str, destination: &str, deliveries| Tally {
            tag: tag.to_owned(),
            destination: destination.to_owned(),
            deliveries,
            forgotten: 9,
        };
        let tallies = [
            tally("a", "x", vec![(State::Pending, 1), (State::Delivered, 2)]),
            tally("a", "y", vec![(State::Dead, 1)]),
            tally("b", "x", vec![(State::Delivered, 7)]),
        ];
        // Handed, filtered, fired, forgotten; `a` has 4 deliveries.
        for (handed, filtered, fired, forgotten, expected) in [
            (10, 6, 4, 0, 0),
            (10, 8, 2, 0, 0),
            (20, 6, 14, 10, 0),
            (11, 6, 4, 0, 1),
            (10, 4, 6, 0, 2),
        ] {
            let book = TagBook {
                tag: "a".to_owned(),
                handed,
                filtered,
                fired,
                forgotten,
            };
            assert_eq!(gap(&book, &tallies), expected, "{book:?}");
        }
    }
}
