//! A bounded queue from tasks to one or more threads. Tasks wait for room without blocking;
//! threads wait for work without polling. `std` and tokio each have one half of this.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The sending side. Cheap to clone; when all are gone, the threads see the end.
pub struct Mailbox<T>(Arc<Senders<T>>);

impl<T> Clone for Mailbox<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// The receiving side. Cheap to clone, for several threads.
pub struct Inbox<T>(Arc<Readers<T>>);

impl<T> Clone for Inbox<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
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
    let queue = Arc::new(Queue {
        state: Mutex::new(State {
            letters: VecDeque::new(),
            ended: false,
            asleep: Asleep::No,
        }),
        arrived: Condvar::new(),
        room: Arc::new(Semaphore::new(capacity)),
    });
    let senders = Senders(queue.clone());
    (Mailbox(Arc::new(senders)), Inbox(Arc::new(Readers(queue))))
}

/// A mutex and a condition rather than a channel, whose receiver spins before it sleeps: at 200
/// events a second that was 17 calls of `sched_yield` an event, and a tenth of the CPU.
struct Queue<T> {
    state: Mutex<State<T>>,
    arrived: Condvar,
    /// Closed when nobody reads any more.
    room: Arc<Semaphore>,
}

struct State<T> {
    letters: VecDeque<Letter<T>>,
    ended: bool,
    /// How the thread that reads waits; of several, the one that began last.
    asleep: Asleep,
}

/// How a thread waits.
#[derive(Clone, Copy)]
enum Asleep {
    No,
    Until(Instant),
    UntilWoken,
    /// Until there are so many letters.
    Gathering(usize),
}

struct Letter<T> {
    content: T,
    /// Given back when the letter is taken out, so that what waits is what is bounded.
    _room: OwnedSemaphorePermit,
}

impl<T> Queue<T> {
    fn put(
        &self,
        content: T,
        room: OwnedSemaphorePermit,
        must_wake: impl FnOnce(Asleep) -> bool,
    ) -> Result<(), T> {
        let mut state = self.lock();
        if self.room.is_closed() {
            return Err(content);
        }
        state.letters.push_back(Letter {
            content,
            _room: room,
        });
        let must_wake = match state.asleep {
            Asleep::Gathering(enough) => state.letters.len() >= enough,
            asleep => must_wake(asleep),
        };
        drop(state);
        if must_wake {
            self.arrived.notify_one();
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shared by all mailboxes; dropped with the last.
struct Senders<T>(Arc<Queue<T>>);

impl<T> Drop for Senders<T> {
    fn drop(&mut self) {
        self.0.lock().ended = true;
        self.0.arrived.notify_all();
    }
}

/// Shared by all inboxes; dropped with the last.
struct Readers<T>(Arc<Queue<T>>);

impl<T> Drop for Readers<T> {
    fn drop(&mut self) {
        self.0.room.close();
        // Whoever waits for what a letter carries is to see that nobody will read it.
        let unread = std::mem::take(&mut self.0.lock().letters);
        drop(unread);
    }
}

impl<T> Mailbox<T> {
    /// Posts a letter, or gives it back at once if there is no room or nobody reads any more.
    pub fn try_post(&self, content: T) -> Result<(), T> {
        match self.0.0.room.clone().try_acquire_owned() {
            Ok(room) => self.put(content, room),
            Err(_) => Err(content),
        }
    }

    /// Posts a letter when there is room. Gives it back only if nobody reads any more.
    pub async fn post(&self, content: T) -> Result<(), T> {
        match self.0.0.room.clone().acquire_owned().await {
            Ok(room) => self.put(content, room),
            Err(_) => Err(content),
        }
    }

    /// Waits for room for one letter. `None` if nobody reads any more.
    pub async fn room(&self) -> Option<Room<'_, T>> {
        let permit = self.0.0.room.clone().acquire_owned().await.ok()?;
        Some(Room {
            queue: &self.0.0,
            permit,
        })
    }

    /// What has a thread that [gathers](Inbox::gather) look again whether it should. It keeps nothing
    /// open.
    pub fn nudge(&self) -> impl Fn() + use<T> {
        let queue = Arc::downgrade(&self.0.0);
        move || {
            let Some(queue) = queue.upgrade() else { return };
            let gathers = matches!(queue.lock().asleep, Asleep::Gathering(_));
            if gathers {
                queue.arrived.notify_one();
            }
        }
    }

    fn put(&self, content: T, room: OwnedSemaphorePermit) -> Result<(), T> {
        let queue = &self.0.0;
        queue.put(content, room, |_| true)
    }
}

/// Room for one letter.
pub struct Room<'a, T> {
    queue: &'a Queue<T>,
    permit: OwnedSemaphorePermit,
}

impl<T> Room<'_, T> {
    /// Posts a letter that may lie for `time` if its one reader sleeps: to wake a thread costs more
    /// than most letters do. Gives it back if nobody reads any more.
    pub fn post_lazily(self, content: T, time: Duration) -> Result<(), T> {
        let by = Instant::now() + time;
        self.queue.put(content, self.permit, |asleep| match asleep {
            Asleep::No => false,
            Asleep::Until(wakes) => wakes > by,
            Asleep::UntilWoken => true,
            Asleep::Gathering(_) => false,
        })
    }
}

impl<T> Inbox<T> {
    /// Waits for a letter; until `deadline`, if there is one.
    pub fn wait(&self, deadline: Option<Instant>) -> Found<T> {
        let queue = &self.0.0;
        let mut state = queue.lock();
        loop {
            if let Some(letter) = state.letters.pop_front() {
                return Found::Letter(letter.content);
            }
            if state.ended {
                return Found::End;
            }
            let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Found::Nothing;
            }
            state.asleep = deadline.map_or(Asleep::UntilWoken, Asleep::Until);
            state = match left {
                Some(left) => {
                    let waited = queue.arrived.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => {
                    let waited = queue.arrived.wait(state);
                    waited.unwrap_or_else(PoisonError::into_inner)
                }
            };
            state.asleep = Asleep::No;
        }
    }

    /// Waits until there are `enough` letters, but no longer than `deadline` or than `is_worthwhile`,
    /// which is asked at first and after each [`nudge`](Mailbox::nudge). Takes none out.
    pub fn gather(&self, enough: usize, deadline: Instant, is_worthwhile: impl Fn() -> bool) {
        let queue = &self.0.0;
        let mut state = queue.lock();
        while state.letters.len() < enough && !state.ended && is_worthwhile() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state.asleep = Asleep::Gathering(enough);
            let waited = queue.arrived.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.asleep = Asleep::No;
        }
    }

    /// A letter that is there already.
    pub fn take(&self) -> Option<T> {
        let letter = self.0.0.lock().letters.pop_front();
        letter.map(|letter| letter.content)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

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

    #[tokio::test]
    async fn a_letter_that_nobody_will_read_comes_back() {
        let (mailbox, inbox) = mailbox(1);
        mailbox.try_post("unread").unwrap();
        let waiting = mailbox.post("waiting");
        drop(inbox);
        assert_eq!(waiting.await, Err("waiting"));
        assert_eq!(mailbox.try_post("late"), Err("late"));
    }

    #[tokio::test]
    async fn a_lazy_letter_wakes_who_would_sleep_longer() {
        const SOON: Duration = Duration::from_millis(1);
        const NEVER: Duration = Duration::from_secs(3_600);
        let (mailbox, inbox) = mailbox(4);
        let lazily = async |letter, time| {
            let room = mailbox.room().await.unwrap();
            room.post_lazily(letter, time).unwrap();
        };
        lazily(1, NEVER).await;
        assert_eq!(inbox.wait(None), Found::Letter(1), "it is there already");
        for deadline in [None, Some(Instant::now() + NEVER)] {
            let reader = inbox.clone();
            let reader = std::thread::spawn(move || reader.wait(deadline));
            lazily(2, SOON).await;
            assert_eq!(reader.join().unwrap(), Found::Letter(2));
        }
        let reader = inbox.clone();
        let reader = std::thread::spawn(move || reader.wait(Some(Instant::now() + 5 * SOON)));
        lazily(3, NEVER).await;
        assert_eq!(
            reader.join().unwrap(),
            Found::Letter(3),
            "when it wakes by itself"
        );
    }

    #[test]
    fn a_thread_that_gathers_is_woken_by_enough_or_by_a_nudge_or_by_the_end() {
        const LONG: Duration = Duration::from_secs(3_600);
        let (mailbox, inbox) = mailbox(8);
        let is_worthwhile = Arc::new(AtomicBool::new(true));
        let gathered = |enough| {
            let (inbox, is_worthwhile) = (inbox.clone(), is_worthwhile.clone());
            std::thread::spawn(move || {
                inbox.gather(enough, Instant::now() + LONG, || {
                    is_worthwhile.load(Ordering::SeqCst)
                });
                std::iter::from_fn(|| inbox.take()).collect::<Vec<_>>()
            })
        };
        let thread = gathered(3);
        for letter in 1..=3 {
            mailbox.try_post(letter).unwrap();
        }
        assert_eq!(thread.join().unwrap(), [1, 2, 3]);

        let thread = gathered(3);
        mailbox.try_post(4).unwrap();
        is_worthwhile.store(false, Ordering::SeqCst);
        mailbox.nudge()();
        assert_eq!(thread.join().unwrap(), [4]);

        is_worthwhile.store(true, Ordering::SeqCst);
        inbox.gather(3, Instant::now(), || true); // the time is over
        let thread = gathered(3);
        drop(mailbox);
        assert!(thread.join().unwrap().is_empty());
    }

    #[test]
    fn a_thread_that_waits_is_woken_by_a_letter_and_by_the_end() {
        let (mailbox, inbox) = mailbox(1);
        let reader = std::thread::spawn(move || (inbox.wait(None), inbox.wait(None)));
        mailbox.try_post(1).unwrap();
        drop(mailbox);
        assert_eq!(reader.join().unwrap(), (Found::Letter(1), Found::End));
    }
}
