//! What people change by hand. It is read and decided here, and made durable with the next commit
//! like everything else; who asked waits for that.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use super::Writer;
use super::command::{Answer, Edit};
use super::rerun;
use crate::clock::Millis;
use crate::delivery::State;
use crate::journal::error::Error;
use crate::journal::look::{Reran, Rerun};
use crate::journal::store::{Standing, Store};

impl Writer {
    pub(super) fn edit(&mut self, edit: Edit) {
        match edit {
            Edit::SendAgain {
                numbers,
                now,
                answer,
            } => {
                let done = self.send_again(numbers, now);
                self.answer(answer, done);
            }
            Edit::Discard {
                numbers,
                now,
                answer,
            } => {
                let done = self.discard(numbers, now);
                self.answer(answer, done);
            }
            Edit::ForgetRequests { numbers, answer } => {
                let done = self.forget_requests(numbers);
                self.answer(answer, done);
            }
            Edit::Rerun {
                reruns,
                now,
                answer,
            } => {
                let done = self.rerun(reruns, now);
                self.answer(answer, done);
            }
        }
    }

    /// With the commit, or at once if there will be none.
    fn answer<T: Send + 'static>(&mut self, answer: Answer<T>, done: Result<T, Error>) {
        match done {
            Ok(value) => self.pending.owe(answer, value),
            Err(why) => drop(answer.send(Err(why))), // whoever asked may have gone
        }
    }

    fn send_again(&mut self, numbers: Vec<u64>, now: Millis) -> Result<u64, Error> {
        let dead = self.dead(numbers)?;
        let revived = dead.iter().map(|one| {
            let mut revived = one.settled(State::Pending, now);
            (revived.class, revived.attempts) = (None, 0); // its schedule begins anew
            revived
        });
        self.pending.batch.edits.revived.extend(revived);
        Ok(dead.len() as u64)
    }

    fn discard(&mut self, numbers: Vec<u64>, now: Millis) -> Result<u64, Error> {
        let dead = self.dead(numbers)?;
        let discarded = dead.iter().map(|one| {
            let mut discarded = one.settled(State::Skipped, now);
            discarded.note = Some(match &one.note {
                Some(note) => format!("discarded: {note}"),
                None => "discarded".to_owned(),
            });
            discarded
        });
        self.pending.batch.edits.discarded.extend(discarded);
        Ok(dead.len() as u64)
    }

    /// Those of these that are dead, and not in a sender's hands: of a destination that wants nothing
    /// twice, what is being sent is marked so.
    fn dead(&mut self, mut numbers: Vec<u64>) -> Result<Vec<Standing>, Error> {
        numbers.sort_unstable();
        numbers.dedup();
        let mut standings = self.read_now(|store| store.standings(&numbers))?;
        let hand_over = &self.hand_over;
        let is_held = |one: &Standing| hand_over.holds(&one.destination, one.number);
        standings.retain(|one| one.state == State::Dead && !is_held(one));
        Ok(standings)
    }

    fn forget_requests(&mut self, mut numbers: Vec<u64>) -> Result<u64, Error> {
        numbers.sort_unstable();
        numbers.dedup();
        let kept = self.read_now(|store| store.kept_requests(&numbers))?;
        let count = kept.len() as u64;
        self.pending.batch.edits.forgotten_requests.extend(kept);
        Ok(count)
    }

    fn rerun(&mut self, reruns: Vec<Rerun>, now: Millis) -> Result<Reran, Error> {
        // All is read before anything is decided: a read that fails leaves nothing half done.
        let mut standings = HashMap::new();
        for event in reruns.iter().map(|rerun| rerun.event) {
            if let Entry::Vacant(unread) = standings.entry(event) {
                unread.insert(self.read_now(|store| store.standings_of(event))?);
            }
        }
        let mut reran = Reran::default();
        let mut done = HashSet::new();
        for rerun in reruns {
            let of = standings.get_mut(&rerun.event).and_then(Option::as_mut);
            // An event that is not processed yet, or forgotten, is left alone.
            let Some(of) = of.filter(|_| done.insert((rerun.event, rerun.tag.clone()))) else {
                reran.left += rerun.deliveries.len() as u64;
                continue;
            };
            let hand_over = &self.hand_over;
            let is_held = |one: &Standing| hand_over.holds(&one.destination, one.number);
            let edits = &mut self.pending.batch.edits;
            reran += rerun::plan(of, rerun, is_held, now, edits);
        }
        Ok(reran)
    }

    /// Reads what is on disk when all that was given before is there.
    fn read_now<T>(
        &mut self,
        read: impl FnOnce(&mut dyn Store) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.commit()?;
        read(&mut *self.store).inspect_err(|why| self.failed(why.clone(), None))
    }
}
