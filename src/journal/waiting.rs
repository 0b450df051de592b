//! Who waits for a commit, and how many are told at once.

use tokio::runtime::Handle;

use super::error::Error;

/// Called once, with whether what was given is on disk.
pub type Done = Box<dyn FnOnce(Result<(), Error>) + Send>;

/// Somebody who must be told. If this is dropped untold, because the writer ended with a command
/// still in its inbox, they are told that the journal is closed: nobody ever waits in vain.
pub(super) struct Waiting(Option<Done>);

impl Waiting {
    pub(super) fn new(done: Done) -> Self {
        Self(Some(done))
    }

    pub(super) fn tell(mut self, result: Result<(), Error>) {
        if let Some(done) = self.0.take() {
            done(result);
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(done) = self.0.take() {
            done(Err(Error::Closed));
        }
    }
}

/// Tells those who wait for a commit.
pub(super) struct Bell(Option<Handle>);

impl Bell {
    /// For the runtime that this is called in, if there is one.
    pub(super) fn here() -> Self {
        Self(Handle::try_current().ok())
    }

    /// Tells all. Of many it is a task that does: to wake the tasks of a runtime from outside takes
    /// a lock and often a system call for each, from inside next to nothing.
    pub(super) fn tell(&self, waiting: Vec<(Waiting, Result<(), Error>)>) {
        let are_many = waiting.len() > 1;
        let tell = move || {
            for (waiting, result) in waiting {
                waiting.tell(result);
            }
        };
        match &self.0 {
            Some(runtime) if are_many => drop(runtime.spawn(async { tell() })),
            _ => tell(),
        }
    }
}
