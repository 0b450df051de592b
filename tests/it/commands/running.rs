//! Commands that run something or talk to what runs: `preview`, `healthcheck`, `emulate`, `demo`.

use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::ChildStdout;
use tokio::time::timeout;

use super::{BAD, NOWHERE, USAGE};
use crate::support::command::{run, tagwerk};
use crate::support::http::post;
use crate::support::server::Server;
use crate::support::working_set::WorkingSet;

/// Far more than any line takes to come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A configuration that says where the server really listens, for commands that talk to it.
fn tell_address(set: &WorkingSet, server: &Server) {
    let (address, admin) = (server.address, server.admin);
    let text = format!("server.listen = \"{address}\"\nadmin.listen = \"{admin}\"\n");
    set.write("running.toml", text);
}

const RUNNING: [&str; 2] = ["--config", "running.toml"];

#[tokio::test]
async fn a_session_is_opened_listed_used_and_closed() {
    let set = WorkingSet::of_orders(NOWHERE);
    let server = Server::start(&set).await;
    tell_address(&set, &server);
    let preview =
        async |more: &[&str]| run(set.path(), &[&["preview"], more, &RUNNING].concat()).await;

    let opened = preview(&["open", "--ttl", "15m", "--json"]).await;
    assert_eq!((opened.code, opened.stderr.as_str()), (0, ""));
    let opened = opened.json();
    let (id, token) = (
        opened["id"].as_str().unwrap(),
        opened["token"].as_str().unwrap(),
    );
    let header = format!("X-Preview: {token}");
    let answer = server
        .send("POST", "/order", &[&header], r#"{"id":1}"#)
        .await;
    assert!(answer.header("x-preview-trace").is_some());

    let listed = preview(&["list"]).await;
    assert!(listed.stdout.contains(id) && listed.stdout.contains("dry"));
    assert!(!listed.stdout.contains(token));
    let told = preview(&["open", "--send"]).await;
    assert!(told.stdout.contains("X-Preview: ") && told.stdout.contains("curl -s "));
    assert_eq!(preview(&["close", id]).await.code, 0);
    assert_eq!(preview(&["close", id]).await.code, BAD);
    let wrong = preview(&["open", "--ttl", "soon"]).await;
    assert_eq!(wrong.code, USAGE);
    assert!(
        wrong.stderr.contains("ttl is not a duration"),
        "{}",
        wrong.stderr
    );
    server.stop().await;

    let nobody = preview(&["open"]).await;
    assert_eq!(nobody.code, BAD);
    assert!(
        nobody.stderr.contains("is the server running?"),
        "{}",
        nobody.stderr
    );
}

#[tokio::test]
async fn health_is_checked_from_outside() {
    let set = WorkingSet::new("");
    let server = Server::start(&set).await;
    tell_address(&set, &server);
    let check = [&["healthcheck"][..], &RUNNING].concat();
    let well = run(set.path(), &check).await;
    assert_eq!((well.code, well.stderr.as_str()), (0, ""));
    assert_eq!(well.json()["status"], "ok");
    server.kill().await;
    let gone = run(set.path(), &check).await;
    assert_eq!((gone.code, gone.stdout.as_str()), (BAD, ""));
    assert!(gone.stderr.contains("no answer from"), "{}", gone.stderr);
}

async fn line(lines: &mut Lines<BufReader<ChildStdout>>) -> String {
    let line = timeout(PATIENCE, lines.next_line()).await;
    line.expect("there comes no line").unwrap().unwrap()
}

#[tokio::test]
async fn an_emulated_vendor_refuses_what_the_vendor_refuses_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "emulate",
        "amplitude",
        "--listen",
        "127.0.0.1:0",
        "--answer",
        "429,200",
    ];
    let mut child = tagwerk(folder.path(), &arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = line(&mut lines).await;
    let address = first
        .split_once("http://")
        .and_then(|(_, rest)| rest.split(';').next())
        .unwrap();
    let address = address.parse().unwrap();
    let upload = |user: &str| {
        let event = json!({ "event_type": "signup", "user_id": user });
        json!({ "api_key": "key", "events": [event] }).to_string()
    };
    for (user, status, printed) in [
        ("user-1", 429, "told to answer 429"),
        ("user-1", 200, "200 1 accepted"),
        ("0", 400, "an id that Amplitude refuses"),
    ] {
        let json = ["Content-Type: application/json"];
        let answer = post(address, "/2/httpapi", &json, &upload(user)).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        let mut said = line(&mut lines).await;
        assert!(said.starts_with("POST /2/httpapi"), "{said}");
        if status != 200 {
            said = line(&mut lines).await;
        }
        assert!(said.contains(printed), "{said}");
    }
    child.kill().await.unwrap();
}

#[tokio::test]
async fn the_demo_delivers_to_every_vendor() {
    let folder = tempfile::tempdir().unwrap();
    let ended = run(
        folder.path(),
        &["demo", "--once", "--listen", "127.0.0.1:0"],
    )
    .await;
    assert_eq!(ended.code, 0, "{}\n{}", ended.stdout, ended.stderr);
    for destination in ["amplitude", "tracify", "slack"] {
        let delivered = ended.stdout.lines().any(|line| {
            line.split_whitespace().any(|word| word == destination) && line.ends_with("✓ delivered")
        });
        assert!(delivered, "{destination}: {}", ended.stdout);
    }
    assert!(!ended.stdout.contains('✗'), "{}", ended.stdout);
    let files = std::fs::read_dir(folder.path()).unwrap();
    assert_eq!(files.count(), 0, "it leaves nothing behind");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_server_may_open_as_many_files_as_it_is_let() {
    let set = WorkingSet::of_orders(NOWHERE);
    // No test can have more than this machine allows.
    let [_, most] = open_files("self");
    let asked_for = most.parse().map_or(16_384, |most: u64| most.min(16_384));
    for (before, soft) in [
        ("ulimit -Sn 256; ulimit -Hn 1024", "1024"),
        ("ulimit -Sn 256; ulimit -Hn 1500", "1500"),
        ("ulimit -Sn 256", &asked_for.to_string()),
        (&format!("ulimit -Sn {most}"), &most),
    ] {
        let server = Server::start_under(&set, before).await;
        let [found, _] = open_files(server.process());
        assert_eq!(found, soft, "{before}");
        server.stop().await;
    }
}

/// How many files a process may open: now, and if it asks.
#[cfg(target_os = "linux")]
fn open_files(process: impl std::fmt::Display) -> [String; 2] {
    let limits = std::fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
    let mut lines = limits.lines();
    let line = lines
        .find(|line| line.starts_with("Max open files"))
        .unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    [words[3].to_owned(), words[4].to_owned()]
}
