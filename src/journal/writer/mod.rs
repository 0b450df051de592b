//! The one thread that writes. It gathers what has come while it wrote, makes all of it durable in
//! one commit, then answers: group commit. It waits for more only while the runtime's threads all have
//! something to do (waiting 1 ms in any case was measured to be four times worse).
//!
//! A store that failed is left alone for a moment. Meanwhile appends are refused at once, and marks
//! are kept for the next try.

mod command;
mod edit;
mod gathered;
mod novelty;
mod rerun;
mod space;
mod unwritten;
#[cfg(test)]
mod tests;

pub(super) use command::{Answer, Append, Command, Edit, Settings};

use std::mem;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tracing::{error, info};

use super::NAP;
use super::error::Error;
use super::hand_over::{HandOver, Queue, Ticket};
use super::record::{Counts, TakenEvent};
use super::sqlite::Reader;
use super::store::{Expiry, NewEvent, Progress, Store, Swept};
use super::waiting::{Bell, Waiting};
use crate::clock::Millis;
use crate::mailbox::{Found, Inbox};
use gathered::{Gathered, Share};
use novelty::Novelty;
use space::Space;

/// Commands of one commit: enough for a burst, few enough that nobody waits long.
const MAX_COMMANDS: usize = 512;

/// New events that are worth a commit while all workers are busy. With 2,000 connections on one core
/// there were six to a commit; with these, 19,600 events a second are taken instead of 14,600.
const COMPANY: usize = 32;

/// How long they wait for so many.
const COMPANY_TIME: Duration = Duration::from_millis(2);

/// Between two steps of forgetting, so that appends are not held up.
const BETWEEN_STEPS: Duration = Duration::from_millis(20);

/// Between two looks whether there is room again.
const LOOK_FOR_ROOM: Duration = Duration::from_secs(1);

/// Starts the thread. It ends when it is told to, or when nobody can ask any more.
pub(super) fn start(
    mut store: Box<dyn Store>,
    reader: Reader,
    settings: Settings,
    inbox: Inbox<Command>,
) -> Result<Arc<HandOver>, Error> {
    let Progress {
        commits,
        newest,
        watermark,
    } = store.progress()?;
    let hand_over = Arc::new(HandOver::new(watermark));
    let mut writer = Writer {
        sweep_at: Instant::now() + settings.sweep_every,
        space: Space::new(settings.journal.max_size, &*store),
        reader,
        store,
        hand_over: hand_over.clone(),
        settings,
        bell: Bell::here(),
        newest,
        commits,
        pending: Gathered::default(),
        must_flush: false,
        broken: None,
        reads: Vec::new(),
        nap_until: None,
    };
    writer.look_for_room();
    thread::Builder::new()
        .name("journal".to_owned())
        .spawn(move || writer.run(&inbox))
        .map_err(|error| Error::Storage(format!("cannot start the journal's thread: {error}")))?;
    Ok(hand_over)
}

struct Writer {
    /// Ends before the store does, whose file it reads.
    reader: Reader,
    store: Box<dyn Store>,
    hand_over: Arc<HandOver>,
    settings: Settings,
    bell: Bell,
    /// The number of the newest event on disk.
    newest: u64,
    /// The number of the last commit.
    commits: u64,
    pending: Gathered,
    /// Somebody waits for all of it.
    must_flush: bool,
    broken: Option<Broken>,
    /// Reads that failed, to be done when the store works again.
    reads: Vec<(Ticket, Millis)>,
    space: Space,
    sweep_at: Instant,
    /// When to look by itself for marks, after what came last.
    nap_until: Option<Instant>,
}

/// The store failed.
struct Broken {
    why: Error,
    try_again: Instant,
    /// A commit that failed, and may be on disk all the same.
    in_doubt: Option<Gathered>,
}

/// However the writer ends, the journal is closed then, and whoever asks it is told so. This goes
/// on until nobody can ask any more: a command that nobody takes out would leave its sender waiting.
struct RefuseTheRest<'a> {
    hand_over: Arc<HandOver>,
    inbox: &'a Inbox<Command>,
}

impl Drop for RefuseTheRest<'_> {
    fn drop(&mut self) {
        self.hand_over.close();
        while let Found::Letter(command) = self.inbox.wait(None) {
            drop(command);
        }
    }
}

impl Writer {
    fn run(self, inbox: &Inbox<Command>) {
        let _at_end = RefuseTheRest {
            hand_over: self.hand_over.clone(),
            inbox,
        };
        self.work(inbox);
    }

    fn work(mut self, inbox: &Inbox<Command>) {
        let mut closer = None;
        while closer.is_none() {
            match inbox.wait(Some(self.deadline())) {
                Found::Letter(command) => {
                    self.nap_until = Some(Instant::now() + NAP);
                    closer = self.take(command);
                }
                Found::Nothing => {
                    self.nap_until = None;
                    if self.space.is_full() {
                        self.look_for_room();
                    }
                }
                Found::End => break,
            }
            self.wait_for_company(inbox);
            let more = std::iter::from_fn(|| inbox.take()).take(MAX_COMMANDS);
            for command in more {
                closer = self.take(command).or(closer);
            }
            self.recover_if_due();
            if self.pending.is_due(Instant::now()) {
                self.commit_due().ok(); // those who wait were told
            }
            self.sweep_if_due();
        }
        let result = self.finish();
        self.hand_over.close();
        drop(self); // the folder is free for the next one
        if let Some(waiting) = closer {
            waiting.tell(result);
        }
    }

    /// Nobody's answer comes later for it: while all workers are busy, most of those who would be
    /// answered sooner would only wait for their turn.
    fn wait_for_company(&self, inbox: &Inbox<Command>) {
        let workers = &self.settings.workers;
        if !self.pending.is_awaited() || !workers.are_all_busy() {
            return;
        }
        let deadline = Instant::now() + COMPANY_TIME;
        inbox.gather(COMPANY, deadline, || !workers.has_idle());
    }

    /// Gives back who asked to close, if that was it.
    fn take(&mut self, command: Command) -> Option<Waiting> {
        match command {
            Command::Append(append) => self.append(append),
            Command::KeepRequest { request, waiting } => match self.refusal() {
                Some(why) => waiting.tell(Err(why)),
                None => self.pending.keep(*request, waiting),
            },
            Command::Processed { processed, now } => {
                for event in processed {
                    self.pending.close(event, now);
                }
            }
            Command::Settle(settlements) => {
                for settlement in settlements {
                    self.pending.settle(settlement);
                }
            }
            Command::Read { ticket, now } => self.read(ticket, now),
            Command::Edit(edit) => self.edit(edit),
            Command::Count(answer) => drop(answer.send(self.count())),
            Command::Flush(waiting) => match &self.broken {
                Some(broken) => waiting.tell(Err(broken.why.clone())),
                None if self.pending.is_empty() => waiting.tell(Ok(())),
                None => {
                    self.must_flush = true;
                    self.pending.waiting.push(waiting);
                }
            },
            Command::Close(waiting) => return Some(waiting),
        }
        None
    }

    fn append(&mut self, mut append: Append) {
        if let Some(why) = self.refusal() {
            return append.waiting.tell(Err(why));
        }
        match self.novelty(&mut append) {
            Ok(Novelty::New) => self.pending.append(self.newest, append),
            Ok(Novelty::Repeat) => self.pending.repeat(append),
            Ok(Novelty::Gone) => append.waiting.tell(Err(Error::Duplicate)),
            Err(why) => {
                self.fail(why.clone());
                append.waiting.tell(Err(why));
            }
        }
    }

    /// Why nothing can be appended now, if so.
    fn refusal(&mut self) -> Option<Error> {
        if let Some(broken) = &self.broken {
            return Some(broken.why.clone());
        }
        if self.space.is_full() {
            self.look_for_room(); // somebody may have made some
        }
        self.space.is_full().then_some(Error::Full)
    }

    fn look_for_room(&mut self) {
        self.space.note(&*self.store);
        self.hand_over.set_full(self.space.is_full());
    }

    fn deadline(&self) -> Instant {
        if let Some(broken) = &self.broken {
            return broken.try_again;
        }
        // Where nobody asks any more, since it is full, nobody would notice that it is not.
        let look = self.space.is_full().then(|| Instant::now() + LOOK_FOR_ROOM);
        let deadlines = [self.pending.deadline(), look, self.nap_until];
        let deadlines = deadlines.into_iter().flatten();
        deadlines.fold(self.sweep_at, Instant::min)
    }

    /// Everything that was given before.
    fn commit(&mut self) -> Result<(), Error> {
        self.commit_share(Share::All)
    }

    /// What may wait longer waits, unless somebody wants to be told that everything is on disk.
    fn commit_due(&mut self) -> Result<(), Error> {
        let share = match std::mem::take(&mut self.must_flush) {
            true => Share::All,
            false => Share::Due,
        };
        self.commit_share(share)
    }

    fn commit_share(&mut self, share: Share) -> Result<(), Error> {
        if let Some(broken) = &self.broken {
            return Err(broken.why.clone());
        }
        if self.pending.is_empty() {
            return Ok(());
        }
        let mut gathered = self.pending.take(share, Instant::now());
        self.hand_over.close_events(&gathered.closed);
        gathered.batch.number = self.commits + 1;
        gathered.batch.at = self.settings.clock.now();
        gathered.batch.watermark = self.watermark(&gathered.batch.events);
        let begun = Instant::now();
        let result = self.store.commit(&gathered.batch);
        let records = gathered.batch.records();
        self.settings.meter.committed(records, begun.elapsed());
        self.hand_over.set_healthy(result.is_ok());
        let answers = gathered.answers(&result);
        let has_events = result.is_ok() && !gathered.batch.events.is_empty();
        match &result {
            Ok(()) => self.committed(gathered),
            Err(why) => self.failed(why.clone(), Some(gathered)),
        }
        let hand_over = has_events.then(|| self.hand_over.clone());
        self.bell.ring(answers, hand_over);
        result
    }

    /// All events up to this number are processed once these new ones are on disk.
    fn watermark(&self, new: &[NewEvent]) -> u64 {
        let watermark = self.hand_over.watermark(self.newest);
        if watermark < self.newest {
            return watermark;
        }
        let processed = new.iter().take_while(|new| new.came_processed);
        watermark + processed.count() as u64
    }

    fn committed(&mut self, done: Gathered) {
        self.commits = done.batch.number;
        self.newest += done.batch.events.len() as u64;
        let to_process = done
            .batch
            .events
            .into_iter()
            .filter(|new| !new.came_processed);
        self.hand_over
            .offer_events(to_process.map(|new| TakenEvent {
                number: new.number,
                event: new.event,
            }));
        self.hand_over.note_rows(&done.batch.rows);
        self.hand_over.release(done.released);
        self.hand_over.note_edits(done.batch.edits);
        self.look_for_room();
    }

    fn failed(&mut self, why: Error, in_doubt: Option<Gathered>) {
        error!(error = %why, "the journal failed; senders are told to come back");
        self.hand_over.set_healthy(false);
        self.broken = Some(Broken {
            why,
            try_again: Instant::now() + self.settings.pause,
            in_doubt,
        });
    }

    /// A read failed. What was gathered is tried all the same, or those who wait for it would wait
    /// until it is read again.
    fn fail(&mut self, why: Error) {
        if self.commit().is_ok() {
            self.failed(why, None);
        }
    }

    fn recover_if_due(&mut self) {
        let now = Instant::now();
        if let Some(broken) = self.broken.take_if(|broken| broken.try_again <= now) {
            self.recover(broken);
        }
    }

    fn recover(&mut self, mut broken: Broken) {
        let recovered = self.reader.make_way(|| self.store.recover());
        let recovered = recovered.and_then(|()| self.store.progress());
        match recovered {
            Ok(progress) => {
                info!("the journal can be written again");
                self.hand_over.set_healthy(true);
                if let Some(in_doubt) = broken.in_doubt {
                    self.resolve(in_doubt, progress);
                }
                for (ticket, now) in mem::take(&mut self.reads) {
                    self.read(ticket, now);
                }
            }
            Err(why) => {
                if why != broken.why {
                    error!(error = %why, "the journal cannot be opened again");
                }
                broken.why = why;
                broken.try_again = Instant::now() + self.settings.pause;
                self.broken = Some(broken);
            }
        }
    }

    /// A commit that failed may be on disk: the log was written, its fsync was not. Then its events
    /// are there, though their senders were told to come back, and its marks must not be made again.
    fn resolve(&mut self, mut in_doubt: Gathered, progress: Progress) {
        if progress.has(&in_doubt.batch) {
            self.committed(in_doubt);
            return self.hand_over.wake_processor();
        }
        in_doubt.keep_marks(self.newest);
        in_doubt.absorb(mem::take(&mut self.pending));
        self.pending = in_doubt;
    }

    fn read(&mut self, ticket: Ticket, now: Millis) {
        // Marks that wait may be what the taker waits for.
        self.commit().ok();
        if self.broken.is_some() {
            return self.reads.push((ticket, now));
        }
        if let Err(why) = self.fill(&ticket.queue, now) {
            self.failed(why, None);
            self.reads.push((ticket, now));
        }
    }

    fn fill(&mut self, queue: &Queue, now: Millis) -> Result<(), Error> {
        match queue {
            Queue::Events => {
                let (newest, room) = self.hand_over.wanted_events();
                let page = self.store.events_after(newest, room)?;
                self.hand_over.refill_events(page);
            }
            Queue::Deliveries(destination) => {
                let wanted = self.hand_over.wanted_deliveries(destination);
                let due = self.store.due(destination, now, wanted)?;
                self.hand_over.refill_deliveries(destination, due);
            }
        }
        Ok(())
    }

    /// The rest is the reader's to fill in.
    fn count(&mut self) -> Result<Counts, Error> {
        self.commit()?;
        Ok(Counts {
            unprocessed: self.hand_over.unprocessed(self.newest),
            size: self.store.size(),
            ..Counts::default()
        })
    }

    /// One step of forgetting, so small that nobody notices.
    fn sweep_if_due(&mut self) {
        if self.broken.is_some() || Instant::now() < self.sweep_at {
            return;
        }
        let expiry = Expiry::at(self.settings.clock.now(), &self.settings.journal);
        match self.store.sweep(expiry) {
            Ok(Swept::Some) => self.sweep_at = Instant::now() + BETWEEN_STEPS,
            Ok(Swept::All) => self.sweep_at = Instant::now() + self.settings.sweep_every,
            Err(why) => self.failed(why, None),
        }
        self.look_for_room();
    }

    /// The last commit; a broken store gets one more try.
    fn finish(&mut self) -> Result<(), Error> {
        if let Some(broken) = self.broken.take() {
            self.recover(broken);
        }
        self.commit()
    }
}
