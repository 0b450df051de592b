//! What was counted of everything together, for charts. No names.

use super::Metrics;
use super::histogram::Buckets;
use super::words::Attempt;

/// What was counted of everything together, for charts.
#[derive(Clone, Debug)]
pub struct Totals {
    /// Answers to requests, by how long they took.
    pub answers: Buckets,
    /// Commits of the journal.
    pub commits: Buckets,
    /// Deliveries that arrived.
    pub delivered: u64,
    /// Attempts that did not deliver.
    pub failed: u64,
}

impl Metrics {
    /// What was counted so far, of all clients and destinations together.
    pub fn totals(&self) -> Totals {
        let mut answers = self.unclaimed().durations();
        for client in self.0.clients.all() {
            answers = answers.with(&client.answers.durations());
        }
        let mut totals = Totals {
            answers,
            commits: self.journal().durations().buckets(),
            delivered: 0,
            failed: 0,
        };
        for destination in self.0.destinations.all() {
            totals.delivered += destination.attempts(Attempt::Delivered);
            totals.failed += destination.attempts(Attempt::Retried);
            totals.failed += destination.attempts(Attempt::Dead);
        }
        totals
    }
}
