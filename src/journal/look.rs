//! What people ask of the journal, and what they change in it by hand: dead letters, replays, the
//! recount. The loops need none of this.

use std::sync::Arc;

use super::Journal;
use super::error::Error;
use super::record::{FailedRequest, NewDelivery, Record, TakenEvent};
use crate::clock::Millis;
use crate::delivery::{DeliveryId, ErrorClass, State};

/// Which deliveries are meant; each that is set must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// One of these; any, if empty.
    pub ids: Vec<DeliveryId>,
    /// Where it stands.
    pub state: Option<State>,
    /// Why it is dead.
    pub class: Option<ErrorClass>,
    /// The tag that made it.
    pub tag: Option<String>,
    /// The destination it is for.
    pub destination: Option<String>,
    /// Settled then or later; of a pending one, due.
    pub since: Option<Millis>,
    /// Settled before.
    pub until: Option<Millis>,
}

/// Which failed requests are meant; each that is set must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestFilter {
    /// One of these; any, if empty.
    pub ids: Vec<String>,
    /// The client that failed.
    pub client: Option<String>,
    /// Arrived then or later.
    pub since: Option<Millis>,
    /// Arrived before.
    pub until: Option<Millis>,
}

/// Which events are meant: those that arrived from `since` to before `until`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// The first moment.
    pub since: Option<Millis>,
    /// The first moment that is too late.
    pub until: Option<Millis>,
}

/// A part of a long answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Only what has a number above this; 0 for the first page.
    pub after: u64,
    /// At most so many; fewer come if they are large. None come only if there are no more.
    pub limit: usize,
}

/// A request whose client failed, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptRequest {
    /// Its number: pages are asked for with it.
    pub number: u64,
    /// The request.
    pub request: FailedRequest,
}

/// What a tag made of an event when it was run again.
#[derive(Clone, Debug)]
pub struct Rerun {
    /// The number of the event.
    pub event: u64,
    /// The tag.
    pub tag: Arc<str>,
    /// What it makes of the event now, in its own order.
    pub deliveries: Vec<NewDelivery>,
    /// What may be sent again.
    pub resend: Resend,
}

/// What a rerun may send again. What is pending is replaced in either case, unless it is being
/// sent; what the tag makes for the first time is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resend {
    /// Dead letters only.
    Dead,
    /// Whatever the tag makes, delivered or not: vendors that know the id ignore the repeat.
    All,
}

/// What reruns changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reran {
    /// Deliveries that will be sent, again or for the first time.
    pub to_send: u64,
    /// Deliveries that are dead now: the tag failed.
    pub dead: u64,
    /// Dead letters that the tag makes no longer; they are skipped now.
    pub skipped: u64,
    /// Deliveries that were left as they are.
    pub left: u64,
}

/// What a recount found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// Events ever acknowledged.
    pub acknowledged: u64,
    /// Of these, events that are kept.
    pub kept: u64,
    /// Of these, events that were forgotten after the retention.
    pub forgotten: u64,
    /// Events that no processor has finished.
    pub unprocessed: u64,
    /// One line a tag.
    pub tags: Vec<TagCount>,
    /// What does not add up, in words; empty if all is well.
    pub problems: Vec<String>,
}

/// A tag's events. `handed = filtered + settled + pending`, or something is lost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagCount {
    /// The tag.
    pub tag: String,
    /// Acknowledged events that it was handed.
    pub handed: u64,
    /// Events of which it made nothing.
    pub filtered: u64,
    /// Events of which all its deliveries are settled, those that were forgotten included.
    pub settled: u64,
    /// Events of which it has deliveries that are not.
    pub pending: u64,
    /// Its deliveries that are kept, by state.
    pub deliveries: Vec<(State, u64)>,
}

impl Journal {
    /// Deliveries, oldest first.
    ///
    /// # Errors
    /// [`Error::Storage`] if the disk failed, [`Error::Closed`].
    pub async fn deliveries(&self, _filter: Filter, _page: Page) -> Result<Vec<Record>, Error> {
        Err(Error::Closed)
    }

    /// How many deliveries a filter means.
    ///
    /// # Errors
    /// As [`Journal::deliveries`].
    pub async fn count_deliveries(&self, _filter: Filter) -> Result<u64, Error> {
        Err(Error::Closed)
    }

    /// Processed events of a window, oldest first.
    ///
    /// # Errors
    /// As [`Journal::deliveries`].
    pub async fn events(&self, _window: Window, _page: Page) -> Result<Vec<TakenEvent>, Error> {
        Err(Error::Closed)
    }

    /// How many events a window has.
    ///
    /// # Errors
    /// As [`Journal::deliveries`].
    pub async fn count_events(&self, _window: Window) -> Result<u64, Error> {
        Err(Error::Closed)
    }

    /// Requests whose client failed, oldest first.
    ///
    /// # Errors
    /// As [`Journal::deliveries`].
    pub async fn failed_requests(
        &self,
        _filter: RequestFilter,
        _page: Page,
    ) -> Result<Vec<KeptRequest>, Error> {
        Err(Error::Closed)
    }

    /// How many failed requests a filter means.
    ///
    /// # Errors
    /// As [`Journal::deliveries`].
    pub async fn count_failed_requests(&self, _filter: RequestFilter) -> Result<u64, Error> {
        Err(Error::Closed)
    }

    /// Sends dead letters again as they are. Durable when it returns; how many it were.
    ///
    /// # Errors
    /// As [`Journal::deliveries`].
    pub async fn send_again(&self, _numbers: Vec<u64>) -> Result<u64, Error> {
        Err(Error::Closed)
    }

    /// Gives dead letters up for good: they are skipped. Durable when it returns; how many it were.
    ///
    /// # Errors
    /// As [`Journal::deliveries`].
    pub async fn discard(&self, _numbers: Vec<u64>) -> Result<u64, Error> {
        Err(Error::Closed)
    }

    /// Forgets failed requests. Durable when it returns; how many it were.
    ///
    /// # Errors
    /// As [`Journal::deliveries`].
    pub async fn forget_requests(&self, _numbers: Vec<u64>) -> Result<u64, Error> {
        Err(Error::Closed)
    }

    /// Puts what tags make of events now in the place of what they made then. Durable when it
    /// returns.
    ///
    /// # Errors
    /// As [`Journal::deliveries`].
    pub async fn rerun(&self, _reruns: Vec<Rerun>) -> Result<Reran, Error> {
        Err(Error::Closed)
    }

    /// Recounts everything that is kept and compares it with the books.
    ///
    /// # Errors
    /// As [`Journal::deliveries`].
    pub async fn verify(&self) -> Result<Verification, Error> {
        Err(Error::Closed)
    }
}
