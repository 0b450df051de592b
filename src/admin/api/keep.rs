//! What is made of a trace: a case for `tagwerk test`, or the same request run again through the
//! scripts as they are now.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Refusal;
use super::ask::body;
use super::traces::{apart, gone, trace};
use crate::admin::Admin;
use crate::case::{
    self, DELIVERIES_FILE, Difference, EVENTS_FILE, Expected, FOLDER, REQUEST_FILE, SaveError,
    Saved, differences, made_by,
};
use crate::event::new_id;
use crate::generation::Generation;
use crate::preview::{Fate, Record};
use crate::processor::Watch;
use crate::request::{Request, Response, SecretNames};
use crate::script::Worker;
use crate::watched;

/// What a trace showed.
struct Seen {
    request: Arc<Request>,
    secret_names: SecretNames,
    made: Expected,
    response: Response,
}

/// The same request, run now.
struct Again {
    record: Record,
    /// What is another each time is marked.
    made: Expected,
    /// The body of the answer is another each time.
    body_varies: bool,
}

/// `{ "name": "order-with-coupon", "overwrite": false }`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SaveAsked {
    name: String,
    #[serde(default)]
    overwrite: bool,
}

pub(super) async fn save(
    State(admin): State<Admin>,
    Path(id): Path<String>,
    asked: Result<Json<SaveAsked>, JsonRejection>,
) -> Result<Json<Value>, Refusal> {
    let SaveAsked { name, overwrite } = body(asked)?;
    case::check_name(&name).map_err(Refusal::bad)?;
    let seen = seen(&admin, &id)?;
    let live = admin.live.current();
    let again = run_again(&admin, live.clone(), &seen.request, &id).await?;
    let differences = compare(&seen, &again);
    let saved = Saved::of(
        &seen.request,
        &format!("Saved from trace {id}"),
        &seen.secret_names,
    );
    let removed = saved.removed.clone();
    let (file, folder) = (
        admin.live.config_file().to_owned(),
        live.config.base.join(FOLDER),
    );
    let shown = format!("{FOLDER}/{name}");
    // Compiling and writing.
    let written = apart(move || {
        let loaded = case::load(&file).map_err(|problems| {
            let why = format!("the files do not make a set now:\n{problems}");
            Refusal(StatusCode::CONFLICT, why)
        })?;
        let generation = loaded.live;
        let message = saved.message.clone();
        let ran = crate::script::with_script_stack(move || {
            case::run(&mut Worker::new(), &generation, &message)
        });
        let ran =
            ran.map_err(|error| Refusal(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
        let ran = ran.map_err(Refusal::bad)?;
        let written = case::save(&folder, &name, &saved, &ran.made, overwrite);
        written.map_err(|error| {
            let status = match error {
                SaveError::Exists => StatusCode::CONFLICT,
                SaveError::Disk(_) => StatusCode::INTERNAL_SERVER_ERROR,
            };
            Refusal(status, error.to_string())
        })?;
        Ok::<_, Refusal>(name)
    });
    let name = written.await??;
    Ok(Json(json!({
        "name": name,
        "folder": shown,
        "files": [REQUEST_FILE, EVENTS_FILE, DELIVERIES_FILE],
        "removed": removed,
        "green": differences.is_empty(),
        "differences": differences,
    })))
}

/// `{ "set": "live" }` or `"draft"`; the draft set if there is one, if nothing is said.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ReplayAsked {
    set: Option<String>,
}

pub(super) async fn replay(
    State(admin): State<Admin>,
    Path(id): Path<String>,
    asked: Result<Json<ReplayAsked>, JsonRejection>,
) -> Result<Json<Value>, Refusal> {
    let set = body(asked)?.set;
    let generation = match set.as_deref() {
        None => admin.live.draft_or_current(),
        Some("live") => admin.live.current(),
        Some("draft") if admin.live.has_draft() => admin.live.draft_or_current(),
        Some("draft") => {
            return Err(Refusal(
                StatusCode::CONFLICT,
                "there is no draft set".to_owned(),
            ));
        }
        Some(other) => {
            let why = format!("there is no set `{other}`; there are live, draft");
            return Err(Refusal::bad(why));
        }
    };
    let seen = seen(&admin, &id)?;
    let again = run_again(&admin, generation, &seen.request, &id).await?;
    let differences = compare(&seen, &again);
    let new_id = again.record.request.id.clone();
    admin.preview.ring.push(again.record);
    let trace = trace(&admin, &new_id);
    Ok(Json(json!({
        "trace": trace,
        "same": differences.is_empty(),
        "differences": differences,
    })))
}

fn seen(admin: &Admin, id: &str) -> Result<Seen, Refusal> {
    let looked = admin.preview.ring.with(id, |entry| {
        let record = &entry.record;
        let unread = record.unasked.as_ref().filter(|one| !one.is_whole);
        if let Some(unasked) = unread {
            let why = format!(
                "the listener did not read this request to its end, so it cannot be run: {}",
                unasked.why
            );
            return Err(Refusal(StatusCode::CONFLICT, why));
        }
        let mut made = made_by(record);
        // What its tags would have made is not known.
        if record
            .events
            .iter()
            .any(|event| event.fate != Fate::Processed)
        {
            made.deliveries = None;
        }
        Ok(Seen {
            request: record.request.clone(),
            secret_names: record.secret_names.clone(),
            made,
            response: record.response.clone(),
        })
    });
    looked.ok_or_else(gone)?
}

/// Runs a request, dry, under an id of its own.
async fn run_again(
    admin: &Admin,
    generation: Arc<Generation>,
    request: &Arc<Request>,
    replay_of: &str,
) -> Result<Again, Refusal> {
    let mut request = Request::clone(request);
    request.id = new_id().to_string();
    let (request, replay_of) = (Arc::new(request), replay_of.to_owned());
    let now = admin.clock.steady();
    let job = move |worker: &mut Worker| {
        let mut once = || watched::run(worker, &generation, &request, now, Watch::Dry).record;
        let (mut record, other) = (once(), once());
        let mut made = made_by(&record);
        case::mark(&mut made, &made_by(&other));
        record.times.answered = Some(std::time::Instant::now());
        record.replay_of = Some(replay_of);
        Again {
            made,
            body_varies: record.response.body != other.response.body,
            record,
        }
    };
    admin.rerunner.pool.run(job).await.ok_or_else(|| {
        let why = "the scripts could not be run; this is a defect of ours";
        Refusal(StatusCode::INTERNAL_SERVER_ERROR, why.to_owned())
    })
}

fn compare(seen: &Seen, again: &Again) -> Vec<Difference> {
    let mut before = seen.made.clone();
    case::forget_varying(&mut before, &again.made);
    let mut found = differences(&before, &again.made);
    let (was, is) = (&seen.response, &again.record.response);
    if was.status != is.status {
        found.push(Difference::of_answer(
            "status",
            was.status.into(),
            is.status.into(),
        ));
    }
    if was.body != is.body && !again.body_varies {
        let text = |body: &[u8]| String::from_utf8_lossy(body).into_owned().into();
        found.push(Difference::of_answer(
            "body",
            text(&was.body),
            text(&is.body),
        ));
    }
    found
}
