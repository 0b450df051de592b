//! The recount: whether everything that was acknowledged is settled, pending or left out by a tag.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use tracing::error;

use super::Refusal;
use crate::admin::Admin;
use crate::journal::{TagCount, Verification};

pub(super) async fn verify(State(admin): State<Admin>) -> Result<Json<Value>, Refusal> {
    let verification = admin.journal.verify().await?;
    for problem in &verification.problems {
        error!("the journal does not add up: {problem}");
    }
    Ok(Json(verification_to_json(&verification)))
}

/// A recount as the API and `tagwerk verify --json` say it.
pub fn verification_to_json(verification: &Verification) -> Value {
    json!({
        "ok": verification.problems.is_empty(),
        "acknowledged": verification.acknowledged,
        "kept": verification.kept,
        "forgotten": verification.forgotten,
        "unprocessed": verification.unprocessed,
        "tags": verification.tags.iter().map(tag).collect::<Vec<_>>(),
        "problems": verification.problems,
    })
}

fn tag(count: &TagCount) -> Value {
    let deliveries = count.deliveries.iter();
    let deliveries = deliveries.map(|(state, count)| (state.as_str().to_owned(), json!(count)));
    json!({
        "tag": count.tag,
        "handed": count.handed,
        "filtered": count.filtered,
        "settled": count.settled,
        "pending": count.pending,
        "deliveries": deliveries.collect::<serde_json::Map<_, _>>(),
    })
}
