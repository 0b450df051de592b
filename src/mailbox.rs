//! A bounded queue from tasks to one or more threads. Tasks wait for room without blocking;
//! threads wait for work without polling. `std` and tokio each have one half of this.

use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The sending side. Cheap to clone; when all are gone, the threads see the end.
pub struct Mailbox<T> {
    letters: Sender<Letter<T>>,
    room: Arc<Semaphore>,
}

impl<T> Clone for Mailbox<T> {
    fn clone(&self) -> Self {
        Self {
            letters: self.letters.clone(),
            room: self.room.clone(),
        }
    }
}

/// The receiving side. Cheap to clone, for several threads.
pub struct Inbox<T>(Receiver<Letter<T>>);

impl<T> Clone for Inbox<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

struct Letter<T> {
    content: T,
    /// Given back when the letter is taken out, so that what waits is what is bounded.
    _room: OwnedSemaphorePermit,
}

/// What a thread finds in its inbox.
#[derive(Debug, PartialEq, Eq)]
pub enum Found<T> {
    /// A letter.
    Letter(T),
    /// None until the deadline.
    Nothing,
    /// There will be none any more.
    End,
}

/// A queue that holds at most `capacity` letters.
pub fn mailbox<T>(capacity: usize) -> (Mailbox<T>, Inbox<T>) {
    let (letters, inbox) = bounded(capacity);
    (
        Mailbox {
            letters,
            room: Arc::new(Semaphore::new(capacity)),
        },
        Inbox(inbox),
    )
}

impl<T> Mailbox<T> {
    /// Posts a letter, or gives it back at once if there is no room or nobody reads any more.
    pub fn try_post(&self, content: T) -> Result<(), T> {
        match self.room.clone().try_acquire_owned() {
            Ok(room) => self.put(content, room),
            Err(_) => Err(content),
        }
    }

    /// Posts a letter when there is room. Gives it back only if nobody reads any more.
    pub async fn post(&self, content: T) -> Result<(), T> {
        match self.room.clone().acquire_owned().await {
            Ok(room) => self.put(content, room),
            Err(_) => Err(content),
        }
    }

    fn put(&self, content: T, room: OwnedSemaphorePermit) -> Result<(), T> {
        self.letters
            .try_send(Letter {
                content,
                _room: room,
            })
            .map_err(|error| error.into_inner().content)
    }
}

impl<T> Inbox<T> {
    /// Waits for a letter; until `deadline`, if there is one.
    pub fn wait(&self, deadline: Option<Instant>) -> Found<T> {
        let received = match deadline {
            Some(deadline) => self.0.recv_deadline(deadline),
            None => self.0.recv().map_err(RecvTimeoutError::from),
        };
        match received {
            Ok(letter) => Found::Letter(letter.content),
            Err(RecvTimeoutError::Timeout) => Found::Nothing,
            Err(RecvTimeoutError::Disconnected) => Found::End,
        }
    }

    /// A letter that is there already.
    pub fn take(&self) -> Option<T> {
        self.0.try_recv().ok().map(|letter| letter.content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn holds_so_many_letters_and_no_more() {
        let (mailbox, inbox) = mailbox(2);
        assert_eq!(mailbox.try_post(1), Ok(()));
        mailbox.post(2).await.unwrap();
        assert_eq!(mailbox.try_post(3), Err(3));
        assert_eq!(inbox.wait(None), Found::Letter(1));
        assert_eq!(mailbox.try_post(3), Ok(()));
        drop(mailbox);
        assert_eq!((inbox.take(), inbox.take()), (Some(2), Some(3)));
        assert_eq!(inbox.wait(Some(Instant::now())), Found::End);
    }
}
