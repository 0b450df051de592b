//! The one thread that reads beside the writer, for people: it sees the file as it was at the last
//! commit, and never holds up the next one.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use rusqlite::{Connection, Transaction};
use tokio::sync::oneshot;
use tracing::warn;

use super::open::connect_to_read;
use crate::journal::error::Error;
use crate::mailbox::{Found, Inbox, Mailbox};

/// Questions that may wait. People ask few; who asks beyond that waits for room.
const QUEUE: usize = 64;

/// Steps of SQLite's machine between two looks at whether to give way: some microseconds.
const STEPS: i32 = 1_000;

/// Asked once, of the file as it is, or told why it cannot be read. False if that went wrong.
type Question = Box<dyn FnOnce(Result<&Transaction<'_>, Error>) -> bool + Send>;

enum Letter {
    Question(Question),
    End,
}

/// Where to ask. Cheap to clone.
#[derive(Clone)]
pub(in crate::journal) struct Questions(Mailbox<Letter>);

/// The thread. It ends when this is dropped; what is being asked is given up then.
pub(in crate::journal) struct Reader {
    mailbox: Mailbox<Letter>,
    signs: Arc<Signs>,
    thread: Option<JoinHandle<()>>,
}

/// What the writer wants.
#[derive(Debug, Default)]
struct Signs {
    give_way: AtomicBool,
    is_over: AtomicBool,
}

impl Signs {
    fn must_stop(&self) -> bool {
        self.give_way.load(Ordering::Relaxed) || self.is_over.load(Ordering::Relaxed)
    }
}

impl Questions {
    /// Asks something of the file as it is now.
    pub(in crate::journal) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Transaction<'_>) -> Result<T, rusqlite::Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        let letter = Letter::Question(Box::new(move |file| {
            let found = file.and_then(|file| question(file).map_err(Error::from));
            let is_ok = found.is_ok();
            drop(answer.send(found)); // whoever asked may have gone
            is_ok
        }));
        self.0.post(letter).await.map_err(|_| Error::Closed)?;
        answered.await.unwrap_or(Err(Error::Closed))
    }
}

impl Reader {
    pub(in crate::journal) fn start(file: &Path) -> Result<(Self, Questions), Error> {
        let (mailbox, inbox) = crate::mailbox::mailbox(QUEUE);
        let signs = Arc::new(Signs::default());
        let mut desk = Desk {
            file: file.to_owned(),
            connection: None,
            signs: signs.clone(),
        };
        desk.connection = Some(desk.connect()?);
        let thread = thread::Builder::new()
            .name("journal-reader".to_owned())
            .spawn(move || desk.run(&inbox))
            .map_err(|error| {
                Error::Storage(format!("cannot start the journal's reader: {error}"))
            })?;
        let questions = Questions(mailbox.clone());
        let reader = Self {
            mailbox,
            signs,
            thread: Some(thread),
        };
        Ok((reader, questions))
    }

    /// Does something while nothing is read: what is being read is given up.
    pub(in crate::journal) fn make_way<T>(&self, work: impl FnOnce() -> T) -> T {
        self.signs.give_way.store(true, Ordering::Relaxed);
        let result = work();
        self.signs.give_way.store(false, Ordering::Relaxed);
        result
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.signs.is_over.store(true, Ordering::Relaxed);
        // Without room for it there is a question to wake up for.
        drop(self.mailbox.try_post(Letter::End));
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            warn!("the journal's reader had ended by itself; this is a defect of ours");
        }
    }
}

/// What the thread has.
struct Desk {
    file: PathBuf,
    connection: Option<Connection>,
    signs: Arc<Signs>,
}

impl Desk {
    fn run(mut self, inbox: &Inbox<Letter>) {
        while let Found::Letter(Letter::Question(question)) = inbox.wait(None) {
            if self.signs.is_over.load(Ordering::Relaxed) {
                return;
            }
            // After an error, nothing that may be wrong with the connection is kept.
            let connection = match self.connection.take() {
                Some(connection) => Ok(connection),
                None => self.connect(),
            };
            self.connection = answer(connection, question);
        }
    }

    fn connect(&self) -> Result<Connection, Error> {
        let mut connection = connect_to_read(&self.file)?;
        let signs = self.signs.clone();
        connection.progress_handler(STEPS, Some(move || signs.must_stop()))?;
        Ok(connection)
    }
}

/// Gives the connection back if it did its work.
fn answer(connection: Result<Connection, Error>, question: Question) -> Option<Connection> {
    let mut connection = match connection {
        Ok(connection) => connection,
        Err(why) => {
            question(Err(why));
            return None;
        }
    };
    let is_ok = match connection.transaction() {
        Ok(transaction) => question(Ok(&transaction)),
        Err(why) => question(Err(why.into())),
    };
    is_ok.then_some(connection)
}
