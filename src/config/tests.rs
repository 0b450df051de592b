//! The tests of the configuration as a whole: files beside what is expected of them, the default
//! file, and that no input panics.
//!
//! After a change on purpose, `BLESS=1 cargo test config::` writes the expected files anew.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;

/// The variables that the files below `tests/data/config` may use.
fn environment() -> BTreeMap<String, String> {
    [
        ("PORT", "9000"),
        ("TOKEN", "never-show-this"),
        ("DRY_RUN", "true"),
        ("CONCURRENCY", "4"),
        ("EMPTY", ""),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// Compares what `show` makes of each file with the `.txt` beside it.
fn compare_folder(folder: &str, show: impl Fn(Result<Config, Problems>) -> String) {
    let folder = Path::new("tests/data/config").join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .collect();
    files.sort();
    assert!(files.len() > 3, "only {} files in {folder:?}", files.len());
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let shown = show(parse(&text, &file, &environment()));
        let expected = file.with_extension("txt");
        if SystemEnvironment.variable("BLESS").is_some() {
            fs::write(&expected, &shown).unwrap();
        }
        let expected = fs::read_to_string(&expected).unwrap_or_default();
        assert_eq!(shown, expected, "{}", file.display());
    }
}

#[test]
fn all_that_is_wrong_is_shown_at_once() {
    compare_folder("invalid", |result| format!("{}\n", result.unwrap_err()));
}

#[test]
fn what_is_right_is_read_and_secrets_are_not_shown() {
    compare_folder("valid", |result| {
        let config = result.unwrap();
        let mut shown = format!("{config:#?}\n");
        for warning in &config.warnings {
            writeln!(shown, "{warning}").unwrap();
        }
        assert!(!shown.contains("never-show-this"), "{shown}");
        shown
    });
}

#[test]
fn the_default_file_says_the_defaults() {
    let file = Path::new("tagwerk.toml");
    let empty = parse("", file, &environment()).unwrap();
    let mut shipped = parse(DEFAULT_FILE, file, &environment()).unwrap();
    shipped.destinations.clear();
    assert_eq!(shipped, empty);
    let file = Some(file.to_owned());
    assert_eq!(
        empty,
        Config {
            file,
            ..Config::default()
        }
    );
}

/// The keys that `read` asks an empty section for.
fn keys_of<T>(read: impl FnOnce(&mut Section) -> T) -> Vec<&'static str> {
    let mut section = Section::parse("", "", &environment()).unwrap();
    read(&mut section);
    let mut keys = section.known().to_vec();
    keys.sort_unstable();
    keys
}

/// An empty file says the defaults as well, so the test above is not enough.
#[test]
fn the_default_file_shows_every_key() {
    let here = Path::new("");
    let table: toml::Table = DEFAULT_FILE.parse().unwrap();
    let server = Server::default();
    for (name, known) in [
        ("server", keys_of(Server::read)),
        ("admin", keys_of(|section| Admin::read(section, &server))),
        ("data", keys_of(|section| Data::read(section, here))),
        ("scripts", keys_of(|section| Scripts::read(section, here))),
        ("journal", keys_of(Journal::read)),
    ] {
        let shown = table[name].as_table().unwrap().keys();
        let mut shown: Vec<&str> = shown.map(String::as_str).collect();
        shown.sort_unstable();
        assert_eq!(shown, known, "[{name}]");
    }
    for key in keys_of(Options::read) {
        assert!(DEFAULT_FILE.contains(&format!("\n#{key} = ")), "{key}");
    }
}

#[test]
fn the_options_that_the_default_file_leaves_out_say_the_defaults_too() {
    let comment_in = |line: &str| match line.strip_prefix('#') {
        Some(key) if !key.is_empty() && !key.starts_with(' ') => key.to_owned(),
        _ => line.to_owned(),
    };
    let lines: Vec<String> = DEFAULT_FILE.lines().map(comment_in).collect();
    let config = parse(&lines.join("\n"), Path::new("tagwerk.toml"), &environment()).unwrap();
    let options = &config.destinations["amplitude"].options;
    // These have no default that could be written down: without them the type decides.
    assert!(options.endpoint.is_some() && options.rate.is_some());
    assert!(options.batch.is_some() && options.batch_wait.is_some());
    let others = Options {
        endpoint: None,
        rate: None,
        batch: None,
        batch_wait: None,
        allow_hosts: Vec::new(),
        allow_nets: Vec::new(),
        ..options.clone()
    };
    assert_eq!(others, Options::default());
}

#[test]
fn the_destinations_of_the_default_file_wait_for_their_variables() {
    let config = parse(DEFAULT_FILE, Path::new("tagwerk.toml"), &BTreeMap::new()).unwrap();
    let missing: Vec<(&str, Vec<&str>)> = config
        .destinations
        .values()
        .map(|d| {
            (
                d.kind.as_str(),
                d.missing.iter().map(String::as_str).collect(),
            )
        })
        .collect();
    assert_eq!(
        missing,
        [
            ("amplitude", vec!["AMPLITUDE_API_KEY"]),
            ("http", vec!["CRM_TOKEN"]),
            ("slack", vec!["SLACK_WEBHOOK_URL"]),
            ("tracify", vec!["TRACIFY_TOKEN", "TRACIFY_CUSTOMER_SITE_ID"]),
        ]
    );
    assert_eq!(config.warnings, []);
}

#[test]
fn a_destination_that_moved_in_the_file_is_the_same() {
    let read = |text: &str| parse(text, Path::new("t.toml"), &environment()).unwrap();
    let before = read("[destinations.a]\ntype = \"http\"\nurl = \"u\"\n");
    let moved = read("\n\n[destinations.a]\nurl = \"u\"\ntype = \"http\"\n");
    let other = read("[destinations.a]\ntype = \"http\"\nurl = \"v\"\n");
    assert_ne!(before.destinations["a"].line, moved.destinations["a"].line);
    assert_ne!(before, other);
    // Only the order of keys differs, which headers may depend on.
    let same = read("\n\n[destinations.a]\ntype = \"http\"\nurl = \"u\"\n");
    assert_eq!(before, same);
}

#[test]
fn a_loaded_file_has_absolute_paths_and_shows_itself_as_it_was_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tagwerk.toml");
    fs::write(&file, "[data]\ndir = \"state\"\n").unwrap();
    let config = load(&file, &environment()).unwrap();
    assert_eq!(config.data.dir, folder.path().join("state"));
    assert_eq!(config.scripts.tags, folder.path().join("tags"));
    assert_eq!(config.file, Some(file));
    let here = load(Path::new("tagwerk.toml"), &environment()).unwrap();
    assert!(here.base.is_absolute() && here.data.dir.is_absolute());
    assert_eq!(here.file, Some("tagwerk.toml".into()));
}

#[test]
fn what_the_caller_finds_is_shown_with_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tagwerk.toml");
    fs::write(&file, "[destinations.a]\ntype = \"htp\"\n[x]\n").unwrap();
    let problems = load_and_check(&file, &environment(), |config| {
        let destination = &config.destinations["a"];
        let message = format!("unknown type `{}`", destination.kind);
        Problem::new(&file, message).at(destination.line, 1).into()
    })
    .unwrap_err();
    let messages: Vec<&str> = problems.iter().map(|p| p.message.as_str()).collect();
    assert_eq!(messages, ["unknown type `htp`", "unknown table `x`"]);
}

#[test]
fn a_file_that_cannot_be_read_is_a_problem() {
    let folder = tempfile::tempdir().unwrap();
    let missing = load(&folder.path().join("none.toml"), &environment()).unwrap_err();
    assert!(
        missing.to_string().contains("hint: `tagwerk init"),
        "{missing}"
    );
    let large = folder.path().join("large.toml");
    fs::write(&large, "#".repeat(MAX_FILE as usize + 1)).unwrap();
    let too_large = load(&large, &environment()).unwrap_err();
    assert!(
        too_large.to_string().contains("larger than 262144 bytes"),
        "{too_large}"
    );
}

#[test]
fn a_deep_file_is_a_problem_and_no_overflow() {
    for open in ["[", "{ a = "] {
        let text = format!("x = {}", open.repeat(20_000));
        let problems = parse(&text, Path::new("tagwerk.toml"), &environment()).unwrap_err();
        assert!((1..=20).contains(&problems.len()), "{}", problems.len());
    }
}

/// Lines that mean something, so that random files get further than the TOML parser.
fn line() -> impl Strategy<Value = String> {
    let key = "(listen|type|dir|kind|retry|rate|timeout|headers|dry_run|batch|x)";
    let table = r"\[(server|admin|data|scripts|journal|destinations|destinations\.(a|b))\]";
    let value = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        r#""[ -!#-\[\]-~ä]{0,12}""#,
        r#""[$]\{?(TOKEN|UNSET|file:x)?\}?(ms|s|MiB|/s)?""#,
        r#"\["[0-9]{1,3}s", [0-9]\]"#,
        r#"\{ a = "b", c = \{ d = 1 \} \}"#,
        "(true|1\\.5|1979-05-27|0xff|nan)",
    ];
    prop_oneof![
        table,
        (key, value).prop_map(|(key, value)| format!("{key} = {value}"))
    ]
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>()) {
        parse(&text, Path::new("tagwerk.toml"), &environment()).ok();
    }

    #[test]
    fn no_plausible_file_panics(lines in prop::collection::vec(line(), 0..12)) {
        let text = lines.join("\n");
        if let Err(problems) = parse(&text, Path::new("tagwerk.toml"), &environment()) {
            prop_assert!(!problems.is_empty());
            for problem in &problems {
                let line = problem.line.unwrap_or_default();
                prop_assert!((1..=lines.len()).contains(&line), "{}", problem);
            }
        }
    }
}
