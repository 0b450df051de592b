//! The Tagwerk that is tortured: orders come in at `/order`, and tags send them on to one or more
//! destinations, which are all the oracle's vendor.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::support::server::Server;
use crate::support::working_set::{WorkingSet, http_destination};

/// As small as a client can be that passes the sum on.
const CLIENT: &str = r#"
const PATH = "/order";
fn parse(request) {
    let order = request.json;
    #{ event_name: "order", order_id: order.id, sum: order.sum }
}
"#;

/// A folder where each order goes to each of these destinations; `options` are lines of their tables.
pub(crate) fn orders_to(vendor: SocketAddr, destinations: &[&str], options: &str) -> WorkingSet {
    let tables = destinations
        .iter()
        .map(|name| http_destination(name, vendor) + options + "\n");
    let mut set = WorkingSet::new(&tables.collect::<String>()).with("clients/order.rhai", CLIENT);
    for name in destinations {
        set = set.with(&format!("tags/{name}.rhai"), &tag(name));
    }
    set
}

fn tag(destination: &str) -> String {
    format!(
        "const ON = \"order\";\nconst TO = \"{destination}\";\n\
         fn tag(event) {{ #{{ body: #{{ id: event.order_id, sum: event.sum }} }} }}\n"
    )
}

/// Starts it; the time until `/readyz` says yes.
pub(crate) async fn start(set: &WorkingSet) -> (Server, Duration) {
    let begin = Instant::now();
    let server = Server::start(set).await;
    ready(&server).await;
    (server, begin.elapsed())
}

/// Waits until it is ready; for ever, if it never is.
pub(crate) async fn ready(server: &Server) {
    while server.get("/readyz").await.status != 200 {
        sleep(Duration::from_millis(2)).await;
    }
}
