//! Requests whose client failed: through the clients as they are now. Once one of them takes such a
//! request, its events stand in the journal instead of it, from one moment to the next.

use std::ops::AddAssign;
use std::sync::Arc;

use super::{Error, Reasons, Rerunner};
use crate::clock::Millis;
use crate::event::Event;
use crate::generation::Generation;
use crate::intake::{self, Intake, Repeat};
use crate::journal::{self, Entry, FailedRequest, KeptRequest, Known, Page, RequestFilter};
use crate::request::{Request, Response};
use crate::script::Worker;

/// What became of a page of failed requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repaired {
    /// Requests on the page.
    pub found: u64,
    /// Of these, those that a client has taken now.
    pub repaired: u64,
    /// Events that it made of them.
    pub events: u64,
    /// Requests that are kept as they are.
    pub left: u64,
    /// Why they are.
    pub reasons: Reasons,
    /// Where to go on; nothing if there are no more.
    pub next: Option<u64>,
}

impl Rerunner {
    /// Runs a page of failed requests again.
    ///
    /// # Errors
    /// See [`Error`]; [`crate::journal::Error::Full`] leaves the rest as it is.
    pub async fn repair(&self, filter: RequestFilter, page: Page) -> Result<Repaired, Error> {
        let requests = self.journal.failed_requests(filter.clone(), page).await?;
        let mut repaired = Repaired {
            found: requests.len() as u64,
            next: self.next_request(filter, &requests).await?,
            ..Repaired::default()
        };
        for (number, taken) in self.run_all(requests, run).await? {
            match taken {
                Ok(taken) => {
                    repaired.repaired += 1;
                    repaired.events += self.put_instead(number, taken).await?;
                }
                Err(why) => {
                    repaired.left += 1;
                    repaired.reasons.add(why);
                }
            }
        }
        Ok(repaired)
    }

    /// Forgets a page of failed requests. Says how many it were, and where to go on.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn forget(
        &self,
        filter: RequestFilter,
        page: Page,
    ) -> Result<(u64, Option<u64>), Error> {
        let requests = self.journal.failed_requests(filter.clone(), page).await?;
        let next = self.next_request(filter, &requests).await?;
        let numbers: Vec<u64> = requests.iter().map(|kept| kept.number).collect();
        if numbers.is_empty() {
            return Ok((0, None));
        }
        Ok((self.journal.forget_requests(numbers).await?, next))
    }

    async fn next_request(
        &self,
        filter: RequestFilter,
        page: &[KeptRequest],
    ) -> Result<Option<u64>, Error> {
        let Some(after) = page.last().map(|kept| kept.number) else {
            return Ok(None);
        };
        let more = self
            .journal
            .failed_requests(filter, Page { after, limit: 1 });
        Ok((!more.await?.is_empty()).then_some(after))
    }

    /// How many events came into the journal.
    async fn put_instead(&self, number: u64, (events, known): Taken) -> Result<u64, Error> {
        let count = events.len() as u64;
        let entries = events.into_iter();
        let entries = entries.map(|event| Entry { event, made: None });
        let appended = self
            .journal
            .append_instead(entries.collect(), known, number);
        match appended.await {
            Ok(()) => Ok(count),
            // Its sender repeated it meanwhile, or somebody else retried it: it is there.
            Err(journal::Error::Duplicate) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }
}

/// What a client made of a request.
type Taken = (Vec<Event>, Known);

fn run(
    worker: &mut Worker,
    generation: &Generation,
    _now: Millis,
    kept: KeptRequest,
) -> (u64, Result<Taken, String>) {
    let FailedRequest {
        id,
        received_at,
        message,
        ..
    } = kept.request;
    let request = Request::from_message(&id, received_at, &message);
    let taken = request.and_then(|request| {
        // It held when it came. Its time is over now, and its credentials were not kept.
        match intake::take_trusted(worker, generation, &Arc::new(request), None) {
            Intake::Accepted { events, repeat, .. } => {
                let known = repeat.as_ref().map_or(Known::Not, Repeat::known);
                Ok((events, known))
            }
            Intake::Failed { fault, .. } => Err(fault.to_string()),
            Intake::Answered { response, .. } => Err(refusal(&response)),
        }
    });
    (kept.number, taken)
}

/// What the sender would be told now.
fn refusal(response: &Response) -> String {
    let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let why = body["error"].as_str().unwrap_or("no events are made of it");
    format!("it would be answered {}: {why}", response.status)
}

impl AddAssign for Repaired {
    fn add_assign(&mut self, next: Self) {
        self.found += next.found;
        self.repaired += next.repaired;
        self.events += next.events;
        self.left += next.left;
        self.reasons += next.reasons;
        self.next = next.next;
    }
}
