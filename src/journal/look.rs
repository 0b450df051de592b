//! What people ask of the journal, and what they change in it by hand: dead letters, replays, the
//! recount. The loops need none of this.

use std::ops::AddAssign;
use std::path::Path;
use std::sync::Arc;

use super::Journal;
use super::error::Error;
use super::record::{Counts, FailedRequest, NewDelivery, Record, TakenEvent};
use super::sqlite::{deliveries, events, requests, stock, verify};
use super::writer::{Answer, Command, Edit};
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

/// Dead letters that have the same cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadGroup {
    /// Why they are dead.
    pub class: Option<ErrorClass>,
    /// The tag that made them.
    pub tag: String,
    /// The destination they are for.
    pub destination: String,
    /// How many they are.
    pub count: u64,
    /// When the first of them was given up.
    pub oldest_at: Millis,
    /// When the last was.
    pub newest_at: Millis,
    /// What is said of the last.
    pub note: Option<String>,
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
    /// Dead letters and pending deliveries that the tag makes no longer; they are skipped now. A tag
    /// that fails skips none.
    pub skipped: u64,
    /// Deliveries that were left as they are.
    pub left: u64,
}

impl AddAssign for Reran {
    fn add_assign(&mut self, other: Self) {
        self.to_send += other.to_send;
        self.dead += other.dead;
        self.skipped += other.skipped;
        self.left += other.left;
    }
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
    /// Its deliveries that are kept, of each state, in the order of [`State::ALL`].
    pub deliveries: Vec<(State, u64)>,
}

/// What one commit changes by hand at most: so few that appends do not wait for it.
const MOST_CHANGES: usize = 500;

/// Recounts the journal in a folder, whether or not a process serves from it. Nothing is changed.
/// While it runs, that process does not reuse its log, which grows.
///
/// # Errors
/// [`Error::Storage`] if there is none or it cannot be read, [`Error::Newer`] and
/// [`Error::Unreleased`] if another version wrote it.
pub fn verify_folder(folder: &Path) -> Result<Verification, Error> {
    verify::folder(folder)
}

/// All events of a window in a folder's journal, oldest first, whether or not a process serves from it.
///
/// # Errors
/// As [`verify_folder`].
pub fn events_in_folder(
    folder: &Path,
    window: Window,
    page: Page,
) -> Result<Vec<TakenEvent>, Error> {
    events::in_folder(folder, window, page)
}

/// The newest event of this id in a folder's journal, whether or not a process serves from it.
///
/// # Errors
/// As [`verify_folder`].
pub fn event_in_folder(folder: &Path, id: &str) -> Result<Option<TakenEvent>, Error> {
    events::by_id(folder, id)
}

/// What is seen is what was given before, and then on disk.
impl Journal {
    /// What is kept, and the books.
    ///
    /// # Errors
    /// [`Error::Storage`] if the disk failed, [`Error::Closed`].
    pub async fn counts(&self) -> Result<Counts, Error> {
        let known = self.ask(Command::Count).await?;
        let counts = self.questions.ask(stock::counts).await?;
        Ok(Counts {
            unprocessed: known.unprocessed,
            size: known.size,
            ..counts
        })
    }

    /// The deliveries of an event, by its number, in the order in which they were made.
    ///
    /// # Errors
    /// As [`Journal::counts`].
    pub async fn deliveries_of(&self, event: u64) -> Result<Vec<Record>, Error> {
        self.flush().await?;
        self.questions
            .ask(move |file| deliveries::of_event(file, event))
            .await
    }

    /// Deliveries, oldest first.
    ///
    /// # Errors
    /// As [`Journal::counts`].
    pub async fn deliveries(&self, filter: Filter, page: Page) -> Result<Vec<Record>, Error> {
        self.flush().await?;
        self.questions
            .ask(move |file| deliveries::page(file, &filter, page))
            .await
    }

    /// Dead letters by cause, the most first.
    ///
    /// # Errors
    /// As [`Journal::counts`].
    pub async fn dead_groups(&self) -> Result<Vec<DeadGroup>, Error> {
        self.flush().await?;
        self.questions.ask(deliveries::dead).await
    }

    /// How many deliveries a filter means.
    ///
    /// # Errors
    /// As [`Journal::counts`].
    pub async fn count_deliveries(&self, filter: Filter) -> Result<u64, Error> {
        self.flush().await?;
        self.questions
            .ask(move |file| deliveries::count(file, &filter))
            .await
    }

    /// Processed events of a window, oldest first.
    ///
    /// # Errors
    /// As [`Journal::counts`].
    pub async fn events(&self, window: Window, page: Page) -> Result<Vec<TakenEvent>, Error> {
        self.flush().await?;
        self.questions
            .ask(move |file| events::page(file, window, page))
            .await
    }

    /// How many processed events a window has.
    ///
    /// # Errors
    /// As [`Journal::counts`].
    pub async fn count_events(&self, window: Window) -> Result<u64, Error> {
        self.flush().await?;
        self.questions
            .ask(move |file| events::count(file, window))
            .await
    }

    /// Requests whose client failed, oldest first.
    ///
    /// # Errors
    /// As [`Journal::counts`].
    pub async fn failed_requests(
        &self,
        filter: RequestFilter,
        page: Page,
    ) -> Result<Vec<KeptRequest>, Error> {
        self.flush().await?;
        self.questions
            .ask(move |file| requests::page(file, &filter, page))
            .await
    }

    /// How many failed requests a filter means.
    ///
    /// # Errors
    /// As [`Journal::counts`].
    pub async fn count_failed_requests(&self, filter: RequestFilter) -> Result<u64, Error> {
        self.flush().await?;
        self.questions
            .ask(move |file| requests::count(file, &filter))
            .await
    }

    /// Recounts everything that is kept and compares it with the books. This reads the whole file.
    ///
    /// # Errors
    /// As [`Journal::counts`].
    pub async fn verify(&self) -> Result<Verification, Error> {
        self.flush().await?;
        self.questions.ask(verify::verify).await
    }
}

/// Changes. They are durable when these return. Many are made in several commits, so that appends
/// do not wait for them: an error may mean that some are made.
impl Journal {
    /// Sends dead letters again as they are, from the first attempt on, and however old they are.
    /// How many it were.
    ///
    /// # Errors
    /// As [`Journal::counts`].
    pub async fn send_again(&self, numbers: Vec<u64>) -> Result<u64, Error> {
        let now = self.clock.steady();
        let edit = |numbers, answer| Edit::SendAgain {
            numbers,
            now,
            answer,
        };
        self.change(numbers, edit).await
    }

    /// Gives dead letters up for good: they are skipped. How many it were.
    ///
    /// # Errors
    /// As [`Journal::counts`].
    pub async fn discard(&self, numbers: Vec<u64>) -> Result<u64, Error> {
        let now = self.clock.steady();
        let edit = |numbers, answer| Edit::Discard {
            numbers,
            now,
            answer,
        };
        self.change(numbers, edit).await
    }

    /// Forgets failed requests. How many it were.
    ///
    /// # Errors
    /// As [`Journal::counts`].
    pub async fn forget_requests(&self, numbers: Vec<u64>) -> Result<u64, Error> {
        let edit = |numbers, answer| Edit::ForgetRequests { numbers, answer };
        self.change(numbers, edit).await
    }

    /// Puts what tags make of events now in the place of what they made then. Of a tag and an
    /// event only the first counts; an event that is not processed yet is left alone.
    ///
    /// # Errors
    /// As [`Journal::counts`].
    pub async fn rerun(&self, reruns: Vec<Rerun>) -> Result<Reran, Error> {
        let now = self.clock.steady();
        let edit = |reruns, answer| Edit::Rerun {
            reruns,
            now,
            answer,
        };
        self.change(reruns, edit).await
    }

    async fn change<T, C: Default + AddAssign>(
        &self,
        mut changes: Vec<T>,
        edit: impl Fn(Vec<T>, Answer<C>) -> Edit,
    ) -> Result<C, Error> {
        let mut changed = C::default();
        while !changes.is_empty() {
            let rest = changes.split_off(changes.len().min(MOST_CHANGES));
            let some = std::mem::replace(&mut changes, rest);
            changed += self.ask(|answer| Command::Edit(edit(some, answer))).await?;
        }
        Ok(changed)
    }
}
