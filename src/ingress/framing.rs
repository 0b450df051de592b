//! Finds the end of a request body in the raw bytes, so that the next head is found where hyper
//! will find it. Pure; it reads no data, and is in no point laxer than hyper's own decoder.

use super::head::BodyFraming;

/// More than any sender is known to put there, over a whole body.
const MAX_EXTENSION_BYTES: usize = 1_024;
/// Trailer fields are allowed, but nobody reads them.
const MAX_TRAILER_BYTES: usize = 1_024;
/// What a u64 holds.
const MAX_SIZE_DIGITS: u8 = 16;

/// The bytes are not framed as the head said.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken {
    /// So many bytes before were good.
    pub(super) after: usize,
}

/// A byte that does not belong where it stands.
struct Misplaced;

/// Follows one body.
#[derive(Debug)]
pub(super) enum BodyGuard {
    /// So many bytes are still to come.
    Length(u64),
    Chunked(ChunkGuard),
}

/// Follows one chunked body.
#[derive(Debug)]
pub(super) struct ChunkGuard {
    place: Place,
    size: u64,
    digits: u8,
    extension_bytes: usize,
    trailer_bytes: usize,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Size,
    Extension,
    SizeLineFeed,
    Data,
    DataReturn,
    DataLineFeed,
    LineAfterLastChunk,
    Trailer,
    TrailerLineFeed,
    EndLineFeed,
    End,
}

impl BodyGuard {
    pub(super) fn new(framing: BodyFraming) -> Self {
        match framing {
            BodyFraming::Length(length) => Self::Length(length),
            BodyFraming::Chunked => Self::Chunked(ChunkGuard::new()),
        }
    }

    /// How many of `bytes`, from the front, belong to this body.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> Result<usize, Broken> {
        match self {
            Self::Length(remaining) => Ok(skip(remaining, bytes.len())),
            Self::Chunked(chunks) => chunks.advance(bytes),
        }
    }

    pub(super) fn is_done(&self) -> bool {
        match self {
            Self::Length(remaining) => *remaining == 0,
            Self::Chunked(chunks) => chunks.place == Place::End,
        }
    }
}

impl ChunkGuard {
    fn new() -> Self {
        Self {
            place: Place::Size,
            size: 0,
            digits: 0,
            extension_bytes: 0,
            trailer_bytes: 0,
        }
    }

    fn advance(&mut self, bytes: &[u8]) -> Result<usize, Broken> {
        let mut at = 0;
        while self.place != Place::End {
            let Some(&byte) = bytes.get(at) else { break };
            if self.place == Place::Data {
                at += skip(&mut self.size, bytes.len() - at);
                if self.size == 0 {
                    self.place = Place::DataReturn;
                }
            } else {
                self.place = self.step(byte).map_err(|Misplaced| Broken { after: at })?;
                at += 1;
            }
        }
        Ok(at)
    }

    fn step(&mut self, byte: u8) -> Result<Place, Misplaced> {
        match (self.place, byte) {
            (Place::Size, b'\r') if self.digits > 0 => Ok(Place::SizeLineFeed),
            (Place::Size, b';') if self.digits > 0 => Ok(Place::Extension),
            (Place::Size, _) => self.add_digit(byte),
            (Place::Extension, b'\r') => Ok(Place::SizeLineFeed),
            (Place::Extension, _) => {
                count(&mut self.extension_bytes, byte, MAX_EXTENSION_BYTES)?;
                Ok(Place::Extension)
            }
            (Place::SizeLineFeed, b'\n') => Ok(self.begin_chunk()),
            (Place::DataReturn, b'\r') => Ok(Place::DataLineFeed),
            (Place::DataLineFeed, b'\n') => Ok(Place::Size),
            (Place::LineAfterLastChunk, b'\r') => Ok(Place::EndLineFeed),
            (Place::Trailer, b'\r') => Ok(Place::TrailerLineFeed),
            (Place::LineAfterLastChunk | Place::Trailer, _) => {
                count(&mut self.trailer_bytes, byte, MAX_TRAILER_BYTES)?;
                Ok(Place::Trailer)
            }
            (Place::TrailerLineFeed, b'\n') => Ok(Place::LineAfterLastChunk),
            (Place::EndLineFeed, b'\n') => Ok(Place::End),
            _ => Err(Misplaced),
        }
    }

    fn add_digit(&mut self, byte: u8) -> Result<Place, Misplaced> {
        let digit = char::from(byte).to_digit(16).ok_or(Misplaced)?;
        if self.digits == MAX_SIZE_DIGITS {
            return Err(Misplaced);
        }
        self.digits += 1;
        self.size = (self.size << 4) | u64::from(digit);
        Ok(Place::Size)
    }

    fn begin_chunk(&mut self) -> Place {
        self.digits = 0;
        if self.size == 0 {
            Place::LineAfterLastChunk
        } else {
            Place::Data
        }
    }
}

/// Takes what is there, up to what is wanted.
fn skip(wanted: &mut u64, there: usize) -> usize {
    let taken = usize::try_from(*wanted).unwrap_or(usize::MAX).min(there);
    *wanted -= taken as u64;
    taken
}

fn count(counter: &mut usize, byte: u8, limit: usize) -> Result<(), Misplaced> {
    *counter += 1;
    let is_text = byte == b'\t' || (byte >= b' ' && byte != 0x7f);
    if is_text && *counter <= limit {
        Ok(())
    } else {
        Err(Misplaced)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunked(bytes: &[u8]) -> Result<(usize, bool), Broken> {
        let mut guard = BodyGuard::new(BodyFraming::Chunked);
        let used = guard.advance(bytes)?;
        Ok((used, guard.is_done()))
    }

    #[test]
    fn a_body_ends_where_its_framing_says() {
        let mut length = BodyGuard::new(BodyFraming::Length(5));
        assert_eq!(length.advance(b"abc"), Ok(3));
        assert!(!length.is_done());
        assert_eq!(length.advance(b"deGET /"), Ok(2));
        assert!(length.is_done());

        assert_eq!(chunked(b"0\r\n\r\nGET"), Ok((5, true)));
        assert_eq!(
            chunked(b"3\r\nabc\r\nA\r\n0123456789\r\n000\r\n\r\n"),
            Ok((30, true))
        );
        assert_eq!(
            chunked(b"1;name=\"v\"\r\n\n\r\n0;x\r\nA: b\r\nC: d\r\n\r\n"),
            Ok((34, true))
        );
        assert_eq!(chunked(b"ffffffffffffffff\r\nabc"), Ok((21, false)));
    }

    #[test]
    fn broken_chunks_are_seen() {
        let long = format!(
            "1;{}\r\na\r\n0\r\n\r\n",
            "x".repeat(MAX_EXTENSION_BYTES + 1)
        );
        let table: &[&[u8]] = &[
            b"\r\n",
            b";x\r\n",
            b"0x1\r\n",
            b"+1\r\n",
            b" 1\r\n",
            b"1 \r\n",
            b"1\na",
            b"1\r\r\n",
            b"1\r\nab\r\n",
            b"1\r\na\n",
            b"1\r\na\r\r\n",
            b"1;a\nb\r\n",
            b"1;a\0b\r\n",
            b"11111111111111111\r\n",
            b"0\r\nA: b\n\r\n",
            b"0\r\n\n",
            b"0\r\nA\rB\r\n\r\n",
            long.as_bytes(),
        ];
        for bytes in table {
            assert!(
                chunked(bytes).is_err(),
                "{:?}",
                String::from_utf8_lossy(bytes)
            );
        }
    }
}
