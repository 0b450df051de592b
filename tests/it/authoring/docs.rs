//! The scripts that stand in docs/scripting.md and docs/testing.md, as a user would copy them: all that
//! begin with their path are written into one folder, and it must be good.

use std::path::Path;

use super::NOWHERE;
use crate::support::command::run;
use crate::support::working_set::{WorkingSet, http_destination};

/// The blocks of a page that begin with `// tags/NAME.rhai`: path and text.
fn scripts(page: &str) -> Vec<(String, String)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(page);
    let text = std::fs::read_to_string(file).unwrap();
    let blocks = text.split("```rhai\n").skip(1);
    let blocks = blocks.filter_map(|block| Some(block.split_once("\n```")?.0));
    let named = blocks.filter_map(|block| {
        let path = block.strip_prefix("// ")?.split([':', '\n']).next()?;
        path.ends_with(".rhai")
            .then(|| (path.to_owned(), format!("{block}\n")))
    });
    named.collect()
}

#[tokio::test]
async fn the_scripts_in_the_docs_are_good() {
    let slack =
        "[destinations.slack]\ntype = \"slack\"\nwebhook_url = \"http://127.0.0.1:9/slack\"\n";
    let meta =
        "[destinations.meta]\ntype = \"meta_capi\"\naccess_token = \"fake\"\npixel_id = \"1\"\n";
    let tables = http_destination("crm", NOWHERE) + slack + meta;
    let set = WorkingSet::new(&tables);
    set.write(
        "tables/products.csv",
        "sku,name,margin\nSKU-1,\"Mug, blue\",0.40\n",
    );
    let partner =
        "const ON = \"purchase\";\nconst TO = \"crm\";\nfn tag(event) { #{ body: event } }\n";
    set.write("tags/partner_orders.rhai", partner);
    // What the tests of the page are about: the tag that `tagwerk init --minimal` writes.
    run(set.path(), &["init", "shop", "--minimal"]).await;
    let tag = std::fs::read_to_string(set.file("shop/tags/crm_order.rhai")).unwrap();
    set.write("tags/crm_order.rhai", tag);
    let all = [scripts("scripting.md"), scripts("testing.md")].concat();
    assert!(
        all.len() >= 9,
        "only {:?}",
        all.iter().map(|(path, _)| path).collect::<Vec<_>>()
    );
    for (path, text) in &all {
        set.write(path, text);
    }
    let checked = run(set.path(), &["check"]).await;
    assert_eq!(checked.code, 0, "{}", checked.stderr);
    let tested = run(set.path(), &["test"]).await;
    assert_eq!(tested.code, 0, "{}", tested.stdout);
}
