//! However a file was saved, it is live in half a second: editors, deployments, git.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::{PATIENCE, Watched, tag};
use crate::support::folder::Folder;

/// What is promised, for the median; a busy machine may take longer for one.
const PROMISED: Duration = Duration::from_millis(500);

/// One way in which programs save `tags/number.rhai`.
type Save = fn(&Path, &str);

const WAYS: &[(&str, Save)] = &[
    ("write in place", |file, text| {
        fs::write(file, text).unwrap()
    }),
    ("temporary file and rename", |file, text| {
        let temporary = file.with_extension("rhai.tmp123");
        fs::write(&temporary, text).unwrap();
        fs::rename(&temporary, file).unwrap();
    }),
    ("vim: probe, backup, new file", |file, text| {
        let probe = file.with_file_name("4913");
        fs::write(&probe, "").unwrap();
        fs::remove_file(&probe).unwrap();
        let backup = file.with_file_name("number.rhai~");
        fs::rename(file, &backup).unwrap();
        fs::write(file, text).unwrap();
        fs::remove_file(&backup).unwrap();
    }),
    ("vs code: truncate, write, sync", |file, text| {
        use std::io::Write;
        let mut opened = fs::File::create(file).unwrap();
        opened.write_all(text.as_bytes()).unwrap();
        opened.sync_all().unwrap();
    }),
    ("sed -i", |file, text| {
        let number = text
            .lines()
            .find(|line| line.starts_with("const PRIORITY"))
            .unwrap();
        let command = format!("s/^const PRIORITY.*/{number}/");
        run(
            "sed",
            &["-i", &command, "number.rhai"],
            file.parent().unwrap(),
        );
    }),
    ("remove and write anew", |file, text| {
        fs::remove_file(file).unwrap();
        fs::write(file, text).unwrap();
    }),
    ("50 writes at once", |file, text| {
        for number in 0..50 {
            fs::write(file, tag(-number)).unwrap();
        }
        fs::write(file, text).unwrap();
    }),
    ("folder renamed", |file, text| {
        let tags = file.parent().unwrap();
        let (new, old) = (
            tags.with_file_name("tags.new"),
            tags.with_file_name("tags.old"),
        );
        fs::create_dir(&new).unwrap();
        fs::write(new.join("number.rhai"), text).unwrap();
        fs::rename(tags, &old).unwrap();
        fs::rename(&new, tags).unwrap();
        fs::remove_dir_all(&old).unwrap();
    }),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_file_is_live_in_half_a_second_however_it_was_saved() {
    let watched = Watched::new();
    let file = watched.path("tags/number.rhai");
    let mut figures = Vec::new();
    let mut number = 0;
    for _ in 0..3 {
        for (way, save) in WAYS {
            number += 1;
            save(&file, &tag(number));
            figures.push((watched.until_number(way, number).await, *way));
        }
    }
    report(figures);
}

#[expect(
    clippy::print_stdout,
    reason = "figures are what one wants to see of it"
)]
fn report(mut figures: Vec<(Duration, &str)>) {
    figures.sort();
    for (took, way) in &figures {
        println!("{took:>8.0?} {way}");
    }
    let (median, _) = figures[figures.len() / 2];
    println!("{median:>8.0?} median");
    assert!(median <= PROMISED, "the median is {median:?}");
}

#[tokio::test]
async fn a_file_written_in_two_steps_is_never_seen_half() {
    let watched = Watched::new();
    let file = watched.path("tags/number.rhai");
    let mut tried = watched.live.subscribe_attempts();
    for number in 1..4 {
        drop(fs::File::create(&file).unwrap());
        sleep(Duration::from_millis(200)).await; // the writer's pause, not ours
        fs::write(&file, tag(number)).unwrap();
        let took = watched.until_number("second step", number).await;
        println!("{took:.0?} after the second step");
    }
    // Had the empty file been tried, there would have been one attempt more for each.
    let three = tried.wait_for(|count| *count >= 3);
    assert_eq!(*timeout(PATIENCE, three).await.unwrap().unwrap(), 3);
    assert!(watched.live.problems().is_empty());
}

#[tokio::test]
async fn a_git_checkout_of_many_files_is_one_generation() {
    let folder = Folder::new();
    let write = |number| {
        for file in 0..300 {
            folder.write(&format!("tags/tag_{file}.rhai"), &tag(number));
        }
    };
    let git = |arguments: &[&str]| {
        let identity = [
            "-c",
            "user.name=x",
            "-c",
            "user.email=x@example.com",
            "-c",
            "commit.gpgsign=false",
        ];
        run("git", &[&identity[..], arguments].concat(), folder.path());
    };
    git(&["init", "-q", "-b", "main"]);
    for number in [1, 2] {
        write(number);
        git(&["add", "-A"]);
        git(&["commit", "-q", "-m", "more"]);
        git(&["tag", &format!("v{number}")]);
    }
    let folder_path = folder.path().to_owned();
    let watched = Watched::of(folder, "tagwerk.toml");
    for number in [1, 2, 1] {
        run(
            "git",
            &["checkout", "-q", &format!("v{number}")],
            &folder_path,
        );
        let took = watched.until_number("git checkout", number).await;
        assert_eq!(watched.live.current().tags.len(), 300);
        println!("{took:.0?} after a checkout of 300 files");
    }
}

fn run(program: &str, arguments: &[&str], folder: &Path) {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
