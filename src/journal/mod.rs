//! The durable store of events and deliveries, and the only thing between the three loops.
//!
//! The contract, the same for every kind:
//!
//! * **append** events: when it returns `Ok` they are on disk, fsynced. Nothing answers 2xx before.
//!   An error means that they may be there or not: the sender is told to come back. With a key, a
//!   repeat within a day is refused; nothing is called a repeat of what is not on disk.
//! * **take events**: each event is handed to one taker, in order. One that was taken and not
//!   processed when the process ended is handed out again.
//! * **append deliveries** of an event: they and "this event is processed" become durable together,
//!   soon. Until then a crash means that the event is processed again, which gives the same ids.
//! * **take deliveries** of a destination, when they are due. One that was taken and not settled
//!   when the process ended is handed out again.
//! * **settle** a delivery: delivered, dead, or pending again until a later time. Durable soon.
//! * **look**, and **change by hand**: dead letters, replays, the recount (`look`). Changes are
//!   durable when they return; an error means that they happened or did not, and will not later.
//!
//! "Soon" is 100 ms later or with the next append, whichever comes first: a mark that is lost means
//! a delivery that is sent twice, never one that is lost. What was made of an event may wait for the
//! outcome of its deliveries, for a second at most: until then the event counts as not processed. What has expired is forgotten, an event
//! together with its deliveries. All waiting here can be given up at any point without losing
//! anything. The journal does not know scripts, vendors or HTTP.
//!
//! One thread writes (`writer`) to a place to keep things (`store`, which is `sqlite`), and hands
//! what it knows to be safe to those who wait for it (`hand_over`). Another thread reads beside it,
//! for people.

mod error;
mod hand_over;
mod look;
mod record;
mod sqlite;
mod store;
mod waiting;
mod writer;

pub use error::Error;
pub use look::{
    DeadGroup, Filter, KeptRequest, Page, RequestFilter, Reran, Rerun, Resend, TagCount,
    Verification, Window, event_in_folder, events_in_folder, verify_folder,
};
pub use record::{
    Counts, DedupeKey, Entry, FailedRequest, Known, MAX_DELIVERIES, Made, NewDelivery, Pending,
    Processed, Record, Settlement, TagBook, TakenEvent, Tally,
};
pub use waiting::Done;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::clock::{Clock, Millis};
use crate::config::{self, JournalKind};
use crate::mailbox::Mailbox;
use crate::telemetry::Metrics;
use crate::workers::Workers;
use hand_over::{HandOver, Ticket};
use sqlite::{Questions, Reader, Sqlite};
use store::Store;
use waiting::Waiting;
use writer::{Append, Command, Settings};

/// A handle to the journal. Cheap to clone.
#[derive(Clone)]
pub struct Journal {
    mailbox: Mailbox<Command>,
    questions: Questions,
    hand_over: Arc<HandOver>,
    clock: Clock,
}

/// Commands that may wait for the writer. Beyond that senders are told to come back.
const QUEUE: usize = 4_096;

/// How long a completion mark may wait for company. Marks that are lost in a crash mean deliveries
/// that are sent twice, so this bounds their number.
const LAZY: Duration = Duration::from_millis(100);

/// How long it may lie in the mailbox before that. After work the writer sleeps no longer than this,
/// so that marks find it about to wake by itself: at 200 events a second that saves it two of three
/// wake-ups an event.
const NAP: Duration = Duration::from_millis(50);

/// The longest wait for a delivery to fall due before the clock is looked at again: the time of day
/// may jump while we wait.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

impl Journal {
    /// Opens, or makes, the journal that the configuration asks for; on disk it lives in `folder`.
    ///
    /// # Errors
    /// [`Error::Locked`] if another process has the folder, [`Error::Newer`] if a newer version
    /// wrote it, [`Error::Unreleased`] if one before the first release did, [`Error::Storage`] for
    /// all else.
    pub fn open(settings: &config::Journal, folder: &Path, clock: Clock) -> Result<Self, Error> {
        Self::open_counting(
            settings,
            folder,
            clock,
            &Metrics::new(),
            &Workers::default(),
        )
    }

    /// The same, with its commits counted; while `workers` are all busy they are made for more at once.
    ///
    /// # Errors
    /// As [`Journal::open`].
    pub fn open_counting(
        settings: &config::Journal,
        folder: &Path,
        clock: Clock,
        metrics: &Metrics,
        workers: &Workers,
    ) -> Result<Self, Error> {
        let store = match settings.kind {
            JournalKind::Sqlite => Sqlite::open(folder)?,
            JournalKind::Memory => Sqlite::temporary()?,
        };
        let file = store.file().to_owned();
        let settings = Settings {
            meter: metrics.journal().clone(),
            workers: workers.clone(),
            ..Settings::new(settings.clone(), clock)
        };
        Self::start(Box::new(store), &file, settings)
    }

    /// Opens, or makes, the journal in a folder, with the default settings.
    ///
    /// # Errors
    /// As [`Journal::open`].
    pub fn sqlite(folder: &Path, clock: Clock) -> Result<Self, Error> {
        Self::open(&config::Journal::default(), folder, clock)
    }

    /// A journal in a temporary folder, that is removed when it is closed or all handles are
    /// dropped: for tests and rehearsals.
    ///
    /// # Errors
    /// [`Error::Storage`] if the folder or a thread cannot be had.
    pub fn memory(clock: Clock) -> Result<Self, Error> {
        let settings = config::Journal {
            kind: JournalKind::Memory,
            ..config::Journal::default()
        };
        Self::open(&settings, Path::new(""), clock)
    }

    /// `file` is what the store writes.
    fn start(store: Box<dyn Store>, file: &Path, settings: Settings) -> Result<Self, Error> {
        let (mailbox, inbox) = crate::mailbox::mailbox(QUEUE);
        let clock = settings.clock;
        settings.workers.when_idle(mailbox.nudge());
        let (reader, questions) = Reader::start(file)?;
        let hand_over = writer::start(store, reader, settings, inbox)?;
        Ok(Self {
            mailbox,
            questions,
            hand_over,
            clock,
        })
    }

    /// Appends events and calls `done` when they are durable, or could not be made so. Never
    /// blocks: a journal that cannot take more says so at once. For script threads.
    pub fn append_then(&self, entries: Vec<Entry>, known: impl Into<Known>, done: Done) {
        self.post_append(Append {
            entries,
            known: known.into(),
            at: self.clock.now(),
            instead_of: None,
            waiting: Waiting::new(done),
        });
    }

    /// Appends events; they are durable when this returns `Ok`.
    ///
    /// # Errors
    /// [`Error::Duplicate`] if it, or each of its events, is [`Known`] from the last
    /// [`DedupeKey::WINDOW`] and is durable, [`Error::Busy`] if too much waits, [`Error::Full`] if too much is kept,
    /// [`Error::Storage`] if the disk failed.
    pub async fn append(&self, entries: Vec<Entry>, known: impl Into<Known>) -> Result<(), Error> {
        let (done, answer) = answer();
        self.append_then(entries, known, done);
        answer.await.unwrap_or(Err(Error::Closed))
    }

    /// Appends what was made of a kept request by now, and forgets the request, at once or not at
    /// all. With no entries, or none that are new, it is only forgotten.
    ///
    /// # Errors
    /// As [`Journal::append`]; [`Error::Duplicate`] also if the request is not kept any more.
    pub async fn append_instead(
        &self,
        entries: Vec<Entry>,
        known: impl Into<Known>,
        request: u64,
    ) -> Result<(), Error> {
        let (done, answer) = answer();
        self.post_append(Append {
            entries,
            known: known.into(),
            at: self.clock.now(),
            instead_of: Some(request),
            waiting: Waiting::new(done),
        });
        answer.await.unwrap_or(Err(Error::Closed))
    }

    fn post_append(&self, append: Append) {
        if let Err(Command::Append(append)) = self.mailbox.try_post(Command::Append(append)) {
            append.waiting.tell(Err(self.no_room()));
        }
    }

    /// Keeps a request whose client failed, as a dead letter.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub async fn keep_request(&self, request: FailedRequest) -> Result<(), Error> {
        let (done, answer) = answer();
        let command = Command::KeepRequest {
            request: Box::new(request),
            waiting: Waiting::new(done),
        };
        if self.mailbox.try_post(command).is_err() {
            return Err(self.no_room());
        }
        answer.await.unwrap_or(Err(Error::Closed))
    }

    /// The next events to process, 1 to `most`; waits for them, for ever if the journal is closed.
    pub async fn take_events(&self, most: usize) -> Vec<TakenEvent> {
        loop {
            let taken = self.hand_over.take_events(most);
            if !taken.ready.is_empty() {
                return taken.ready;
            }
            self.read(taken.must_read, self.clock.steady()).await;
            taken.changed.await;
        }
    }

    /// Notes what became of events, and hands their deliveries on.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub async fn append_deliveries(&self, processed: Vec<Processed>) -> Result<(), Error> {
        let now = self.clock.steady();
        let room = self.mailbox.room().await.ok_or(Error::Closed)?;
        // Both at once: what a sender settles must come to the writer after what was made.
        self.hand_over
            .offer_deliveries(processed, now, |processed| {
                let command = Command::Processed { processed, now };
                room.post_lazily(command, NAP).map_err(|_| Error::Closed)
            })
    }

    /// Deliveries for a destination that are due, 1 to `most`; waits for them, for ever if the
    /// journal is closed.
    pub async fn take_deliveries(&self, destination: &Arc<str>, most: usize) -> Vec<Pending> {
        loop {
            let now = self.clock.steady();
            let taken = self.hand_over.take_deliveries(destination, most, now);
            if !taken.ready.is_empty() {
                return taken.ready;
            }
            self.read(taken.must_read, now).await;
            match taken.next_due {
                Some(due) => {
                    let timer = tokio::time::sleep(wait_for(due, now));
                    tokio::select! { () = timer => {}, () = taken.changed => {} }
                }
                None => taken.changed.await,
            }
        }
    }

    /// Notes what became of deliveries.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub async fn settle(&self, settlements: Vec<Settlement>) -> Result<(), Error> {
        let room = self.mailbox.room().await.ok_or(Error::Closed)?;
        let nap = match settlements.first() {
            Some(first) if self.hand_over.is_filling(&first.destination) => Duration::ZERO,
            _ => NAP,
        };
        let command = Command::Settle(settlements);
        room.post_lazily(command, nap).map_err(|_| Error::Closed)
    }

    /// Returns when everything that was given before is on disk.
    ///
    /// # Errors
    /// [`Error::Storage`] if it is not, [`Error::Closed`].
    pub async fn flush(&self) -> Result<(), Error> {
        self.wait(Command::Flush).await
    }

    /// Puts everything that was given before on disk, ends the thread, and gives the folder free.
    /// What is asked of this or any other handle afterwards is refused, or waits for ever. Without
    /// this, the same happens some time after the last handle was dropped.
    ///
    /// # Errors
    /// As [`Journal::flush`]; it is closed all the same.
    pub async fn close(self) -> Result<(), Error> {
        self.wait(Command::Close).await
    }

    /// True while events wait on disk for which there was no room in memory.
    pub fn is_behind(&self) -> bool {
        self.hand_over.is_behind()
    }

    /// True while the last write succeeded.
    pub fn is_healthy(&self) -> bool {
        self.hand_over.is_healthy()
    }

    /// True while new events are refused because too much is kept, or the disk is nearly full.
    pub fn is_full(&self) -> bool {
        self.hand_over.is_full()
    }

    async fn post(&self, command: Command) -> Result<(), Error> {
        self.mailbox.post(command).await.map_err(|_| Error::Closed)
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, Error>>) -> Command,
    ) -> Result<T, Error> {
        let (sender, receiver) = oneshot::channel();
        self.post(command(sender)).await?;
        receiver.await.unwrap_or(Err(Error::Closed))
    }

    async fn wait(&self, command: impl FnOnce(Waiting) -> Command) -> Result<(), Error> {
        let (done, answer) = answer();
        self.post(command(Waiting::new(done))).await?;
        answer.await.unwrap_or(Err(Error::Closed))
    }

    /// Has more read from disk. If nobody reads any more, nothing will ever come.
    async fn read(&self, must_read: Option<Ticket>, now: Millis) {
        if let Some(ticket) = must_read
            && self.post(Command::Read { ticket, now }).await.is_err()
        {
            std::future::pending().await
        }
    }

    /// Why a command was not taken.
    fn no_room(&self) -> Error {
        match self.hand_over.is_closed() {
            true => Error::Closed,
            false => Error::Busy,
        }
    }
}

fn wait_for(due: Millis, now: Millis) -> Duration {
    let wait = u64::try_from(due.saturating_sub(now)).unwrap_or(0);
    Duration::from_millis(wait).min(LONGEST_WAIT)
}

fn answer() -> (Done, oneshot::Receiver<Result<(), Error>>) {
    let (sender, receiver) = oneshot::channel();
    // Nobody listens any more if the request was given up; what was written stays written.
    (Box::new(move |result| drop(sender.send(result))), receiver)
}
