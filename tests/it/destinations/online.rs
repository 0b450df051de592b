//! `tagwerk check --online`: what comes of the cases, judged by Google's validation server, and nothing
//! recorded there.

use crate::support::command::run;
use crate::support::stand_in::StandIn;
use crate::support::working_set::WorkingSet;

const CLIENT: &str =
    "const PATH = \"/order\";\nfn parse(request) { #{ event_name: \"order\" } + request.json }\n";

const TAG: &str =
    "const ON = \"order\";\nconst TO = \"ga4\";\nfn tag(event) { ga4::event(event) }\n";

fn set(google: &StandIn, order: &str) -> WorkingSet {
    let table = format!(
        "[destinations.ga4]\ntype = \"ga4\"\nmeasurement_id = \"G-1\"\napi_secret = \"s3cret-of-ga4\"\nendpoint = \"http://{}\"\n",
        google.address
    );
    let case = format!("POST /order HTTP/1.1\nContent-Type: application/json\n\n{order}");
    WorkingSet::new(&table)
        .with("clients/order.rhai", CLIENT)
        .with("tags/it.rhai", TAG)
        .with("cases/order/request.http", &case)
}

#[tokio::test]
async fn what_google_would_take_is_good() {
    let google = StandIn::of("ga4").await;
    let set = set(&google, "{ \"client_id\": \"1.2\" }");
    let ended = run(set.path(), &["check", "--online"]).await;
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    assert!(
        ended.stdout.contains("online: ga4: order, tag it"),
        "{}",
        ended.stdout
    );
    let received = google.emulator.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].path, "/debug/mp/collect");
}

#[tokio::test]
async fn what_it_would_not_is_told_in_its_words() {
    let google = StandIn::of("ga4").await;
    let set = set(
        &google,
        "{ \"client_id\": \"1.2\", \"timestamp\": 1718973400 }",
    );
    let alone = run(set.path(), &["check"]).await;
    assert_eq!(alone.code, 0, "a case is old by tomorrow: {}", alone.stderr);
    assert!(
        google.emulator.received().is_empty(),
        "check alone asks nobody"
    );
    let ended = run(set.path(), &["check", "--online"]).await;
    let told = format!("{}{}", ended.stdout, ended.stderr);
    assert_eq!(ended.code, 1, "{told}");
    let why = "VALUE_OUT_OF_BOUNDS timestamp_micros: the event is older than 72 hours";
    assert!(told.contains(why), "{told}");
    assert!(!told.contains("s3cret-of-ga4"), "{told}");
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_told() {
    let google = StandIn::of("ga4").await;
    let set = set(&google, "{ \"client_id\": \"1.2\" }");
    google.stop().await;
    let ended = run(set.path(), &["check", "--online"]).await;
    assert_eq!(ended.code, 1, "{}{}", ended.stdout, ended.stderr);
}
