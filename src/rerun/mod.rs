//! Running things again because a person asks for it: dead letters with the tags as they are now,
//! requests whose client failed with the clients as they are now, whole windows of events. No HTTP
//! in it, and nothing of it happens by itself.
//!
//! Everything goes page by page, and to the script threads in small jobs, one at a time: live
//! traffic goes on between them.

mod compare;
mod drafted;
mod letters;
mod replay;
mod requests;
mod tally;

pub use compare::{Compared, Difference, Kind};
pub use drafted::Sets;
pub use letters::Retried;
pub use replay::{MOST_SHOWN_BYTES, Replay, Replayed};
pub use requests::Repaired;
pub use tally::Reasons;

use std::fmt;
use std::sync::Arc;

use crate::clock::{Clock, Millis};
use crate::generation::{Generation, Live};
use crate::journal::{self, Journal, NewDelivery};
use crate::script::{Pool, Worker};

/// What is needed to run things again.
#[derive(Clone)]
pub struct Rerunner {
    /// Where they are, and where what becomes of them goes.
    pub journal: Journal,
    /// The scripts as they are now.
    pub live: Arc<Live>,
    /// Where they run.
    pub pool: Pool,
    /// The time of day.
    pub clock: Clock,
}

/// Things of one page. All of a page's are in memory at once.
pub const MOST_PER_PAGE: usize = 1_000;

/// Things of one job, as the processor takes them: requests in the same queue wait for less than a
/// millisecond.
const THINGS_PER_JOB: usize = 16;

/// Why a page could not be run to its end. What was done before stays done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The journal could not be read or written.
    Journal(journal::Error),
    /// A job broke off, which is a defect of ours.
    Broken,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Journal(error) => error.fmt(f),
            Self::Broken => f.write_str("the scripts could not be run; this is a defect of ours"),
        }
    }
}

impl std::error::Error for Error {}

impl From<journal::Error> for Error {
    fn from(error: journal::Error) -> Self {
        Self::Journal(error)
    }
}

impl Rerunner {
    /// Does one thing after the other on a script thread, a few to a job, with one generation.
    async fn run_all<T: Send + 'static, R: Send + 'static>(
        &self,
        things: Vec<T>,
        run: fn(&mut Worker, &Generation, Millis, T) -> R,
    ) -> Result<Vec<R>, Error> {
        let generation = self.live.current();
        let now = self.clock.steady();
        let mut results = Vec::with_capacity(things.len());
        let mut things = things.into_iter();
        loop {
            let few: Vec<T> = things.by_ref().take(THINGS_PER_JOB).collect();
            if few.is_empty() {
                return Ok(results);
            }
            let generation = generation.clone();
            let job = move |worker: &mut Worker| {
                let ran = few
                    .into_iter()
                    .map(|thing| run(worker, &generation, now, thing));
                ran.collect::<Vec<R>>()
            };
            results.extend(self.pool.run(job).await.ok_or(Error::Broken)?);
        }
    }
}

/// As made now: what may age from its event's arrival on would be too old at once, so its age
/// counts from the moment at which somebody asked for it.
fn renewed(mut new: NewDelivery, now: Millis) -> NewDelivery {
    let delivery = &mut new.delivery;
    let age = delivery
        .expires
        .map(|expires| expires.saturating_sub(delivery.received_at));
    delivery.expires = age.map(|age| now.saturating_add(age));
    new
}
