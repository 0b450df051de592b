//! `tagwerk test`: functions beside scripts, cases, what was never tried, and a thousand of them.

use serde_json::json;

use super::{BAD, CONFIGURATION, NOWHERE, USAGE};
use crate::support::command::run;
use crate::support::working_set::WorkingSet;

const TAG_TESTS: &str = r#"
fn event(id) { #{ event_name: "order", order_id: id } }

fn test_the_id_is_sent() {
    let ran = run(event(7));
    assert(ran.fired);
    assert_eq(ran.payloads, [#{ body: #{ id: 7 } }]);
    assert_contains(ran.requests[0], #{ method: "POST", body: #{ id: 7 } });
}

fn test_other_events_are_not_for_it() {
    let ran = run(#{ event_name: "refund" });
    assert_eq(ran.fired, false);
    assert_contains(ran.reason, "does not listen");
}

fn test_its_function_can_be_called() {
    assert_eq(tag(event(8)).body.id, 8);
}
"#;

const CLIENT_TESTS: &str = r#"
fn test_an_order_becomes_an_event() {
    let ran = run(#{ body: #{ id: 7 } });
    assert_eq(ran.status, 200);
    assert_eq(ran.events.len(), 1);
    assert_contains(ran.events[0], #{ event_name: "order", order_id: 7 });
    assert_eq(ran.body.status, "accepted");
}

fn test_what_is_no_json_is_refused() {
    assert_eq(run(#{ body: "{" }).status, 400);
}
"#;

#[tokio::test]
async fn functions_beside_scripts_are_run() {
    let set = WorkingSet::of_orders(NOWHERE)
        .with("tags/order.test.rhai", TAG_TESTS)
        .with("clients/order.test.rhai", CLIENT_TESTS)
        .with("shared/shop.rhai", "fn label(id) { `Order ${id}` }")
        .with(
            "shared/shop.test.rhai",
            "import \"shop\" as shop;\nfn test_label() { assert_eq(shop::label(7), \"Order 7\"); }",
        );
    let ended = run(set.path(), &["test", "--json"]).await;
    assert_eq!(ended.code, 0, "{}", ended.stdout);
    let report = ended.json();
    let names: Vec<&str> = report["cases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "clients/order.test.rhai: test_an_order_becomes_an_event",
            "clients/order.test.rhai: test_what_is_no_json_is_refused",
            "shared/shop.test.rhai: test_label",
            "tags/order.test.rhai: test_the_id_is_sent",
            "tags/order.test.rhai: test_other_events_are_not_for_it",
            "tags/order.test.rhai: test_its_function_can_be_called",
        ]
    );
    let one = run(set.path(), &["test", "tags/order.test.rhai", "the_id"]).await;
    assert!(one.stdout.contains("1 passed"), "{}", one.stdout);
    let none = run(set.path(), &["test", "tags", "nothing_is_called_so"]).await;
    assert_eq!(none.code, USAGE);
    // They are no tags and no clients.
    let checked = run(set.path(), &["check"]).await;
    assert!(
        checked.stdout.contains("1 client, 1 tag"),
        "{}",
        checked.stdout
    );
}

#[tokio::test]
async fn a_test_that_fails_says_what_where_and_what_was_expected() {
    let cases = [
        (
            "assert_eq(run(#{ event_name: \"order\", order_id: 7 }).payloads[0].body.id, 8);",
            "is 7, expected 8",
        ),
        (
            "assert_eq(run(#{ event_name: \"order\", order_id: 7 }).payloads, [#{ body: #{ id: 8, more: 1 } }]);",
            "0.body.id: is 7, expected 8",
        ),
        (
            "assert(1 > 2, \"one is more\");",
            "one is more: it does not hold",
        ),
        (
            "assert_contains(\"Order 7\", \"Order 8\");",
            "is \"Order 7\", expected \"Order 8\"",
        ),
        ("run(7);", "run() wants a map"),
        ("throw \"broken\";", "broken"),
        ("loop { }", "stopped after"),
    ];
    for (body, expected) in cases {
        let set = WorkingSet::of_orders(NOWHERE);
        set.write(
            "tags/order.test.rhai",
            format!("fn test_it() {{\n    {body}\n}}\n"),
        );
        let ended = run(set.path(), &["test"]).await;
        assert_eq!(ended.code, BAD, "{body}");
        assert!(
            ended.stdout.contains("✗ tags/order.test.rhai: test_it"),
            "{}",
            ended.stdout
        );
        assert!(
            ended.stdout.contains(expected),
            "{expected} in {}",
            ended.stdout
        );
        if !body.starts_with("loop") {
            assert!(
                ended.stdout.contains("tags/order.test.rhai:2:"),
                "{}",
                ended.stdout
            );
            assert!(
                ended.stdout.contains(&format!("2 |     {body}")),
                "{}",
                ended.stdout
            );
        }
    }
}

#[tokio::test]
async fn a_file_of_tests_that_is_wrong_is_told() {
    for (text, expected) in [
        ("fn test_it() { asert(true); }", "did you mean `assert`?"),
        ("fn test_it(event) { }", "a test takes none"),
        ("fn helper() { }", "there is no test in this file"),
        ("fn test_it() {", "tags/order.test.rhai:"),
    ] {
        let set = WorkingSet::of_orders(NOWHERE).with("tags/order.test.rhai", text);
        let ended = run(set.path(), &["test"]).await;
        assert_eq!(ended.code, BAD, "{text}");
        assert!(
            ended.stdout.contains(expected),
            "{expected} in {}",
            ended.stdout
        );
    }
    let set = WorkingSet::of_orders(NOWHERE).with("tags/order.rhai", "fn tag(event) {");
    set.write("tags/order.test.rhai", TAG_TESTS);
    assert_eq!(run(set.path(), &["test"]).await.code, CONFIGURATION);
}

#[tokio::test]
async fn what_was_never_tried_is_told() {
    let tag = "const ON = \"order\";\nconst TO = \"crm\";\nconst WHEN = #{ order_id: #{ gt: 5 } };\nfn when(event) { event.order_id != 13 }\nfn tag(event) { if event.order_id == 9 { return skip(\"nine\"); } #{ body: event.order_id } }\n";
    let set = WorkingSet::of_orders(NOWHERE).with("tags/order.rhai", tag);
    set.write("tags/silent.rhai", tag.replace("\"order\"", "\"refund\""));
    let with = |ids: &[i64]| {
        let tests = ids.iter().map(|id| {
            format!("fn test_{id}() {{ run(#{{ event_name: \"order\", order_id: {id} }}); }}\n")
        });
        tests.collect::<String>()
    };
    set.write("tags/order.test.rhai", with(&[7]));
    let ended = run(set.path(), &["test", "--coverage"]).await;
    assert_eq!(ended.code, 0, "{}", ended.stdout);
    for line in [
        "0 of 1 clients, 1 of 2 tags",
        "clients/order.rhai never ran\n",
        "tags/order.rhai never ran: conditions, when() false, skip()\n",
        "tags/silent.rhai never ran\n",
    ] {
        assert!(ended.stdout.contains(line), "{line} in {}", ended.stdout);
    }
    set.write("tags/order.test.rhai", with(&[7, 3, 13, 9]));
    let report = run(set.path(), &["test", "--json"]).await.json();
    assert_eq!(
        report["coverage"]["branches"],
        json!(null),
        "they cost time"
    );
    let untried = report["coverage"]["untried"].as_array().unwrap();
    assert!(
        untried.iter().all(|one| one["file"] != "tags/order.rhai"),
        "{untried:?}"
    );
    assert_eq!(report["coverage"]["tags"], json!([1, 2]));
}

#[tokio::test]
async fn branches_that_never_ran_are_told_with_their_lines() {
    let tag = "import \"words\" as words;\nconst ON = \"order\";\nconst TO = \"crm\";\n\nfn tag(event) {\n    let size = if event.order_id > 5 { \"large\" } else { \"small\" };\n    switch event.order_id {\n        7 => size,\n        _ => size + words::plural(event.order_id),\n    }\n    if event.coupon != () {\n        size += \" with coupon\";\n    }\n    #{ body: size }\n}\n\nfn unused(x) { x }\n";
    let set = WorkingSet::of_orders(NOWHERE).with("tags/order.rhai", tag);
    let words =
        "fn plural(count) {\n    if count == 1 {\n        return \"\";\n    }\n    \"s\"\n}\n";
    set.write("shared/words.rhai", words);
    set.write("cases/eight/request.http", "POST /order\n\n{\"id\":8}");
    set.write("cases/nine/request.http", "POST /order\n\n{\"id\":9}");
    let blessed = run(set.path(), &["test", "--bless", "--coverage"]).await;
    assert_eq!(blessed.code, 0, "{}", blessed.stdout);
    let ended = run(set.path(), &["test", "--coverage"]).await;
    assert_eq!(ended.code, 0, "{}", ended.stdout);
    let told = ended.stdout.split_once("covered: ").unwrap().1;
    let expected = "1 of 1 clients, 1 of 1 tags, 2 of 2 ways through them, 7 of 12 branches of scripts
  shared/words.rhai:2:5: never true: if count == 1
  tags/order.rhai:6:16: never ran: the else of if event.order_id > 5 { \"large\" } else { \"small\" }
  tags/order.rhai:8:14: never ran: 7 => size,
  tags/order.rhai:11:5: never true: if event.coupon != ()
  tags/order.rhai:17:14: never called: fn unused(x) { x }
";
    assert_eq!(told, expected);
    let report = run(set.path(), &["test", "--coverage", "--json"])
        .await
        .json();
    assert_eq!(report["coverage"]["branches"], json!([7, 12]));
    let branch = json!({ "file": "tags/order.rhai", "line": 11, "column": 5, "kind": "if", "text": "if event.coupon != ()" });
    assert_eq!(report["coverage"]["never_ran"][3], branch);
}

#[tokio::test]
async fn a_thousand_cases_are_run() {
    let set = WorkingSet::of_orders(NOWHERE);
    for id in 0..1_000 {
        set.write(
            &format!("cases/{id:04}/request.http"),
            format!("POST /order\n\n{{\"id\":{id}}}"),
        );
    }
    let blessed = run(set.path(), &["test", "--bless", "--json"]).await.json();
    assert_eq!(blessed["passed"], 1_000);
    let ended = run(set.path(), &["test", "--json"]).await.json();
    assert_eq!(
        (&ended["passed"], &ended["failed"]),
        (&json!(1_000), &json!(0))
    );
    set.write("cases/0007/request.http", "POST /order\n\n{\"id\":8}");
    let failed = run(set.path(), &["test"]).await;
    assert_eq!(failed.code, BAD);
    assert!(failed.stdout.contains("✗ 0007"), "{}", failed.stdout);
    assert!(
        failed.stdout.contains("999 passed, 1 failed"),
        "{}",
        failed.stdout
    );
}
