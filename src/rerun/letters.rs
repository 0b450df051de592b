//! Dead deliveries: again, with the tag that made them as it is now, or as they are; or given up.

use std::ops::AddAssign;
use std::sync::Arc;

use super::{Error, Reasons, Rerunner, renewed};
use crate::clock::Millis;
use crate::delivery::State;
use crate::event::Event;
use crate::generation::Generation;
use crate::journal::{Filter, Made, Page, Record, Reran, Rerun, Resend};
use crate::processor;
use crate::script::Worker;

/// What became of a page of dead letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retried {
    /// Dead letters on the page.
    pub found: u64,
    /// What became of them. A tag that makes more than it did adds to these.
    pub reran: Reran,
    /// Why some were left as they are, or are dead again.
    pub reasons: Reasons,
    /// Where to go on; nothing if there are no more.
    pub next: Option<u64>,
}

/// What one tag once made of one event, of which something is dead.
struct Letter {
    event_number: u64,
    event: Event,
    tag: Arc<str>,
    /// How many it is.
    deliveries: u64,
}

impl Rerunner {
    /// Runs the tags of a page of dead letters again, each for its event alone.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn retry(&self, filter: Filter, page: Page) -> Result<Retried, Error> {
        let records = self.dead(&filter, page).await?;
        let mut retried = self.start(&filter, &records).await?;
        let mut reruns = Vec::new();
        for (letter, made) in self.run_all(letters(records), run).await? {
            match made {
                Ok(rerun) => {
                    let notes = rerun.deliveries.iter().filter_map(|new| new.note.clone());
                    notes.for_each(|note| retried.reasons.add(note));
                    reruns.push(rerun);
                }
                Err(why) => {
                    retried.reran.left += letter.deliveries;
                    retried.reasons.add(why);
                }
            }
        }
        if !reruns.is_empty() {
            // What the journal leaves is what of the same tag and event is no dead letter.
            let left = retried.reran.left;
            let reran = self.journal.rerun(reruns).await?;
            retried.reran = Reran { left, ..reran };
        }
        Ok(retried)
    }

    /// Sends a page of dead letters again as they are. Those of which there is nothing to send,
    /// because their tag failed, are left.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn retry_as_sent(&self, filter: Filter, page: Page) -> Result<Retried, Error> {
        let records = self.dead(&filter, page).await?;
        let mut retried = self.start(&filter, &records).await?;
        let (empty, whole): (Vec<_>, Vec<_>) = records
            .into_iter()
            .partition(|record| record.delivery.payload.is_empty());
        for record in &empty {
            let tag = &record.delivery.tag;
            retried.reasons.add(format!(
                "tag {tag} failed, so there is nothing to send as it was; mend it and retry with the current scripts"
            ));
        }
        let numbers: Vec<u64> = whole.iter().map(|record| record.number).collect();
        if !numbers.is_empty() {
            retried.reran.to_send = self.journal.send_again(numbers).await?;
        }
        retried.reran.left = retried.found - retried.reran.to_send;
        Ok(retried)
    }

    /// Gives a page of dead letters up: they are skipped. Says how many it were, and where to go on.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn discard(&self, filter: Filter, page: Page) -> Result<(u64, Option<u64>), Error> {
        let records = self.dead(&filter, page).await?;
        let next = self.start(&filter, &records).await?.next;
        let numbers: Vec<u64> = records.iter().map(|record| record.number).collect();
        if numbers.is_empty() {
            return Ok((0, None));
        }
        Ok((self.journal.discard(numbers).await?, next))
    }

    async fn dead(&self, filter: &Filter, page: Page) -> Result<Vec<Record>, Error> {
        let filter = Filter {
            state: Some(State::Dead),
            ..filter.clone()
        };
        Ok(self.journal.deliveries(filter, page).await?)
    }

    /// What is known of a page before anything is done.
    async fn start(&self, filter: &Filter, records: &[Record]) -> Result<Retried, Error> {
        let last = records.last().map(|record| record.number);
        let next = match last {
            Some(after)
                if !self
                    .dead(filter, Page { after, limit: 1 })
                    .await?
                    .is_empty() =>
            {
                last
            }
            _ => None,
        };
        Ok(Retried {
            found: records.len() as u64,
            next,
            ..Retried::default()
        })
    }
}

/// One for each tag of each event: a tag makes all its deliveries at once.
fn letters(records: Vec<Record>) -> Vec<Letter> {
    let mut letters: Vec<Letter> = Vec::new();
    for record in records {
        let delivery = record.delivery;
        let mut of_event = letters
            .iter_mut()
            .rev()
            .take_while(|letter| letter.event_number == record.event);
        let same = of_event.find(|letter| letter.tag == delivery.tag);
        match same {
            Some(letter) => letter.deliveries += 1,
            None => letters.push(Letter {
                event_number: record.event,
                event: Event {
                    id: delivery.event_id,
                    received_at: delivery.received_at,
                    data: record.data,
                },
                tag: delivery.tag,
                deliveries: 1,
            }),
        }
    }
    letters
}

fn run(
    worker: &mut Worker,
    generation: &Generation,
    now: Millis,
    letter: Letter,
) -> (Letter, Result<Rerun, String>) {
    let made = processor::process_one(worker, generation, &letter.event, &letter.tag, now);
    let rerun = |made: Made| Rerun {
        event: letter.event_number,
        tag: letter.tag.clone(),
        deliveries: made
            .deliveries
            .into_iter()
            .map(|new| renewed(new, now))
            .collect(),
        resend: Resend::Dead,
    };
    let made = made.map(rerun);
    (letter, made)
}

impl AddAssign for Retried {
    fn add_assign(&mut self, next: Self) {
        self.found += next.found;
        self.reran += next.reran;
        self.reasons += next.reasons;
        self.next = next.next;
    }
}
