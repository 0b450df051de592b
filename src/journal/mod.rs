//! The durable store of events and deliveries, and the only thing between the three loops.
//!
//! The contract, the same for every kind:
//!
//! * **append** events: when it returns `Ok` they are on disk, fsynced. Nothing answers 2xx before.
//! * **take events**: each event is handed to one taker, in order. One that was taken and not
//!   processed when the process ended is handed out again.
//! * **append deliveries** of an event: they and "this event is processed" become durable together,
//!   soon. Until then a crash means that the event is processed again, which gives the same ids.
//! * **take deliveries** of a destination, when they are due. One that was taken and not settled
//!   when the process ended is handed out again.
//! * **settle** a delivery: delivered, dead, or pending again until a later time. Durable soon.
//!
//! "Soon" is [`writer::LAZY_MILLIS`] or with the next append, whichever comes first: a mark that is
//! lost means a delivery that is sent twice, never one that is lost. The journal does not know
//! scripts, vendors or HTTP.

mod error;
mod hand_over;
mod memory;
mod sqlite;
mod store;
mod writer;

pub use error::Error;
pub use store::{
    Counts, Entry, FailedRequest, MAX_DELIVERIES, Pending, Processed, Record, Settlement,
    TakenEvent,
};

use std::path::Path;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::mailbox::Mailbox;
use hand_over::HandOver;
use store::Store;
use writer::Command;

/// A handle to the journal. Cheap to clone.
#[derive(Clone)]
pub struct Journal {
    mailbox: Mailbox<Command>,
    hand_over: Arc<HandOver>,
    clock: Clock,
}

/// Called once, with whether what was given is on disk.
pub type Done = Box<dyn FnOnce(Result<(), Error>) + Send>;

/// Commands that may wait for the writer. Beyond that senders are told to come back.
const QUEUE: usize = 4_096;

impl Journal {
    /// Opens, or makes, the journal in a folder. One process a folder.
    pub fn sqlite(folder: &Path, clock: Clock) -> Result<Self, Error> {
        Self::start(Box::new(sqlite::Sqlite::open(folder)?), clock)
    }

    /// A journal that is forgotten with the process: for tests and rehearsals.
    pub fn memory(clock: Clock) -> Result<Self, Error> {
        Self::start(Box::new(memory::Memory::default()), clock)
    }

    fn start(store: Box<dyn Store>, clock: Clock) -> Result<Self, Error> {
        let (mailbox, inbox) = crate::mailbox::mailbox(QUEUE);
        let hand_over = Arc::new(HandOver::default());
        writer::start(store, inbox, hand_over.clone())?;
        Ok(Self {
            mailbox,
            hand_over,
            clock,
        })
    }

    /// Appends events and calls `done` when they are durable, or could not be made so. Never
    /// blocks: a journal that cannot take more says so at once. For script threads.
    pub fn append_then(&self, entries: Vec<Entry>, done: Done) {
        if let Err(Command::Append { done, .. }) =
            self.mailbox.try_post(Command::Append { entries, done })
        {
            done(Err(Error::Full));
        }
    }

    /// Appends events; they are durable when this returns `Ok`.
    pub async fn append(&self, entries: Vec<Entry>) -> Result<(), Error> {
        let (done, answer) = answer();
        self.append_then(entries, done);
        answer.await.unwrap_or(Err(Error::Closed))
    }

    /// Keeps a request whose client failed, as a dead letter.
    pub fn keep_request_then(&self, request: FailedRequest, done: Done) {
        let command = Command::KeepRequest {
            request: Box::new(request),
            done,
        };
        if let Err(Command::KeepRequest { done, .. }) = self.mailbox.try_post(command) {
            done(Err(Error::Full));
        }
    }

    /// The next events to process, 1 to `most`; waits for them.
    pub async fn take_events(&self, most: usize) -> Vec<TakenEvent> {
        loop {
            let changed = self.hand_over.events_changed();
            let (events, must_read) = self.hand_over.take_events(most);
            if !events.is_empty() {
                return events;
            }
            if must_read && self.mailbox.post(Command::ReadEvents).await.is_err() {
                return std::future::pending().await;
            }
            changed.await;
        }
    }

    /// Notes what became of events, and hands their deliveries on.
    pub async fn append_deliveries(&self, processed: Vec<Processed>) -> Result<(), Error> {
        // Deliveries are handed on without waiting for the disk: should we crash before they are
        // on it, their event is processed again.
        let due = self.hand_over.hold(&processed, self.clock.now());
        self.mailbox
            .post(Command::Processed(processed))
            .await
            .map_err(|_| Error::Closed)?;
        self.hand_over.offer(due);
        Ok(())
    }

    /// Deliveries for a destination that are due, 1 to `most`; waits for them.
    pub async fn take_deliveries(&self, destination: &Arc<str>, most: usize) -> Vec<Pending> {
        loop {
            let now = self.clock.now();
            let taken = self.hand_over.take_deliveries(destination, most, now);
            if !taken.ready.is_empty() {
                return taken.ready;
            }
            if taken.must_read {
                let command = Command::ReadDeliveries {
                    destination: destination.clone(),
                    now,
                };
                if self.mailbox.post(command).await.is_err() {
                    return std::future::pending().await;
                }
            }
            match taken.next_due {
                Some(due) => {
                    let wait = u64::try_from(due - now).unwrap_or(0);
                    let timer = tokio::time::sleep(std::time::Duration::from_millis(wait));
                    tokio::select! { () = timer => {}, () = taken.changed => {} }
                }
                None => taken.changed.await,
            }
        }
    }

    /// Notes what became of deliveries.
    pub async fn settle(&self, settlements: Vec<Settlement>) -> Result<(), Error> {
        self.mailbox
            .post(Command::Settle(settlements))
            .await
            .map_err(|_| Error::Closed)
    }

    /// How many deliveries stand where.
    pub async fn counts(&self) -> Result<Counts, Error> {
        let (sender, receiver) = oneshot::channel();
        self.mailbox
            .post(Command::Count(sender))
            .await
            .map_err(|_| Error::Closed)?;
        receiver.await.unwrap_or(Err(Error::Closed))
    }

    /// The deliveries of an event, by its number, in the order in which they were made.
    pub async fn deliveries_of(&self, event: u64) -> Result<Vec<Record>, Error> {
        let (answer, receiver) = oneshot::channel();
        self.mailbox
            .post(Command::DeliveriesOf { event, answer })
            .await
            .map_err(|_| Error::Closed)?;
        receiver.await.unwrap_or(Err(Error::Closed))
    }

    /// Returns when everything that was given before is on disk.
    pub async fn flush(&self) -> Result<(), Error> {
        let (done, answer) = answer();
        self.mailbox
            .post(Command::Flush(done))
            .await
            .map_err(|_| Error::Closed)?;
        answer.await.unwrap_or(Err(Error::Closed))
    }

    /// True while the last write succeeded.
    pub fn is_healthy(&self) -> bool {
        self.hand_over.is_healthy()
    }
}

fn answer() -> (Done, oneshot::Receiver<Result<(), Error>>) {
    let (sender, receiver) = oneshot::channel();
    // Nobody listens any more if the request was given up; what was written stays written.
    (Box::new(move |result| drop(sender.send(result))), receiver)
}
