//! Every command as a process: its exit code, and what it prints where.

mod running;
mod scripts;
mod status;
mod verify;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use crate::support::command::{self, run};
use crate::support::server::Server;
use crate::support::working_set::WorkingSet;

const BAD: i32 = 1;
const USAGE: i32 = 2;
const LOCKED: i32 = 73;
const CONFIGURATION: i32 = 78;

/// An address at which nobody listens: for commands that must not get so far as to use it.
const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9);

const COMMANDS: [&[&str]; 31] = [
    &[],
    &["serve"],
    &["demo"],
    &["init"],
    &["new"],
    &["new", "client"],
    &["new", "tag"],
    &["add"],
    &["check"],
    &["trace"],
    &["preview"],
    &["preview", "open"],
    &["preview", "list"],
    &["preview", "close"],
    &["preview", "tail"],
    &["test"],
    &["dead"],
    &["dead", "list"],
    &["dead", "show"],
    &["dead", "retry"],
    &["dead", "discard"],
    &["replay"],
    &["diff"],
    &["diff", "draft"],
    &["promote"],
    &["rollback"],
    &["verify"],
    &["emulate"],
    &["docs"],
    &["healthcheck"],
    &["status"],
];

#[tokio::test]
async fn every_command_helps_with_examples() {
    let folder = tempfile::tempdir().unwrap();
    let mut listed = run(folder.path(), &["--help"]).await.stdout;
    for command in COMMANDS {
        let arguments = [command, &["--help"]].concat();
        let ended = run(folder.path(), &arguments).await;
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
        let examples = ended.stdout.split("Examples:").nth(1);
        let example = format!("tagwerk {}", command.join(" "));
        let has_example = examples.is_some_and(|text| text.contains(example.trim()));
        assert!(has_example, "{command:?}: {}", ended.stdout);
        if let [name] = command {
            listed = listed.replacen(&format!("\n  {name} "), "\n", 1);
        }
    }
    let (_, commands) = listed.split_once("Commands:\n").unwrap();
    let unknown: Vec<&str> = commands
        .lines()
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .collect();
    assert_eq!(
        unknown,
        ["  help         Print this message or the help of the given subcommand(s)"]
    );
}

/// Wrong usage, and a word of what is said about it.
const MISUSES: [(&[&str], &str); 15] = [
    (&["frobnicate"], "unrecognized subcommand"),
    (&["--frobnicate"], "unexpected argument"),
    (&["serve", "now"], "unexpected argument"),
    (&["trace"], "required"),
    (&["trace", "none.http"], "none.http: No such file"),
    (&["trace", "tagwerk.toml"], "is not `METHOD /path`"),
    (&["trace", "--draft", "order.http"], "there is no draft set"),
    (
        &["docs", "nothing"],
        "there is no topic nothing; there are client, tag, transform, text, ",
    ),
    (
        &["emulate", "amplitud"],
        "a similar value exists: 'amplitude'",
    ),
    (&["emulate", "slack", "--answer", "99"], "99"),
    (&["emulate", "slack", "--listen", "9100"], "9100"),
    (&["init"], "required"),
    (&["replay"], "--since"),
    (&["replay", "--since", "2h", "--diff"], "`--dry-run --diff`"),
    (&["dead", "list", "--limit", "0"], "1..=1000"),
];

#[tokio::test]
async fn wrong_usage_is_explained() {
    let set = WorkingSet::of_orders(NOWHERE).with("order.http", "POST /order\n\n{}");
    for (arguments, expected) in MISUSES {
        let ended = run(set.path(), arguments).await;
        assert_eq!(ended.code, USAGE, "{arguments:?}: {}", ended.stderr);
        assert!(
            ended.stderr.contains(expected),
            "{arguments:?}: {}",
            ended.stderr
        );
        assert_eq!(ended.stdout, "");
    }
}

#[tokio::test]
async fn check_tells_good_from_bad() {
    let set = WorkingSet::of_orders(NOWHERE);
    let ended = run(set.path(), &["check"]).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert!(
        ended
            .stdout
            .starts_with("good: 1 client, 1 tag, 1 destination")
    );

    // All problems at once, wherever they are.
    set.write(
        "clients/a.rhai",
        "const PATH = \"/a\";\nfn parse(request) { #{ }\n",
    );
    set.write(
        "tags/b.rhai",
        "const ON = \"x\";\nconst TO = \"crn\";\nfn tag(event) { () }\n",
    );
    let ended = run(set.path(), &["check"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (BAD, ""));
    for expected in [
        "--> clients/a.rhai:",
        "--> tags/b.rhai:2",
        "did you mean `crm`?",
    ] {
        assert!(ended.stderr.contains(expected), "{}", ended.stderr);
    }
    // From another folder, too.
    let ended = run(
        Path::new("/"),
        &[
            "check",
            "--config",
            set.file("tagwerk.toml").to_str().unwrap(),
        ],
    )
    .await;
    assert_eq!(ended.code, BAD);

    let set = WorkingSet::of_orders(NOWHERE).with("draft/tags/c.rhai", "fn tag(event) {");
    let ended = run(set.path(), &["check"]).await;
    assert_eq!(ended.code, BAD);
    assert!(ended.stderr.contains("draft"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_bad_configuration_is_not_served() {
    let set = WorkingSet::new("[sever]\n");
    for arguments in [
        &["serve"][..],
        &[],
        &["healthcheck"],
        &["status"],
        &["preview", "list"],
        &["trace", "-"],
    ] {
        let ended = run(set.path(), arguments).await;
        assert_eq!(ended.code, CONFIGURATION, "{arguments:?}");
        assert!(ended.stderr.contains("tagwerk.toml:3:"), "{}", ended.stderr);
        assert!(
            ended.stderr.contains("did you mean `server`?"),
            "{}",
            ended.stderr
        );
    }
    let empty = tempfile::tempdir().unwrap();
    let ended = run(empty.path(), &["serve"]).await;
    assert_eq!(ended.code, CONFIGURATION);
    assert!(
        ended.stderr.contains("hint: `tagwerk init DIR`"),
        "{}",
        ended.stderr
    );
    let files = std::fs::read_dir(empty.path()).unwrap();
    assert_eq!(files.count(), 0, "nothing is made before all is well");
}

#[tokio::test]
async fn a_data_folder_has_one_process() {
    let set = WorkingSet::new("");
    let server = Server::start(&set).await;
    let same_ports = format!(
        "server.listen = \"{}\"\nadmin.listen = \"{}\"\n",
        server.address, server.admin
    );
    set.write("same.toml", same_ports);
    for arguments in [&["serve"][..], &["serve", "--config", "same.toml"]] {
        let ended = run(set.path(), arguments).await;
        assert_eq!(ended.code, LOCKED, "{}", ended.stderr);
        assert!(
            ended.stderr.contains("in use by another process"),
            "{}",
            ended.stderr
        );
    }
    server.kill().await;
    // A process that was killed leaves no lock behind.
    Server::start(&set).await.stop().await;
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let set = WorkingSet::new("");
    set.write("tagwerk.toml", format!("server.listen = \"{address}\"\n"));
    let ended = run(set.path(), &["serve"]).await;
    assert_ne!(ended.code, 0);
    let expected = format!("[server] listen: cannot listen on {address}");
    assert!(ended.stderr.contains(&expected), "{}", ended.stderr);
}

#[tokio::test]
async fn colours_are_for_eyes_only() {
    let set = WorkingSet::of_orders(NOWHERE).with("order.http", "POST /order\n\n{\"id\":1}");
    let commands: [&[&str]; 4] = [
        &["check"],
        &["trace", "order.http"],
        &["docs"],
        &["init", "."],
    ];
    for arguments in commands {
        for (variables, coloured) in [
            (&[][..], false),
            (&["CLICOLOR_FORCE"][..], true),
            (&["CLICOLOR_FORCE", "NO_COLOR"], false),
        ] {
            let mut command = command::tagwerk(set.path(), arguments);
            command.envs(variables.iter().map(|name| (name, "1")));
            let ended = command::end(command).await;
            let text = format!("{}{}", ended.stdout, ended.stderr);
            assert_eq!(
                text.contains('\u{1b}'),
                coloured,
                "{arguments:?} {variables:?}"
            );
        }
    }
}

#[tokio::test]
async fn docs_are_what_scripts_may_call() {
    let folder = tempfile::tempdir().unwrap();
    let all = run(folder.path(), &["docs"]).await;
    assert_eq!(all.code, 0);
    let expected = [
        "hash::sha256(",
        "time::parse(",
        "pii::",
        "tracify::",
        "slack::escape(",
        "num(",
        "skip(",
    ];
    for function in expected {
        assert!(all.stdout.contains(function), "{function}");
    }
    let time = run(folder.path(), &["docs", "time"]).await;
    assert!(time.stdout.contains("time::parse(") && !time.stdout.contains("hash::"));
}
