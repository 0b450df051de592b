//! The destination that CONTRIBUTING.md walks through compiles, and passes what every type passes.

use http::StatusCode;
use serde_json::json;

use super::answers::Post;
use super::{items, ntfy};
use crate::destination::Verdict;
use crate::destination::docs::{example, page};
use crate::outcome::Outcome;

const GUIDE: &str = include_str!("../../../CONTRIBUTING.md");
const SOURCE: &str = include_str!("ntfy.rs");

#[test]
fn the_guide_shows_the_source_that_is_tested() {
    assert!(
        GUIDE.contains(&format!("```rust\n{SOURCE}```\n")),
        "CONTRIBUTING.md does not show src/destination/tests/ntfy.rs as it is"
    );
}

#[test]
fn it_sends_what_its_stand_in_takes() {
    let destination = example(&ntfy::TYPE).unwrap();
    let payload = [json!({ "title": "An order", "message": "9.50 EUR" })
        .to_string()
        .into_bytes()];
    let request = destination.vendor.encode(&items(&payload)).unwrap();
    let stand_in = ntfy::TYPE.stand_in.unwrap();
    let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    let post = Post::json("/", &body).with_header("authorization", "Bearer tk_s3cret");
    assert_eq!(post.judged_by(stand_in).refused, [""; 0]);
    let wrong = Post::json("/", &json!({ "message": 5 })).with_header("authorization", "Bearer t");
    let told = ["message: must be a text, not a number", "topic: is missing"];
    assert_eq!(wrong.judged_by(stand_in).refused, told);
    let answer = post.forced_by(stand_in, StatusCode::UNAUTHORIZED);
    let reply = crate::destination::Reply {
        status: answer.status,
        ..Default::default()
    };
    let verdict = destination.vendor.read(&reply, 1);
    assert!(matches!(verdict, Verdict::All(Outcome::Paused { .. })));
}

#[test]
fn its_page_is_made_like_all_others() {
    let page = page(&ntfy::TYPE).unwrap();
    for part in [
        "# ntfy",
        "token = \"${NTFY_TOKEN}\"",
        "| `message` |",
        "| 401, 403 |",
    ] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
}
