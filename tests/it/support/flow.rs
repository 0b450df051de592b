//! A folder of scripts, loaded as `serve` loads them, and requests and events run through them dry:
//! nothing is kept and nothing sent, but the requests to vendors are made to the last byte.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tagwerk::clock::Millis;
use tagwerk::delivery::State;
use tagwerk::destination::{Item, Outgoing};
use tagwerk::event::Event;
use tagwerk::generation::{Generation, load};
use tagwerk::intake::{self, Intake};
use tagwerk::preview::{ClientTrace, TagTrace};
use tagwerk::processor::{Watch, process};
use tagwerk::request::{Request, Response};
use tagwerk::script::{Worker, with_script_stack};

use super::examples::Example;

/// When all requests arrive: 2024-07-10 09:00:00.123 UTC.
pub(crate) const AT: Millis = 1_720_602_000_123;

/// The variables that `tagwerk.toml` wants, as the vendors' documentation writes them.
const VARIABLES: [(&str, &str); 5] = [
    ("AMPLITUDE_API_KEY", "API_KEY"),
    ("TRACIFY_TOKEN", "YOUR_API_KEY"),
    (
        "TRACIFY_CUSTOMER_SITE_ID",
        "00000000-0000-0000-0000-000000000000",
    ),
    (
        "SLACK_WEBHOOK_URL",
        "https://hooks.slack.com/services/T/B/X",
    ),
    ("CRM_TOKEN", "crm-token"),
];

/// A generation and a script thread.
pub(crate) struct Flow {
    generation: Arc<Generation>,
}

/// What a request became.
pub(crate) struct Taken {
    pub(crate) response: Response,
    pub(crate) clients: Vec<ClientTrace>,
    pub(crate) events: Vec<Processed>,
}

/// What an event became.
pub(crate) struct Processed {
    pub(crate) data: Value,
    /// The tags that listen, in running order.
    pub(crate) tags: Vec<TagTrace>,
    pub(crate) sent: Vec<Sent>,
}

/// One request to a vendor.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) tag: String,
    /// The type of the destination.
    pub(crate) kind: &'static str,
    /// What the tag returned.
    pub(crate) payload: Value,
    pub(crate) request: Outgoing,
}

impl Sent {
    pub(crate) fn body(&self) -> Value {
        serde_json::from_slice(&self.request.body).unwrap()
    }

    pub(crate) fn headers(&self) -> Value {
        let headers = self.request.headers.iter();
        headers
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().into()))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }
}

impl Processed {
    /// The one request that this tag made.
    pub(crate) fn sent_by(&self, tag: &str) -> &Sent {
        let mut sent = self.sent.iter().filter(|sent| sent.tag == tag);
        let one = sent
            .next()
            .unwrap_or_else(|| panic!("{tag} sent nothing: {:?}", self.tags));
        assert!(sent.next().is_none(), "{tag} sent more than one request");
        one
    }

    /// Why a tag that listens sent nothing.
    pub(crate) fn reason(&self, tag: &str) -> Option<&str> {
        let tag = self.tags.iter().find(|trace| trace.name == tag);
        tag.expect("the tag listens").reason.as_deref()
    }
}

impl Flow {
    /// The working set at the top of the repository.
    pub(crate) fn shipped() -> Self {
        Self::load(Path::new(env!("CARGO_MANIFEST_DIR")))
    }

    /// The scripts of a folder, with its `tagwerk.toml`.
    pub(crate) fn load(folder: &Path) -> Self {
        let variables = VARIABLES.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let loaded = load(&folder.join("tagwerk.toml"), &BTreeMap::from(variables));
        Self {
            generation: loaded
                .unwrap_or_else(|problems| panic!("{problems}"))
                .live
                .into(),
        }
    }

    /// Runs an example as if it had come in.
    pub(crate) fn send(&self, example: &Example) -> Taken {
        let headers = example.headers.iter();
        let headers: Vec<_> = headers.map(|(name, value)| (&**name, &**value)).collect();
        self.request(example.method(), example.path(), &headers, &example.body)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Taken {
        self.request("POST", path, &[], &body.to_string())
    }

    pub(crate) fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Taken {
        let mut fields = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            fields.append(name, HeaderValue::from_str(value).unwrap());
        }
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let request = Arc::new(Request {
            id: "request-1".to_owned(),
            method: method.parse().unwrap(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: fields,
            ip: IpAddr::from([203, 0, 113, 7]),
            body: Bytes::copy_from_slice(body.as_bytes()),
            received_at: AT,
        });
        let generation = self.generation.clone();
        self.run(move |worker| take(worker, &generation, &request))
    }

    /// Runs an event as if a client had made it.
    pub(crate) fn event(&self, data: &Value) -> Processed {
        let event = Event {
            id: "event-1".into(),
            received_at: AT,
            data: data.to_string().into(),
        };
        let generation = self.generation.clone();
        self.run(move |worker| run_tags(worker, &generation, &event))
    }

    fn run<T: Send>(&self, job: impl FnOnce(&mut Worker) -> T + Send) -> T {
        with_script_stack(|| job(&mut Worker::new())).expect("no thread for the script")
    }
}

fn take(worker: &mut Worker, generation: &Generation, request: &Arc<Request>) -> Taken {
    let mut clients = Vec::new();
    let (events, response) = match intake::take(worker, generation, request, Some(&mut clients)) {
        Intake::Answered { response, .. } => (Vec::new(), response),
        Intake::Accepted {
            events, response, ..
        } => (events, response),
        Intake::Failed { fault, .. } => panic!("{fault}"),
    };
    let events = events.iter();
    Taken {
        events: events
            .map(|event| run_tags(worker, generation, event))
            .collect(),
        response,
        clients,
    }
}

fn run_tags(worker: &mut Worker, generation: &Generation, event: &Event) -> Processed {
    let handled = process(worker, generation, event, AT, Watch::Dry);
    // Those of a tag that failed are dead, and nothing is in them.
    let alive = handled.made.deliveries.iter().map(|new| &new.delivery);
    let alive = alive.filter(|delivery| delivery.state == State::DryRun);
    let sent = alive.map(|delivery| {
        let destination = &generation.destinations[&delivery.destination];
        let item = Item {
            id: delivery.id,
            payload: &delivery.payload,
            received_at: delivery.received_at,
            sent_at: delivery.received_at,
        };
        Sent {
            tag: delivery.tag.to_string(),
            kind: destination.kind,
            payload: serde_json::from_slice(&delivery.payload).unwrap(),
            request: destination.vendor.encode(&[item]).unwrap(),
        }
    });
    Processed {
        sent: sent.collect(),
        data: serde_json::from_slice(&event.data).unwrap(),
        tags: handled.tags.into_iter().map(|tag| tag.trace).collect(),
    }
}
