//! Tables, variables and transformations: looked up, worked out once, and changed for some tags only; and
//! live when they are saved.

use serde_json::{Value, json};

use super::{BAD, NOWHERE};
use crate::support::command::run;
use crate::support::server::Server;
use crate::support::working_set::WorkingSet;

const EVENT: &str = r#"{"event_name":"order","event_id":"e1","sku":"007","value":29.35,"user_data":{"email":"a@b.c","name":"Anna"}}"#;

fn set() -> WorkingSet {
    let mut set = WorkingSet::of_orders(NOWHERE);
    set = set.with("event.json", EVENT);
    set.write("tags/order.rhai", tag("event"));
    set
}

fn tag(body: &str) -> String {
    format!("const ON = \"order\";\nconst TO = \"crm\";\nfn tag(event) {{ #{{ body: {body} }} }}\n")
}

async fn traced(set: &WorkingSet) -> Value {
    let ended = run(set.path(), &["trace", "event.json", "--json"]).await;
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    ended.json()["events"][0]["tags"].clone()
}

fn body(tags: &Value, name: &str) -> Value {
    let tag = tags
        .as_array()
        .unwrap()
        .iter()
        .find(|tag| tag["name"] == name)
        .unwrap();
    tag["deliveries"][0]["request"]["body"].clone()
}

#[tokio::test]
async fn tables_are_looked_up() {
    let set = set();
    set.write(
        "tables/products.csv",
        "sku,name,margin\n007,\"Mug, blue\",0.50\n",
    );
    set.write("tables/shops.json", "{\"de\":{\"vat\":19}}");
    set.write("tables/codes.toml", "EUR = 978\n");
    set.write(
        "tags/order.rhai",
        tag(r#"#{
            name: table::lookup("products", event.sku).name,
            margin: num(event.value) * num(table::lookup("products", event.sku, "margin")),
            none: table::lookup("products", "?") ?? "none",
            missing: table::lookup("products", event.nothing),
            vat: table::lookup("shops", "de", "vat"),
            code: table::lookup("codes", "EUR"),
            has: table::has("products", "7"),
        }"#),
    );
    let expected = json!({ "name": "Mug, blue", "margin": 14.675, "none": "none", "missing": null, "vat": 19, "code": 978, "has": false });
    assert_eq!(body(&traced(&set).await, "order"), expected);
}

#[tokio::test]
async fn tables_that_are_wrong_or_missing_are_told_before_an_event_comes() {
    let set = set();
    set.write("tables/products.csv", "sku,name,margin\n007,Mug\n");
    let checked = run(set.path(), &["check"]).await;
    assert_eq!(checked.code, BAD);
    for part in [
        "error[table]: this row has 2 columns",
        "tables/products.csv:2",
    ] {
        assert!(
            checked.stderr.contains(part),
            "{part} in {}",
            checked.stderr
        );
    }
    set.write("tables/products.csv", "sku,margin\n007,1\n");
    for (call, expected) in [
        (
            "table::lookup(\"prodcuts\", event.sku)",
            "did you mean `products`?",
        ),
        (
            "table::lookup(\"products\", event.sku, \"magrin\")",
            "did you mean `margin`?",
        ),
        (
            "table::lokup(\"products\", event.sku)",
            "did you mean `table::lookup`?",
        ),
    ] {
        set.write("tags/order.rhai", tag(call));
        let checked = run(set.path(), &["check"]).await;
        assert_eq!(checked.code, BAD, "{call}");
        assert!(
            checked.stderr.contains(expected),
            "{expected} in {}",
            checked.stderr
        );
    }
}

#[tokio::test]
async fn a_saved_table_is_live() {
    let set = set();
    set.write("tables/products.csv", "sku,margin\n007,1\n");
    set.write(
        "tags/order.rhai",
        tag("table::lookup(\"products\", event.sku)"),
    );
    let server = Server::start(&set).await;
    let before = server.status().await["generation"].clone();
    set.write("tables/products.csv", "sku,margin\n007,2\n");
    let live = server
        .status_where(|status| status["generation"] != before)
        .await;
    assert_eq!(live["config_ok"], true);
    set.write("tables/products.csv", "sku,margin\n007\n");
    let refused = server
        .status_where(|status| status["config_ok"] == false)
        .await;
    assert_eq!(refused["problems"][0]["file"], "tables/products.csv");
    server.stop().await;
}

#[tokio::test]
async fn a_variable_is_worked_out_once_for_an_event() {
    let set = set();
    let variables = "fn margin(event) { print(\"worked out\"); num(event.value) * 2 }\nfn twice(event) { variable::get(\"margin\") * 2 }\nfn round(event) { variable::get(\"trip\") }\nfn trip(event) { variable::get(\"round\") }\n";
    set.write("shared/variables.rhai", variables);
    set.write("tags/a.rhai", tag("variable::get(\"margin\")"));
    set.write(
        "tags/b.rhai",
        tag("[variable::get(\"twice\"), variable::get(\"margin\")]"),
    );
    let tags = traced(&set).await;
    assert_eq!(
        (body(&tags, "a"), body(&tags, "b")),
        (json!(58.7), json!([117.4, 58.7]))
    );
    let logged: usize = tags
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| tag["log"].as_array().unwrap().len())
        .sum();
    assert_eq!(logged, 1, "{tags}");

    set.write("tags/a.rhai", tag("variable::get(\"magrin\")"));
    let checked = run(set.path(), &["check"]).await;
    assert_eq!(checked.code, BAD);
    assert!(
        checked.stderr.contains("did you mean `margin`?"),
        "{}",
        checked.stderr
    );
    set.write("tags/a.rhai", tag("variable::get(\"round\")"));
    let circle = run(set.path(), &["trace", "event.json"]).await;
    assert_eq!(circle.code, BAD);
    assert!(circle.stdout.contains("needs itself"), "{}", circle.stdout);
}

#[tokio::test]
async fn transformations_change_what_some_tags_see() {
    let set = set();
    set.write("tags/partner.rhai", tag("event"));
    set.write(
        "transforms/partner.rhai",
        "const TAGS = \"partner\";\nconst ALLOW = [\"value\", \"user_data\"];\nconst EXCLUDE = \"user_data.name\";\nconst REDACT = \"user_data.email\";\nconst AUGMENT = #{ source: \"shop\" };\nfn augment(event) { #{ rounded: event.value.round() } }\n",
    );
    set.write(
        "transforms/never.rhai",
        "const WHEN = #{ value: #{ gt: 1000 } };\nconst EXCLUDE = \"value\";\n",
    );
    let tags = traced(&set).await;
    let whole: Value = serde_json::from_str(EVENT).unwrap();
    assert_eq!(body(&tags, "order"), whole);
    let expected = json!({ "event_name": "order", "event_id": "e1", "value": 29.35, "user_data": { "email": "***" }, "source": "shop", "rounded": 29.0 });
    assert_eq!(body(&tags, "partner"), expected);
    let partner = tags
        .as_array()
        .unwrap()
        .iter()
        .find(|tag| tag["name"] == "partner")
        .unwrap();
    let changes = &partner["transforms"][0];
    assert_eq!(changes["name"], "partner");
    let change = |key: &str| {
        changes["changes"]
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["key"] == key)
            .cloned()
    };
    assert_eq!(
        change("sku").unwrap(),
        json!({ "key": "sku", "before": "007", "after": null })
    );
    assert_eq!(change("user_data.email").unwrap()["after"], "***");
    assert_eq!(change("rounded").unwrap()["before"], Value::Null);
    assert_eq!(change("value"), None);
    let tree = run(set.path(), &["trace", "event.json"]).await.stdout;
    for line in [
        "transformed by partner",
        "- user_data.email: \"a@b.c\"",
        "+ user_data.email: \"***\"",
    ] {
        assert!(tree.contains(line), "{line} in {tree}");
    }
}

#[tokio::test]
async fn a_tag_whose_transformation_fails_sends_nothing() {
    let set = set();
    set.write(
        "transforms/broken.rhai",
        "const TAGS = \"order\";\nfn augment(event) { event.nothing.more }\n",
    );
    let traced = run(set.path(), &["trace", "event.json"]).await;
    assert_eq!(traced.code, BAD);
    assert!(
        traced.stdout.contains("transforms/broken.rhai:2:"),
        "{}",
        traced.stdout
    );
    for (text, expected) in [
        (
            "const TAGS = \"oder\";\nconst EXCLUDE = \"x\";\n",
            "did you mean `order`?",
        ),
        ("const TAGS = \"order\";\n", "changes nothing"),
        ("const EXCLUDES = \"x\";\n", "did you mean `EXCLUDE`?"),
        ("const EXCLUDE = \"a..b\";\n", "has an empty part"),
        (
            "const EXCLUDE = \"a\";\nfn augment() { #{} }\n",
            "must take one parameter",
        ),
    ] {
        set.write("transforms/broken.rhai", text);
        let checked = run(set.path(), &["check"]).await;
        assert_eq!(checked.code, BAD, "{text}");
        assert!(
            checked.stderr.contains(expected),
            "{expected} in {}",
            checked.stderr
        );
    }
}
