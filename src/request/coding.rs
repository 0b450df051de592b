//! `Content-Encoding` of a request: which there is, and taking it off, within bounds. A body is kept
//! as it came, because that is what senders sign; whoever reads it takes the coding off first. Answers
//! are sent plain, but for what is packed beforehand.

use std::fmt;
use std::io::{Read, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;
use http::{HeaderMap, header};

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// Not at all.
    Identity,
    /// With gzip.
    Gzip,
}

/// A coding that is not read here, or several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownCoding;

/// Why a packed body cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It says that it is packed in a way that is not read here.
    Coding,
    /// It is not what it says, or is cut short.
    Broken,
    /// Unpacked it is larger than allowed, or than any honest body of its size.
    TooLarge,
}

/// A packed body of so many times fewer bytes is a bomb. JSON shrinks to a tenth, a batch of equal
/// events to a fiftieth.
const MAX_RATIO: usize = 100;

/// How much is unpacked between two looks at the bounds.
const STEP: usize = 64 * 1_024;

/// The coding that the head names.
///
/// # Errors
/// If there is one that is not read here, or more than one.
pub fn coding(headers: &HeaderMap) -> Result<Coding, UnknownCoding> {
    let lines = headers.get_all(header::CONTENT_ENCODING).iter();
    let codings = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    let mut found = Coding::Identity;
    for name in codings.map(<[u8]>::trim_ascii) {
        if name.is_empty() || name.eq_ignore_ascii_case(b"identity") {
            continue;
        }
        let is_gzip = name.eq_ignore_ascii_case(b"gzip") || name.eq_ignore_ascii_case(b"x-gzip");
        if !is_gzip || found == Coding::Gzip {
            return Err(UnknownCoding);
        }
        found = Coding::Gzip;
    }
    Ok(found)
}

/// The body without its coding, if it has at most `max_bytes` then.
///
/// # Errors
/// See [`Unreadable`].
pub fn unpack(headers: &HeaderMap, body: &Bytes, max_bytes: usize) -> Result<Bytes, Unreadable> {
    match coding(headers) {
        Ok(Coding::Identity) => Ok(body.clone()),
        Ok(Coding::Gzip) => gunzip(body, max_bytes),
        Err(UnknownCoding) => Err(Unreadable::Coding),
    }
}

/// Packs with gzip, as small as it gets: for what is packed once and sent often.
pub fn pack(body: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    // Into memory it does not fail.
    let packed = packer.write_all(body).and_then(|()| packer.finish());
    packed.unwrap_or_default()
}

fn gunzip(packed: &[u8], max_bytes: usize) -> Result<Bytes, Unreadable> {
    let most = max_bytes.min(packed.len().saturating_mul(MAX_RATIO));
    let mut reader = MultiGzDecoder::new(packed);
    let mut whole = Vec::new();
    loop {
        let before = whole.len();
        let mut step = reader.by_ref().take(STEP as u64);
        step.read_to_end(&mut whole)
            .map_err(|_| Unreadable::Broken)?;
        if whole.len() > most {
            return Err(Unreadable::TooLarge);
        }
        if whole.len() == before {
            return Ok(whole.into());
        }
    }
}

impl Unreadable {
    /// The status that says so.
    pub fn status(self) -> u16 {
        match self {
            Self::Coding => 415,
            Self::Broken => 400,
            Self::TooLarge => 413,
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Coding => "send the body plain, or packed once with content-encoding: gzip",
            Self::Broken => "the body is not the gzip that its head says, or is cut short",
            Self::TooLarge => {
                "the unpacked body is larger than is allowed for this path, or more than 100 times the packed one"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn headers(lines: &[&'static str]) -> HeaderMap {
        let lines = lines.iter();
        lines
            .map(|line| (header::CONTENT_ENCODING, HeaderValue::from_static(line)))
            .collect()
    }

    #[test]
    fn one_gzip_is_read_and_nothing_else() {
        for (lines, expected) in [
            (&[][..], Ok(Coding::Identity)),
            (&[""], Ok(Coding::Identity)),
            (&["identity"], Ok(Coding::Identity)),
            (&["gzip"], Ok(Coding::Gzip)),
            (&["X-GZip"], Ok(Coding::Gzip)),
            (&["identity, gzip"], Ok(Coding::Gzip)),
            (&["gzip, gzip"], Err(UnknownCoding)),
            (&["gzip", "gzip"], Err(UnknownCoding)),
            (&["gzip, gzip, gzip"], Err(UnknownCoding)),
            (&["br"], Err(UnknownCoding)),
            (&["deflate"], Err(UnknownCoding)),
            (&["gzip2"], Err(UnknownCoding)),
        ] {
            assert_eq!(coding(&headers(lines)), expected, "{lines:?}");
        }
    }

    #[test]
    fn what_is_too_large_stops_early() {
        let bomb = pack(&vec![b'0'; 100 << 20]);
        assert!(bomb.len() < 200_000);
        assert_eq!(gunzip(&bomb, 8 << 20), Err(Unreadable::TooLarge));
        // By its ratio, although it would have room.
        let small = pack(&vec![b'0'; 200_000]);
        assert!(small.len() < 2_000);
        assert_eq!(gunzip(&small, 8 << 20), Err(Unreadable::TooLarge));
        let text: Vec<u8> = (0..1_000_u32)
            .flat_map(|n| n.wrapping_mul(2_654_435_761).to_string().into_bytes())
            .collect();
        let exact = pack(&text);
        assert_eq!(gunzip(&exact, text.len()).unwrap(), text);
        assert_eq!(gunzip(&exact, text.len() - 1), Err(Unreadable::TooLarge));
    }

    #[test]
    fn what_is_not_gzip_is_broken() {
        let good = pack(b"{\"id\":1}");
        for bad in [
            &b""[..],
            b"hello",
            &good[..good.len() - 1],
            &[&good[..], b"more"].concat(),
        ] {
            assert_eq!(gunzip(bad, 1_000), Err(Unreadable::Broken), "{bad:?}");
        }
        let two = [pack(b"{\"id\":"), pack(b"1}")].concat();
        assert_eq!(gunzip(&two, 1_000).unwrap(), "{\"id\":1}");
    }

    proptest! {
        #[test]
        fn what_was_packed_comes_back(body in prop::collection::vec(any::<u8>(), 0..2_000)) {
            prop_assert_eq!(&gunzip(&pack(&body), 2_000).unwrap()[..], &body[..]);
        }

        #[test]
        fn nothing_panics(junk in prop::collection::vec(any::<u8>(), 0..500)) {
            let junk = [&b"\x1f\x8b\x08\x00"[..], &junk].concat();
            gunzip(&junk, 1_000).ok();
        }
    }
}
