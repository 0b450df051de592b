//! Tests beside scripts, `NAME.test.rhai`: which there are, and what `run` does in them, which is what
//! live traffic would do with that script, dry.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Value as Json, json};

use super::coverage::Coverage;
use super::run::ARRIVAL;
use crate::event::Event;
use crate::generation::Generation;
use crate::preview::TagRecord;
use crate::processor::{self, Watch};
use crate::request::Request;
use crate::script::frame::LogLine;
use crate::script::{
    self, Branches, Cause, Compiler, Fault, Map, Script, TestRun, TestScript, Tester, Value, Worker,
};
use crate::watched;

/// The end of the names of such files.
pub const TEST_ENDING: &str = ".test.rhai";

/// A file of tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestFile {
    /// Where it is.
    pub path: PathBuf,
    /// As messages name it.
    pub shown: String,
}

/// How one test went.
#[derive(Debug)]
pub struct Tested {
    /// `tags/slack_order.test.rhai: test_large_orders_are_told`.
    pub name: String,
    /// Why it failed, if it did.
    pub fault: Option<Fault>,
    /// What it logged.
    pub log: Vec<LogLine>,
}

/// Files of tests in these folders and below, in order. Folders that are not there have none.
///
/// # Errors
/// If a folder cannot be read.
pub fn test_files(folders: &[PathBuf], base: &Path) -> io::Result<Vec<TestFile>> {
    let mut files = Vec::new();
    for folder in folders {
        find(folder, base, &mut files)?;
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files.dedup();
    Ok(files)
}

fn find(path: &Path, base: &Path, files: &mut Vec<TestFile>) -> io::Result<()> {
    if path.is_file() {
        let is_test = path.to_string_lossy().ends_with(TEST_ENDING);
        files.extend(is_test.then(|| {
            TestFile {
                path: path.to_owned(),
                shown: path
                    .strip_prefix(base)
                    .unwrap_or(path)
                    .display()
                    .to_string(),
            }
        }));
        return Ok(());
    }
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        // Linked folders are not followed: they could lead round in a circle.
        let is_linked = entry.file_type()?.is_symlink() && entry.path().is_dir();
        if !is_hidden && !is_linked {
            find(&entry.path(), base, files)?;
        }
    }
    Ok(())
}

/// What a file's tests are about.
#[derive(Clone)]
enum Subject {
    Client(String),
    Tag(String),
    /// A shared module, or nothing that there is: `run` is not for these.
    Other,
}

/// Runs the tests of a file whose names are wanted. What is wrong with the file as a whole is one
/// that failed.
pub fn run_tests(
    generation: &Arc<Generation>,
    file: &TestFile,
    is_wanted: impl Fn(&str) -> bool,
    coverage: &Arc<Mutex<Coverage>>,
    branches: Option<&Branches>,
) -> Vec<Tested> {
    let failed = |fault: Fault| Tested {
        name: file.shown.clone(),
        fault: Some(fault),
        log: Vec::new(),
    };
    let source = match fs::read_to_string(&file.path) {
        Ok(source) => source,
        Err(error) => {
            return vec![failed(Fault::new(
                &file.shown,
                format!("cannot be read: {error}"),
            ))];
        }
    };
    let (subject, tested) = subject(generation, file);
    let compiler = Compiler::noting(&generation.config.scripts.shared, branches);
    let compiler = compiler.with_tables(generation.tables.clone());
    let script = match compiler.compile_tests(&file.shown, &source, tested) {
        Ok(script) => script,
        Err(faults) => return faults.into_iter().map(failed).collect(),
    };
    let worker = Worker::noting(branches);
    let run = runner(generation.clone(), subject, worker, coverage.clone());
    let tester = Tester::new(run, branches);
    let name = |test: &str| format!("{}: {test}", file.shown);
    let wanted = script.tests.iter().filter(|test| is_wanted(&name(test)));
    wanted
        .map(|test| run_test(&tester, &script, test, name(test)))
        .collect()
}

fn run_test(tester: &Tester, script: &TestScript, test: &str, name: String) -> Tested {
    let called = tester.call(script, test);
    Tested {
        name,
        fault: called
            .result
            .err()
            .map(|fault| fault.with_source(&script.file, &script.source)),
        log: called.log,
    }
}

/// By the folder that it stands in and its name.
fn subject<'a>(generation: &'a Generation, file: &TestFile) -> (Subject, Option<&'a Script>) {
    let name = file.path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.trim_end_matches(TEST_ENDING);
    let beside = |script: &Script| {
        let scripts = generation.config.base.join(&script.file);
        script.name == name && scripts.parent() == file.path.parent()
    };
    let mut clients = generation.clients.iter();
    if let Some(client) = clients.find(|client| beside(&client.script)) {
        return (
            Subject::Client(client.name.to_string()),
            Some(&client.script),
        );
    }
    let mut tags = generation.tags.iter();
    match tags.find(|tag| beside(&tag.script)) {
        Some(tag) => (Subject::Tag(tag.name.to_string()), Some(&tag.script)),
        None => (Subject::Other, None),
    }
}

/// What `run` does.
fn runner(
    generation: Arc<Generation>,
    subject: Subject,
    worker: Worker,
    coverage: Arc<Mutex<Coverage>>,
) -> TestRun {
    let worker = Mutex::new(worker);
    Box::new(move |given| {
        let mut worker = worker.lock().unwrap_or_else(PoisonError::into_inner);
        let mut coverage = coverage.lock().unwrap_or_else(PoisonError::into_inner);
        let given = given.try_cast::<Map>().ok_or("run() wants a map")?;
        let ran = match &subject {
            Subject::Tag(tag) => run_tag(&mut worker, &generation, tag, &given, &mut coverage)?,
            Subject::Client(client) => {
                run_client(&mut worker, &generation, client, &given, &mut coverage)?
            }
            Subject::Other => {
                return Err("run() is for tests that stand beside a client or a tag; import a module and call it".to_owned());
            }
        };
        let text = serde_json::to_vec(&ran).map_err(|error| error.to_string())?;
        script::parse_json(&text).map_err(|error| error.to_string())
    })
}

fn run_tag(
    worker: &mut Worker,
    generation: &Generation,
    tag: &str,
    event: &Map,
    coverage: &mut Coverage,
) -> Result<Json, String> {
    let data = script::map_to_json(event)?;
    let id = event.get("event_id").map(ToString::to_string);
    let event = Event {
        id: id.unwrap_or_else(|| "test".to_owned()).into(),
        received_at: ARRIVAL,
        data: data.into(),
    };
    let handled =
        processor::process_one_watched(worker, generation, &event, tag, ARRIVAL, Watch::Dry);
    let handled = match handled {
        Ok(handled) => handled,
        Err(reason) => {
            return Ok(
                json!({ "fired": false, "reason": reason, "payloads": [], "requests": [], "log": [] }),
            );
        }
    };
    let mut tags = handled.tags.iter();
    let tag = tags.next().ok_or("the tag did not run")?;
    coverage.add_tag(&tag.trace);
    tag_to_json(tag)
}

fn tag_to_json(tag: &TagRecord) -> Result<Json, String> {
    if let Some(fault) = &tag.trace.fault {
        return Err(fault.to_string());
    }
    let payloads = tag
        .deliveries
        .iter()
        .map(|one| serde_json::from_slice(&one.delivery.payload));
    let payloads: Vec<Json> = payloads
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())?;
    let requests = tag.deliveries.iter().map(|one| match one.request() {
        Ok(request) => json!(request),
        Err(why) => json!({ "refused": why }),
    });
    let log: Vec<&str> = tag.trace.log.iter().map(|line| &*line.text).collect();
    Ok(json!({
        "fired": tag.trace.fired,
        "reason": tag.trace.reason,
        "payloads": payloads,
        "requests": requests.collect::<Vec<_>>(),
        "log": log,
    }))
}

fn run_client(
    worker: &mut Worker,
    generation: &Generation,
    client: &str,
    given: &Map,
    coverage: &mut Coverage,
) -> Result<Json, String> {
    let request = Arc::new(request(generation, client, given)?);
    let record = watched::run_trusted(worker, generation, &request, ARRIVAL).record;
    coverage.add(&record);
    let asked = record.clients.iter().find(|asked| asked.name == client);
    // What the sender did wrong is answered, and that can be tested.
    let fault = asked.and_then(|asked| asked.fault.as_ref());
    if let Some(fault) = fault.filter(|fault| fault.cause == Cause::Script) {
        return Err(fault.to_string());
    }
    let event = |event: &Event| serde_json::from_slice::<Json>(&event.data);
    let events = record.events.iter().map(|one| event(&one.event));
    let events: Vec<Json> = events
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())?;
    let headers = record.response.headers.iter();
    let headers: BTreeMap<&str, String> = headers
        .map(|(name, value)| {
            (
                name.as_str(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect();
    let body = &record.response.body;
    let body =
        serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into());
    let body: Json = body;
    Ok(json!({
        "claimed": record.client() == Some(client),
        "client": record.client(),
        "status": record.response.status,
        "headers": headers,
        "body": body,
        "events": events,
        "log": asked.map(|asked| asked.log.iter().map(|line| &*line.text).collect::<Vec<_>>()),
    }))
}

/// The keys of what `run` is given beside a client.
const KEYS: [&str; 6] = ["method", "path", "query", "headers", "body", "ip"];

fn request(generation: &Generation, client: &str, given: &Map) -> Result<Request, String> {
    if let Some(unknown) = given.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(format!(
            "run() knows no `{unknown}`; a request has {}",
            KEYS.join(", ")
        ));
    }
    let client = generation.clients.iter().find(|one| &*one.name == client);
    let client = client.ok_or("there is no such client")?;
    let text = |key: &str| given.get(key).map(ToString::to_string);
    let method = match text("method") {
        Some(method) => {
            Method::from_bytes(method.as_bytes()).map_err(|_| format!("`{method}` is no method"))?
        }
        None => client.methods.first().cloned().unwrap_or(Method::POST),
    };
    let own_path = client.paths.first().map(|path| path.as_str().to_owned());
    let target = text("path").or(own_path).unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let (body, content_type) = body(given.get("body"))?;
    let mut headers = headers(given.get("headers"))?;
    if let Some(content_type) =
        content_type.filter(|_| !headers.contains_key(http::header::CONTENT_TYPE))
    {
        headers.insert(http::header::CONTENT_TYPE, content_type);
    }
    let ip = match text("ip") {
        Some(ip) => ip.parse().map_err(|_| format!("`{ip}` is no address"))?,
        None => IpAddr::V4(Ipv4Addr::LOCALHOST),
    };
    Ok(Request {
        id: "test".to_owned(),
        method,
        path: path.to_owned(),
        query: match given.get("query") {
            Some(query) => encoded(query)?,
            None => query.to_owned(),
        },
        headers,
        ip,
        body: body.into(),
        received_at: ARRIVAL,
    })
}

/// A map or an array is sent as JSON, a text as it is.
fn body(given: Option<&Value>) -> Result<(Vec<u8>, Option<HeaderValue>), String> {
    match given {
        None => Ok((Vec::new(), None)),
        Some(text) if text.is_string() => Ok((text.to_string().into_bytes(), None)),
        Some(value) => {
            let json = script::to_json(value)?;
            Ok((json, Some(HeaderValue::from_static("application/json"))))
        }
    }
}

fn headers(given: Option<&Value>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    let Some(given) = given else {
        return Ok(headers);
    };
    let given = given.as_map_ref().map_err(|_| "`headers` wants a map")?;
    for (name, value) in given.iter() {
        let bad = || format!("the header `{name}` cannot be sent");
        let field = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
        let value = HeaderValue::from_str(&value.to_string()).map_err(|_| bad())?;
        headers.append(field, value);
    }
    Ok(headers)
}

fn encoded(given: &Value) -> Result<String, String> {
    if given.is_string() {
        return Ok(given.to_string());
    }
    let map = given
        .as_map_ref()
        .map_err(|_| "`query` wants a map or a text")?;
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in map.iter() {
        query.append_pair(name, &value.to_string());
    }
    Ok(query.finish())
}
