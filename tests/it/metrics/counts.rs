//! Counts are right after requests of each kind, and no sender can add a series.

use crate::support::metrics::Page;
use crate::support::raw::{Raw, request};
use crate::support::server::Server;
use crate::support::stand_in::StandIn;
use crate::support::working_set::{WorkingSet, http_destination};

const BROKEN_CLIENT: &str = "const PATH = \"/broken\";\nfn parse(request) { throw \"no\" }\n";
const PAIR_CLIENT: &str = "const PATH = \"/pair\";\n\
    fn parse(request) { [#{ event_name: \"a\" }, #{ event_name: request.json.name }] }\n";
const ENDLESS_TAG: &str = "const ON = \"endless\";\nconst TO = \"crm\";\n\
    fn tag(event) { loop { } }\n";
const CHOOSY_TAG: &str = "const ON = \"order\";\nconst TO = \"crm\";\n\
    const WHEN = #{ order_id: #{ gt: 1 } };\nfn tag(event) { skip(\"never\") }\n";

#[tokio::test]
async fn each_kind_of_request_is_counted_once_and_where_it_belongs() {
    let crm = StandIn::of("http").await;
    let set = WorkingSet::of_orders(crm.address)
        .with("clients/broken.rhai", BROKEN_CLIENT)
        .with("clients/pair.rhai", PAIR_CLIENT)
        .with("tags/endless.rhai", ENDLESS_TAG)
        .with("tags/choosy.rhai", CHOOSY_TAG);
    let server = Server::start(&set).await;
    for (path, body, status) in [
        ("/order", r#"{"id":1}"#, 200),
        ("/order", r#"{"id":2}"#, 200),
        ("/order", r#"{"id":3}"#, 200),
        ("/order", "not json", 400),
        ("/pair", r#"{"name":"endless"}"#, 200),
        ("/broken", "{}", 202),
        ("/nowhere", "{}", 404),
        ("/nowhere/else", "{}", 404),
    ] {
        assert_eq!(server.post(path, body).await.status, status, "{path}");
    }
    assert_eq!(server.get("/order").await.status, 405);
    assert_eq!(server.get("/healthz").await.status, 200);
    assert_eq!(
        refused(&server, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n").await,
        400
    );
    assert_eq!(
        refused(&server, "GET / HTTP/3.0\r\nHost: a\r\n\r\n").await,
        505
    );
    crm.wait_for(3).await;
    server
        .status_where(|status| status["destinations"][0]["delivered"] == 3)
        .await;
    server
        .status_where(|status| status["destinations"][0]["dead"] == 1)
        .await;

    let page = Page::of(&server).await;
    for (series, expected) in [
        (r#"requests_total{client="order",status="2xx"}"#, 3.0),
        (r#"requests_total{client="order",status="4xx"}"#, 1.0),
        (r#"requests_total{client="order",status="5xx"}"#, 0.0),
        (r#"requests_total{client="pair",status="2xx"}"#, 1.0),
        (r#"requests_total{client="broken",status="2xx"}"#, 1.0),
        (r#"requests_total{client="",status="4xx"}"#, 3.0),
        (r#"requests_total{client="",status="2xx"}"#, 0.0),
        (r#"request_duration_seconds_count{client="order"}"#, 4.0),
        (
            r#"request_duration_seconds_bucket{le="+Inf",client="order"}"#,
            4.0,
        ),
        (r#"requests_refused_total{reason="malformed"}"#, 1.0),
        (r#"requests_refused_total{reason="unsupported"}"#, 1.0),
        (r#"requests_refused_total{reason="journal_full"}"#, 0.0),
        (r#"requests_kept_total{client="broken"}"#, 1.0),
        (r#"requests_kept_total{client="order"}"#, 0.0),
        (r#"events_acknowledged_total{client="order"}"#, 3.0),
        (r#"events_acknowledged_total{client="pair"}"#, 2.0),
        (r#"duplicates_suppressed_total{client="order"}"#, 0.0),
        (r#"client_runs_total{client="order",result="ok"}"#, 3.0),
        (r#"client_runs_total{client="order",result="refused"}"#, 1.0),
        (r#"client_runs_total{client="broken",result="failed"}"#, 1.0),
        (r#"tag_runs_total{tag="order",result="fired"}"#, 3.0),
        (r#"tag_runs_total{tag="choosy",result="filtered"}"#, 3.0),
        (r#"tag_runs_total{tag="endless",result="failed"}"#, 1.0),
        ("journal_healthy", 1.0),
        ("journal_events_total", 5.0),
        ("journal_unprocessed_events", 0.0),
        ("journal_failed_requests", 1.0),
        ("journal_oldest_undelivered_seconds", 0.0),
        ("journal_max_size_bytes", 10.0 * 1_024.0 * 1_024.0 * 1_024.0),
        (
            r#"deliveries{tag="order",destination="crm",state="delivered"}"#,
            3.0,
        ),
        (
            r#"deliveries{tag="endless",destination="crm",state="dead"}"#,
            1.0,
        ),
        (r#"invariant_gap_events{tag="order"}"#, 0.0),
        (
            r#"destination_requests_total{destination="crm",outcome="answered"}"#,
            3.0,
        ),
        (r#"destination_state{destination="crm",state="ready"}"#, 1.0),
        (
            r#"destination_state{destination="crm",state="paused"}"#,
            0.0,
        ),
        (r#"reloads_total{result="live"}"#, 0.0),
        ("config_ok", 1.0),
        (r#"build_info{version="0.1.0"}"#, 1.0),
    ] {
        assert_eq!(
            page.value(&format!("tagwerk_{series}")),
            expected,
            "{series}"
        );
    }
    // A loop without end is stopped by whichever limit comes first on this machine.
    assert_eq!(killed(&page, "time") + killed(&page, "steps"), 1.0);
    for series in [
        "tagwerk_journal_size_bytes",
        "tagwerk_journal_commit_duration_seconds_count",
        "tagwerk_journal_commit_records_sum",
        r#"tagwerk_client_run_seconds_total{client="order"}"#,
        r#"tagwerk_tag_run_seconds_total{tag="endless"}"#,
        r#"tagwerk_tag_run_seconds_total{tag="order"}"#,
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_start_time_seconds",
        "process_cpu_seconds_total",
    ] {
        assert!(page.value(series) > 0.0, "{series}");
    }
    assert!(page.value("process_resident_memory_bytes") > 1e6);

    set.write("tags/endless.rhai", "fn tag(");
    server.call("POST", "/api/reload", "").await;
    set.write("tags/endless.rhai", ENDLESS_TAG.replace("loop { }", "()"));
    server.call("POST", "/api/reload", "").await;
    let page = Page::of(&server).await;
    let reloads = ["refused", "live"]
        .map(|word| page.value(&format!("tagwerk_reloads_total{{result=\"{word}\"}}")));
    assert_eq!(reloads, [1.0, 1.0]);
    server.stop().await;
}

fn killed(page: &Page, reason: &str) -> f64 {
    page.value(&format!(
        "tagwerk_script_killed_total{{reason=\"{reason}\"}}"
    ))
}

async fn refused(server: &Server, head: &str) -> u16 {
    let mut raw = Raw::connect(server.address).await;
    raw.send(head).await.answer().await.unwrap().status
}

#[tokio::test]
async fn previews_are_requests_but_no_traffic() {
    let crm = StandIn::of("http").await;
    let set = WorkingSet::of_orders(crm.address);
    let server = Server::start(&set).await;
    let token = server.open_session("{}").await;
    let header = format!("X-Preview: {token}");
    let answer = server
        .send("POST", "/order", &[&header], r#"{"id":1}"#)
        .await;
    assert_eq!(answer.status, 200);
    let page = Page::of(&server).await;
    let requests = r#"tagwerk_requests_total{client="order",status="2xx"}"#;
    assert_eq!(page.value(requests), 1.0);
    let events = r#"tagwerk_events_acknowledged_total{client="order"}"#;
    assert_eq!(page.value(events), 0.0);
    let runs = r#"tagwerk_client_runs_total{client="order",result="ok"}"#;
    assert_eq!(page.value(runs), 0.0);
    server.stop().await;
}

/// Of each, so many requests with a path, an event name and a header of their own.
const DISTINCT: usize = 300;

#[tokio::test]
async fn no_sender_can_add_a_series() {
    let crm = StandIn::of("http").await;
    let set = WorkingSet::of_orders(crm.address)
        .with("clients/pair.rhai", PAIR_CLIENT)
        .with(
            "clients/any.rhai",
            "const PATH = \"/any/*\";\nfn parse(request) { () }\n",
        );
    let server = Server::start(&set).await;
    let all = async |count: usize| {
        let mut raw = Raw::connect(server.address).await;
        for number in 0..count {
            let agent = format!("User-Agent: agent\"\\{number}{{}}");
            let body = format!(r#"{{"name":"event\n{number}\"}}"}}"#);
            for (method, path) in [
                ("POST", "/pair".to_owned()),
                ("POST", format!("/any/{number}")),
                ("GET", format!("/{number}")),
            ] {
                let body = if method == "POST" { &*body } else { "" };
                raw.send(request(method, &path, &[&agent], body)).await;
                raw.answer().await.unwrap();
            }
        }
    };
    all(1).await;
    server
        .status_where(|status| status["journal"]["unprocessed"] == 0)
        .await;
    let before = Page::of(&server).await;
    all(DISTINCT).await;
    server
        .status_where(|status| status["journal"]["unprocessed"] == 0)
        .await;
    let after = Page::of(&server).await;
    let new: Vec<&String> = after
        .series
        .keys()
        .filter(|series| !before.series.contains_key(*series))
        .collect();
    assert_eq!(new, [""; 0]);
    assert_eq!(after.len(), before.len());
    let unclaimed = r#"tagwerk_requests_total{client="",status="4xx"}"#;
    assert_eq!(after.value(unclaimed), 1.0 + DISTINCT as f64);
    server.stop().await;
}

#[tokio::test]
async fn odd_names_of_files_are_escaped() {
    let name = "od\"d\\ =1}{,";
    let client = format!("clients/{name}.rhai");
    let set = WorkingSet::new(&http_destination("crm", "127.0.0.1:9".parse().unwrap())).with(
        &client,
        "const PATH = \"/odd\";\nfn parse(request) { () }\n",
    );
    let server = Server::start(&set).await;
    assert_eq!(server.post("/odd", "{}").await.status, 200);
    let page = Page::of(&server).await;
    let series = r#"tagwerk_requests_total{client="od\"d\\ =1}{,",status="2xx"}"#;
    assert_eq!(page.value(series), 1.0);
    server.stop().await;
}

#[tokio::test]
async fn the_page_is_there_while_the_journal_is_not() {
    let crm = StandIn::of("http").await;
    let set = WorkingSet::of_orders(crm.address);
    let server = Server::start_on_small_disk(&set, 400).await;
    let body = format!(r#"{{"id":"{}"}}"#, "x".repeat(20_000));
    while server.post("/order", &body).await.status == 200 {}
    let page = Page::of(&server).await;
    assert_eq!(page.value("tagwerk_journal_healthy"), 0.0);
    let failed = r#"tagwerk_requests_refused_total{reason="journal_failed"}"#;
    assert!(page.value(failed) >= 1.0);
    let server_errors = r#"tagwerk_requests_total{client="order",status="5xx"}"#;
    assert!(page.value(server_errors) >= 1.0);
    let status = server.status().await;
    assert_eq!(status["journal"]["healthy"], false);
    server.kill().await;
}

#[tokio::test]
async fn prometheus_gets_openmetrics_if_it_asks_for_it() {
    let set = WorkingSet::new("");
    let server = Server::start(&set).await;
    let host = format!("Host: {}", server.admin);
    let authorization = format!("Authorization: Bearer {}", server.admin_token);
    let accept = "Accept: application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1";
    let answer = server
        .call_with("GET", "/metrics", &[&host, &authorization, accept], "")
        .await;
    let kind = answer.header("content-type").unwrap();
    assert_eq!(
        kind,
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    assert!(answer.body.ends_with("\n# EOF\n"));
    assert!(answer.body.contains("# TYPE tagwerk_requests counter\n"));
    assert!(answer.body.contains("# TYPE tagwerk_build info\n"));
    assert!(
        answer
            .body
            .contains("# UNIT tagwerk_journal_size_bytes bytes\n")
    );
    server.stop().await;
}
