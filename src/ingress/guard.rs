//! Follows the bytes of one connection through head, body, head, …: which of them may go on to
//! hyper. Pure; `socket` does the reading and answers refusals.

use super::Limits;
use super::framing::BodyGuard;
use super::head::{BodyFraming, HeadGuard, Verdict};
use super::refusal::Refusal;

/// A follower of one connection.
#[derive(Debug)]
pub(super) struct StreamGuard {
    place: Place,
    heads: u64,
    is_plain: bool,
    limits: Limits,
}

#[derive(Debug)]
enum Place {
    Head(HeadGuard),
    Body(BodyGuard),
    /// Nothing more may pass.
    End,
}

/// What to do with the bytes that were shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// So many, from the front, may go on.
    pub(super) pass: usize,
    /// What then.
    pub(super) then: Then,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// Read on. Bytes that did not pass are the beginning of a head: show them again, with more.
    ReadOn,
    /// The next head is refused: nothing more may pass.
    Refuse(Refusal),
    /// The body that is being read is broken: nothing more may pass.
    BodyBroken,
}

impl StreamGuard {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            place: Place::Head(HeadGuard::new()),
            heads: 0,
            is_plain: true,
            limits,
        }
    }

    /// Follows `bytes`, which begin where the bytes that passed last have ended.
    pub(super) fn follow(&mut self, bytes: &[u8]) -> Step {
        let mut pass = 0;
        let then = loop {
            let rest = bytes.get(pass..).unwrap_or_default();
            if rest.is_empty() {
                break Then::ReadOn;
            }
            match self.follow_part(rest) {
                Ok(0) => break Then::ReadOn,
                Ok(count) => pass += count,
                Err((count, then)) => {
                    pass += count;
                    self.place = Place::End;
                    break then;
                }
            }
        };
        Step { pass, then }
    }

    /// True if no byte of the next head has passed, and no body is being read.
    pub(super) fn is_between_requests(&self) -> bool {
        matches!(self.place, Place::Head(_))
    }

    /// How many heads have passed.
    pub(super) fn heads(&self) -> u64 {
        self.heads
    }

    /// True while every head that has passed was [plain](Verdict::Whole::is_plain).
    pub(super) fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// From now on nothing may pass.
    pub(super) fn end(&mut self) {
        self.place = Place::End;
    }

    /// How many bytes of `rest` belong to the part in hand, 0 if that is a head without its end;
    /// or how many may still pass, and why none after them.
    fn follow_part(&mut self, rest: &[u8]) -> Result<usize, (usize, Then)> {
        match &mut self.place {
            Place::Head(head) => match head.judge(rest, &self.limits) {
                Verdict::Partial => Ok(0),
                Verdict::Refused(why) => Err((0, Then::Refuse(why))),
                Verdict::Whole {
                    bytes,
                    body,
                    is_plain,
                } => {
                    self.is_plain &= is_plain;
                    self.begin_body(body);
                    Ok(bytes)
                }
            },
            Place::Body(body) => {
                let count = body
                    .advance(rest)
                    .map_err(|broken| (broken.after, Then::BodyBroken))?;
                if body.is_done() {
                    self.place = Place::Head(HeadGuard::new());
                }
                Ok(count)
            }
            Place::End => Ok(0),
        }
    }

    fn begin_body(&mut self, framing: BodyFraming) {
        self.heads += 1;
        self.place = match framing {
            BodyFraming::Length(0) => Place::Head(HeadGuard::new()),
            framing => Place::Body(BodyGuard::new(framing)),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipelined_requests_pass_up_to_the_bad_one() {
        let good = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello";
        let stream =
            format!("{good}{good}GET /evil HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n");
        let step = StreamGuard::new(Limits::default()).follow(stream.as_bytes());
        assert_eq!(step.pass, 2 * good.len());
        assert_eq!(step.then, Then::Refuse(Refusal::Host));
    }
}
