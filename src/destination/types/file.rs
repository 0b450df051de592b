//! A file of JSON lines: one line for each map that a tag returns. It is rotated by size and nothing
//! of it is ever removed. It does not read what it wrote.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Method;

use crate::clock::{Clock, rfc3339};
use crate::config::{Options, Section};
use crate::destination::courier::{Carry, Carrying};
use crate::destination::dial::Dialer;
use crate::destination::encode::{Item, Limits, Outgoing, Refused, Vendor, Verdict};
use crate::destination::http_client::TransportError;
use crate::destination::kind::{Example, Facts, Others, Proof, Setting, Type};
use crate::destination::payload::Payload;
use crate::destination::reply::{Reply, classify};
use crate::secret::Secret;

pub(in crate::destination) const TYPE: Type = Type {
    name: "file",
    title: "A file of JSON lines",
    about: "One line for each map that a tag returns, as JSON, at the end of a file.",
    load,
    settings: &[
        Setting {
            key: "path",
            default: "required",
            about: "the file; a relative path is below the folder of `tagwerk.toml`. Its folder is made",
        },
        Setting {
            key: "max_size",
            default: "\"100MiB\"",
            about: "a file that would become larger is put aside as `NAME-TIME.jsonl`, and a new one begun",
        },
        Setting {
            key: "sync",
            default: "true",
            about: "a line counts as delivered when the disk has it; `false` leaves that to the system, and a power cut may lose the last seconds",
        },
    ],
    fields: &[],
    others: Others::Sent,
    stand_in: None,
    example: Example {
        settings: "path = \"archive/orders.jsonl\"",
        variables: &[],
        tag: r#"// Orders are kept in a file of one's own.
const ON = "purchase";
const TO = "file";

fn tag(event) {
    #{ order: event.transaction_id, value: event.value, currency: event.currency }
}
"#,
    },
    facts: Facts {
        sources: &["https://jsonlines.org"],
        proof: Proof::Tested,
        idempotency: "None: after a crash a line may stand there twice.",
        limits: &[],
        answers: &[(
            "a full disk, a folder that may not be written",
            "what was written in part is taken back; again, later",
        )],
        notes: &[
            "Nothing is ever removed: files that were put aside are yours to move or delete.",
            "A file that another program renames or removes, such as logrotate, is noticed: a new one is begun.",
            "Of a line that a crash cut off nothing is left: its delivery is sent again.",
        ],
    },
};

/// `[destinations.NAME]` with `type = "file"`.
#[derive(Debug)]
struct Settings {
    shelf: Arc<Shelf>,
    url: String,
}

/// What is written, how, and the file that is open. Only one writes at a time.
#[derive(Debug)]
struct Shelf {
    path: PathBuf,
    max_size: u64,
    sync: bool,
    open: Mutex<Option<File>>,
}

const MAX_SIZE: u64 = 100 * 1024 * 1024;

/// One write and one fsync for so many lines.
const MAX_LINES: usize = 1_000;
const MAX_BYTES: usize = 1_000_000;

fn load(section: &mut Section, _options: &Options) -> Arc<dyn Vendor> {
    let written = section.required_text("path");
    let path = section.folder().join(&written);
    if !written.is_empty() && path.is_dir() {
        let hint = Some("write the name of a file in it".to_owned());
        section.problem("path", "`path` is a folder", hint);
    }
    let max_size = section.size("max_size").unwrap_or(MAX_SIZE);
    if max_size == 0 {
        section.problem("max_size", "`max_size` must not be 0", None);
    }
    let sync = section.flag("sync").unwrap_or(true);
    Arc::new(Settings {
        url: format!("file://{}", path.display()),
        shelf: Arc::new(Shelf {
            path,
            max_size,
            sync,
            open: Mutex::default(),
        }),
    })
}

impl Vendor for Settings {
    fn encode(&self, items: &[Item<'_>]) -> Result<Outgoing, Refused> {
        let mut body = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let line = Payload::open(item.payload).and_then(|line| line.to_json());
            let line = line.map_err(|why| Refused { index, why })?;
            // JSON has line breaks only between its parts, where blanks do as well.
            body.extend(
                line.iter()
                    .map(|byte| if *byte == b'\n' { b' ' } else { *byte }),
            );
            body.push(b'\n');
        }
        Ok(Outgoing {
            method: Method::POST,
            url: self.url.clone(),
            headers: Vec::new(),
            body: body.into(),
        })
    }

    fn read(&self, reply: &Reply, _count: usize) -> Verdict {
        Verdict::All(classify(reply))
    }

    fn limits(&self) -> Limits {
        Limits::batch(MAX_LINES, MAX_BYTES)
    }

    fn secrets(&self) -> Vec<&Secret> {
        Vec::new()
    }

    fn carrier(&self) -> Option<&dyn Carry> {
        Some(self)
    }
}

impl Carry for Settings {
    fn carry(&self, outgoing: Outgoing, _dialer: Dialer, _timeout: Duration) -> Carrying<'_> {
        let shelf = self.shelf.clone();
        Box::pin(async move {
            // A disk has no deadline: what was begun is written or taken back.
            let written = tokio::task::spawn_blocking(move || shelf.append(&outgoing.body)).await;
            let failed = |why: String| TransportError::new(why, false);
            match written {
                Ok(Ok(())) => Ok(Reply {
                    status: 200,
                    ..Reply::default()
                }),
                Ok(Err(error)) => Err(failed(format!("cannot write: {error}"))),
                Err(error) => Err(failed(format!("cannot write: {error}"))),
            }
        })
    }
}

impl Shelf {
    /// Writes all of it, or nothing.
    fn append(&self, lines: &[u8]) -> io::Result<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let mut file = match open.take() {
            Some(file) if self.is_still_there(&file) => file,
            _ => self.open()?,
        };
        let mut size = file.metadata()?.len();
        if size > 0 && size + lines.len() as u64 > self.max_size {
            self.put_aside(&file)?;
            file = self.open()?;
            size = 0;
        }
        if let Err(error) = self.write(&mut file, lines) {
            // Half a line would spoil the next one.
            file.set_len(size)?;
            return Err(error);
        }
        *open = Some(file);
        Ok(())
    }

    fn write(&self, file: &mut File, lines: &[u8]) -> io::Result<()> {
        file.write_all(lines)?;
        match self.sync {
            true => file.sync_data(),
            false => Ok(()),
        }
    }

    /// False if somebody has renamed or removed it.
    fn is_still_there(&self, file: &File) -> bool {
        let (Ok(named), Ok(open)) = (fs::metadata(&self.path), file.metadata()) else {
            return false;
        };
        (named.dev(), named.ino()) == (open.dev(), open.ino())
    }

    fn open(&self) -> io::Result<File> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .append(true)
            .create(true)
            .open(&self.path)?;
        mend(&mut file)?;
        if self.sync {
            File::open(folder)?.sync_all()?; // that the file has a name
        }
        Ok(file)
    }

    /// Renames the file to one that is not there yet.
    fn put_aside(&self, file: &File) -> io::Result<()> {
        if self.sync {
            file.sync_all()?;
        }
        let moment = rfc3339(Clock::System.now()).replace([':', '.'], "-");
        for number in 0_u32.. {
            let aside = self.aside(&moment, number);
            // Who makes a file with `create_new` has its name for himself.
            match OpenOptions::new().write(true).create_new(true).open(&aside) {
                Ok(_) => return fs::rename(&self.path, &aside),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn aside(&self, moment: &str, number: u32) -> PathBuf {
        let name = |part: Option<&std::ffi::OsStr>| {
            part.unwrap_or_default().to_string_lossy().into_owned()
        };
        let stem = name(self.path.file_stem());
        let ending = match self.path.extension() {
            Some(ending) => format!(".{}", ending.to_string_lossy()),
            None => String::new(),
        };
        let more = match number {
            0 => String::new(),
            number => format!("-{number}"),
        };
        self.path
            .with_file_name(format!("{stem}-{moment}{more}{ending}"))
    }
}

/// A tail longer than this was not written by us.
const MAX_TAIL: u64 = 4 * 1024 * 1024;

/// Takes off the end of a line that a crash cut short. A whole one that only lacks its line break is
/// somebody's, and gets it.
fn mend(file: &mut File) -> io::Result<()> {
    let size = file.metadata()?.len();
    let start = size.saturating_sub(MAX_TAIL);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let cut = tail
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    let line = tail.get(cut..).unwrap_or_default();
    if line.is_empty() {
        return Ok(());
    }
    match serde_json::from_slice::<serde::de::IgnoredAny>(line) {
        Ok(_) => file.write_all(b"\n"),
        Err(_) if cut == 0 && start > 0 => file.write_all(b"\n"),
        Err(_) => file.set_len(start + cut as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shelf(folder: &Path, max_size: u64) -> Shelf {
        Shelf {
            path: folder.join("deep/a.jsonl"),
            max_size,
            sync: true,
            open: Mutex::default(),
        }
    }

    /// The content of all files, in the order of their names, which is that of time.
    fn contents(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder.join("deep")).unwrap();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
            .iter()
            .map(|path| fs::read_to_string(path).unwrap())
            .collect()
    }

    #[test]
    fn a_file_that_is_full_is_put_aside_and_nothing_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = shelf(folder.path(), 20);
        for number in 0..6 {
            shelf
                .append(format!("{{\"n\":{number}}}\n").as_bytes())
                .unwrap();
        }
        shelf
            .append(b"{\"long\":\"more than the limit\"}\n")
            .unwrap();
        let found = contents(folder.path());
        assert!(found.len() > 3, "{found:?}");
        let mut lines: Vec<&str> = found.iter().flat_map(|text| text.lines()).collect();
        lines.sort_unstable();
        assert_eq!(lines.len(), 7);
        assert_eq!(lines[0], "{\"long\":\"more than the limit\"}");
        assert_eq!(lines[6], "{\"n\":5}");
    }

    #[test]
    fn a_line_that_was_cut_short_is_taken_off_and_a_whole_one_is_ended() {
        for (before, after) in [
            ("{\"a\":1}\n{\"b\":", "{\"a\":1}\n{}\n"),
            ("{\"b\":", "{}\n"),
            ("{\"a\":1}", "{\"a\":1}\n{}\n"),
            ("", "{}\n"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let shelf = shelf(folder.path(), 1_000);
            fs::create_dir_all(folder.path().join("deep")).unwrap();
            fs::write(&shelf.path, before).unwrap();
            shelf.append(b"{}\n").unwrap();
            assert_eq!(contents(folder.path()), [after], "{before}");
        }
    }

    #[test]
    fn a_file_that_was_moved_away_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = shelf(folder.path(), 1_000);
        shelf.append(b"1\n").unwrap();
        fs::rename(&shelf.path, folder.path().join("deep/0")).unwrap();
        shelf.append(b"2\n").unwrap();
        assert_eq!(contents(folder.path()), ["1\n", "2\n"]);
    }

    #[test]
    fn what_cannot_be_written_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("deep"), "a file").unwrap();
        assert!(shelf(folder.path(), 1_000).append(b"1\n").is_err());
    }
}
