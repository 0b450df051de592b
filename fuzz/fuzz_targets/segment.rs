//! What Segment's libraries send, by the client that we ship: taken or refused, never a failure of the
//! script. The first line is the path, the rest the body.
#![no_main]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock, mpsc};

use http::{HeaderMap, Method};
use libfuzzer_sys::fuzz_target;
use tagwerk::client::{Client, Surroundings, load, parse};
use tagwerk::request::Request;
use tagwerk::script::{Cause, Compiler, Map, Pool, RequestView, with_script_stack};

const SOURCE: &str = include_str!("../../clients/segment.rhai");

static CLIENT: LazyLock<Client> = LazyLock::new(|| {
    let surroundings = Surroundings {
        max_body: 1 << 20,
        base: Path::new("."),
        environment: &BTreeMap::new(),
    };
    let compile = || {
        let script = Compiler::new(Path::new("shared")).compile("segment", "segment.rhai", SOURCE);
        load(script.unwrap(), &surroundings).unwrap()
    };
    with_script_stack(compile).unwrap()
});

static POOL: LazyLock<Pool> = LazyLock::new(|| Pool::start(1).unwrap());

fuzz_target!(|input: &[u8]| {
    let mut lines = input.splitn(2, |byte| *byte == b'\n');
    let path = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let body = lines.next().unwrap_or_default();
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
    let (done, parsed) = mpsc::sync_channel(1);
    let submitted = POOL.try_submit(move |worker| {
        let view = RequestView::new(request.clone(), Map::new());
        let (parsed, _log) = parse(worker, &CLIENT, &view, &request, None);
        drop(done.send(parsed));
    });
    assert!(submitted);
    if let Err(fault) = parsed.recv().unwrap() {
        assert!(fault.cause == Cause::Request, "{fault}");
    }
});
