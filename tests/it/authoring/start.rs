//! `init`, `new`, `add` and the definitions for editors: what they make is good, and nothing is
//! overwritten.

use std::fs;
use std::path::Path;

use super::USAGE;
use crate::support::command::{Ended, run};

async fn good(folder: &Path, arguments: &[&str]) -> Ended {
    let ended = run(folder, arguments).await;
    assert_eq!(
        ended.code, 0,
        "{arguments:?}: {}{}",
        ended.stdout, ended.stderr
    );
    ended
}

async fn minimal(folder: &Path) -> std::path::PathBuf {
    good(folder, &["init", "shop", "--minimal"]).await;
    folder.join("shop")
}

fn scripts(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

#[tokio::test]
async fn a_minimal_folder_has_one_of_each_and_is_good() {
    let folder = tempfile::tempdir().unwrap();
    let shop = minimal(folder.path()).await;
    assert_eq!(
        (scripts(&shop.join("clients")), scripts(&shop.join("cases"))),
        (1, 1)
    );
    for file in [
        "tagwerk.toml",
        "tags/crm_order.rhai",
        "tags/crm_order.test.rhai",
        ".gitignore",
        ".env.example",
        ".github/workflows/tagwerk.yml",
        ".vscode/settings.json",
        ".vscode/tasks.json",
        ".rhai/text.d.rhai",
    ] {
        assert!(shop.join(file).is_file(), "{file}");
    }
    for json in [
        ".vscode/settings.json",
        ".vscode/extensions.json",
        ".vscode/tasks.json",
    ] {
        let text = fs::read(shop.join(json)).unwrap();
        assert!(
            serde_json::from_slice::<serde_json::Value>(&text).is_ok(),
            "{json}"
        );
    }
    good(&shop, &["check"]).await;
    let tested = good(&shop, &["test"]).await;
    assert!(tested.stdout.contains("2 passed"), "{}", tested.stdout);
    let again = run(folder.path(), &["init", "shop", "--minimal"]).await;
    assert_eq!(again.code, USAGE);
}

#[tokio::test]
async fn a_client_comes_from_what_is_shipped_from_a_request_or_from_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let shop = minimal(folder.path()).await;
    let made = good(&shop, &["new", "client", "--from", "stripe"]).await;
    for file in [
        "clients/stripe.rhai",
        "shared/stripe.rhai",
        "cases/stripe-checkout/request.http",
    ] {
        assert!(
            made.stdout.contains(file) && shop.join(file).is_file(),
            "{file}: {}",
            made.stdout
        );
    }
    good(&shop, &["test"]).await;
    good(
        &shop,
        &[
            "new",
            "client",
            "pay",
            "--from",
            "stripe",
            "--path",
            "/hooks/pay",
        ],
    )
    .await;
    let pay = fs::read_to_string(shop.join("clients/pay.rhai")).unwrap();
    assert!(pay.contains("const PATH = \"/hooks/pay\";"), "{pay}");

    let request =
        "POST /hooks/form HTTP/1.1\ncontent-type: application/x-www-form-urlencoded\n\na=1&b=2";
    fs::write(shop.join("form.http"), request).unwrap();
    good(&shop, &["new", "client", "--from", "form.http"]).await;
    let traced = good(&shop, &["trace", "form.http", "--json"]).await.json();
    assert_eq!(traced["events"][0]["data"]["event_name"], "form");
    assert_eq!(traced["events"][0]["data"]["b"], "2");
    let events = fs::read_to_string(shop.join("cases/form/events.json")).unwrap();
    assert!(events.contains("\"event_name\": \"form\""), "{events}");
    good(&shop, &["test"]).await;
    good(&shop, &["new", "client", "empty"]).await;
    good(&shop, &["check"]).await;

    for (arguments, expected) in [
        (
            &["new", "client", "--from", "strip"][..],
            "did you mean `stripe`?",
        ),
        (&["new", "client", "--from", "none.http"], "none.http"),
        (&["new", "client"], "say how it is called"),
        (&["new", "client", "../evil"], "is not a script's name"),
    ] {
        let ended = run(&shop, arguments).await;
        assert_eq!(ended.code, USAGE, "{arguments:?}");
        assert!(ended.stderr.contains(expected), "{}", ended.stderr);
    }
    let twice = run(&shop, &["new", "client", "empty"]).await;
    assert_eq!(twice.code, 1);
    assert!(
        twice.stderr.contains("clients/empty.rhai"),
        "{}",
        twice.stderr
    );
}

#[tokio::test]
async fn a_tag_is_made_for_each_type_of_destination_and_passes_its_test() {
    let folder = tempfile::tempdir().unwrap();
    let shop = minimal(folder.path()).await;
    let types = tagwerk::destination::TYPES.iter().map(|kind| kind.name);
    for to in types.clone().chain(["crm"]) {
        good(
            &shop,
            &["new", "tag", "--to", to, "--on", "order_created,purchase"],
        )
        .await;
        assert!(shop.join(format!("tags/{to}_order_created.rhai")).is_file());
    }
    good(&shop, &["new", "tag", "all", "--to", "crm", "--on", "*"]).await;
    good(&shop, &["check"]).await;
    let tested = good(&shop, &["test", "tags"]).await;
    let passed = format!("{} passed", types.count() + 3);
    assert!(tested.stdout.contains(&passed), "{}", tested.stdout);
    let listed = fs::read_to_string(shop.join(".env.example")).unwrap();
    assert!(listed.contains("\nTELEGRAM_BOT_TOKEN=\n"), "{listed}");
    assert_eq!(listed.matches("AMPLITUDE_API_KEY=").count(), 1, "{listed}");
    let slip = run(&shop, &["new", "tag", "--to", "slak", "--on", "purchase"]).await;
    assert_eq!(slip.code, USAGE);
    assert!(
        slip.stderr.contains("did you mean `slack`?"),
        "{}",
        slip.stderr
    );

    // A destination that is not configured yet gets its table.
    fs::write(
        shop.join("tagwerk.toml"),
        "[server]\nlisten = \"127.0.0.1:0\"\n",
    )
    .unwrap();
    for tag in fs::read_dir(shop.join("tags")).unwrap() {
        fs::remove_file(tag.unwrap().path()).unwrap();
    }
    let made = good(&shop, &["new", "tag", "--to", "slack", "--on", "purchase"]).await;
    assert!(
        made.stdout.contains("added [destinations.slack]"),
        "{}",
        made.stdout
    );
    good(&shop, &["check"]).await;
}

#[tokio::test]
async fn each_shipped_client_brings_cases_of_its_own_that_pass() {
    let folder = tempfile::tempdir().unwrap();
    let shop = minimal(folder.path()).await;
    for client in ["ga4", "ga4_mp"] {
        good(&shop, &["add", client]).await;
        good(&shop, &["check"]).await;
        good(&shop, &["test"]).await;
    }
    let listed = good(&shop, &["add"]).await.stdout;
    let (clients, _) = listed.split_once("\ntags\n").unwrap();
    let clients = clients.lines().skip(1);
    let clients: Vec<&str> = clients
        .map(|line| line.split_whitespace().next().unwrap())
        .collect();
    assert!(clients.len() > 10, "{listed}");
    good(&shop, &[&["add"], &clients[..]].concat()).await;
    good(&shop, &["check"]).await;
    good(&shop, &["test"]).await;
}

#[tokio::test]
async fn shipped_scripts_are_added_with_what_they_need() {
    let folder = tempfile::tempdir().unwrap();
    let shop = minimal(folder.path()).await;
    let listed = good(&shop, &["add"]).await.stdout;
    for name in ["stripe", "shopify", "slack_order", "tracify_purchase"] {
        assert!(listed.contains(&format!("  {name} ")), "{name} in {listed}");
    }
    let rehearsal = good(&shop, &["add", "shopify", "--dry-run"]).await;
    assert!(
        rehearsal.stdout.contains("would make clients/shopify.rhai"),
        "{}",
        rehearsal.stdout
    );
    assert!(!shop.join("clients/shopify.rhai").is_file());
    let added = good(&shop, &["add", "shopify", "tracify_purchase"]).await;
    for file in [
        "clients/shopify.rhai",
        "shared/shopify.rhai",
        "tags/tracify_purchase.rhai",
    ] {
        assert!(
            added.stdout.contains(&format!("made {file}")),
            "{file} in {}",
            added.stdout
        );
    }
    let again = good(&shop, &["add", "shopify"]).await;
    assert!(
        again.stdout.contains("kept clients/shopify.rhai"),
        "{}",
        again.stdout
    );
    good(&shop, &["check"]).await;
    let slip = run(&shop, &["add", "shopfy"]).await;
    assert_eq!(slip.code, USAGE);
    assert!(
        slip.stderr.contains("did you mean `shopify`?"),
        "{}",
        slip.stderr
    );
}

/// Each shipped script can be added to a folder that has nothing, and is good there.
#[tokio::test]
async fn all_that_is_shipped_can_be_added() {
    let folder = tempfile::tempdir().unwrap();
    let shop = minimal(folder.path()).await;
    let listed = good(&shop, &["add"]).await.stdout;
    let names = listed
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let mut arguments = vec!["add"];
    arguments.extend(names);
    assert!(arguments.len() > 20, "{arguments:?}");
    good(&shop, &arguments).await;
    good(&shop, &["check"]).await;
}

#[tokio::test]
async fn editors_get_definitions() {
    let folder = tempfile::tempdir().unwrap();
    let wrote = good(folder.path(), &["docs", "--definitions"]).await;
    assert!(wrote.stdout.contains("to .rhai"), "{}", wrote.stdout);
    let text = fs::read_to_string(folder.path().join(".rhai/money.d.rhai")).unwrap();
    assert!(
        text.contains("fn to_minor(amount: ?, currency: ?) -> int;"),
        "{text}"
    );
    let markdown = good(folder.path(), &["docs", "time", "--markdown"]).await;
    assert!(
        markdown.stdout.starts_with("### `time::`"),
        "{}",
        markdown.stdout
    );
}
