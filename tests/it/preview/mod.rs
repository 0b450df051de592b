//! Preview through the whole program: who may watch, what they see, and that watching changes
//! nothing for anybody else.

mod capture;
mod contract;
mod keep;
mod refused;
mod secrecy;
mod sessions;

use serde_json::Value;

use crate::support::raw::Answer;
use crate::support::server::Server;
use crate::support::stand_in::StandIn;
use crate::support::working_set::WorkingSet;

/// A client that says as much as a client can.
const CLIENT: &str = r#"
const PATH = "/order_created";
fn parse(request) {
    log::info("an order came");
    let event = request.json;
    event.event_name = "purchase";
    event
}
"#;

/// One that is asked first and passes.
const SHY_CLIENT: &str = r#"
const PATH = "/order_created";
const PRIORITY = 1;
fn claims(request) { false }
fn parse(request) { () }
"#;

/// Tags of all fates.
const TAGS: [(&str, &str); 7] = [
    (
        "tags/amplitude.rhai",
        "const ON = \"purchase\";\nconst TO = \"amplitude\";\nconst WHEN = #{ value: #{ gt: 0 } };\n\
         fn tag(event) { log::warn(\"to amplitude\"); #{ user_id: \"user-1\", event_type: \"revenue\", revenue: event.value } }\n",
    ),
    (
        "tags/tracify.rhai",
        "const ON = \"purchase\";\nconst TO = \"tracify\";\n\
         fn tag(event) { #{ url: \"https://shop.test/\", type: \"pageview\", identity_data: #{}, data: #{} } }\n",
    ),
    (
        "tags/slack.rhai",
        "const ON = \"purchase\";\nconst TO = \"slack\";\nfn tag(event) { #{ text: `order of ${event.value}` } }\n",
    ),
    (
        "tags/crm.rhai",
        "const ON = \"*\";\nconst TO = \"crm\";\nfn tag(event) { #{ body: #{ value: event.value } } }\n",
    ),
    (
        "tags/large_orders.rhai",
        "const ON = \"purchase\";\nconst TO = \"crm\";\nconst WHEN = #{ value: #{ gte: 100 } };\nfn tag(event) { () }\n",
    ),
    (
        "tags/with_consent.rhai",
        "const ON = \"purchase\";\nconst TO = \"crm\";\nconst CONSENT = [\"ad_storage\"];\nfn tag(event) { () }\n",
    ),
    (
        "tags/faulty.rhai",
        "const ON = \"purchase\";\nconst TO = \"crm\";\nfn tag(event) {\n    event.no.such.key.to_upper()\n}\n",
    ),
];

/// What a shop sends.
const ORDER: &str = r#"{"event_id":"order-1","value":29.35,"currency":"EUR"}"#;

const TRACE_TYPE: &str = "Accept: application/vnd.tagwerk.trace+json";

/// Everything that opens something at a vendor.
const KEYS: [&str; 4] = [
    "amplitude-key-0123456789",
    "tracify-token-0123456789",
    "T0TEAM/B0BOT/slack-secret-0123456789",
    "crm-token-0123456789",
];

/// A server with one destination of each type, and the stand-in that is all of them.
struct Scene {
    server: Server,
    vendor: StandIn,
    set: WorkingSet,
}

impl Scene {
    async fn start() -> Self {
        let vendor = StandIn::of("http").await;
        let set = working_set(&vendor);
        Self {
            server: Server::start(&set).await,
            vendor,
            set,
        }
    }

    /// Posts the order with these header lines.
    async fn order(&self, headers: &[&str]) -> Answer {
        self.server
            .send("POST", "/order_created?utm=x", headers, ORDER)
            .await
    }

    /// The trace of an order that is watched.
    async fn trace(&self, token: &str, headers: &[&str]) -> Value {
        let token = format!("X-Preview: {token}");
        let headers: Vec<&str> = [&*token, TRACE_TYPE]
            .iter()
            .chain(headers)
            .copied()
            .collect();
        let answer = self.order(&headers).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    async fn stop(self) {
        self.server.stop().await;
        self.vendor.stop().await;
    }
}

fn working_set(vendor: &StandIn) -> WorkingSet {
    let [amplitude, tracify, slack, crm] = KEYS;
    let to = vendor.address;
    let set = WorkingSet::new(&format!(
        r#"
[destinations.amplitude]
type = "amplitude"
api_key = "{amplitude}"
endpoint = "http://{to}"

[destinations.tracify]
type = "tracify"
token = "{tracify}"
customer_site_id = "site"
endpoint = "http://{to}"

[destinations.slack]
type = "slack"
webhook_url = "http://{to}/services/{slack}"

[destinations.crm]
type = "http"
url = "http://{to}/crm"
headers = {{ Authorization = "Bearer {crm}" }}
"#
    ))
    .with("clients/shop.rhai", CLIENT)
    .with("clients/shy.rhai", SHY_CLIENT);
    for (path, text) in TAGS {
        set.write(path, text);
    }
    set
}
