//! Whether SQLite's log is as it was written. SQLite takes what does not fit its checksum for the end
//! of a crash, and forgets it and all behind it without a word. Here that is told from damage, before
//! SQLite sees it. Reads two files (<https://sqlite.org/fileformat2.html#walformat>) and mends nothing.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use tracing::{error, warn};

/// What is in the log and will not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Damage {
    /// Where it begins, in bytes.
    pub at: u64,
    /// True if it was on disk: somebody may have been told so. Else it may have been the last
    /// commit, which a power cut tore apart before anybody was told.
    pub was_durable: bool,
}

/// Looks at the log of a database file that nobody has open, says what is wrong with it, and keeps a
/// copy: SQLite removes what it cannot read.
pub(super) fn look(file: &Path) {
    let damage = match inspect(file) {
        Ok(damage) => damage,
        // There is none, or it is SQLite's to say what is wrong.
        Err(_) => return,
    };
    let Some(Damage { at, was_durable }) = damage else {
        return;
    };
    let log = beside(file, "-wal");
    if !was_durable {
        warn!(
            log = %log.display(), at,
            "the journal's log ends within a commit, as after a power cut: nobody was told that it is on disk"
        );
        return;
    }
    let kept = kept_beside(file);
    let copy = fs::copy(&log, &kept); // with its mode
    error!(
        log = %log.display(), at, kept = %kept.display(), is_kept = copy.is_ok(),
        "the disk has damaged the journal's log: what was acknowledged last, from there on, cannot be read. Restore a backup, or have senders send it again"
    );
}

/// What is wrong with the log, if something is.
fn inspect(file: &Path) -> io::Result<Option<Damage>> {
    let index = Index::read(&beside(file, "-shm")).ok().flatten();
    let log = File::open(beside(file, "-wal"))?;
    let size = log.metadata()?.len();
    let mut log = BufReader::new(log);
    let mut bytes = [0; HEADER];
    let header = match read_whole(&mut log, &mut bytes)? {
        true => Header::parse(&bytes),
        false => None,
    };
    let Some(header) = header else {
        // A log without a beginning is as good as none, whatever is in it. One of zeros never had one:
        // some file systems make that of what was written just before a power cut.
        let is_garbled = size >= HEADER as u64 && bytes != [0; HEADER];
        let was_durable = is_garbled || index.is_some_and(|index| index.is_needed());
        return Ok(was_durable.then_some(Damage { at: 0, was_durable }));
    };
    let (whole, commits_behind) = header.walk(&mut log)?;
    let noted = index.filter(|index| index.salts == header.salts);
    // Of one log, a second commit is not begun before the first is durable.
    let was_durable = noted.is_some_and(|index| index.frames > whole) || commits_behind > 1;
    Ok((was_durable || commits_behind > 0).then_some(Damage {
        at: HEADER as u64 + whole * header.frame() as u64,
        was_durable,
    }))
}

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

struct Header {
    is_big_endian: bool,
    page: usize,
    salts: [u8; 8],
    sum: Sum,
}

impl Header {
    fn parse(bytes: &[u8; HEADER]) -> Option<Self> {
        let is_big_endian = match word(bytes, 0)? {
            0x377f_0682 => false,
            0x377f_0683 => true,
            _ => return None,
        };
        let page = usize::try_from(word(bytes, 8)?).ok()?;
        let sum = Sum::default().add(bytes.get(..24)?, is_big_endian);
        let is_whole = sum.is(bytes, 24) && (512..=65_536).contains(&page);
        is_whole.then_some(Self {
            is_big_endian,
            page,
            salts: bytes.get(16..24)?.try_into().ok()?,
            sum,
        })
    }

    fn frame(&self) -> usize {
        FRAME_HEADER + self.page
    }

    /// How many frames will be read, and how many of those behind them end a commit.
    fn walk(&self, log: &mut impl Read) -> io::Result<(u64, u64)> {
        let mut bytes = vec![0; self.frame()];
        let (mut sum, mut whole, mut commits_behind) = (self.sum, 0, 0);
        let mut is_behind = false;
        // Frames of a commit that is not complete are whole and will not be read.
        let mut read = 0;
        while read_whole(log, &mut bytes)? {
            let is_ours = bytes.get(8..16) == Some(&self.salts);
            let ends_commit = word(&bytes, 4).is_some_and(|pages| pages > 0);
            sum = [bytes.get(..8), bytes.get(FRAME_HEADER..)]
                .into_iter()
                .flatten()
                .fold(sum, |sum, part| sum.add(part, self.is_big_endian));
            is_behind |= !is_ours || !sum.is(&bytes, 16);
            if is_behind {
                commits_behind += u64::from(is_ours && ends_commit);
                continue;
            }
            read += 1;
            if ends_commit {
                whole = read;
            }
        }
        Ok((whole, commits_behind))
    }
}

/// What SQLite notes beside the log of what is durable in it: after each commit, in memory that a
/// crash of ours leaves as it is.
#[derive(Clone, Copy)]
struct Index {
    frames: u64,
    salts: [u8; 8],
    /// Frames that are in the database file by now.
    moved: u64,
}

impl Index {
    fn read(file: &Path) -> io::Result<Option<Self>> {
        let mut bytes = [0; 136];
        File::open(file)?.read_exact(&mut bytes)?;
        Ok(Self::parse(&bytes))
    }

    /// The head stands there twice, and is good if both are the same.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let head = bytes.get(..48)?;
        let is_whole = bytes.get(48..96)? == head && head.get(12) == Some(&1);
        let native = |at: usize| {
            let four = bytes.get(at..at + 4)?.try_into().ok()?;
            Some(u64::from(u32::from_ne_bytes(four)))
        };
        is_whole.then_some(Self {
            frames: native(16)?,
            salts: head.get(32..40)?.try_into().ok()?,
            moved: native(96)?,
        })
    }

    fn is_needed(&self) -> bool {
        self.frames > self.moved
    }
}

/// The running checksum of the log.
#[derive(Clone, Copy, Default)]
struct Sum(u32, u32);

impl Sum {
    fn add(self, bytes: &[u8], is_big_endian: bool) -> Self {
        let read = match is_big_endian {
            true => u32::from_be_bytes,
            false => u32::from_le_bytes,
        };
        let (pairs, _) = bytes.as_chunks::<8>();
        pairs.iter().fold(self, |Self(first, second), pair| {
            let [a, b, c, d, e, f, g, h] = *pair;
            let first = first.wrapping_add(read([a, b, c, d])).wrapping_add(second);
            let second = second.wrapping_add(read([e, f, g, h])).wrapping_add(first);
            Self(first, second)
        })
    }

    fn is(self, bytes: &[u8], at: usize) -> bool {
        word(bytes, at) == Some(self.0) && word(bytes, at + 4) == Some(self.1)
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at + 4)?.try_into().ok()?;
    Some(u32::from_be_bytes(four))
}

/// False at the end of the file, also if it ends within what is to be read.
fn read_whole(log: &mut impl Read, bytes: &mut [u8]) -> io::Result<bool> {
    match log.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// Where a damaged log is kept.
pub(super) fn kept_beside(file: &Path) -> PathBuf {
    beside(file, "-wal.damaged")
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;
    use tempfile::TempDir;

    use super::*;

    const COMMITS: u64 = 6;

    /// The files of a database whose process was killed after some commits.
    fn killed() -> (TempDir, PathBuf) {
        let (folder, copy) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let file = folder.path().join("journal.sqlite");
        let connection = Connection::open(&file).unwrap();
        connection
            .pragma_update(None, "journal_mode", "WAL")
            .unwrap();
        connection.execute_batch("CREATE TABLE t (a)").unwrap();
        for _ in 1..COMMITS {
            connection
                .execute("INSERT INTO t VALUES (zeroblob(9000))", [])
                .unwrap();
        }
        for found in fs::read_dir(folder.path()).unwrap() {
            let found = found.unwrap();
            fs::copy(found.path(), copy.path().join(found.file_name())).unwrap();
        }
        let file = copy.path().join("journal.sqlite");
        (copy, file)
    }

    /// Where each frame begins, and whether it ends a commit.
    fn frames(log: &[u8]) -> Vec<(usize, bool)> {
        let starts = (HEADER..log.len()).step_by(FRAME_HEADER + 4_096);
        let ends_commit = |at| word(log, at + 4).unwrap() > 0;
        starts.map(|at| (at, ends_commit(at))).collect()
    }

    fn found(file: &Path) -> Option<bool> {
        inspect(file).unwrap().map(|damage| damage.was_durable)
    }

    #[test]
    fn a_log_that_a_kill_left_is_whole() {
        let (_folder, file) = killed();
        assert_eq!(found(&file), None);
        let mut log = fs::read(beside(&file, "-wal")).unwrap();
        // What a commit under way had written when it was killed.
        log.extend(log[HEADER..HEADER + 900].to_vec());
        fs::write(beside(&file, "-wal"), &log).unwrap();
        assert_eq!(found(&file), None);
        fs::remove_file(beside(&file, "-shm")).unwrap();
        assert_eq!(found(&file), None);
    }

    #[test]
    fn a_flipped_bit_is_damage_wherever_it_is() {
        let (_folder, file) = killed();
        let log = fs::read(beside(&file, "-wal")).unwrap();
        let mut at: Vec<usize> = (0..HEADER).collect();
        for (frame, _) in frames(&log) {
            at.extend([0, 7, 9, 17, 23, 24, 2_000, 4_119].map(|byte| frame + byte));
        }
        for at in at {
            let mut log = log.clone();
            log[at] ^= 4;
            fs::write(beside(&file, "-wal"), &log).unwrap();
            assert_eq!(found(&file), Some(true), "{at}");
        }
    }

    #[test]
    fn what_was_cut_off_is_damage_if_it_was_durable() {
        let (_folder, file) = killed();
        let log = fs::read(beside(&file, "-wal")).unwrap();
        let frames = frames(&log);
        for length in [0, 17, HEADER]
            .into_iter()
            .chain(frames.iter().map(|(at, _)| at + 50))
        {
            fs::write(beside(&file, "-wal"), &log[..length]).unwrap();
            assert_eq!(found(&file), Some(true), "{length}");
        }
    }

    #[test]
    fn without_a_note_beside_it_the_last_commit_may_never_have_been_durable() {
        let (_folder, file) = killed();
        fs::remove_file(beside(&file, "-shm")).unwrap();
        let log = fs::read(beside(&file, "-wal")).unwrap();
        let frames = frames(&log);
        let commits = frames
            .iter()
            .filter(|(_, ends_commit)| *ends_commit)
            .count();
        assert_eq!(commits as u64, COMMITS);
        for (index, (at, _)) in frames.iter().enumerate() {
            let mut log = log.clone();
            log[at + 2_000] ^= 4;
            fs::write(beside(&file, "-wal"), &log).unwrap();
            let behind = frames[index..]
                .iter()
                .filter(|(_, ends_commit)| *ends_commit);
            assert_eq!(found(&file), Some(behind.count() > 1), "{index}");
        }
    }

    #[test]
    fn a_damaged_log_is_kept() {
        let (_folder, file) = killed();
        look(&file);
        assert!(!kept_beside(&file).is_file());
        let mut log = fs::read(beside(&file, "-wal")).unwrap();
        log[5_000] ^= 4;
        fs::write(beside(&file, "-wal"), &log).unwrap();
        look(&file);
        assert_eq!(fs::read(kept_beside(&file)).unwrap(), log);
    }
}
