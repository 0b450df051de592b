//! A broken set is told about and never becomes live; a mended one does.

use serde_json::Value;

use crate::support::server::Server;
use crate::support::stand_in::StandIn;
use crate::support::working_set::{ORDER_CLIENT, WorkingSet};

/// A file, what is saved in it, and what the problem reads.
const BREAKAGES: [(&str, &str, &str); 6] = [
    (
        "clients/order.rhai",
        "const PATH = \"/order\";\nfn parse(request) {\n    #{ event_name: \n}\n",
        "clients/order.rhai:4:1",
    ),
    (
        "clients/order.rhai",
        "const PAHT = \"/order\";\nfn parse(request) { () }\n",
        "clients/order.rhai:1",
    ),
    (
        "tags/order.rhai",
        "const ON = \"order\";\nconst TO = \"crn\";\nfn tag(event) { () }\n",
        "tags/order.rhai:2",
    ),
    (
        "clients/other.rhai",
        "import \"circle\" as circle;\nconst PATH = \"/other\";\nfn parse(request) { () }\n",
        "circle → circle",
    ),
    (
        "clients/order.rhai",
        "\u{0}\u{1}\u{2}",
        "clients/order.rhai:1:1",
    ),
    ("tagwerk.toml", "[sever]\n", "tagwerk.toml:1"),
];

#[tokio::test]
async fn a_broken_set_is_told_about_and_the_one_before_it_stays() {
    let crm = StandIn::of("http").await;
    let set = WorkingSet::of_orders(crm.address)
        .with("shared/circle.rhai", "import \"circle\" as circle;\n");
    let server = Server::start(&set).await;
    let good = server.status().await["generation"].clone();
    for (file, text, expected) in BREAKAGES {
        let before = std::fs::read(set.file(file)).ok();
        set.write(file, text);
        let line = server
            .logged(|line| line["message"].as_str().unwrap().contains(expected))
            .await;
        assert_eq!(line["level"], "WARN");

        let status = server.status().await;
        assert_eq!(status["config_ok"], false);
        assert_eq!(status["generation"], good);
        let problems = status["problems"].as_array().unwrap();
        let told = problems
            .iter()
            .map(problem)
            .any(|text| text.contains(expected));
        assert!(told, "{problems:?}");
        let ready = server.get("/readyz").await;
        assert_eq!(
            (ready.status, &ready.json()["config_ok"]),
            (200, &false.into())
        );
        assert_eq!(server.post("/order", r#"{"id":1}"#).await.status, 200);

        match before {
            Some(before) => set.write(file, before),
            None => std::fs::remove_file(set.file(file)).unwrap(),
        }
        let status = server
            .status_where(|status| status["config_ok"] == true)
            .await;
        assert_eq!(status["problems"], Value::Array(Vec::new()));
        assert_eq!(
            status["generation"], good,
            "the same files are the same set"
        );
    }
    let other_path = ORDER_CLIENT.replace("/order", "/orders");
    set.write("clients/order.rhai", other_path);
    server
        .status_where(|status| status["generation"] != good)
        .await;
    assert_eq!(server.post("/order", "{}").await.status, 404);
    assert_eq!(server.post("/orders", r#"{"id":2}"#).await.status, 200);
    crm.wait_for(BREAKAGES.len() + 1).await;
    server.stop().await;
    crm.stop().await;
}

/// A problem as the log has it: where and what.
fn problem(problem: &Value) -> String {
    let places = ["line", "column"].map(|key| problem[key].as_u64().map(|n| format!(":{n}")));
    let place: String = places.into_iter().flatten().collect();
    let text = |key: &str| problem[key].as_str().unwrap();
    format!("{}{place} {}", text("file"), text("message"))
}
