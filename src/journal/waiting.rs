//! Who waits for a commit.

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
