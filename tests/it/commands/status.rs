//! `tagwerk status` of a server that runs, of one that needs a person, and of none.

use super::{BAD, NOWHERE};
use crate::support::command::{Ended, run};
use crate::support::server::Server;
use crate::support::stand_in::StandIn;
use crate::support::working_set::WorkingSet;

async fn status(set: &WorkingSet, server: &Server, more: &[&str]) -> Ended {
    let (address, admin) = (server.address, server.admin);
    let text = format!("server.listen = \"{address}\"\nadmin.listen = \"{admin}\"\n");
    set.write("running.toml", text);
    let arguments = [&["status", "--config", "running.toml"], more].concat();
    run(set.path(), &arguments).await
}

#[tokio::test]
async fn a_server_that_is_well_is_shown() {
    let crm = StandIn::of("http").await;
    let set = WorkingSet::of_orders(crm.address);
    let server = Server::start(&set).await;
    assert_eq!(server.post("/order", r#"{"id":1}"#).await.status, 200);
    server
        .status_where(|status| status["destinations"][0]["delivered"] == 1)
        .await;

    let ended = status(&set, &server, &[]).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    let mut lines = ended.stdout.lines();
    let first = lines.next().unwrap();
    assert!(first.starts_with("tagwerk 0.1.0: well, up for "), "{first}");
    let row = lines.find(|line| line.starts_with("crm ")).unwrap();
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(cells, ["crm", "http", "ready", "0", "1", "0"]);
    assert!(
        ended
            .stdout
            .contains("events   1 acknowledged, 0 not processed yet")
    );

    let json = status(&set, &server, &["--json"]).await;
    let (shown, asked) = (json.json(), server.status().await);
    assert_eq!(json.code, 0);
    for key in [
        "version",
        "started_at",
        "generation",
        "generation_since",
        "destinations",
    ] {
        assert_eq!(shown[key], asked[key]);
        assert!(!shown[key].is_null(), "{key}");
    }
    for key in ["size_bytes", "commit_p50_ms", "commit_p99_ms", "max_size"] {
        assert!(shown["journal"][key].as_f64() > Some(0.0), "{key}: {shown}");
    }

    let resumed = status(&set, &server, &["--resume", "no such/one?"]).await;
    assert_eq!(resumed.code, BAD, "{}", resumed.stdout);
    server.stop().await;

    let set = WorkingSet::of_orders(NOWHERE);
    let server = Server::start(&set).await;
    let address = server.admin;
    server.kill().await;
    set.write("tagwerk.toml", format!("admin.listen = \"{address}\"\n"));
    let nobody = run(set.path(), &["status"]).await;
    assert_eq!(nobody.code, BAD);
    assert!(
        nobody.stderr.contains("`tagwerk serve` starts it"),
        "{}",
        nobody.stderr
    );
}

#[tokio::test]
async fn what_needs_a_person_is_said_and_in_the_exit_code() {
    let tables = "[destinations.crm]\ntype = \"http\"\nurl = \"https://crm.test/\"\n\
                  headers = { Authorization = \"Bearer ${CRM_TOKEN}\" }\n";
    let set = WorkingSet::new(tables)
        .with(
            "clients/order.rhai",
            crate::support::working_set::ORDER_CLIENT,
        )
        .with("tags/order.rhai", crate::support::working_set::ORDER_TAG);
    let server = Server::start(&set).await;
    assert_eq!(
        status(&set, &server, &[]).await.code,
        0,
        "nothing waits yet"
    );

    server.post("/order", r#"{"id":1}"#).await;
    server
        .status_where(|status| status["destinations"][0]["pending"] == 1)
        .await;
    let ended = status(&set, &server, &[]).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (BAD, ""));
    let expected = "needs you\n  crm is not configured: not set: $CRM_TOKEN; 1 delivery wait";
    assert!(ended.stdout.contains(expected), "{}", ended.stdout);
    let resumed = status(&set, &server, &["--resume", "crm"]).await;
    assert_eq!(resumed.code, BAD);
    let expected = "crm is not configured: set $CRM_TOKEN";
    assert!(resumed.stderr.contains(expected), "{}", resumed.stderr);

    set.write("tags/order.rhai", "const WEHN = 1;\n");
    server.call("POST", "/api/reload", "").await;
    let ended = status(&set, &server, &["--json"]).await;
    assert_eq!(
        (ended.code, &ended.json()["config_ok"]),
        (BAD, &false.into())
    );
    let ended = status(&set, &server, &[]).await;
    assert!(
        ended.stdout.contains("tags/order.rhai:1:7: "),
        "{}",
        ended.stdout
    );
    assert!(
        ended.stdout.contains("did you mean `WHEN`?"),
        "{}",
        ended.stdout
    );
    server.stop().await;
}
