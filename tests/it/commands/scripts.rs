//! Commands that look at scripts: `trace` and `init`.

use serde_json::json;

use super::{BAD, NOWHERE, USAGE};
use crate::support::command::{run, run_with_input};
use crate::support::working_set::WorkingSet;

const ORDER: &str = "POST /order HTTP/1.1\nContent-Type: application/json\n\n{\"id\":7}";

#[tokio::test]
async fn a_trace_is_a_tree_or_json() {
    let set = WorkingSet::of_orders(NOWHERE).with("order.http", ORDER);
    let tree = run(set.path(), &["trace", "order.http"]).await;
    assert_eq!((tree.code, tree.stderr.as_str()), (0, ""));
    let steps = [
        "POST /order",
        "client order claims (path /order)",
        "answer 200",
        "event order",
        "order_id: 7",
        "tag order → crm ✓ fired",
        "POST http://127.0.0.1:9/crm",
        "\"id\": 7",
    ];
    let mut rest = tree.stdout.as_str();
    for step in steps {
        let (_, behind) = rest
            .split_once(step)
            .unwrap_or_else(|| panic!("no `{step}` in its place in\n{}", tree.stdout));
        rest = behind;
    }

    let as_json = run(set.path(), &["trace", "order.http", "--json"]).await;
    assert_eq!(as_json.code, 0);
    let trace = as_json.json();
    assert_eq!(trace["mode"], "dry_run");
    assert_eq!(trace["events"][0]["data"]["order_id"], 7);
    let delivery = &trace["events"][0]["tags"][0]["deliveries"][0];
    assert_eq!(delivery["request"]["body"], json!({ "id": 7 }));

    let piped = run_with_input(set.path(), &["trace", "-", "--json"], ORDER).await;
    assert_eq!(piped.json()["request"]["body"], "{\"id\":7}");
    let data = std::fs::metadata(set.file("data"));
    assert!(data.is_err(), "a trace needs no data folder");
}

#[tokio::test]
async fn a_trace_of_a_failing_script_says_where() {
    let set = WorkingSet::of_orders(NOWHERE).with("order.http", ORDER);
    let tag =
        "const ON = \"order\";\nconst TO = \"crm\";\nfn tag(event) {\n    event.order_id.nope\n}\n";
    let client = "const PATH = \"/order\";\nfn parse(request) {\n    throw \"not today\";\n}\n";
    for (file, text, place) in [
        ("tags/order.rhai", tag, "tags/order.rhai:4:"),
        ("clients/order.rhai", client, "clients/order.rhai:3:"),
    ] {
        set.write(file, text);
        for arguments in [
            &["trace", "order.http"][..],
            &["trace", "--json", "order.http"],
        ] {
            let ended = run(set.path(), arguments).await;
            assert_eq!(ended.code, BAD);
            assert!(
                ended.stderr.contains("failed; see above"),
                "{}",
                ended.stderr
            );
            if arguments.len() == 2 {
                assert!(ended.stdout.contains(place), "{}", ended.stdout);
            } else {
                assert!(ended.json().is_object());
            }
        }
    }
}

#[tokio::test]
async fn the_draft_set_is_traced_on_request() {
    let set = WorkingSet::of_orders(NOWHERE).with("order.http", ORDER);
    let client = crate::support::working_set::ORDER_CLIENT.replace("\"order\"", "\"draft\"");
    set.write("draft/clients/order.rhai", client);
    for (arguments, name) in [
        (&["trace", "order.http", "--json"][..], "order"),
        (&["trace", "order.http", "--json", "--draft"], "draft"),
    ] {
        let trace = run(set.path(), arguments).await.json();
        assert_eq!(trace["events"][0]["data"]["event_name"], name);
    }
}

#[tokio::test]
async fn init_makes_a_folder_that_is_good_and_works() {
    let folder = tempfile::tempdir().unwrap();
    let ended = run(folder.path(), &["init", "shop"]).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    let shop = folder.path().join("shop");
    let ended = run(&shop, &["check"]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let waits = "destination slack waits for $SLACK_WEBHOOK_URL, which is not set";
    assert!(ended.stderr.contains(waits), "{}", ended.stderr);
    let ended = run(&shop, &["test"]).await;
    assert_eq!(ended.code, 0, "{}", ended.stdout);
    assert!(ended.stdout.contains("22 passed"), "{}", ended.stdout);
    let requests: Vec<_> = std::fs::read_dir(shop.join("examples/requests"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(requests.len() > 10);
    for request in requests {
        let ended = run(&shop, &["trace", request.to_str().unwrap(), "--json"]).await;
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        // gtag.js reads no answer, and gets none.
        let name = request.file_name().unwrap().to_str().unwrap();
        let status = if name.starts_with("ga4_") { 204 } else { 200 };
        assert_eq!(ended.json()["response"]["status"], status, "{request:?}");
    }
}

#[tokio::test]
async fn init_overwrites_nothing() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("shop/tags")).unwrap();
    let mine = folder.path().join("shop/tags/slack_order.rhai");
    std::fs::write(&mine, "mine").unwrap();
    let ended = run(folder.path(), &["init", "shop"]).await;
    assert_eq!(ended.code, USAGE);
    assert!(
        ended
            .stderr
            .contains("already has tags/slack_order.rhai; nothing was written"),
        "{}",
        ended.stderr
    );
    assert_eq!(std::fs::read(&mine).unwrap(), b"mine");
    assert!(std::fs::metadata(folder.path().join("shop/tagwerk.toml")).is_err());

    // A folder with other things in it is fine.
    std::fs::remove_file(&mine).unwrap();
    std::fs::write(folder.path().join("shop/README.md"), "mine").unwrap();
    assert_eq!(run(folder.path(), &["init", "shop"]).await.code, 0);
    assert_eq!(run(folder.path(), &["init", "shop"]).await.code, USAGE);
}
