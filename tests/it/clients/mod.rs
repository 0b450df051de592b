//! Clients from the outside: which request reaches which client, what its script may return, and
//! what is answered. Through `intake`, as the listener, preview and `trace` call it.

mod answers;
mod events;
mod routing;

use serde_json::Value;
use tagwerk::generation::Generation;
use tagwerk::intake::{self, Intake};
use tagwerk::preview::ClientTrace;
use tagwerk::request::{Head, Request, Response};
use tagwerk::script::{Worker, with_script_stack};

use crate::support::call::Call;
use crate::support::folder::Folder;

/// Clients by name, with their scripts.
fn clients(scripts: &[(&str, &str)]) -> Generation {
    let folder = Folder::new();
    for (name, script) in scripts {
        folder.write(&format!("clients/{name}.rhai"), script);
    }
    folder.load()
}

/// A client at `/order` that does this in `fn parse(request)`.
fn parsing(body: &str) -> Generation {
    clients(&[(
        "order",
        &format!("const PATH = \"/order\";\nfn parse(request) {{ {body} }}"),
    )])
}

fn take(generation: &Generation, call: Call) -> (Intake, Vec<ClientTrace>) {
    let request = call.build();
    let run = || {
        let mut trace = Vec::new();
        let intake = intake::take(&mut Worker::new(), generation, &request, Some(&mut trace));
        (intake, trace)
    };
    with_script_stack(run).unwrap()
}

/// The events' data.
fn events(intake: &Intake) -> Vec<Value> {
    match intake {
        Intake::Accepted { events, .. } => events
            .iter()
            .map(|event| serde_json::from_slice(&event.data).unwrap())
            .collect(),
        other => panic!("{other:?}"),
    }
}

fn fault(intake: &Intake) -> String {
    match intake {
        Intake::Failed {
            fault, response, ..
        } => {
            assert_eq!(response.status, 202);
            fault.message.clone()
        }
        other => panic!("{other:?}"),
    }
}

fn body(response: &Response) -> Value {
    serde_json::from_slice(&response.body).unwrap()
}

fn admit(generation: &Generation, request: &Request) -> Result<u64, Response> {
    let head = Head {
        method: &request.method,
        path: &request.path,
        headers: &request.headers,
        ip: request.ip,
    };
    intake::admit(generation, &head, "request-1")
}
