//! `tagwerk serve` as a process: started in a working set, asked over real sockets, watched through
//! its log lines, and ended the hard way or the soft way. It is killed when dropped.

use std::net::SocketAddr;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStderr, Command};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::command::{self, Ended};
use super::raw::{Answer, Raw, request};
use super::working_set::WorkingSet;

/// Far more than anything here takes in a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often is looked for what can only be seen by asking.
const LOOK: Duration = Duration::from_millis(20);

/// A running server.
pub(crate) struct Server {
    child: Child,
    /// Its public listener.
    pub(crate) address: SocketAddr,
    /// Its admin listener.
    pub(crate) admin: SocketAddr,
    /// What opens the admin API.
    pub(crate) admin_token: String,
    log: watch::Receiver<Vec<String>>,
}

impl Server {
    /// Starts one, and returns when it listens.
    pub(crate) async fn start(set: &WorkingSet) -> Self {
        Self::spawn(set, command::tagwerk(set.path(), &["serve"])).await
    }

    /// One with these variables in its environment.
    pub(crate) async fn start_with(set: &WorkingSet, variables: &[(String, String)]) -> Self {
        let mut command = command::tagwerk(set.path(), &["serve"]);
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        Self::spawn(set, command).await
    }

    /// One that logs all it can.
    pub(crate) async fn start_talkative(set: &WorkingSet) -> Self {
        let mut command = command::tagwerk(set.path(), &["serve"]);
        command.env("TAGWERK_LOG", "tagwerk=trace");
        Self::spawn(set, command).await
    }

    /// One that may write no file beyond so many blocks of 512 bytes: a disk that is soon full.
    pub(crate) async fn start_on_small_disk(set: &WorkingSet, blocks: u32) -> Self {
        Self::start_under(set, &format!("trap '' XFSZ; ulimit -f {blocks}")).await
    }

    /// One that is started by a shell which did this before.
    pub(crate) async fn start_under(set: &WorkingSet, before: &str) -> Self {
        let limited = format!("{before}; exec \"$0\" serve");
        let mut command = Command::new("sh");
        command
            .args(["-c", &limited, env!("CARGO_BIN_EXE_tagwerk")])
            .current_dir(set.path())
            .env_clear()
            .kill_on_drop(true);
        Self::spawn(set, command).await
    }

    async fn spawn(set: &WorkingSet, command: Command) -> Self {
        let started = Self::try_spawn(set, command).await;
        started.unwrap_or_else(|ended| panic!("it does not start: {ended:?}"))
    }

    /// Starts a command that is expected to listen, or to say why not and end.
    pub(crate) async fn try_spawn(set: &WorkingSet, mut command: Command) -> Result<Self, Ended> {
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = follow(child.stderr.take().unwrap());
        let listening = find_line(&mut log, |line| line["message"] == "listening").await;
        let Some(line) = listening else {
            child.start_kill().unwrap(); // for one that neither listens nor ends
            let ended = child.wait().await.unwrap();
            return Err(Ended {
                code: ended.code().unwrap_or(-1),
                stdout: String::new(),
                stderr: log.borrow().join("\n"),
            });
        };
        let address = |key: &str| line[key].as_str().unwrap().parse().unwrap();
        Ok(Self {
            address: address("address"),
            admin: address("admin"),
            admin_token: read_token(set),
            child,
            log,
        })
    }

    /// The number of the process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id().expect("it has ended")
    }

    /// One request on a connection of its own.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[&str],
        body: &str,
    ) -> Answer {
        ask(self.address, &request(method, path, headers, body)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "").await
    }

    /// Posts JSON.
    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        self.send("POST", path, &["Content-Type: application/json"], body)
            .await
    }

    /// Calls the admin API with the token, and JSON if there is a body.
    pub(crate) async fn call(&self, method: &str, path: &str, body: &str) -> Answer {
        let authorization = format!("Authorization: Bearer {}", self.admin_token);
        let host = format!("Host: {}", self.admin);
        let mut headers = vec![&*host, &*authorization];
        if !body.is_empty() {
            headers.push("Content-Type: application/json");
        }
        self.call_with(method, path, &headers, body).await
    }

    /// Calls the admin API with these header lines and no others.
    pub(crate) async fn call_with(
        &self,
        method: &str,
        path: &str,
        headers: &[&str],
        body: &str,
    ) -> Answer {
        ask(self.admin, &request(method, path, headers, body)).await
    }

    /// Opens a preview session, and returns its token.
    pub(crate) async fn open_session(&self, asked: &str) -> String {
        let opened = self.call("POST", "/api/preview/sessions", asked).await;
        assert_eq!(opened.status, 200, "{}", opened.body);
        opened.json()["token"].as_str().unwrap().to_owned()
    }

    /// What `/api/status` says.
    pub(crate) async fn status(&self) -> Value {
        self.call("GET", "/api/status", "").await.json()
    }

    /// Asks for the status until it is as wished.
    pub(crate) async fn status_where(&self, wished: impl Fn(&Value) -> bool) -> Value {
        let asked = async {
            loop {
                let status = self.status().await;
                if wished(&status) {
                    return status;
                }
                sleep(LOOK).await;
            }
        };
        timeout(PATIENCE, asked)
            .await
            .expect("the status never is as wished")
    }

    /// Waits for a log line.
    pub(crate) async fn logged(&self, wished: impl Fn(&Value) -> bool) -> Value {
        log_line(&self.log, wished).await
    }

    /// Everything that was logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.borrow().join("\n")
    }

    /// SIGKILL.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// SIGTERM, without waiting for what comes of it.
    pub(crate) async fn signal_terminate(&self) {
        let process = self.process().to_string();
        let sent = Command::new("sh")
            .args(["-c", "kill -TERM \"$0\"", &process])
            .status();
        assert!(sent.await.unwrap().success());
    }

    /// Waits for the end of a process that was told to stop.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let ended = timeout(PATIENCE, self.child.wait()).await;
        ended
            .unwrap_or_else(|_| panic!("it does not end:\n{}", self.log()))
            .unwrap()
    }

    /// SIGTERM, and the whole drain.
    pub(crate) async fn stop(mut self) {
        self.signal_terminate().await;
        assert!(self.ended().await.success(), "{}", self.log());
    }
}

/// Made at the first start, and kept.
fn read_token(set: &WorkingSet) -> String {
    let token = std::fs::read_to_string(set.file("data/admin-token")).unwrap();
    token.trim().to_owned()
}

/// One request, and its answer.
async fn ask(to: SocketAddr, request: &str) -> Answer {
    let mut raw = Raw::connect(to).await;
    raw.send(request)
        .await
        .answer()
        .await
        .expect("the connection was closed without an answer")
}

fn follow(stderr: ChildStderr) -> watch::Receiver<Vec<String>> {
    let (sender, log) = watch::channel(Vec::new());
    tokio::spawn(async move {
        let mut lines = BufReader::new(stderr).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            sender.send_modify(|log| log.push(line));
        }
    });
    log
}

async fn log_line(log: &watch::Receiver<Vec<String>>, wished: impl Fn(&Value) -> bool) -> Value {
    let found = find_line(&mut log.clone(), wished).await;
    found.unwrap_or_else(|| panic!("no such line in the log:\n{}", log.borrow().join("\n")))
}

/// Waits for a log line; there is none if the log ends without it.
async fn find_line(
    log: &mut watch::Receiver<Vec<String>>,
    wished: impl Fn(&Value) -> bool,
) -> Option<Value> {
    let find = |lines: &[String]| {
        let mut parsed = lines
            .iter()
            .filter_map(|line| serde_json::from_str(line).ok());
        parsed.find(|line| wished(line))
    };
    let waited = timeout(PATIENCE, log.wait_for(|lines| find(lines).is_some()));
    match waited.await {
        Ok(Ok(lines)) => find(&lines),
        _ => None,
    }
}
