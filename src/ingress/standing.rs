//! A connection without a seat: there was none for it, or it was idle and another needed it. It stays
//! open, and each request on it is refused as soon as it has come, or seated if there is a seat by then.
//! To keep it and refuse a request costs a third of what it costs to close it and have its sender come back.
//!
//! What is read is followed by the same [`StreamGuard`] as any other request, and thrown away.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep, timeout};
use tracing::debug;

use super::door::Door;
use super::guard::{Step, StreamGuard, Then};
use super::refusal::Refusal;
use super::seats::StandingPlace;
use super::{Limits, Service};

/// Bytes that are read at once. Nearly all requests have fewer.
const PIECE: usize = 4_096;
/// How long one that is closed may take to read why.
const LINGER_TIME: Duration = Duration::from_secs(1);

/// Stays with `stream` until it gets in, or is closed: so it is if nothing has come after `patience`.
pub(super) async fn stand<S: Service>(
    stream: TcpStream,
    peer: IpAddr,
    why: Refusal,
    patience: Duration,
    place: StandingPlace,
    door: Arc<Door<S>>,
) {
    let limits = door.shared.settings.limits;
    let standing = Standing {
        guard: StreamGuard::new(limits),
        held: Vec::new(),
        refused: 0,
        patience: Box::pin(sleep(patience)),
        stream,
        peer,
        why,
        _place: place,
        door,
    };
    if let Err(error) = standing.stay(&limits).await {
        debug!(%peer, %error, "a connection without a seat ended");
    }
}

struct Standing<S> {
    stream: TcpStream,
    peer: IpAddr,
    /// Why there is no seat for it.
    why: Refusal,
    _place: StandingPlace,
    door: Arc<Door<S>>,
    guard: StreamGuard,
    /// The beginning of a head.
    held: Vec<u8>,
    /// How many requests were.
    refused: u64,
    /// Over when what is waited for has not come: a request, or the rest of one.
    patience: Pin<Box<Sleep>>,
}

/// What was read came to.
enum Heard {
    /// Nothing is wrong, and more may come.
    Good,
    /// This is not what a request looks like.
    Bad(Refusal),
    /// The peer has closed.
    End,
}

impl<S: Service> Standing<S> {
    async fn stay(mut self, limits: &Limits) -> io::Result<()> {
        loop {
            let ready = tokio::select! {
                biased;
                ready = self.stream.ready(Interest::READABLE) => ready?,
                () = self.patience.as_mut() => return self.give_up().await,
            };
            let is_first_piece = self.is_between_requests();
            // One that has closed its half will ask nothing after what it has asked.
            if is_first_piece && !ready.is_read_closed() {
                match self.door.find_seat(self.peer) {
                    Ok(seat) => return self.door.let_in(self.stream, self.peer, seat),
                    Err(why) => self.why = why,
                }
            }
            match self.listen()? {
                Heard::Good if self.guard.is_plain() => self.refuse_each(limits)?,
                Heard::Good => return self.refuse_last().await,
                Heard::Bad(why) => {
                    self.why = why;
                    return self.refuse_last().await;
                }
                Heard::End => return Ok(()),
            }
            if is_first_piece && !self.is_between_requests() {
                self.wait_for(limits.body_time);
            }
        }
    }

    fn wait_for(&mut self, time: Duration) {
        self.patience.as_mut().reset(Instant::now() + time);
    }

    fn is_between_requests(&self) -> bool {
        self.guard.is_between_requests() && self.held.is_empty()
    }

    /// Reads what is there, a piece at a time.
    fn listen(&mut self) -> io::Result<Heard> {
        let mut piece = [0; PIECE];
        let piece = match self.stream.try_read(&mut piece) {
            Ok(0) => return Ok(Heard::End),
            Ok(count) => piece.get(..count).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Heard::Good),
            Err(error) => return Err(error),
        };
        Ok(match self.follow(piece) {
            Then::ReadOn => Heard::Good,
            Then::Refuse(why) => Heard::Bad(why),
            Then::BodyBroken => Heard::Bad(Refusal::BodyBroken),
        })
    }

    fn follow(&mut self, piece: &[u8]) -> Then {
        if self.held.is_empty() {
            let Step { pass, then } = self.guard.follow(piece);
            self.held
                .extend_from_slice(piece.get(pass..).unwrap_or_default());
            return then;
        }
        self.held.extend_from_slice(piece);
        let Step { pass, then } = self.guard.follow(&self.held);
        self.held.drain(..pass);
        then
    }

    /// Answers the requests that have come whole.
    fn refuse_each(&mut self, limits: &Limits) -> io::Result<()> {
        let begun = u64::from(!self.guard.is_between_requests());
        while self.refused + begun < self.guard.heads() {
            self.refused += 1;
            self.write(&self.door.refuse(self.peer, self.why, false))?;
            self.wait_for(limits.idle_time);
        }
        Ok(())
    }

    /// Says why, closes, and reads until the peer has closed: a socket that is closed with unread
    /// bytes is reset, and the answer lost.
    async fn refuse_last(mut self) -> io::Result<()> {
        self.write(&self.door.refuse(self.peer, self.why, true))?;
        self.stream.shutdown().await?;
        let mut scrap = Vec::with_capacity(PIECE);
        let linger = async {
            while self.stream.read_buf(&mut scrap).await? > 0 {
                scrap.clear();
            }
            Ok(())
        };
        timeout(LINGER_TIME, linger).await.unwrap_or(Ok(()))
    }

    /// What was waited for did not come: an answer to what was asked, if anything was.
    async fn give_up(self) -> io::Result<()> {
        if self.is_between_requests() {
            return Ok(());
        }
        self.refuse_last().await
    }

    /// Writes an answer without a wait. There is room for it, unless the peer asks and does not read.
    fn write(&self, answer: &str) -> io::Result<()> {
        match self.stream.try_write(answer.as_bytes())? {
            count if count == answer.len() => Ok(()),
            _ => Err(io::ErrorKind::WriteZero.into()),
        }
    }
}
