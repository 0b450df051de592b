//! For F2, a program as many are written: it appends what it is sent to a SQLite database with
//! `synchronous=NORMAL`, and answers when the commit has returned. It is this same binary, run as a
//! process of its own.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStdin, ChildStdout, Command};
use tokio::time::sleep;

use crate::mount::Mount;
use crate::power::{Tally, until_the_cut};

/// The program: ends when it can no longer write.
pub(crate) fn append(file: &Path) -> ExitCode {
    match append_rows(file) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn append_rows(file: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let connection = Connection::open(file)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.execute_batch("CREATE TABLE row (number INTEGER PRIMARY KEY, data BLOB)")?;
    let (mut asked, mut answer) = (std::io::stdin(), std::io::stdout());
    let mut number = [0; 8];
    loop {
        asked.read_exact(&mut number)?;
        let mut insert = connection.prepare_cached("INSERT INTO row VALUES (?1, zeroblob(200))")?;
        insert.execute([i64::from_le_bytes(number)])?;
        answer.write_all(&number)?;
        answer.flush()?;
    }
}

/// One power cut.
pub(crate) async fn cut() -> Tally {
    let folder = TempDir::new().unwrap();
    let (image, data) = (folder.path().join("disk.img"), folder.path().join("data"));
    let mount = Mount::ext4(&image, &data).unwrap();
    let file = data.join("rows.sqlite");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg("--append-to")
        .arg(&file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let acked = Arc::new(AtomicU64::new(0));
    let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let sending = tokio::spawn(send(stdin, stdout, acked.clone()));
    let switch = mount.power_switch().await;
    sleep(until_the_cut()).await;
    let acked = acked.load(Ordering::Relaxed);
    switch.cut().await;
    child.kill().await.unwrap();
    sending.await.unwrap();
    mount.unmount().unwrap();

    let _mount = Mount::ext4(&image, &data).unwrap();
    let found = last_row(&file).unwrap_or(0);
    Tally {
        acked,
        lost: acked.saturating_sub(found),
    }
}

/// Sends one number after the other, each when the one before was answered, and notes which was the
/// last.
async fn send(mut asked: ChildStdin, mut answer: ChildStdout, acked: Arc<AtomicU64>) {
    for number in 1_u64.. {
        let bytes = number.to_le_bytes();
        let mut answered = [0; 8];
        let exchanged = async {
            asked.write_all(&bytes).await?;
            answer.read_exact(&mut answered).await
        };
        if exchanged.await.is_err() || answered != bytes {
            return;
        }
        acked.store(number, Ordering::Relaxed);
    }
}

/// Rows count up from 1; a database that is not there has none.
fn last_row(file: &Path) -> Result<u64, rusqlite::Error> {
    let connection = Connection::open(file)?;
    let last: i64 = connection.query_row("SELECT max(number) FROM row", [], |row| row.get(0))?;
    Ok(u64::try_from(last).unwrap_or(0))
}
