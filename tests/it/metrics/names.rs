//! Every metric follows the conventions, stands in docs/operations.md, and is what alerts name.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use tagwerk::telemetry::{
    Attempt, Books, DeliveryCount, DestinationState, Exposition, Metrics, Snapshot, VendorAnswer,
};

use crate::support::metrics::{Described, Page};

/// A page on which every metric is.
fn whole() -> Page {
    let metrics = Metrics::new();
    metrics.client("order");
    metrics.tag("order");
    let crm = metrics.destination("crm");
    crm.request(VendorAnswer::Answered, Duration::from_millis(40), 12);
    crm.request(VendorAnswer::TimedOut, Duration::from_secs(10), 1);
    crm.attempted(Attempt::Delivered, 11);
    crm.attempted(Attempt::Retried, 1);
    let snapshot = Snapshot {
        destinations: vec![("crm".to_owned(), DestinationState::Paused)],
        books: Some(Books {
            deliveries: vec![DeliveryCount {
                tag: "order".to_owned(),
                destination: "crm".to_owned(),
                state: "pending",
                count: 7,
            }],
            gaps: vec![("order".to_owned(), -1)],
            oldest_undelivered: Some(1_000),
            ..Books::default()
        }),
        now: 3_500,
        ..Snapshot::default()
    };
    let page = metrics.page(&snapshot, Exposition::Prometheus).unwrap();
    Page::read(&page)
}

#[test]
fn what_dispatch_and_the_books_say_is_shown() {
    let page = whole();
    for (series, expected) in [
        (
            r#"destination_requests_total{destination="crm",outcome="answered"}"#,
            1.0,
        ),
        (
            r#"destination_requests_total{destination="crm",outcome="timed_out"}"#,
            1.0,
        ),
        (
            r#"destination_requests_total{destination="crm",outcome="gone"}"#,
            0.0,
        ),
        (
            r#"destination_request_duration_seconds_bucket{le="0.05",destination="crm"}"#,
            1.0,
        ),
        (
            r#"destination_request_duration_seconds_sum{destination="crm"}"#,
            10.04,
        ),
        (
            r#"destination_batch_deliveries_bucket{le="25.0",destination="crm"}"#,
            2.0,
        ),
        (
            r#"destination_batch_deliveries_sum{destination="crm"}"#,
            13.0,
        ),
        (
            r#"delivery_attempts_total{destination="crm",result="delivered"}"#,
            11.0,
        ),
        (
            r#"delivery_attempts_total{destination="crm",result="retried"}"#,
            1.0,
        ),
        (
            r#"destination_state{destination="crm",state="paused"}"#,
            1.0,
        ),
        (r#"destination_state{destination="crm",state="ready"}"#, 0.0),
        (
            r#"deliveries{tag="order",destination="crm",state="pending"}"#,
            7.0,
        ),
        (r#"invariant_gap_events{tag="order"}"#, -1.0),
        ("journal_oldest_undelivered_seconds", 2.5),
    ] {
        assert_eq!(
            page.value(&format!("tagwerk_{series}")),
            expected,
            "{series}"
        );
    }
}

/// What a name may end in: a unit, what is counted, or a word that is 0 or 1.
const ENDINGS: [&str; 11] = [
    "_seconds",
    "_bytes",
    "_records",
    "_deliveries",
    "_events",
    "_requests",
    "_fds",
    "_info",
    "_healthy",
    "_ok",
    "_state",
];

#[test]
fn names_follow_the_conventions() {
    let page = whole();
    assert!(page.metrics.len() > 30, "{}", page.metrics.len());
    for (name, Described { kind, help, labels }) in &page.metrics {
        let is_ours = name.starts_with("tagwerk_") || name.starts_with("process_");
        assert!(is_ours, "{name}");
        let is_counter = name.ends_with("_total");
        assert_eq!(kind == "counter", is_counter, "{name} is a {kind}");
        let has_ending = ENDINGS.iter().any(|ending| name.ends_with(ending));
        assert!(is_counter || has_ending, "what is {name} counted in?");
        assert!(
            ["counter", "gauge", "histogram"].contains(&kind.as_str()),
            "{name}"
        );
        assert!(help.len() > 10 && help.ends_with('.'), "{name}: {help}");
        let known = [
            "client",
            "status",
            "reason",
            "result",
            "tag",
            "destination",
            "outcome",
            "state",
            "generation",
            "version",
        ];
        let unknown: Vec<_> = labels
            .iter()
            .filter(|label| !known.contains(&&***label))
            .collect();
        assert_eq!(unknown, [""; 0], "{name}");
    }
}

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(path).unwrap()
}

fn row((name, metric): (&String, &Described)) -> String {
    let labels: Vec<&str> = metric.labels.iter().map(String::as_str).collect();
    let help = metric.help.trim_end_matches('.').replace('|', "\\|");
    format!(
        "| `{name}` | {} | {} | {help} |",
        metric.kind,
        labels.join(", ")
    )
}

#[test]
fn the_documentation_has_the_table() {
    let page = whole();
    let rows: Vec<String> = page.metrics.iter().map(row).collect();
    let expected = rows.join("\n");
    let documentation = read("docs/operations.md");
    assert!(
        documentation.contains(&expected),
        "put this into docs/operations.md:\n{expected}"
    );
    let rows_there = documentation
        .lines()
        .filter(|line| line.starts_with("| `tagwerk_") || line.starts_with("| `process_"));
    assert_eq!(rows_there.count(), rows.len());
}

/// The words of an expression that are names of metrics.
fn named(text: &str) -> BTreeSet<&str> {
    let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let words = text.split(|letter| !is_of_name(letter));
    words
        .filter(|word| word.starts_with("tagwerk_") || word.starts_with("process_"))
        .collect()
}

#[test]
fn alerts_name_metrics_that_there_are() {
    let page = whole();
    let alerts = read("deploy/alerts.yml");
    let rules = alerts
        .lines()
        .filter(|line| line.trim_start().starts_with("- alert:"));
    assert!(rules.count() >= 6);
    let named = named(&alerts);
    assert!(named.len() >= 6, "{named:?}");
    for name in named {
        let plain = ["_bucket", "_count", "_sum"]
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix))
            .unwrap_or(name);
        let is_there = page.metrics.contains_key(name) || page.metrics.contains_key(plain);
        assert!(is_there, "deploy/alerts.yml names {name}");
    }
}
