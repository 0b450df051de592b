//! What a journal may say after a crash: of each delivery, the state that was promised, and those
//! that it was given since.

use std::collections::BTreeMap;

use tagwerk::delivery::State;

/// Nothing, where there was no delivery yet.
type Stood = Option<State>;

/// Deliveries by number.
#[derive(Debug, Default)]
pub(super) struct Model {
    /// The first is promised, the last is how it stands.
    histories: BTreeMap<u64, Vec<Stood>>,
}

impl Model {
    /// How a delivery stands.
    pub(super) fn state(&self, number: u64) -> Stood {
        self.histories
            .get(&number)
            .and_then(|history| *history.last()?)
    }

    /// A delivery that stands there from now on, unless there is a crash.
    pub(super) fn change(&mut self, number: u64, state: State) {
        let history = self.histories.entry(number).or_insert_with(|| vec![None]);
        history.push(Some(state));
    }

    /// A settlement, which counts only if the delivery stands where it says.
    pub(super) fn settle(&mut self, number: u64, from: State, state: State) {
        if self.state(number) == Some(from) {
            self.change(number, state);
        }
    }

    /// Everything until now is promised.
    pub(super) fn promise(&mut self) {
        for history in self.histories.values_mut() {
            history.drain(..history.len() - 1);
        }
    }

    /// Everything until now is promised, but for what was only made: it may wait for its outcome.
    pub(super) fn promise_outcomes(&mut self) {
        const MADE: [Stood; 2] = [None, Some(State::Pending)];
        for history in self.histories.values_mut() {
            if *history != MADE {
                history.drain(..history.len() - 1);
            }
        }
    }

    /// What was found after a crash is what is promised from then on, if it may be so.
    pub(super) fn find(&mut self, found: &BTreeMap<u64, State>) {
        for (number, history) in &self.histories {
            let found = found.get(number).copied();
            assert!(
                history.contains(&found),
                "{number}: {found:?} of {history:?}"
            );
        }
        for number in found.keys() {
            assert!(
                self.histories.contains_key(number),
                "{number} was never made"
            );
        }
        let found = found
            .iter()
            .map(|(number, state)| (*number, vec![Some(*state)]));
        self.histories = found.collect();
    }

    /// The deliveries that stand there.
    pub(super) fn all_in(&self, state: State) -> impl Iterator<Item = u64> {
        self.numbers()
            .filter(move |number| self.state(*number) == Some(state))
    }

    pub(super) fn numbers(&self) -> impl Iterator<Item = u64> {
        self.histories.keys().copied()
    }
}
