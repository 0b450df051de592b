//! What Segment's libraries send, by the client that we ship: taken or refused, never a failure of the
//! script. The first line is the path, the rest the body.
#![no_main]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, LazyLock};

use http::{HeaderMap, Method};
use libfuzzer_sys::fuzz_target;
use tagwerk::client::{Client, Surroundings, load, parse};
use tagwerk::request::Request;
use tagwerk::script::limits::STACK_BYTES;
use tagwerk::script::{Cause, Compiler, Fault, Map, RequestView, Worker, with_script_stack};

const SOURCE: &str = include_str!("../../clients/segment.rhai");

static CLIENT: LazyLock<Client> = LazyLock::new(|| {
    let environment: BTreeMap<String, String> = BTreeMap::new();
    let surroundings = Surroundings {
        max_body: 1 << 20,
        base: Path::new("."),
        environment: &environment,
    };
    let compile = || {
        let script = Compiler::new(Path::new("shared")).compile("segment", "segment.rhai", SOURCE);
        load(script.unwrap(), &surroundings).unwrap()
    };
    with_script_stack(compile).unwrap()
});

/// A request, and where its result goes.
type Job = (Arc<Request>, SyncSender<Result<(), Fault>>);

/// A script thread: an engine takes longer to make than a script to run.
static SCRIPTS: LazyLock<SyncSender<Job>> = LazyLock::new(|| {
    let (jobs, inbox) = sync_channel::<Job>(1);
    let work = move || {
        let mut worker = Worker::new();
        for (request, done) in inbox {
            let view = RequestView::new(request.clone(), Map::new());
            let (parsed, _log) = parse(&mut worker, &CLIENT, &view, &request, None);
            done.send(parsed.map(drop)).unwrap();
        }
    };
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
    thread.spawn(work).unwrap();
    jobs
});

fuzz_target!(|input: &[u8]| {
    let mut lines = input.splitn(2, |byte| *byte == b'\n');
    let path = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let body = lines.next().unwrap_or_default();
    if !CLIENT.paths.iter().any(|pattern| pattern.matches(&path).is_some()) {
        return;
    }
    let request = Arc::new(Request {
        id: "fuzz".to_owned(),
        method: Method::POST,
        path,
        query: String::new(),
        headers: HeaderMap::new(),
        ip: [127, 0, 0, 1].into(),
        body: bytes::Bytes::copy_from_slice(body),
        received_at: 1_720_602_001_000,
    });
    let (done, parsed) = sync_channel(1);
    SCRIPTS.send((request, done)).unwrap();
    if let Err(fault) = parsed.recv().unwrap() {
        assert!(fault.cause == Cause::Request, "{fault}");
    }
});
