//! What sessions do and do not do: dry ones leave no trace in the world, sending ones deliver.

use serde_json::json;

use super::{ORDER, Scene, TRACE_TYPE};
use crate::support::server::Server;

#[tokio::test]
async fn a_dry_session_sends_nothing_and_journals_nothing() {
    let scene = Scene::start().await;
    let token = scene.server.open_session("{}").await;
    for _ in 0..3 {
        scene.trace(&token, &[]).await;
    }
    let status = scene.server.status().await;
    assert_eq!(status["journal"]["events"], 0);
    assert_eq!(status["deliveries"], json!([]));
    // What comes after them arrives, and arrives alone.
    assert_eq!(scene.order(&[]).await.status, 200);
    scene.vendor.wait_for(4).await;
    let delivered = |status: &serde_json::Value| {
        let deliveries = status["deliveries"].as_array().unwrap();
        let delivered = deliveries.iter().filter(|one| one["state"] == "delivered");
        delivered
            .map(|one| one["count"].as_u64().unwrap())
            .sum::<u64>()
    };
    let status = scene
        .server
        .status_where(|status| delivered(status) == 4)
        .await;
    assert_eq!(status["journal"]["events"], 1);
    assert_eq!(scene.vendor.emulator.received().len(), 4);
    scene.stop().await;
}

#[tokio::test]
async fn a_session_that_sends_really_delivers() {
    let scene = Scene::start().await;
    scene.set.write(
        "tags/rehearsed.rhai",
        "const ON = \"purchase\";\nconst TO = \"crm\";\nconst PREVIEW = \"dry_run\";\nfn tag(event) { #{ body: \"rehearsed\" } }\n",
    );
    let before = scene.server.status().await["generation"].clone();
    scene
        .server
        .status_where(|status| status["generation"] != before)
        .await;
    let token = scene.server.open_session(r#"{"send":true}"#).await;
    let trace = scene.trace(&token, &[]).await;
    assert_eq!(trace["mode"], "send");
    let states: Vec<_> = trace["events"][0]["tags"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|tag| {
            Some((
                tag["name"].as_str()?,
                tag["deliveries"][0]["state"].as_str()?,
            ))
        })
        .collect();
    assert!(states.contains(&("crm", "pending")), "{states:?}");
    assert!(states.contains(&("rehearsed", "dry_run")), "{states:?}");
    scene.vendor.wait_for(4).await;
    let status = scene.server.status().await;
    assert_eq!(status["journal"]["events"], 1);
    let texts: Vec<_> = scene.vendor.emulator.received();
    assert!(texts.iter().all(|one| one.body != "rehearsed"));
    scene.stop().await;
}

#[tokio::test]
async fn the_draft_set_is_for_preview_only() {
    let scene = Scene::start().await;
    let draft_client = super::CLIENT
        .replace("\"purchase\"", "\"draft_purchase\"")
        .replace(
            "\"/order_created\"",
            "[\"/order_created\", \"/only_in_draft\"]",
        );
    scene.set.write("draft/clients/shop.rhai", draft_client);
    let draft_tag =
        "const ON = \"*\";\nconst TO = \"crm\";\nfn tag(event) { #{ body: \"draft\" } }\n";
    scene.set.write("draft/tags/crm.rhai", draft_tag);
    let reload = scene.server.call("POST", "/api/reload", "").await;
    assert_eq!(reload.status, 200);

    let token = scene.server.open_session("{}").await;
    let trace = scene.trace(&token, &[]).await;
    assert_eq!(trace["events"][0]["data"]["event_name"], "draft_purchase");
    let tags = trace["events"][0]["tags"].as_array().unwrap();
    assert_eq!(tags.len(), 1);
    let live = scene.server.status().await["generation"].clone();
    assert_ne!(trace["generation"], live);

    let only = "/only_in_draft";
    let with = [format!("X-Preview: {token}"), TRACE_TYPE.to_owned()];
    let with: Vec<&str> = with.iter().map(String::as_str).collect();
    let trace = scene.server.send("POST", only, &with, ORDER).await.json();
    assert_eq!(trace["response"]["status"], 200);
    assert_eq!(scene.server.post(only, ORDER).await.status, 404);

    assert_eq!(scene.order(&[]).await.status, 200);
    scene.vendor.wait_for(4).await;
    let received = scene.vendor.emulator.received();
    assert!(
        received.iter().all(|one| one.body != "draft"),
        "live traffic is not drafted"
    );
    scene.stop().await;
}

#[tokio::test]
async fn sessions_are_few_and_end() {
    let scene = Scene::start().await;
    let open = async || {
        scene
            .server
            .call("POST", "/api/preview/sessions", "{}")
            .await
    };
    let first = open().await.json();
    for _ in 1..5 {
        assert_eq!(open().await.status, 200);
    }
    assert_eq!(open().await.status, 409);
    let path = format!("/api/preview/sessions/{}", first["id"].as_str().unwrap());
    let token = format!("X-Preview: {}", first["token"].as_str().unwrap());
    assert!(
        scene
            .order(&[&token])
            .await
            .header("x-preview-trace")
            .is_some()
    );
    assert_eq!(scene.server.call("DELETE", &path, "").await.status, 200);
    assert_eq!(scene.server.call("DELETE", &path, "").await.status, 404);
    assert!(
        scene
            .order(&[&token])
            .await
            .header("x-preview-trace")
            .is_none()
    );
    let list = scene.server.call("GET", "/api/preview/sessions", "").await;
    assert_eq!(list.json().as_array().unwrap().len(), 4);
    assert!(!list.body.contains("token"), "a token is told once");

    // They are kept in memory only.
    let Scene { server, set, .. } = scene;
    server.kill().await;
    let server = Server::start(&set).await;
    assert_eq!(
        server.call("GET", "/api/preview/sessions", "").await.json(),
        json!([])
    );
    server.stop().await;
}
