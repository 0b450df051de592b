//! For F2, a program as many are written: it appends rows to a SQLite database with
//! `synchronous=NORMAL`, and says of each that it is done when its commit has returned. It is this
//! same binary, run as a process of its own.

use std::io::Write;
use std::path::Path;
use std::process::{ExitCode, Stdio};

use rusqlite::Connection;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::process::Command;
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
    let mut out = std::io::stdout();
    for number in 1_u64.. {
        let mut insert = connection.prepare_cached("INSERT INTO row VALUES (?1, zeroblob(200))")?;
        insert.execute([i64::try_from(number)?])?;
        out.write_all(&number.to_le_bytes())?;
        out.flush()?;
    }
    Ok(())
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
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut said = child.stdout.take().unwrap();
    let listen = tokio::spawn(async move {
        let mut bytes = Vec::new();
        said.read_to_end(&mut bytes).await.map(|_| bytes)
    });
    sleep(until_the_cut()).await;
    mount.cut_power().unwrap();
    child.kill().await.unwrap();
    let said = listen.await.unwrap().unwrap();
    mount.unmount().unwrap();

    let _mount = Mount::ext4(&image, &data).unwrap();
    let acked = said.len() as u64 / 8;
    let found = last_row(&file).unwrap_or(0);
    Tally {
        acked,
        lost: acked.saturating_sub(found),
    }
}

/// Rows count up from 1; a database that is not there has none.
fn last_row(file: &Path) -> Result<u64, rusqlite::Error> {
    let connection = Connection::open(file)?;
    let last: i64 = connection.query_row("SELECT max(number) FROM row", [], |row| row.get(0))?;
    Ok(u64::try_from(last).unwrap_or(0))
}
