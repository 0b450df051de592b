//! Every type of destination as its users meet it: its example tag in a real server, against its
//! stand-in over real sockets. What a new type says of itself is all that is needed here.

mod check;
mod file;
mod nats;
mod online;
mod reach;
mod tokens;

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::Value;
use tagwerk::clock::Clock;
use tagwerk::destination::{TYPES, Type};
use tagwerk::emulator::{Emulator, Kind};

use crate::support::command::run;
use crate::support::flow::{Flow, Sent};
use crate::support::json::data;
use crate::support::server::Server;
use crate::support::stand_in::StandIn;
use crate::support::working_set::WorkingSet;

/// The purchase that every example tag fires for.
pub(crate) fn purchase() -> Value {
    data("destinations/event.json")
}

/// The table of a type's example, with its variables filled in and sent to a stand-in.
pub(crate) fn table(one: &Type, vendor: Option<SocketAddr>) -> String {
    let mut settings = one.example.settings.to_owned();
    for variable in one.example.variables {
        let value = serde_json::to_string(variable.value).unwrap();
        let written = value.trim_matches('"');
        settings = settings.replace(&format!("${{{}}}", variable.name), written);
    }
    let name = one.name;
    let mut table = format!("[destinations.{name}]\ntype = \"{name}\"\n{settings}\n");
    if let Some(vendor) = vendor {
        writeln!(table, "endpoint = \"http://{vendor}\"").unwrap();
    }
    table
}

/// What a type's example makes of the purchase.
pub(crate) fn example_of(one: &Type) -> Sent {
    let nowhere = "127.0.0.1:9".parse().unwrap();
    let set = WorkingSet::new(&table(one, one.stand_in.map(|_| nowhere)))
        .with("tags/example.rhai", one.example.tag)
        .with("clients/site.rhai", SITE);
    // Vendors take nothing that is old.
    let mut event = purchase();
    event["timestamp_ms"] = Clock::System.now().into();
    let processed = Flow::load(set.path()).event(&event);
    let tag = &processed.tags[0];
    assert!(tag.fault.is_none(), "{}: {:?}", one.name, tag.fault);
    processed.sent_by("example").clone()
}

const SITE: &str = include_str!("../../../clients/site.rhai");

#[tokio::test]
async fn every_example_is_accepted_by_its_vendor() {
    let mut stand_ins = Vec::new();
    let set = WorkingSet::new("").with("clients/site.rhai", SITE);
    let mut tables = String::new();
    for kind in Kind::all() {
        let one = tagwerk::destination::find_type(kind.as_str()).unwrap();
        let vendor = StandIn::start(Emulator::new(kind)).await;
        tables.push_str(&table(one, Some(vendor.address)));
        let tag = std::fs::read_to_string(example_file(one)).unwrap();
        set.write(&format!("tags/{}.rhai", one.name), tag);
        stand_ins.push((one, vendor));
    }
    set.configure(&tables);
    let server = Server::start(&set).await;
    let answer = server.post("/collect", &purchase().to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    for (one, vendor) in &stand_ins {
        vendor.wait_for(1).await;
        for received in vendor.emulator.received() {
            assert_eq!(received.refused, [""; 0], "{}", one.name);
        }
    }
}

fn example_file(one: &Type) -> std::path::PathBuf {
    let name = format!("examples/destinations/{}.rhai", one.name);
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Its known keys are what `check` goes by, so they must know the type's own example.
#[test]
fn every_example_uses_known_keys() {
    for one in TYPES {
        let payload = example_of(one).payload;
        let flaws = tagwerk::destination::flaws(one.fields, payload.as_object().unwrap());
        assert_eq!(flaws, [], "{}", one.name);
        if one.fields.is_empty() {
            continue; // it takes any key
        }
        let unknown = tagwerk::destination::unknown_keys(one.fields, payload.as_object().unwrap());
        assert_eq!(unknown, [], "{}", one.name);
    }
}

#[tokio::test]
async fn the_pages_are_written_by_a_command() {
    let folder = tempfile::tempdir().unwrap();
    let ended = run(folder.path(), &["docs", "--destinations", "pages"]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    for one in TYPES {
        let name = format!("{}.md", one.name);
        let written = std::fs::read_to_string(folder.path().join("pages").join(&name)).unwrap();
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/destinations");
        assert_eq!(written, std::fs::read_to_string(kept.join(&name)).unwrap());
    }
}
