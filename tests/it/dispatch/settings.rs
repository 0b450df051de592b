//! What the configuration says, and that it may change while deliveries wait.

use serde_json::json;
use tagwerk::delivery::State;
use tagwerk::telemetry::DestinationState;

use super::{Rig, http};
use crate::support::server::Server;
use crate::support::vendor::Vendor;
use crate::support::working_set::WorkingSet;

#[tokio::test]
async fn a_rehearsal_sends_nothing() {
    let crm = Vendor::answering(&[]).await;
    let config = http(crm.address, "dry_run = true");
    let rig = Rig::start(&config).await;
    let event = rig.send("crm", &[json!({})]).await;
    let rehearsed = rig.until(event, |record| record.delivery.state == State::DryRun);
    assert_eq!(rehearsed.await[0].attempts, 0);
    // From the next configuration on it is in earnest.
    rig.reload(&config.replace("true", "false"));
    let event = rig.send("crm", &[json!({ "body": 2 })]).await;
    rig.until_delivered(event).await;
    assert_eq!(crm.received(), [json!(2)]);
    rig.stop().await;
}

#[tokio::test]
async fn what_waits_for_a_variable_goes_when_it_is_set() {
    let crm = Vendor::answering(&[]).await;
    let config = http(
        crm.address,
        "headers = { Authorization = \"Bearer ${TOKEN}\" }",
    );
    let rig = Rig::start(&config).await;
    let event = rig.send("crm", &[json!({})]).await;
    rig.journal.flush().await.unwrap();
    assert_eq!(crm.received().len(), 0);
    let token = ("TOKEN".to_owned(), "t0ken-123".to_owned());
    rig.variables.0.lock().unwrap().extend([token]);
    rig.reload(&format!("{config}# now it is set"));
    let delivered = rig.until_delivered(event).await;
    assert_eq!(delivered[0].attempts, 1);
    rig.stop().await;
}

#[tokio::test]
async fn a_destination_that_comes_later_gets_what_waits_for_it() {
    let crm = Vendor::answering(&[]).await;
    let rig = Rig::start("").await;
    let event = rig.send("crm", &[json!({})]).await;
    rig.reload(&http(crm.address, ""));
    rig.until_delivered(event).await;
    // And one that is gone keeps what comes.
    rig.reload("");
    let event = rig.send("crm", &[json!({})]).await;
    let waiting = rig.journal.deliveries_of(event).await.unwrap();
    assert_eq!(waiting[0].delivery.state, State::Pending);
    rig.reload(&http(crm.address, "timeout = \"5s\""));
    rig.until_delivered(event).await;
    rig.stop().await;
}

#[tokio::test]
async fn a_destination_that_waits_for_a_person_is_probed_after_any_reload() {
    let crm = Vendor::answering(&[json!({ "status": 401 })]).await;
    let config = http(crm.address, "");
    let rig = Rig::start(&config).await;
    let event = rig.send("crm", &[json!({})]).await;
    rig.until_it_is("crm", DestinationState::Paused).await;
    rig.reload(&format!("{config}# the same settings"));
    // Long before the next probe.
    let delivered = rig.until_delivered(event).await;
    assert_eq!(delivered[0].attempts, 1);
    rig.stop().await;
}

#[tokio::test]
async fn a_reload_by_hand_has_a_paused_destination_go_on_though_nothing_changed() {
    let crm = Vendor::answering(&[json!({ "status": 403 })]).await;
    let set = WorkingSet::of_orders(crm.address);
    let server = Server::start(&set).await;
    server.post("/order", r#"{"id":1}"#).await;
    server
        .status_where(|status| status["destinations"][0]["state"] == "paused")
        .await;
    let reloaded = server.call("POST", "/api/reload", "").await;
    assert_eq!(reloaded.json()["reload"], "unchanged");
    server
        .status_where(|status| status["destinations"][0]["delivered"] == 1)
        .await;
    server.stop().await;
}

#[tokio::test]
async fn new_settings_hold_for_the_next_delivery() {
    let (old, new) = (Vendor::answering(&[]).await, Vendor::answering(&[]).await);
    let rig = Rig::start(&http(old.address, "")).await;
    let event = rig.send("crm", &[json!({})]).await;
    rig.until_delivered(event).await;
    // The worker waits for deliveries meanwhile, with the old settings in its hand.
    rig.reload(&http(new.address, ""));
    let event = rig.send("crm", &[json!({})]).await;
    rig.until_delivered(event).await;
    assert_eq!((old.received().len(), new.received().len()), (1, 1));
    rig.stop().await;
}
