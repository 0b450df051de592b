//! `tagwerk` as a command: run it, and look at how it ended and what it printed.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

/// No command of the tests takes nearly as long; `demo` keeps Slack's limit of one message a second.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Standard output as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap()
    }
}

/// The command in a folder, with nothing of this process' environment.
pub(crate) fn tagwerk(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tagwerk"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// Runs a command to its end.
pub(crate) async fn run(folder: &Path, arguments: &[&str]) -> Ended {
    end(tagwerk(folder, arguments)).await
}

/// Runs a command, with this on its standard input.
pub(crate) async fn run_with_input(folder: &Path, arguments: &[&str], input: &str) -> Ended {
    let mut child = tagwerk(folder, arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    match stdin.write_all(input.as_bytes()).await {
        // It may end without reading what it does not want.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
        written => written.unwrap(),
    }
    drop(stdin);
    ended(child.wait_with_output()).await
}

/// Runs a command that was prepared.
pub(crate) async fn end(mut command: Command) -> Ended {
    ended(command.output()).await
}

async fn ended(output: impl Future<Output = std::io::Result<std::process::Output>>) -> Ended {
    let output = timeout(PATIENCE, output)
        .await
        .expect("the command does not end")
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended {
        code: output.status.code().expect("it was ended by a signal"),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}
