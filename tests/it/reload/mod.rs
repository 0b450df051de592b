//! A saved file is live in under half a second, however it was saved; what does not compile is
//! refused with file, line and column while the last good set goes on. With real files, the real
//! watcher and real tools.

mod ways;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tagwerk::generation::{Generation, Live, Reload, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::support::folder::{CONFIG, Folder, lines};

/// How long a test waits before it gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// A folder that is watched.
struct Watched {
    folder: Folder,
    live: Arc<Live>,
    stop: CancellationToken,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Watched {
    /// With one tag, whose number is 0.
    fn new() -> Self {
        let folder = Folder::new();
        folder.write("tags/number.rhai", &tag(0));
        Self::of(folder, "tagwerk.toml")
    }

    fn of(folder: Folder, config: &str) -> Self {
        let config = folder.path().join(config);
        let live = Live::start(config, Box::new(BTreeMap::new()));
        let live = Arc::new(live.unwrap_or_else(|problems| panic!("{problems}")));
        let stop = CancellationToken::new();
        tokio::spawn(watch(live.clone(), stop.clone()));
        Self { folder, live, stop }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// Waits for a generation of which this holds, and tells how long that took.
    async fn until(&self, what: &str, holds: impl Fn(&Generation) -> bool) -> Duration {
        let begun = Instant::now();
        let mut changed = self.live.subscribe();
        let wait = async {
            while !holds(&self.live.current()) {
                changed.changed().await.unwrap();
            }
        };
        let came = timeout(PATIENCE, wait).await;
        assert!(came.is_ok(), "{what} is not live; {}", self.live.problems());
        begun.elapsed()
    }

    async fn until_number(&self, what: &str, number: i64) -> Duration {
        self.until(what, |generation| numbers(generation) == [number])
            .await
    }

    /// Waits for an attempt to load after which this holds of the problems.
    async fn until_problems(&self, what: &str, holds: impl Fn(&str) -> bool) {
        let mut tried = self.live.subscribe_attempts();
        let wait = async {
            while !holds(&lines(&self.live.problems())) {
                tried.changed().await.unwrap();
            }
        };
        let came = timeout(PATIENCE, wait).await;
        assert!(came.is_ok(), "{what}: {}", self.live.problems());
    }
}

/// A script whose number one can see from outside.
fn tag(number: i64) -> String {
    format!(
        "const ON = \"purchase\";\nconst TO = \"crm\";\nconst PRIORITY = {number};\n\nfn tag(event) {{ event }}\n"
    )
}

/// The numbers of all tags, each once.
fn numbers(generation: &Generation) -> Vec<i64> {
    let mut numbers: Vec<i64> = generation.tags.iter().map(|tag| tag.priority).collect();
    numbers.dedup();
    numbers
}

#[tokio::test]
async fn files_come_and_go() {
    let watched = Watched::new();
    let count = |count| move |generation: &Generation| generation.tags.len() == count;
    watched.folder.write("tags/second.rhai", &tag(0));
    watched.until("a new file", count(2)).await;
    fs::remove_file(watched.path("tags/second.rhai")).unwrap();
    watched.until("a deleted file", count(1)).await;

    let client = "const PATH = \"/order\";\n\nfn parse(request) { () }\n";
    watched.folder.write("clients/order.rhai", client);
    watched
        .until("a folder that was not there", |generation| {
            generation.clients.len() == 1
        })
        .await;
    watched
        .folder
        .write("clients/order.rhai", &client.replace("/order", "/orders"));
    watched
        .until("a file in it", |generation| {
            generation.router.find("/orders").len() == 1
        })
        .await;

    watched
        .folder
        .write("shared/rates.rhai", "fn vat() { 19 }\n");
    let importing = format!("import \"rates\" as rates;\n{}", tag(7))
        .replace("{ event }", "{ #{ vat: rates::vat() } }");
    watched.folder.write("tags/number.rhai", &importing);
    watched.until_number("a shared module", 7).await;
    watched
        .folder
        .write("shared/rates.rhai", "fn taxes() { 19 }\n");
    watched
        .until_problems("a module without its function", |text| {
            text.contains("there is no function rates::vat")
        })
        .await;

    watched.folder.write("draft/tags/number.rhai", &tag(99));
    let draft = |live: &Live| numbers(&live.draft_or_current());
    let mut tried = watched.live.subscribe_attempts();
    watched
        .folder
        .write("shared/rates.rhai", "fn vat() { 7 }\n");
    let drafted = async {
        while draft(&watched.live) != [99] {
            tried.changed().await.unwrap();
        }
    };
    timeout(PATIENCE, drafted)
        .await
        .expect("a draft set that was not there");
    assert_eq!(numbers(&watched.live.current()), [7]);
}

/// As Kubernetes mounts a config map: the files are links into a folder that is a link, which is
/// replaced as a whole.
#[tokio::test]
async fn links_are_followed_when_they_are_swapped() {
    let folder = Folder::new();
    for number in 1..5 {
        folder.write(&format!("tags/..v{number}/number.rhai"), &tag(number));
        folder.write(&format!("releases/{number}/tags/number.rhai"), &tag(number));
        folder.write(&format!("releases/{number}/tagwerk.toml"), CONFIG);
    }
    let path = folder.path().to_owned();
    let swap = |target: String, link: &Path| {
        let temporary = link.with_file_name("..swap");
        symlink(target, &temporary).unwrap();
        fs::rename(&temporary, link).unwrap();
    };
    swap("..v1".to_owned(), &path.join("tags/..data"));
    symlink("..data/number.rhai", path.join("tags/number.rhai")).unwrap();
    let watched = Watched::of(folder, "tagwerk.toml");
    for number in 2..5 {
        swap(format!("..v{number}"), &path.join("tags/..data"));
        let took = watched.until_number("a config map", number).await;
        println!("{took:.0?} after the swap of ..data");
    }
}

/// As deployments do it that keep the releases: the folder of the configuration is a link.
#[tokio::test]
async fn a_link_to_the_whole_folder_may_be_swapped() {
    let folder = Folder::new();
    for number in 1..4 {
        folder.write(&format!("releases/{number}/tags/number.rhai"), &tag(number));
        folder.write(&format!("releases/{number}/tagwerk.toml"), CONFIG);
    }
    let path = folder.path().to_owned();
    symlink("releases/1", path.join("current")).unwrap();
    let watched = Watched::of(folder, "current/tagwerk.toml");
    for number in 2..4 {
        symlink(format!("releases/{number}"), path.join("next")).unwrap();
        fs::rename(path.join("next"), path.join("current")).unwrap();
        let took = watched.until_number("another release", number).await;
        println!("{took:.0?} after the swap of the whole folder");
    }
}

#[tokio::test]
async fn what_is_broken_is_refused_with_its_place_and_mended_goes_live() {
    let watched = Watched::new();
    let file = watched.path("tags/number.rhai");
    let broken = tag(1).replace("{ event }", "{\n    #{ value: evnt.value }\n}");
    let cases: [(&str, Vec<u8>, &str); 5] = [
        (
            "an unknown variable",
            broken.into_bytes(),
            "tags/number.rhai:6:15: unknown variable `evnt`",
        ),
        ("nothing", Vec::new(), "tags/number.rhai: the file is empty"),
        (
            "no text",
            vec![0xff, 0xfe, 0x00],
            "tags/number.rhai: cannot be read: it is not UTF-8 text",
        ),
        (
            "5 MiB",
            vec![b' '; 5 << 20],
            "tags/number.rhai: cannot be read: it has 5242880 bytes",
        ),
        (
            "no destination",
            tag(1).replace("crm", "crmm").into_bytes(),
            "tags/number.rhai:2:7: TO: there is no destination \"crmm\"",
        ),
    ];
    let mut number = 0;
    for (what, content, expected) in cases {
        fs::write(&file, content).unwrap();
        watched
            .until_problems(what, |text| text.contains(expected))
            .await;
        assert_eq!(numbers(&watched.live.current()), [number], "{what}");
        number += 1;
        fs::write(&file, tag(number)).unwrap();
        watched.until_number("mended", number).await;
        watched.until_problems("mended", str::is_empty).await;
    }
}

#[tokio::test]
async fn a_broken_configuration_is_refused_with_its_place() {
    let watched = Watched::new();
    let config = watched.path("tagwerk.toml");
    fs::write(
        &config,
        format!("{CONFIG}\n[server]\nlisen = \"127.0.0.1:0\"\n"),
    )
    .unwrap();
    watched
        .until_problems("configuration", |text| {
            text.contains("tagwerk.toml:6:1: unknown key `lisen`")
        })
        .await;
    assert_eq!(numbers(&watched.live.current()), [0]);
    fs::write(&config, format!("{CONFIG}timeout = \"3s\"\n")).unwrap();
    watched
        .until("mended", |generation| {
            generation.config.destinations["crm"]
                .options
                .timeout
                .as_secs()
                == 3
        })
        .await;
}

/// Without this a mount that fails would be a set without tags, and events would pass by.
#[tokio::test]
async fn a_folder_that_vanishes_keeps_its_scripts() {
    let watched = Watched::new();
    let (tags, away) = (watched.path("tags"), watched.path("away"));
    fs::rename(&tags, &away).unwrap();
    watched
        .until_problems("no folder", |text| {
            text.contains("tags: the folder is gone")
        })
        .await;
    assert_eq!(watched.live.current().tags.len(), 1);
    fs::write(away.join("number.rhai"), tag(5)).unwrap();
    fs::rename(&away, &tags).unwrap();
    watched.until_number("back", 5).await;
    watched.until_problems("back", str::is_empty).await;
    fs::write(tags.join("number.rhai"), tag(6)).unwrap();
    watched.until_number("watched again", 6).await;
}

#[tokio::test]
async fn a_file_that_may_not_be_read_is_a_problem() {
    let watched = Watched::new();
    let file = watched.path("tags/number.rhai");
    let mode = |mode| fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    mode(0o000);
    if fs::read(&file).is_err() {
        watched
            .until_problems("mode 000", |text| {
                text.contains("tags/number.rhai: cannot be read: Permission denied")
            })
            .await;
        mode(0o600);
        watched.until_problems("mode 600", str::is_empty).await;
    } else {
        // root reads everything: nothing changed but the mode.
        assert!(matches!(watched.live.reload(), Reload::Unchanged));
    }
    assert_eq!(numbers(&watched.live.current()), [0]);
}

#[tokio::test]
async fn a_broken_draft_stops_nobody() {
    let watched = Watched::new();
    watched
        .folder
        .write("draft/tags/number.rhai", "fn tag(event { event }\n");
    watched.folder.write("tags/number.rhai", &tag(3));
    watched.until_number("live set", 3).await;
    assert!(watched.live.problems().is_empty());
    let problems = lines(&watched.live.draft_problems());
    assert!(problems.contains("draft/tags/number.rhai:1:"), "{problems}");
    assert_eq!(numbers(&watched.live.draft_or_current()), [3]);
}

/// Whoever takes a snapshot has a whole set: of two tags that must agree none is ever older.
#[test]
fn nobody_ever_sees_a_mixed_set() {
    let folder = Folder::new();
    let write = |number| {
        for name in ["a", "b", "c"] {
            folder.write(&format!("tags/{name}.rhai"), &tag(number));
        }
    };
    write(0);
    let live = Live::start(folder.config_file(), Box::new(BTreeMap::new())).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| scope.spawn(|| read_until(&done, &live)))
            .collect();
        for number in 1..50 {
            write(number);
            assert!(matches!(live.reload(), Reload::Live(_)));
            assert!(matches!(live.reload(), Reload::Unchanged));
        }
        done.store(true, Ordering::Relaxed);
        for reader in readers {
            let last = reader.join().unwrap();
            assert!(last > 0);
        }
    });
}

/// The last number that was seen; they only grow, and a generation has one.
fn read_until(done: &AtomicBool, live: &Live) -> i64 {
    let mut last = 0;
    while !done.load(Ordering::Relaxed) {
        let numbers = numbers(&live.current());
        assert_eq!(numbers.len(), 1, "{numbers:?}");
        assert!(numbers[0] >= last);
        last = numbers[0];
    }
    last
}

/// An idle server looks at its files every two seconds, without reading them.
#[test]
fn a_reload_of_nothing_new_changes_nothing() {
    let folder = Folder::new();
    folder.write("tags/number.rhai", &tag(1));
    let live = Live::start(folder.config_file(), Box::new(BTreeMap::new())).unwrap();
    let before = live.current();
    folder.write("tags/number.rhai", &tag(1));
    assert!(matches!(live.reload(), Reload::Unchanged));
    assert!(Arc::ptr_eq(&before, &live.current()));
}
